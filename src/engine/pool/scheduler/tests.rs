//! The scheduler with workers that are played: no threads, no processes, and a clock that is turned by
//! hand.

use std::collections::BTreeMap;
use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::engine::pool::settings::{QueueLimits, WearLimits};
use crate::engine::pool::worker_state::Finish;
use crate::failure::Kind;
use crate::limits::CancelFlag;
use crate::process::launch::Launch;
use crate::session::identity::{Identity, LeanRepl};
use crate::session::spec::SessionSpec;

/// What a played worker is at.
#[derive(Debug)]
enum Task {
    /// It starts a session.
    Start,
    /// It runs something.
    Run(Entry<u32>),
    /// It stops its session.
    Retire,
}

/// A scheduler and its workers.
struct Play {
    scheduler: Scheduler<u32>,
    tasks: Vec<Option<Task>>,
    sessions: Vec<bool>,
    /// The clients whose entries the session of each worker was given.
    given: Vec<Vec<Arc<str>>>,
    /// Whether sessions can put their memory back.
    is_restorable: bool,
    ended: Vec<bool>,
    answers: BTreeMap<u32, u32>,
    entries: u32,
    now: Instant,
    most: usize,
}

fn settings(sessions: usize, spares: usize) -> PoolSettings {
    let launch = Launch::new("repl");
    let identity = Identity {
        toolchain: String::new(),
        repl: String::new(),
        manifest: None,
    };
    PoolSettings {
        sessions,
        spares,
        wear: WearLimits {
            single_use: false,
            requests: Some(3),
            memory: None,
            age: Some(Duration::from_secs(40)),
            idle: Some(Duration::from_secs(20)),
            headers: 2,
        },
        queue: QueueLimits {
            jobs: 6,
            ..QueueLimits::default()
        },
        ..PoolSettings::new(SessionSpec::new(LeanRepl {
            launch,
            identity,
            expected_lean: None,
        }))
    }
}

fn failure() -> Failure {
    Failure::new(Kind::Session, "no start", "none")
}

impl Play {
    fn new(sessions: usize, spares: usize) -> Self {
        Self::with(settings(sessions, spares))
    }

    /// Sessions of some level.
    fn at((asked, single_use, is_restorable): Level, mut settings: PoolSettings) -> Self {
        let mut spec = SessionSpec::clone(&settings.spec);
        spec.isolation = asked;
        settings.spec = Arc::new(spec);
        settings.wear.single_use = single_use;
        let mut play = Self::with(settings);
        play.is_restorable = is_restorable;
        play
    }

    fn with(settings: PoolSettings) -> Self {
        let now = Instant::now();
        let workers = settings.sessions + settings.spares;
        Self {
            most: settings.sessions,
            scheduler: Scheduler::new(&Arc::new(settings), now),
            tasks: (0..workers).map(|_| None).collect(),
            sessions: vec![false; workers],
            given: vec![Vec::new(); workers],
            is_restorable: false,
            ended: vec![false; workers],
            answers: BTreeMap::new(),
            entries: 0,
            now,
        }
    }

    /// How the sessions hold their level.
    fn holding(&self) -> Holding {
        let settings = &self.scheduler.settings;
        Holding::choose(
            settings.spec.isolation,
            settings.wear.single_use,
            self.is_restorable,
        )
    }

    /// A session that has come up.
    fn opened(&self) -> Opened {
        Opened {
            lean_version: "4.27.0".to_owned(),
            resident: 1,
            held: Vec::new(),
            holding: self.holding(),
        }
    }

    /// Notes that an entry was answered.
    fn answer(&mut self, item: u32) {
        *self.answers.entry(item).or_default() += 1;
    }

    /// Hands in an entry that its client waits ten seconds for.
    fn submit(&mut self, client: u8, header: Option<u64>, is_lease: bool) -> u32 {
        let entry = Entry {
            header,
            needs_fresh: is_lease,
            is_lease,
            ..self.entry(client.to_string().into(), 10)
        };
        self.enter(entry)
    }

    /// Hands in an entry that its client waits so many seconds for.
    fn submit_for(&mut self, client: Arc<str>, seconds: u64) -> u32 {
        let entry = self.entry(client, seconds);
        self.enter(entry)
    }

    fn entry(&self, client: Arc<str>, seconds: u64) -> Entry<u32> {
        let end = self.now + Duration::from_secs(seconds);
        Entry {
            item: self.entries,
            client,
            header: None,
            bytes: 1,
            arrived: self.now,
            queue_deadline: end,
            client_deadline: end,
            cancel: CancelFlag::default(),
            needs_fresh: false,
            is_lease: false,
            was_tried: false,
            passed_over: 0,
        }
    }

    fn enter(&mut self, entry: Entry<u32>) -> u32 {
        let item = entry.item;
        self.entries += 1;
        if let Some((entry, _)) = self.scheduler.submit(entry, self.now) {
            self.answer(entry.item);
        }
        item
    }

    /// Lets a worker's thread take its assignment.
    fn take(&mut self, worker: usize) {
        if self.tasks[worker].is_some() || self.ended[worker] {
            return;
        }
        self.tasks[worker] = match self.scheduler.take_assignment(worker) {
            None => None,
            Some(Assignment::Start { .. }) => {
                assert!(!self.sessions[worker], "a second session in one worker");
                Some(Task::Start)
            }
            Some(Assignment::Run(entry)) => {
                assert!(self.sessions[worker], "work for a worker without a session");
                if entry.needs_fresh && !self.given[worker].is_empty() {
                    self.given[worker].clear();
                    let opened = self.opened();
                    self.scheduler.freshened(worker, opened, self.now);
                }
                self.given[worker].push(Arc::clone(&entry.client));
                let holding = self.holding();
                let given = &self.given[worker];
                assert!(
                    holding != Holding::SingleUse || given.len() == 1,
                    "a second source for a session of a single use"
                );
                assert!(
                    holding != Holding::ByClient || given.iter().all(|client| *client == given[0]),
                    "sources of two clients in one session: {given:?}"
                );
                Some(Task::Run(entry))
            }
            Some(Assignment::Retire) => Some(Task::Retire),
            Some(Assignment::Stop) => {
                self.sessions[worker] = false;
                self.ended[worker] = true;
                self.scheduler.gone(worker, None);
                None
            }
        };
    }

    /// Lets a worker come to the end of what it is at, well or badly.
    fn end(&mut self, worker: usize, is_well: bool) {
        match self.tasks[worker].take() {
            None => {}
            Some(Task::Start) if is_well => {
                self.sessions[worker] = true;
                self.given[worker].clear();
                let opened = self.opened();
                assert!(self.scheduler.hold(opened.holding).is_ok());
                self.scheduler.started(worker, opened, self.now);
            }
            Some(Task::Start) => {
                for (entry, _) in self.scheduler.start_failed(worker, failure(), self.now) {
                    self.answer(entry.item);
                }
            }
            Some(Task::Retire) => {
                self.sessions[worker] = false;
                self.scheduler.emptied(worker, self.now);
            }
            Some(Task::Run(entry)) => {
                // A job that failed once needs a fresh session, and fails for good there.
                let is_again = !is_well && !entry.needs_fresh;
                let item = entry.item;
                let finish = Finish {
                    ran: true,
                    lost: (!is_well || entry.is_lease).then_some(RecycleReason::Died),
                    at_fault: !is_well,
                    proven: entry.header.map(|hash| (hash, Arc::from("import A"))),
                    resident: 1,
                    again: is_again.then_some(Entry {
                        needs_fresh: true,
                        ..entry
                    }),
                };
                match self.scheduler.finished(worker, finish, self.now) {
                    Some(back) => self.answer(back.item),
                    None if is_again => {}
                    None => self.answer(item),
                }
            }
        }
    }

    /// Turns the clock and lets the supervisor look.
    fn tick(&mut self, seconds: u64) {
        self.now += Duration::from_secs(seconds);
        for (entry, _) in self.scheduler.tick(self.now) {
            self.answer(entry.item);
        }
    }

    /// Lets everything come to an end that can.
    fn settle(&mut self) {
        for _ in 0..20 {
            for worker in 0..self.tasks.len() {
                self.take(worker);
                self.end(worker, true);
            }
        }
    }

    /// What must hold at all times.
    fn check(&self) {
        let workers = self.scheduler.workers.iter();
        let active = workers.filter(|worker| worker.status.is_active()).count();
        assert!(active <= self.most, "{active} active");
        let mut places: BTreeMap<u32, u32> = self.answers.clone();
        let running = self.tasks.iter().filter_map(|task| match task {
            Some(Task::Run(entry)) => Some(entry.item),
            _ => None,
        });
        let assigned =
            self.scheduler
                .workers
                .iter()
                .filter_map(|worker| match &worker.assignment {
                    Some(Assignment::Run(entry)) => Some(entry.item),
                    _ => None,
                });
        for item in running.chain(assigned) {
            *places.entry(item).or_default() += 1;
        }
        assert!(places.values().all(|count| *count == 1), "{places:?}");
        let known = places.len() + self.scheduler.queue.len();
        assert_eq!(known, usize::try_from(self.entries).unwrap());
        for (worker, task) in self.scheduler.workers.iter().zip(&self.tasks) {
            assert!(
                worker.assignment.is_none() || task.is_none() || self.scheduler.is_draining,
                "an assignment for a worker that is at something else"
            );
        }
    }
}

/// What happens to a scheduler.
#[derive(Debug, Clone)]
enum Step {
    Submit {
        client: u8,
        header: Option<u64>,
        is_lease: bool,
    },
    Take(usize),
    End {
        worker: usize,
        is_well: bool,
    },
    Lost(usize),
    LostBefore(usize),
    Tick(u64),
}

/// What is asked for, whether each source has a session of its own, and whether sessions put memory back.
type Level = (Option<Isolation>, bool, bool);

fn level() -> impl Strategy<Value = Level> {
    let asked = proptest::option::of(prop::sample::select(Isolation::ALL.to_vec()));
    (asked, prop::bool::weighted(0.2), any::<bool>())
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0..3_u8, proptest::option::of(0..3_u64), prop::bool::weighted(0.15))
            .prop_map(|(client, header, is_lease)| Step::Submit { client, header, is_lease }),
        8 => (0..4_usize).prop_map(Step::Take),
        8 => (0..4_usize, prop::bool::weighted(0.8))
            .prop_map(|(worker, is_well)| Step::End { worker, is_well }),
        1 => (0..4_usize).prop_map(Step::Lost),
        1 => (0..4_usize).prop_map(Step::LostBefore),
        2 => (0..15_u64).prop_map(Step::Tick),
    ]
}

mod by_client;

proptest! {
    #[test]
    fn no_session_serves_two_and_nothing_is_lost_whatever_happens(
        sessions in 1..3_usize,
        spares in 0..3_usize,
        level in level(),
        steps in proptest::collection::vec(step(), 0..150),
    ) {
        let mut play = Play::at(level, settings(sessions, spares));
        let workers = sessions + spares;
        for step in steps {
            match step {
                Step::Submit { client, header, is_lease } => {
                    play.submit(client, header, is_lease);
                }
                Step::Take(worker) => play.take(worker % workers),
                Step::End { worker, is_well } => play.end(worker % workers, is_well),
                Step::Lost(worker) => {
                    let worker = worker % workers;
                    // Only a thread that has nothing to do looks after its session.
                    if play.sessions[worker] && play.tasks[worker].is_none() {
                        let back = play.scheduler.lost(worker, RecycleReason::Died, None, play.now);
                        prop_assert!(back.is_none());
                    }
                }
                Step::LostBefore(worker) => {
                    let worker = worker % workers;
                    if let Some(Task::Run(entry)) =
                        play.tasks[worker].take_if(|task| matches!(task, Task::Run(_)))
                    {
                        play.given[worker].pop();
                        let back = play.scheduler.lost(worker, RecycleReason::Died, Some(entry), play.now);
                        prop_assert!(back.is_none());
                    }
                }
                Step::Tick(seconds) => play.tick(seconds),
            }
            play.check();
        }
        for entry in play.scheduler.drain(play.now) {
            play.answer(entry.item);
        }
        play.check();
        play.settle();
        play.check();
        prop_assert!(play.scheduler.is_gone());
        prop_assert_eq!(play.answers.len(), usize::try_from(play.entries).unwrap());
    }

    #[test]
    fn a_pool_whose_sessions_come_up_gets_all_done(
        sessions in 1..3_usize,
        spares in 0..3_usize,
        level in level(),
        jobs in proptest::collection::vec((0..3_u8, proptest::option::of(0..3_u64), any::<bool>()), 1..6),
    ) {
        let mut play = Play::at(level, settings(sessions, spares));
        for (client, header, is_lease) in jobs {
            play.submit(client, header, is_lease);
        }
        play.settle();
        play.check();
        prop_assert!(play.answers.values().all(|count| *count == 1));
        prop_assert_eq!(play.answers.len(), usize::try_from(play.entries).unwrap());
        prop_assert_eq!(play.scheduler.state().queued, 0);
    }
}

#[test]
fn a_worn_session_works_on_until_its_spare_is_ready_and_never_longer_than_twice_its_time() {
    let mut play = Play::new(1, 1);
    play.take(0);
    play.end(0, true);
    play.take(1);
    let run = |play: &mut Play| {
        play.submit(0, None, false);
        play.take(0);
        play.end(0, true);
    };
    for _ in 0..4 {
        run(&mut play);
    }
    assert_eq!(play.scheduler.workers[0].status, Status::Idle);
    play.end(1, true);
    assert_eq!(play.scheduler.workers[0].status, Status::Leaving);
    assert_eq!(play.scheduler.workers[1].status, Status::Idle);
    assert_eq!(play.scheduler.restarts.of(RecycleReason::Requests), 1);

    let mut play = Play::new(1, 1);
    play.take(0);
    play.end(0, true);
    play.take(1);
    for _ in 0..6 {
        run(&mut play);
    }
    assert_eq!(play.scheduler.workers[0].status, Status::Leaving);
}

#[test]
fn a_session_that_works_is_not_given_up_while_no_other_can_start() {
    let mut play = Play::new(1, 1);
    play.take(0);
    play.end(0, true);
    play.take(1);
    play.end(1, false);
    for _ in 0..10 {
        play.submit(0, None, false);
        play.take(0);
        play.end(0, true);
    }
    assert_eq!(play.scheduler.workers[0].status, Status::Idle);
    // The pause is over, and the next start succeeds.
    play.tick(1);
    play.take(1);
    play.end(1, true);
    assert_eq!(play.scheduler.workers[0].status, Status::Leaving);
    assert_eq!(play.scheduler.workers[1].status, Status::Idle);
}

#[test]
fn sessions_without_spares_are_replaced_one_after_the_other() {
    let mut play = Play::new(2, 0);
    play.settle();
    for _ in 0..6 {
        let first = play.submit(0, None, false);
        let second = play.submit(1, None, false);
        for worker in [0, 1] {
            play.take(worker);
        }
        for worker in [0, 1] {
            play.end(worker, true);
        }
        assert_eq!((play.answers[&first], play.answers[&second]), (1, 1));
        let statuses = play.scheduler.workers.iter();
        assert!(
            statuses
                .filter(|worker| worker.status == Status::Leaving)
                .count()
                <= 1
        );
        play.settle();
    }
    assert_eq!(play.scheduler.restarts.of(RecycleReason::Requests), 4);
}

#[test]
fn a_job_that_lost_its_session_goes_before_all_others_unless_it_is_what_the_session_was_lost_by() {
    for (at_fault, first, second) in [(false, 0, 1), (true, 1, 0)] {
        let mut play = Play::new(1, 1);
        play.settle();
        let lost = play.submit(0, None, false);
        play.submit(1, None, false);
        play.take(0);
        let Some(Task::Run(entry)) = play.tasks[0].take() else {
            panic!("no job");
        };
        assert_eq!(entry.item, lost);
        let finish = Finish {
            ran: true,
            lost: Some(RecycleReason::Died),
            at_fault,
            proven: None,
            resident: 0,
            again: Some(Entry {
                needs_fresh: true,
                ..entry
            }),
        };
        assert!(play.scheduler.finished(0, finish, play.now).is_none());
        let mut order = Vec::new();
        for _ in 0..20 {
            for worker in 0..2 {
                play.take(worker);
                if let Some(Task::Run(entry)) = &play.tasks[worker] {
                    order.push(entry.item);
                }
                play.end(worker, true);
            }
        }
        assert_eq!(order, [first, second]);
    }
}

#[test]
fn one_start_that_is_killed_does_not_turn_away_those_who_wait_for_a_pool_that_has_worked() {
    let mut play = Play::new(1, 0);
    play.settle();
    play.submit(0, None, false);
    let waiting = play.submit(1, None, false);
    play.take(0);
    play.scheduler.finished(
        0,
        Finish {
            ran: true,
            lost: Some(RecycleReason::Died),
            at_fault: false,
            proven: None,
            resident: 0,
            again: None,
        },
        play.now,
    );
    play.tasks[0] = None;
    play.take(0);
    play.end(0, true);
    play.take(0);
    play.end(0, false);
    let late = play.submit(2, None, false);
    assert!(play.answers.is_empty());
    play.tick(1);
    play.settle();
    assert_eq!((play.answers[&waiting], play.answers[&late]), (1, 1));

    let mut play = Play::new(1, 0);
    play.settle();
    assert!(
        play.scheduler
            .lost(0, RecycleReason::Died, None, play.now)
            .is_none()
    );
    play.submit(0, None, false);
    play.take(0);
    play.end(0, true);
    for _ in 0..2 {
        play.tick(2);
        play.take(0);
        play.end(0, false);
    }
    assert_eq!(play.answers.len(), 1, "two starts in a row have failed");
}

#[test]
fn those_who_wait_are_told_when_the_first_start_has_failed() {
    let mut play = Play::new(2, 0);
    play.submit(0, None, false);
    play.take(0);
    play.take(1);
    assert!(play.answers.is_empty() && !play.scheduler.state().is_ready);
    play.end(0, false);
    assert_eq!(play.answers.len(), 1);
    // The other start is still under way and may succeed, but nothing waits for it.
    play.submit(0, None, false);
    assert_eq!(play.answers.len(), 2);
    play.end(1, true);
    assert!(play.scheduler.state().is_ready);
    play.submit(0, None, false);
    assert_eq!(play.answers.len(), 2);
}
