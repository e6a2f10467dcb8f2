//! Which session goes because another client has none, where a session runs the sources of one client only.
//! Pure, as the scheduler is.
//!
//! A session stays with its client while that one uses it. It goes, between two sources, when another client
//! waits and has no session: at once if its own client has nothing waiting or has another session too, else
//! after a turn. Clients that have a session already get one more only if it was not used for a while. So no
//! session is replaced while one client alone has work, and none of several waits for more than the turns of
//! the others.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::engine::pool::queue::Waiting;
use crate::engine::pool::recycling::RecycleReason;
use crate::engine::pool::scheduler::Scheduler;
use crate::engine::pool::worker_state::{Status, WorkerState};

/// How long a session stays with a client that has work while others have no session; divided by their
/// number, so that each of them gets one within this time and the starts that it takes.
const TURN: Duration = Duration::from_secs(30);

/// How long a session that its client does not use is kept from a client that has another one.
const UNUSED: Duration = Duration::from_secs(2);

impl<T> Scheduler<T> {
    /// Replaces sessions of clients for the sake of others.
    pub(super) fn share(&mut self, now: Instant) {
        while let Some(index) = self.to_share(now) {
            if let Some(worker) = self.workers.get_mut(index) {
                worker.leave();
            }
            self.restarts.add(RecycleReason::Client);
            self.promote();
        }
    }

    /// A session that is to go now for the sake of another client.
    fn to_share(&self, now: Instant) -> Option<usize> {
        let idle = || {
            let workers = self.workers.iter().enumerate();
            workers.filter_map(|(index, worker)| {
                let is_free = worker.status == Status::Idle && worker.assignment.is_none();
                let owner = worker.owner().filter(|_| is_free)?;
                Some((index, worker, owner))
            })
        };
        idle().next()?;
        if self.starts.is_failing() && self.count(Status::Spare) == 0 {
            // Nothing could take its place.
            return None;
        }
        let waiting = self.queue.waiting();
        let has_work = |client: &Arc<str>| waiting.iter().any(|waiting| waiting.client == *client);
        let unused = idle().filter(|(_, _, owner)| !has_work(owner));
        let unused = unused.min_by_key(|(_, worker, _)| worker.wear.used);
        let lacking: Vec<&Waiting> = waiting
            .iter()
            .filter(|waiting| !self.has_session(&waiting.client))
            .collect();
        let supply = self.supply();
        if lacking.len() <= supply {
            let others_wait = waiting.len() > lacking.len() && supply == 0;
            let is_left =
                |worker: &WorkerState<T>| now.saturating_duration_since(worker.wear.used) >= UNUSED;
            let (index, ..) = unused.filter(|(_, worker, _)| others_wait && is_left(worker))?;
            return Some(index);
        }
        if let Some((index, ..)) = unused {
            return Some(index);
        }
        let first = lacking.iter().map(|waiting| waiting.since).min()?;
        let turn = TURN / u32::try_from(lacking.len()).unwrap_or(u32::MAX);
        let is_over = |worker: &WorkerState<T>| {
            now.saturating_duration_since(worker.since.max(first)) >= turn
        };
        idle()
            .filter(|(_, worker, owner)| self.sessions_of(owner) > 1 || is_over(worker))
            .min_by_key(|(_, worker, owner)| (self.sessions_of(owner) <= 1, worker.since))
            .map(|(index, ..)| index)
    }

    /// The clients that wait for a source of theirs to run and have no session that runs it some time.
    pub(super) fn lacking(&self) -> Vec<Arc<str>> {
        let mut lacking: Vec<Arc<str>> = self
            .queue
            .waiting()
            .into_iter()
            .map(|waiting| waiting.client)
            .collect();
        lacking.retain(|client| !self.has_session(client));
        lacking
    }

    /// Whether a session serves a client, now or after what it runs; one that is there for any client does
    /// not count.
    fn has_session(&self, client: &str) -> bool {
        let mut workers = self.workers.iter();
        workers.any(|worker| {
            matches!(worker.status, Status::Idle | Status::Busy)
                && !worker.is_untouched()
                && worker.serves(client)
        })
    }

    /// How many sessions run a client's sources only.
    fn sessions_of(&self, client: &Arc<str>) -> usize {
        let workers = self.workers.iter();
        workers
            .filter(|worker| {
                matches!(worker.status, Status::Idle | Status::Busy)
                    && worker.owner() == Some(client)
            })
            .count()
    }

    /// How many sessions are there for any client, or will be without another one going.
    fn supply(&self) -> usize {
        let workers = || self.workers.iter();
        let active = workers().filter(|worker| worker.status.is_active()).count();
        let coming = workers()
            .filter(|worker| worker.status.is_coming() || worker.status == Status::Spare)
            .count();
        let free = self.settings.sessions.max(1).saturating_sub(active);
        free.min(coming) + self.untouched()
    }

    /// How many idle sessions are there for any client.
    pub(super) fn untouched(&self) -> usize {
        let workers = self.workers.iter();
        workers
            .filter(|worker| worker.status == Status::Idle && worker.is_untouched())
            .count()
    }
}
