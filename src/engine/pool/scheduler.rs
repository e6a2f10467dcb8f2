//! Who does what: the workers, the queue, and every step from one state to the next. Pure: the time is
//! handed in, workers get assignments that their threads take, and nothing is waited for.
//!
//! Two rules hold after each step: no more workers are active than there may be, and an assignment is given
//! to a worker only when its thread has nothing else to do.

mod losing;
mod settling;
mod sharing;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use crate::engine::evaluate::SubmitError;
use crate::engine::pool::holding::Holding;
use crate::engine::pool::queue::{Entry, Queue};
use crate::engine::pool::recycling::{Cost, Pace, RecycleReason, Starts};
use crate::engine::pool::settings::PoolSettings;
use crate::engine::pool::state::{PoolState, Restarts, Sessions};
use crate::engine::pool::worker_state::{Assignment, Finish, Opened, Status, WorkerState};
use crate::failure::Failure;
use crate::isolation::Isolation;

/// The state of a pool.
#[derive(Debug)]
pub(crate) struct Scheduler<T> {
    workers: Vec<WorkerState<T>>,
    queue: Queue<T>,
    settings: Arc<PoolSettings>,
    starts: Starts,
    pace: Pace,
    cost: Cost,
    /// The level that every session holds at least; none before the first one is up.
    level: Option<Isolation>,
    /// The headers that were asked for last, latest first.
    recent: VecDeque<(u64, Arc<str>)>,
    /// How many sessions were replaced, and why.
    restarts: Restarts,
    /// How many sources were run to an end.
    finished: u64,
    /// How many sources were tried once more.
    retried: u64,
    /// Why the last start failed; gone after one that succeeded.
    failure: Option<Failure>,
    /// The version that the last session said.
    lean_version: Option<String>,
    is_draining: bool,
}

impl<T> Scheduler<T> {
    /// A pool of workers without sessions; the first ones are assigned a start.
    pub(crate) fn new(settings: &Arc<PoolSettings>, now: Instant) -> Self {
        let workers = settings.sessions.max(1) + settings.spares;
        let mut scheduler = Self {
            workers: (0..workers).map(|_| WorkerState::new(now)).collect(),
            queue: Queue::new(settings.queue),
            settings: Arc::clone(settings),
            starts: Starts::new(
                settings.starts,
                settings.first_pause,
                settings.longest_pause,
            ),
            pace: Pace::default(),
            cost: Cost::default(),
            level: None,
            recent: VecDeque::new(),
            restarts: Restarts::default(),
            finished: 0,
            retried: 0,
            failure: None,
            lean_version: None,
            is_draining: false,
        };
        scheduler.settle(now);
        scheduler
    }

    /// Takes an entry in, or gives it back with the reason why there is no room for it.
    pub(crate) fn submit(
        &mut self,
        entry: Entry<T>,
        now: Instant,
    ) -> Option<(Entry<T>, SubmitError)> {
        if self.is_draining {
            return Some((entry, SubmitError::ShuttingDown));
        }
        if let Some(failure) = self.hopeless() {
            return Some((entry, SubmitError::NoSession(failure)));
        }
        let waiting = self.queue.len();
        if let Err(entry) = self.queue.push(entry) {
            let retry_after = self.pace.retry_after(waiting, now);
            return Some((entry, SubmitError::QueueFull { retry_after }));
        }
        self.share(now);
        self.assign(now);
        None
    }

    /// Why there is no session, if starting one was tried and failed. A pool that has had sessions
    /// tries twice before it says so.
    fn hopeless(&self) -> Option<Failure> {
        let is_live = self.workers.iter().any(|worker| worker.status.is_live());
        let has_worked = self.lean_version.is_some();
        let is_over = !is_live && (!has_worked || self.starts.keeps_failing());
        self.failure.clone().filter(|_| is_over)
    }

    /// Takes note of how a new session holds its level. The first one decides for the pool; gives whether
    /// it is the first.
    ///
    /// # Errors
    /// The level of the pool, if the session holds less.
    pub(crate) fn hold(&mut self, holding: Holding) -> Result<bool, Isolation> {
        let found = holding.level();
        let is_first = self.level.is_none();
        let level = *self.level.get_or_insert(found);
        if found < level {
            return Err(level);
        }
        Ok(is_first)
    }

    /// A worker's session is proven.
    pub(crate) fn started(&mut self, worker: usize, opened: Opened, now: Instant) {
        self.starts.succeeded();
        self.failure = None;
        self.lean_version = Some(opened.lean_version.clone());
        if let Some(worker) = self.workers.get_mut(worker) {
            worker.status = Status::Spare;
            worker.open(opened, now);
            let took = now.saturating_duration_since(worker.began);
            self.cost.started(took);
        }
        self.settle(now);
    }

    /// A worker's session did not come up. Gives back those that need not wait any longer.
    pub(crate) fn start_failed(
        &mut self,
        worker: usize,
        failure: Failure,
        now: Instant,
    ) -> Vec<(Entry<T>, SubmitError)> {
        self.set_status(worker, Status::Empty);
        if !self.is_draining {
            self.starts.failed(now);
            self.restarts.add(RecycleReason::Start);
            self.failure = Some(failure);
            // One of these headers may be what keeps sessions from coming up.
            self.recent.clear();
        }
        self.settle(now);
        match self.hopeless() {
            Some(failure) => {
                let refuse = |entry| (entry, SubmitError::NoSession(failure.clone()));
                self.queue.take_all().into_iter().map(refuse).collect()
            }
            None => Vec::new(),
        }
    }

    /// A worker has done what it was to run. Gives back what was to be tried again but cannot be.
    pub(crate) fn finished(
        &mut self,
        worker: usize,
        finish: Finish<T>,
        now: Instant,
    ) -> Option<Entry<T>> {
        let Finish {
            ran,
            lost,
            at_fault,
            proven,
            resident,
            again,
        } = finish;
        if ran && again.is_none() {
            self.pace.tick(now);
            self.finished += 1;
        }
        self.retried += u64::from(ran && again.is_some());
        if let Some((hash, source)) = &proven {
            self.remember(*hash, source);
        }
        let mut back = again;
        if let Some(entry) = back.take_if(|_| !self.is_draining) {
            self.queue.push_urgent(entry);
        }
        self.account(worker, ran && lost.is_none(), at_fault, now);
        if let Some(worker) = self.workers.get_mut(worker) {
            worker.watch = None;
            worker.header = None;
            worker.wear.requests += u64::from(ran);
            worker.wear.resident = resident;
            worker.wear.used = now;
            if let Some((hash, _)) = proven
                && !worker.held.contains(&hash)
            {
                worker.held.push(hash);
                worker.wear.headers = worker.held.len();
            }
            worker.status = Status::Idle;
            // A cancellation that came just as the source was done has stopped the session for good.
            let stopped = worker.kill.is_set().then_some(RecycleReason::Cancelled);
            if worker.is_fresh() {
                // What was on its way to it did not run.
                worker.client = None;
            }
            // Not left to what is weighed between two sources: it never becomes free again.
            let is_used_up = worker.holding == Holding::SingleUse && !worker.is_fresh();
            let used_up = is_used_up.then_some(RecycleReason::Requests);
            if let Some(reason) = lost.or(stopped).or(used_up) {
                worker.leave();
                self.restarts.add(reason);
            }
        }
        self.settle(now);
        back
    }

    /// Puts a header at the front of those that new sessions prove.
    fn remember(&mut self, hash: u64, source: &Arc<str>) {
        if let Some(at) = self.recent.iter().position(|(known, _)| *known == hash) {
            self.recent.remove(at);
        }
        self.recent.push_front((hash, Arc::clone(source)));
        self.recent.truncate(self.settings.warm_recent);
    }

    /// A session that waits for work was found alive, holding so much.
    pub(crate) fn measured(&mut self, worker: usize, resident: u64, now: Instant) {
        if let Some(worker) = self.workers.get_mut(worker) {
            worker.wear.resident = resident;
        }
        self.settle(now);
    }

    /// A worker has replaced its session in place, for an entry that needs a fresh one.
    pub(crate) fn freshened(&mut self, worker: usize, opened: Opened, now: Instant) {
        self.restarts.add(RecycleReason::Leased);
        if let Some(worker) = self.workers.get_mut(worker) {
            worker.open(opened, now);
        }
    }

    /// A client has got its lease, which ends when it likes.
    pub(crate) fn granted(&mut self, worker: usize) {
        if let Some(worker) = self.workers.get_mut(worker) {
            worker.watch = None;
        }
    }

    /// A worker has stopped its session as it was told.
    pub(crate) fn emptied(&mut self, worker: usize, now: Instant) {
        self.set_status(worker, Status::Empty);
        self.settle(now);
    }

    /// A worker's thread has ended, or could not be started.
    pub(crate) fn gone(&mut self, worker: usize, failure: Option<Failure>) {
        self.set_status(worker, Status::Gone);
        if let Some(worker) = self.workers.get_mut(worker) {
            worker.assignment = None;
            worker.watch = None;
            worker.wear.resident = 0;
        }
        if let Some(failure) = failure {
            self.failure = Some(failure);
        }
    }

    /// Stops sessions whose client has gone away or whose time is over, and gives back those that need
    /// not wait any more. To be called every few milliseconds.
    pub(crate) fn tick(&mut self, now: Instant) -> Vec<(Entry<T>, SubmitError)> {
        for worker in &self.workers {
            if let Some(watch) = &worker.watch
                && (watch.cancel.is_set() || now >= watch.deadline)
            {
                worker.kill.set();
            }
        }
        let gone = self.queue.sweep(now);
        self.settle(now);
        gone
    }

    /// Takes no more work, and gives back all that waits. What runs goes on.
    pub(crate) fn drain(&mut self, now: Instant) -> Vec<Entry<T>> {
        self.is_draining = true;
        for worker in &self.workers {
            if worker.status == Status::Starting {
                worker.kill.set();
            }
        }
        self.settle(now);
        self.queue.take_all()
    }

    pub(crate) fn kill_all(&mut self) {
        for worker in &self.workers {
            worker.kill.set();
        }
    }

    /// Whether a worker runs a source or is leased.
    pub(crate) fn is_working(&self) -> bool {
        let mut workers = self.workers.iter();
        workers.any(|worker| matches!(worker.status, Status::Busy | Status::Leased))
    }

    /// Whether nothing waits, runs or is on its way.
    pub(crate) fn is_calm(&self) -> bool {
        let mut workers = self.workers.iter();
        self.queue.is_empty()
            && workers.all(|worker| {
                matches!(worker.status, Status::Idle | Status::Spare | Status::Leased)
            })
    }

    /// Whether no worker has a thread any more.
    pub(crate) fn is_gone(&self) -> bool {
        self.workers
            .iter()
            .all(|worker| worker.status == Status::Gone)
    }

    /// Whether no new work is taken.
    pub(crate) fn is_draining(&self) -> bool {
        self.is_draining
    }

    /// What a worker's thread is to do next.
    pub(crate) fn take_assignment(&mut self, worker: usize) -> Option<Assignment<T>> {
        self.workers.get_mut(worker)?.assignment.take()
    }

    /// The workers whose threads have something to do.
    pub(crate) fn assigned(&self) -> impl Iterator<Item = usize> {
        let workers = self.workers.iter().enumerate();
        workers.filter_map(|(index, worker)| worker.assignment.is_some().then_some(index))
    }

    pub(crate) fn state(&self) -> PoolState {
        let mut sessions = Sessions::default();
        for worker in &self.workers {
            sessions.add(worker.status);
        }
        let resident = self.workers.iter().map(|worker| worker.wear.resident);
        PoolState {
            is_ready: !self.is_draining
                && self.workers.iter().any(|worker| worker.status.is_live()),
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
            isolation: self.level,
        }
    }

    /// Changes what a worker is at.
    fn set_status(&mut self, worker: usize, status: Status) {
        if let Some(worker) = self.workers.get_mut(worker) {
            worker.status = status;
        }
    }
}

#[cfg(test)]
mod tests;
