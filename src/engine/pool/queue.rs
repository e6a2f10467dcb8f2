//! Who waits, and whose turn it is. Pure: bounded in number and in bytes, fair between clients by
//! taking turns; within a client's jobs those go first that a free session is prepared for. A client whose
//! source cost a session loses turns to the others.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Instant;

use crate::engine::evaluate::SubmitError;
use crate::engine::pool::settings::QueueLimits;
use crate::limits::CancelFlag;

/// Something that waits for a session.
#[derive(Debug)]
pub(crate) struct Entry<T> {
    pub(crate) item: T,
    /// For whom; turns are taken between clients.
    pub(crate) client: Arc<str>,
    /// Its header by hash; none if it has no header, which every session is prepared for.
    pub(crate) header: Option<u64>,
    pub(crate) bytes: usize,
    pub(crate) arrived: Instant,
    pub(crate) queue_deadline: Instant,
    /// The end of the whole, also when it runs.
    pub(crate) client_deadline: Instant,
    /// Set when its client has gone away.
    pub(crate) cancel: CancelFlag,
    /// Whether it needs a session that has evaluated nothing.
    pub(crate) needs_fresh: bool,
    /// Whether it is a lease, which may outlast `queue_deadline`.
    pub(crate) is_lease: bool,
    /// Whether it has lost a session already.
    pub(crate) was_tried: bool,
    /// How often a later one was taken before it.
    pub(crate) passed_over: u8,
}

impl<T> Entry<T> {
    /// Takes out what waits, and puts something else in its place.
    pub(crate) fn replace<U>(self, item: U) -> (T, Entry<U>) {
        let entry = Entry {
            item,
            client: self.client,
            header: self.header,
            bytes: self.bytes,
            arrived: self.arrived,
            queue_deadline: self.queue_deadline,
            client_deadline: self.client_deadline,
            cancel: self.cancel,
            needs_fresh: self.needs_fresh,
            is_lease: self.is_lease,
            was_tried: self.was_tried,
            passed_over: self.passed_over,
        };
        (self.item, entry)
    }

    /// Why it need not wait any more, if so.
    pub(crate) fn why_gone(&self, now: Instant) -> Option<SubmitError> {
        if self.cancel.is_set() {
            Some(SubmitError::Cancelled)
        } else if now >= self.queue_deadline {
            let waited = now.saturating_duration_since(self.arrived);
            Some(SubmitError::QueueTimeout { waited })
        } else {
            None
        }
    }
}

/// How an entry fits the sessions that are free now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fit {
    /// One of them is prepared for it.
    Well,
    /// One of them can take it, and no other session is or gets prepared for it.
    Fairly,
    /// One of them can take it.
    Barely,
    /// None can.
    Not,
}

/// A client that waits.
#[derive(Debug, Clone)]
pub(crate) struct Waiting {
    pub(crate) client: Arc<str>,
    /// When the first of its jobs came.
    pub(crate) since: Instant,
}

/// How far into a client's jobs is looked for one that fits better.
const LOOK: usize = 256;

/// How often a job is passed over for one that fits better.
const MOST_PASSED_OVER: u8 = 16;

/// The waiting room.
#[derive(Debug)]
pub(crate) struct Queue<T> {
    /// What each client has waiting; no empty ones.
    lanes: HashMap<Arc<str>, VecDeque<Entry<T>>>,
    /// The clients in the assignment of their turns.
    turns: VecDeque<Arc<str>>,
    /// Jobs that lost their session; they go first.
    urgent: VecDeque<Entry<T>>,
    /// How many turns each client still loses; never zero. Bounded, since each job of one client takes a turn
    /// off all others.
    lost_turns: HashMap<Arc<str>, u32>,
    /// The most that waits.
    limits: QueueLimits,
    length: usize,
    /// What the sources in lanes hold, in bytes.
    bytes: usize,
}

impl<T> Queue<T> {
    /// An empty one.
    pub(crate) fn new(limits: QueueLimits) -> Self {
        Self {
            lanes: HashMap::new(),
            turns: VecDeque::new(),
            urgent: VecDeque::new(),
            lost_turns: HashMap::new(),
            limits,
            length: 0,
            bytes: 0,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.length + self.urgent.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Lets an entry wait.
    ///
    /// # Errors
    /// The entry itself if there is no room.
    pub(crate) fn push(&mut self, entry: Entry<T>) -> Result<(), Entry<T>> {
        let is_full = self.length >= self.limits.jobs.max(1);
        let bytes = self.bytes.saturating_add(entry.bytes);
        if is_full || (self.length > 0 && bytes > self.limits.bytes.to_usize()) {
            return Err(entry);
        }
        self.length += 1;
        self.bytes = bytes;
        let lane = self.lanes.entry(Arc::clone(&entry.client)).or_default();
        if lane.is_empty() {
            self.turns.push_back(Arc::clone(&entry.client));
        }
        lane.push_back(entry);
        Ok(())
    }

    /// Lets an entry wait that had a session already. Always has room: there are no more of these
    /// than sessions.
    pub(crate) fn push_urgent(&mut self, entry: Entry<T>) {
        self.urgent.push_back(entry);
    }

    /// Lets a client lose turns: so many jobs of others go before its next one, as far as others have jobs
    /// that fit. It loses no more at a time than this, however often it is charged.
    pub(crate) fn charge(&mut self, client: &Arc<str>, turns: u32) {
        let lost = self.lost_turns.entry(Arc::clone(client)).or_default();
        *lost = turns.max(*lost);
    }

    /// Who waits with a job that does not need a fresh session; each client once.
    pub(crate) fn waiting(&self) -> Vec<Waiting> {
        let mut waiting: Vec<Waiting> = Vec::new();
        let lanes = self.lanes.values().filter_map(|lane| {
            let mut lane = lane.iter();
            lane.find(|entry| !entry.needs_fresh)
        });
        let urgent = self.urgent.iter().filter(|entry| !entry.needs_fresh);
        for entry in lanes.chain(urgent) {
            let since = entry.arrived;
            match waiting.iter_mut().find(|it| it.client == entry.client) {
                Some(known) => known.since = known.since.min(since),
                None => waiting.push(Waiting {
                    client: Arc::clone(&entry.client),
                    since,
                }),
            }
        }
        waiting
    }

    /// Takes out the entry whose turn it is among those that fit.
    pub(crate) fn pop(&mut self, fit: impl Fn(&Entry<T>) -> Fit) -> Option<Entry<T>> {
        let entry = self
            .pop_of(false, &fit)
            .or_else(|| self.pop_of(true, &fit))?;
        self.lost_turns.retain(|client, lost| {
            if *client != entry.client {
                *lost = lost.saturating_sub(1);
            }
            *lost > 0
        });
        Some(entry)
    }

    /// The same among clients that lose turns, or among the others.
    fn pop_of(&mut self, loses_turns: bool, fit: &impl Fn(&Entry<T>) -> Fit) -> Option<Entry<T>> {
        let lost = &self.lost_turns;
        let is_next = |entry: &Entry<T>| {
            lost.contains_key(&entry.client) == loses_turns && fit(entry) != Fit::Not
        };
        if let Some(at) = self.urgent.iter().position(is_next) {
            return self.urgent.remove(at);
        }
        for turn in 0..self.turns.len() {
            let Some(client) = self.turns.get(turn) else {
                break;
            };
            if self.lost_turns.contains_key(client) != loses_turns {
                continue;
            }
            let Some(lane) = self.lanes.get_mut(client) else {
                continue;
            };
            if let Some(at) = choose(lane, fit) {
                let entry = lane.remove(at)?;
                for passed in lane.iter_mut().take(at) {
                    passed.passed_over = passed.passed_over.saturating_add(1);
                }
                self.turn_over(turn);
                self.length = self.length.saturating_sub(1);
                self.bytes = self.bytes.saturating_sub(entry.bytes);
                return Some(entry);
            }
        }
        None
    }

    /// The client whose turn it was goes to the end, or away if it has nothing left.
    fn turn_over(&mut self, turn: usize) {
        let Some(client) = self.turns.remove(turn) else {
            return;
        };
        if self.lanes.get(&client).is_some_and(VecDeque::is_empty) {
            self.lanes.remove(&client);
        } else {
            self.turns.push_back(client);
        }
    }

    /// Takes out those whose clients have gone away.
    pub(crate) fn sweep(&mut self, now: Instant) -> Vec<(Entry<T>, SubmitError)> {
        let mut gone = Vec::new();
        sweep_lane(&mut self.urgent, now, &mut gone);
        let urgent = gone.len();
        for lane in self.lanes.values_mut() {
            sweep_lane(lane, now, &mut gone);
        }
        for (entry, _) in gone.iter().skip(urgent) {
            self.length = self.length.saturating_sub(1);
            self.bytes = self.bytes.saturating_sub(entry.bytes);
        }
        if gone.len() > urgent {
            self.lanes.retain(|_, lane| !lane.is_empty());
            self.turns.retain(|client| self.lanes.contains_key(client));
        }
        gone
    }

    pub(crate) fn take_all(&mut self) -> Vec<Entry<T>> {
        self.turns.clear();
        self.length = 0;
        self.bytes = 0;
        let urgent = std::mem::take(&mut self.urgent);
        let lanes = std::mem::take(&mut self.lanes).into_values().flatten();
        urgent.into_iter().chain(lanes).collect()
    }
}

/// The place of the entry to take from a lane: the first that fits best, unless one before it was passed
/// over too often.
fn choose<T>(lane: &VecDeque<Entry<T>>, fit: &impl Fn(&Entry<T>) -> Fit) -> Option<usize> {
    let mut fairly = None;
    let mut barely = None;
    for (at, entry) in lane.iter().enumerate().take(LOOK) {
        let found = fit(entry);
        if found == Fit::Well {
            return Some(at);
        }
        if found != Fit::Not && entry.passed_over >= MOST_PASSED_OVER {
            return Some(at);
        }
        match found {
            Fit::Fairly => fairly = fairly.or(Some(at)),
            Fit::Barely => barely = barely.or(Some(at)),
            Fit::Well | Fit::Not => {}
        }
    }
    fairly.or(barely)
}

/// Moves those whose clients have gone away out of a lane.
fn sweep_lane<T>(
    lane: &mut VecDeque<Entry<T>>,
    now: Instant,
    gone: &mut Vec<(Entry<T>, SubmitError)>,
) {
    if !lane.iter().any(|entry| entry.why_gone(now).is_some()) {
        return;
    }
    for entry in std::mem::take(lane) {
        match entry.why_gone(now) {
            Some(why) => gone.push((entry, why)),
            None => lane.push_back(entry),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;
    use crate::limits::Bytes;

    /// An entry of one byte that waits for an hour.
    fn entry(item: u32, client: &str, header: Option<u64>) -> Entry<u32> {
        Entry {
            item,
            client: Arc::from(client),
            header,
            bytes: 1,
            arrived: Instant::now(),
            queue_deadline: Instant::now() + Duration::from_secs(3600),
            client_deadline: Instant::now() + Duration::from_secs(3600),
            cancel: CancelFlag::default(),
            needs_fresh: false,
            is_lease: false,
            was_tried: false,
            passed_over: 0,
        }
    }

    /// A queue for so many.
    fn queue(jobs: usize) -> Queue<u32> {
        Queue::new(QueueLimits {
            jobs,
            bytes: Bytes::mib(1),
        })
    }

    #[test]
    fn clients_take_turns_however_many_jobs_one_has() {
        let mut queue = queue(100);
        for item in 0..50 {
            queue.push(entry(item, "greedy", None)).unwrap();
        }
        for item in [100, 101] {
            queue.push(entry(item, "modest", None)).unwrap();
        }
        let taken: Vec<u32> = std::iter::from_fn(|| queue.pop(|_| Fit::Well))
            .map(|entry| entry.item)
            .take(6)
            .collect();
        assert_eq!(taken, [0, 100, 1, 101, 2, 3]);
    }

    #[test]
    fn a_prepared_session_takes_its_header_first_but_passes_over_nobody_for_ever() {
        let mut queue = queue(100);
        queue.push(entry(0, "a", Some(7))).unwrap();
        for item in 1..=40 {
            queue.push(entry(item, "a", Some(8))).unwrap();
        }
        let fit = |entry: &Entry<u32>| match entry.header {
            Some(8) => Fit::Well,
            _ => Fit::Barely,
        };
        let taken: Vec<u32> = std::iter::from_fn(|| queue.pop(fit))
            .map(|entry| entry.item)
            .collect();
        assert_eq!(
            taken.iter().position(|item| *item == 0),
            Some(usize::from(MOST_PASSED_OVER))
        );
        assert_eq!(taken.len(), 41);
    }

    #[test]
    fn a_session_without_a_header_of_its_own_takes_one_that_no_other_session_has() {
        let mut queue = queue(100);
        for (item, header) in [(0, 7), (1, 7), (2, 8)] {
            queue.push(entry(item, "a", Some(header))).unwrap();
        }
        let fit = |entry: &Entry<u32>| match entry.header {
            Some(8) => Fit::Fairly,
            _ => Fit::Barely,
        };
        let taken: Vec<u32> = std::iter::from_fn(|| queue.pop(fit))
            .map(|entry| entry.item)
            .collect();
        assert_eq!(taken, [2, 0, 1]);
    }

    #[test]
    fn a_queue_is_bounded_in_bytes_too_but_takes_one_of_any_size() {
        let mut queue = queue(100);
        let large = |item| Entry {
            bytes: 2 << 20,
            ..entry(item, "a", None)
        };
        queue.push(large(0)).unwrap();
        assert!(queue.push(large(1)).is_err());
        assert!(queue.push(entry(2, "b", None)).is_err());
        queue.pop(|_| Fit::Barely).unwrap();
        queue.push(entry(2, "b", None)).unwrap();
    }

    #[test]
    fn jobs_without_a_client_leave_and_make_room() {
        let mut queue = queue(3);
        let now = Instant::now();
        queue.push(entry(0, "a", None)).unwrap();
        let late = Entry {
            queue_deadline: now,
            ..entry(1, "a", None)
        };
        queue.push(late).unwrap();
        let left = entry(2, "b", None);
        left.cancel.set();
        queue.push(left).unwrap();
        assert!(queue.push(entry(3, "c", None)).is_err());
        let mut gone: Vec<(u32, SubmitError)> = queue
            .sweep(now)
            .into_iter()
            .map(|(entry, why)| (entry.item, why))
            .collect();
        gone.sort_by_key(|(item, _)| *item);
        assert!(
            matches!(
                gone.as_slice(),
                [
                    (1, SubmitError::QueueTimeout { .. }),
                    (2, SubmitError::Cancelled)
                ]
            ),
            "{gone:?}"
        );
        queue.push(entry(3, "c", None)).unwrap();
        assert_eq!(queue.len(), 2);
    }

    /// What happens to a queue.
    #[derive(Debug, Clone)]
    enum Step {
        Push { client: u8, header: Option<u64> },
        Pop { header: u64, takes_others: bool },
        Cancel { client: u8 },
        Sweep,
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            4 => (0..4_u8, proptest::option::of(0..3_u64))
                .prop_map(|(client, header)| Step::Push { client, header }),
            3 => (0..3_u64, any::<bool>())
                .prop_map(|(header, takes_others)| Step::Pop { header, takes_others }),
            1 => (0..4_u8).prop_map(|client| Step::Cancel { client }),
            1 => Just(Step::Sweep),
        ]
    }

    proptest! {
        #[test]
        fn nothing_is_lost_doubled_or_over_the_bound(steps in proptest::collection::vec(step(), 0..200)) {
            const BOUND: usize = 10;
            let mut queue = queue(BOUND);
            let mut inside: HashMap<u32, (String, CancelFlag)> = HashMap::new();
            let mut next = 0;
            for step in steps {
                match step {
                    Step::Push { client, header } => {
                        let client = client.to_string();
                        let new = entry(next, &client, header);
                        let cancelled = new.cancel.clone();
                        match queue.push(new) {
                            Ok(()) => { inside.insert(next, (client, cancelled)); }
                            Err(entry) => {
                                prop_assert_eq!(entry.item, next);
                                prop_assert_eq!(inside.len(), BOUND);
                            }
                        }
                        next += 1;
                    }
                    Step::Pop { header, takes_others } => {
                        let other = if takes_others { Fit::Barely } else { Fit::Not };
                        let fit = |entry: &Entry<u32>| if entry.header == Some(header) { Fit::Well } else { other };
                        match queue.pop(fit) {
                            Some(entry) => {
                                prop_assert!(inside.remove(&entry.item).is_some());
                                prop_assert!(takes_others || entry.header == Some(header));
                            }
                            None => prop_assert!(!takes_others || inside.is_empty()),
                        }
                    }
                    Step::Cancel { client } => {
                        for (_, cancelled) in inside.values().filter(|(own, _)| *own == client.to_string()) {
                            cancelled.set();
                        }
                    }
                    Step::Sweep => {
                        for (entry, why) in queue.sweep(Instant::now()) {
                            prop_assert!(matches!(why, SubmitError::Cancelled));
                            prop_assert!(inside.remove(&entry.item).is_some());
                        }
                        prop_assert!(inside.values().all(|(_, cancelled)| !cancelled.is_set()));
                    }
                }
                prop_assert_eq!(queue.len(), inside.len());
                prop_assert!(queue.len() <= BOUND);
            }
            prop_assert_eq!(queue.take_all().len(), inside.len());
            prop_assert!(queue.is_empty());
        }

        #[test]
        fn no_client_waits_longer_than_one_round(
            counts in proptest::collection::vec(1..20_usize, 1..6),
            headers in proptest::collection::vec(0..3_u64, 100),
        ) {
            let mut queue = queue(1000);
            let mut headers = headers.into_iter().cycle();
            for (client, count) in counts.iter().enumerate() {
                for _ in 0..*count {
                    queue.push(entry(u32::try_from(client).unwrap(), &client.to_string(), headers.next())).unwrap();
                }
            }
            let mut left = counts.clone();
            while !queue.is_empty() {
                // In one round each client that has something waiting is served once.
                let waiting = left.iter().filter(|count| **count > 0).count();
                let mut served = Vec::new();
                for _ in 0..waiting {
                    let fit = |entry: &Entry<u32>| if entry.header == Some(1) { Fit::Well } else { Fit::Barely };
                    served.push(usize::try_from(queue.pop(fit).unwrap().item).unwrap());
                }
                served.sort_unstable();
                let expected: Vec<usize> = (0..left.len()).filter(|client| left[*client] > 0).collect();
                prop_assert_eq!(&served, &expected);
                for client in served {
                    left[client] -= 1;
                }
            }
        }
    }

    #[test]
    fn a_client_that_cost_a_session_lets_so_many_jobs_of_others_go_first_and_then_has_its_turn() {
        let mut queue = queue(100);
        for item in 0..3 {
            queue.push(entry(item, "costly", None)).unwrap();
        }
        for item in 10..16 {
            queue.push(entry(item, "b", None)).unwrap();
        }
        queue.push(entry(20, "c", None)).unwrap();
        queue.push_urgent(entry(9, "costly", None));
        queue.charge(&Arc::from("costly"), 4);
        let taken: Vec<u32> = std::iter::from_fn(|| queue.pop(|_| Fit::Well))
            .map(|entry| entry.item)
            .collect();
        assert_eq!(taken, [10, 20, 11, 12, 9, 0, 13, 1, 14, 2, 15]);
    }

    #[test]
    fn a_client_that_cost_a_session_is_served_where_no_other_can_be() {
        let mut queue = queue(100);
        queue.charge(&Arc::from("costly"), 9);
        queue.push(entry(0, "costly", None)).unwrap();
        queue.push(entry(1, "b", None)).unwrap();
        let fits = |entry: &Entry<u32>| match &*entry.client {
            "costly" => Fit::Well,
            _ => Fit::Not,
        };
        assert_eq!(queue.pop(fits).unwrap().item, 0);
        queue.push(entry(2, "costly", None)).unwrap();
        assert_eq!(queue.pop(|_| Fit::Well).unwrap().item, 1);
        assert_eq!(queue.pop(|_| Fit::Well).unwrap().item, 2);
    }

    proptest! {
        #[test]
        fn those_who_cost_a_session_wait_for_others_and_never_longer_than_their_turns(
            others in proptest::collection::vec(1..6_u32, 1..4),
            turns in 1..16_u32,
            again in 0..3_u32,
        ) {
            let mut queue = queue(1000);
            let mut next = 0;
            let mut push = |queue: &mut Queue<u32>, client: &str| {
                queue.push(entry(next, client, None)).unwrap();
                next += 1;
            };
            push(&mut queue, "costly");
            for (client, jobs) in others.iter().enumerate() {
                for _ in 0..*jobs {
                    push(&mut queue, &client.to_string());
                }
            }
            for _ in 0..=again {
                queue.charge(&Arc::from("costly"), turns);
            }
            let all: u32 = others.iter().sum();
            let order = std::iter::from_fn(|| queue.pop(|_| Fit::Barely));
            let place = order.map(|entry| entry.client).position(|client| &*client == "costly");
            let place = u32::try_from(place.unwrap()).unwrap();
            // At once those of others that it lost its turns to, and then at most one more of each.
            let most = turns + u32::try_from(others.len()).unwrap();
            prop_assert!(place >= turns.min(all) && place <= most.min(all), "{}", place);
            while queue.pop(|_| Fit::Barely).is_some() {}
            for client in ["0", "1"] {
                push(&mut queue, client);
            }
            for _ in 0..turns {
                push(&mut queue, "2");
            }
            while queue.pop(|_| Fit::Barely).is_some() {}
            prop_assert!(queue.lost_turns.is_empty());
        }
    }
}
