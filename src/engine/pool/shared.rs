//! What the threads of a pool share: the scheduler behind its lock, and what wakes workers.
//! Never calls a client back while the lock is held.

use std::collections::hash_map::RandomState;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::engine::evaluate::SubmitError;
use crate::engine::pool::demand::Demand;
use crate::engine::pool::queue::Entry;
use crate::engine::pool::scheduler::Scheduler;
use crate::engine::pool::settings::PoolSettings;
use crate::engine::pool::worker_state::Assignment;
use crate::event::{Event, Observer};
use crate::failure::Failure;

/// What is behind the lock.
struct Guarded {
    scheduler: Scheduler<Demand>,
    /// For each worker, whether it sleeps: waking one that does not costs a system call for nothing.
    asleep: Vec<bool>,
}

/// What the threads of a pool share.
pub(crate) struct Shared {
    guarded: Mutex<Guarded>,
    /// One for each worker, notified when it has something to do.
    wakeups: Vec<Condvar>,
    /// Notified when the pool begins to drain and when a thread ends.
    watchers: Condvar,
    pub(crate) settings: Arc<PoolSettings>,
    pub(crate) observer: Arc<dyn Observer>,
    pub(crate) hasher: RandomState,
    /// Set once the pickle has turned out not to load: sources run their imports then.
    pub(crate) without_pickle: AtomicBool,
    sessions: AtomicU64,
}

impl Shared {
    /// A scheduler for these settings.
    pub(crate) fn new(settings: PoolSettings, observer: Arc<dyn Observer>) -> Self {
        let settings = Arc::new(settings);
        let workers = settings.sessions.max(1) + settings.spares;
        Self {
            guarded: Mutex::new(Guarded {
                scheduler: Scheduler::new(&settings, Instant::now()),
                asleep: vec![false; workers],
            }),
            wakeups: (0..workers).map(|_| Condvar::new()).collect(),
            watchers: Condvar::new(),
            settings,
            observer,
            hasher: RandomState::new(),
            without_pickle: AtomicBool::new(false),
            sessions: AtomicU64::new(0),
        }
    }

    /// How many workers there are.
    pub(crate) fn workers(&self) -> usize {
        self.wakeups.len()
    }

    /// A number for a new session.
    pub(crate) fn next_session(&self) -> u64 {
        self.sessions.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Does one step on the scheduler and wakes those who have something to do after it.
    pub(crate) fn with<R>(&self, step: impl FnOnce(&mut Scheduler<Demand>, Instant) -> R) -> R {
        let mut guarded = self.lock();
        let Guarded { scheduler, asleep } = &mut *guarded;
        let result = step(scheduler, Instant::now());
        let mut woken = Vec::new();
        for worker in scheduler.assigned() {
            if let Some(is_asleep) = asleep.get_mut(worker)
                && std::mem::take(is_asleep)
            {
                woken.push(worker);
            }
        }
        // The thread that is woken needs the guarded at once.
        drop(guarded);
        for wakeup in woken
            .into_iter()
            .filter_map(|worker| self.wakeups.get(worker))
        {
            wakeup.notify_one();
        }
        result
    }

    /// A worker's session did not come up: reports why, unless the last one failed in the same way.
    /// Gives back those that need not wait any longer.
    pub(crate) fn start_failed(
        &self,
        worker: usize,
        failure: &Failure,
    ) -> Vec<(Entry<Demand>, SubmitError)> {
        let (refused, is_news) = self.with(|scheduler, now| {
            let before = scheduler.state();
            let known = before.failure.as_ref().map(Failure::kind);
            let is_news = known != Some(failure.kind()) && !before.is_draining;
            (
                scheduler.start_failed(worker, failure.clone(), now),
                is_news,
            )
        });
        if is_news {
            self.observer.tell(Event::StartFailed { failure });
        }
        refused
    }

    /// The next assignment of a worker; none if none comes within `wait`.
    pub(crate) fn next_assignment(
        &self,
        worker: usize,
        wait: Duration,
    ) -> Option<Assignment<Demand>> {
        let mut guarded = self.lock();
        if let Some(assignment) = guarded.scheduler.take_assignment(worker) {
            return Some(assignment);
        }
        let wakeup = self.wakeups.get(worker)?;
        *guarded.asleep.get_mut(worker)? = true;
        guarded = wakeup
            .wait_timeout(guarded, wait)
            .unwrap_or_else(PoisonError::into_inner)
            .0;
        if let Some(asleep) = guarded.asleep.get_mut(worker) {
            *asleep = false;
        }
        guarded.scheduler.take_assignment(worker)
    }

    /// Waits until something changes for those who watch over the whole, or `wait` is over.
    pub(crate) fn wait_for_change(&self, wait: Duration) {
        let guarded = self.lock();
        // A thread that waits here looks at the scheduler anew in any case.
        drop(
            self.watchers
                .wait_timeout(guarded, wait)
                .unwrap_or_else(PoisonError::into_inner),
        );
    }

    /// Wakes those who watch over the whole.
    pub(crate) fn wake_watchers(&self) {
        self.watchers.notify_all();
    }

    /// The guarded. A thread that panicked cannot have left a step half done that matters: each answer
    /// is owed by a promise of its own.
    fn lock(&self) -> MutexGuard<'_, Guarded> {
        self.guarded.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
