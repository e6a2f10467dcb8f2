//! Who does what: the slots, the queue, and every step from one state to the next. Pure: the time is
//! handed in, slots are told by orders that their threads take, and nothing is waited for.
//!
//! Two rules hold after each step: no more slots are active than there may be, and an order is given
//! to a slot only when its thread has nothing else to do.

mod losing;
mod settling;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::engine::pool::policy::{Pace, Reason, Starts, Wear};
use crate::engine::pool::queue::{Entry, Gone, Queue};
use crate::engine::pool::seat::{Finish, Order, Seat, Status};
use crate::engine::pool::settings::PoolSettings;
use crate::engine::pool::state::{PoolState, Restarts, Sessions};
use crate::failure::Failure;

/// Why an entry was not taken.
#[derive(Debug)]
pub(crate) enum Turned {
    /// The queue is full; when it is worth trying again.
    Full(Duration),
    /// The pool is shutting down.
    Draining,
    /// There is no session, and why.
    NoSession(Arc<Failure>),
}

/// The state of a pool.
#[derive(Debug)]
pub(crate) struct Board<T> {
    /// The slots.
    seats: Vec<Seat<T>>,
    /// Who waits.
    queue: Queue<T>,
    /// What it is made of.
    settings: Arc<PoolSettings>,
    /// When the next session may start.
    starts: Starts,
    /// How fast jobs get done.
    pace: Pace,
    /// The headers that were asked for last, latest first.
    recent: VecDeque<(u64, Arc<str>)>,
    /// How many sessions were replaced, and why.
    restarts: Restarts,
    /// How many texts were run to an end.
    finished: u64,
    /// How many texts were tried once more.
    retried: u64,
    /// Why the last start failed; gone after one that succeeded.
    failure: Option<Arc<Failure>>,
    /// The version that the last session said.
    lean_version: Option<String>,
    /// Whether no new work is taken.
    is_draining: bool,
}

impl<T> Board<T> {
    /// A pool of slots without sessions; the first ones are told to start.
    pub(crate) fn new(settings: &Arc<PoolSettings>, now: Instant) -> Self {
        let seats = settings.sessions.max(1) + settings.spares;
        let mut board = Self {
            seats: (0..seats).map(|_| Seat::new(now)).collect(),
            queue: Queue::new(settings.queue),
            settings: Arc::clone(settings),
            starts: Starts::new(
                settings.starts,
                settings.first_pause,
                settings.longest_pause,
            ),
            pace: Pace::default(),
            recent: VecDeque::new(),
            restarts: Restarts::default(),
            finished: 0,
            retried: 0,
            failure: None,
            lean_version: None,
            is_draining: false,
        };
        board.settle(now);
        board
    }

    /// Takes an entry in, or gives it back with the reason why there is no room for it.
    pub(crate) fn submit(&mut self, entry: Entry<T>, now: Instant) -> Option<(Entry<T>, Turned)> {
        if self.is_draining {
            return Some((entry, Turned::Draining));
        }
        if let Some(failure) = self.hopeless() {
            return Some((entry, Turned::NoSession(failure)));
        }
        let waiting = self.queue.len();
        if let Err(entry) = self.queue.push(entry) {
            let retry_after = self.pace.retry_after(waiting, now);
            return Some((entry, Turned::Full(retry_after)));
        }
        self.assign();
        None
    }

    /// Why there is no session, if starting one was tried and failed. A pool that has had sessions
    /// tries twice before it says so.
    fn hopeless(&self) -> Option<Arc<Failure>> {
        let is_live = self.seats.iter().any(|seat| seat.status.is_live());
        let has_worked = self.lean_version.is_some();
        let is_over = !is_live && (!has_worked || self.starts.keeps_failing());
        self.failure.clone().filter(|_| is_over)
    }

    /// A slot's session is proven.
    pub(crate) fn started(&mut self, seat: usize, opened: Opened, now: Instant) {
        self.starts.succeeded();
        self.failure = None;
        self.lean_version = Some(opened.lean_version);
        if let Some(seat) = self.seats.get_mut(seat) {
            seat.status = Status::Spare;
            seat.wear = Wear::new(now, opened.resident, opened.held.len());
            seat.held = opened.held;
        }
        self.settle(now);
    }

    /// A slot's session did not come up. Gives back those that need not wait any longer.
    pub(crate) fn start_failed(
        &mut self,
        seat: usize,
        failure: Failure,
        now: Instant,
    ) -> Vec<Entry<T>> {
        self.set_status(seat, Status::Empty);
        if !self.is_draining {
            self.starts.failed(now);
            self.restarts.add(Reason::Start);
            self.failure = Some(Arc::new(failure));
            // One of these headers may be what keeps sessions from coming up.
            self.recent.clear();
        }
        self.settle(now);
        match self.hopeless() {
            Some(_) => self.queue.take_all(),
            None => Vec::new(),
        }
    }

    /// A slot has done what it was to run. Gives back what was to be tried again but cannot be.
    pub(crate) fn finished(
        &mut self,
        seat: usize,
        finish: Finish<T>,
        now: Instant,
    ) -> Option<Entry<T>> {
        let Finish {
            ran,
            lost,
            proven,
            resident,
            again,
        } = finish;
        if ran && again.is_none() {
            self.pace.tick(now);
            self.finished += 1;
        }
        self.retried += u64::from(ran && again.is_some());
        if let Some((hash, text)) = &proven {
            self.remember(*hash, text);
        }
        let mut back = again;
        if let Some(entry) = back.take_if(|_| !self.is_draining) {
            self.queue.push_urgent(entry);
        }
        if let Some(seat) = self.seats.get_mut(seat) {
            seat.watch = None;
            seat.wear.requests += u64::from(ran);
            seat.wear.resident = resident;
            seat.wear.used = now;
            if let Some((hash, _)) = proven
                && !seat.held.contains(&hash)
            {
                seat.held.push(hash);
                seat.wear.headers = seat.held.len();
            }
            seat.status = Status::Idle;
            // A wish to stop that came when the text was just done has stopped the session for good.
            let stopped = seat.kill.is_set().then_some(Reason::Cancelled);
            // Not left to what is weighed between two texts: it never becomes free again.
            let is_used_up = self.settings.wear.single_use && !seat.is_fresh();
            let used_up = is_used_up.then_some(Reason::Requests);
            if let Some(reason) = lost.or(stopped).or(used_up) {
                seat.leave();
                self.restarts.add(reason);
            }
        }
        self.settle(now);
        back
    }

    /// Puts a header at the front of those that new sessions prove.
    fn remember(&mut self, hash: u64, text: &Arc<str>) {
        if let Some(at) = self.recent.iter().position(|(known, _)| *known == hash) {
            self.recent.remove(at);
        }
        self.recent.push_front((hash, Arc::clone(text)));
        self.recent.truncate(self.settings.warm_recent);
    }

    /// A session that waits for work was found alive, holding so much.
    pub(crate) fn measured(&mut self, seat: usize, resident: u64, now: Instant) {
        if let Some(seat) = self.seats.get_mut(seat) {
            seat.wear.resident = resident;
        }
        self.settle(now);
    }

    /// A slot has replaced its session in place, for an entry that needs a fresh one.
    pub(crate) fn freshened(&mut self, seat: usize, opened: Opened, now: Instant) {
        self.restarts.add(Reason::Leased);
        if let Some(seat) = self.seats.get_mut(seat) {
            seat.wear = Wear::new(now, opened.resident, opened.held.len());
            seat.held = opened.held;
        }
    }

    /// A client has got its lease, which ends when it likes.
    pub(crate) fn granted(&mut self, seat: usize) {
        if let Some(seat) = self.seats.get_mut(seat) {
            seat.watch = None;
        }
    }

    /// A slot has stopped its session as it was told.
    pub(crate) fn emptied(&mut self, seat: usize, now: Instant) {
        self.set_status(seat, Status::Empty);
        self.settle(now);
    }

    /// A slot's thread has ended, or could not be started.
    pub(crate) fn gone(&mut self, seat: usize, failure: Option<Failure>) {
        self.set_status(seat, Status::Gone);
        if let Some(seat) = self.seats.get_mut(seat) {
            seat.order = None;
            seat.watch = None;
            seat.wear.resident = 0;
        }
        if let Some(failure) = failure {
            self.failure = Some(Arc::new(failure));
        }
    }

    /// Stops sessions whose client has gone away or lost patience, and gives back those that nobody
    /// waits for any more. To be called every few milliseconds.
    pub(crate) fn tick(&mut self, now: Instant) -> Vec<(Entry<T>, Gone)> {
        for seat in &self.seats {
            if let Some(watch) = &seat.watch
                && (watch.cancelled.is_set() || now >= watch.until)
            {
                seat.kill.set();
            }
        }
        let gone = self.queue.sweep(now);
        self.settle(now);
        gone
    }

    /// Takes no more work, and gives back all that waits. What runs goes on.
    pub(crate) fn drain(&mut self, now: Instant) -> Vec<Entry<T>> {
        self.is_draining = true;
        for seat in &self.seats {
            if seat.status == Status::Starting {
                seat.kill.set();
            }
        }
        self.settle(now);
        self.queue.take_all()
    }

    /// Kills all sessions.
    pub(crate) fn kill_all(&mut self) {
        for seat in &self.seats {
            seat.kill.set();
        }
    }

    /// Whether a slot runs a text or is leased.
    pub(crate) fn is_working(&self) -> bool {
        let mut seats = self.seats.iter();
        seats.any(|seat| matches!(seat.status, Status::Busy | Status::Leased))
    }

    /// Whether nothing waits, runs or is on its way.
    pub(crate) fn is_calm(&self) -> bool {
        let mut seats = self.seats.iter();
        self.queue.is_empty()
            && seats
                .all(|seat| matches!(seat.status, Status::Idle | Status::Spare | Status::Leased))
    }

    /// Whether no slot has a thread any more.
    pub(crate) fn is_gone(&self) -> bool {
        self.seats.iter().all(|seat| seat.status == Status::Gone)
    }

    /// Whether no new work is taken.
    pub(crate) fn is_draining(&self) -> bool {
        self.is_draining
    }

    /// What a slot's thread is to do next.
    pub(crate) fn take_order(&mut self, seat: usize) -> Option<Order<T>> {
        self.seats.get_mut(seat)?.order.take()
    }

    /// The slots whose threads have something to do.
    pub(crate) fn ordered(&self) -> impl Iterator<Item = usize> {
        let seats = self.seats.iter().enumerate();
        seats.filter_map(|(index, seat)| seat.order.is_some().then_some(index))
    }

    /// How it is now.
    pub(crate) fn state(&self) -> PoolState {
        let mut sessions = Sessions::default();
        for seat in &self.seats {
            sessions.add(seat.status);
        }
        let resident = self.seats.iter().map(|seat| seat.wear.resident);
        PoolState {
            is_ready: !self.is_draining && self.seats.iter().any(|seat| seat.status.is_live()),
            is_draining: self.is_draining,
            failure: self.failure.clone(),
            lean_version: self.lean_version.clone(),
            capacity: self.settings.sessions.max(1),
            sessions,
            queued: self.queue.len(),
            finished: self.finished,
            retried: self.retried,
            restarts: self.restarts,
            resident_bytes: resident.sum(),
        }
    }

    /// Changes what a slot is at.
    fn set_status(&mut self, seat: usize, status: Status) {
        if let Some(seat) = self.seats.get_mut(seat) {
            seat.status = status;
        }
    }
}

/// What a session that has come up is like.
#[derive(Debug)]
pub(crate) struct Opened {
    /// Its Lean's version.
    pub(crate) lean_version: String,
    /// Resident bytes of its tree.
    pub(crate) resident: u64,
    /// The headers that it holds, by hash.
    pub(crate) held: Vec<u64>,
}

#[cfg(test)]
mod tests;
