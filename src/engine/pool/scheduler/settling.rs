//! What follows from a step: worn sessions go, spares take their places, free workers get what waits,
//! and empty ones start. Pure, as the scheduler is.

use std::cmp::Reverse;
use std::sync::Arc;
use std::time::Instant;

use crate::engine::pool::queue::{Entry, Fit};
use crate::engine::pool::recycling::{RecycleReason, Recycling, recycling};
use crate::engine::pool::scheduler::Scheduler;
use crate::engine::pool::worker_state::{Assignment, Status, WorkerState};
use crate::limits::CancelFlag;

impl<T> Scheduler<T> {
    /// Brings everything on that the last step made possible.
    pub(super) fn settle(&mut self, now: Instant) {
        if self.is_draining {
            self.stop_idle();
            return;
        }
        self.retire_worn(now);
        self.promote();
        self.assign();
        self.start(now);
    }

    /// Ends the threads of workers that do nothing.
    fn stop_idle(&mut self) {
        for worker in &mut self.workers {
            let waits = matches!(worker.assignment, None | Some(Assignment::Start { .. }));
            let is_still = matches!(worker.status, Status::Empty | Status::Idle | Status::Spare)
                || worker.status == Status::Starting && worker.assignment.is_some();
            if waits && is_still {
                worker.assignment = Some(Assignment::Stop);
            }
        }
    }

    /// Has worn sessions stopped, if they are idle and no client has to wait for it.
    fn retire_worn(&mut self, now: Instant) {
        for index in 0..self.workers.len() {
            let Some(worker) = self.workers.get(index) else {
                continue;
            };
            if worker.status != Status::Idle || worker.assignment.is_some() {
                continue;
            }
            if let Some(reason) = self.parting(worker, now)
                && let Some(worker) = self.workers.get_mut(index)
            {
                worker.leave();
                self.restarts.add(reason);
                self.promote();
            }
        }
    }

    /// Why an idle worker's session is to go now, if it is.
    fn parting(&self, worker: &WorkerState<T>, now: Instant) -> Option<RecycleReason> {
        let has_spare = self.count(Status::Spare) > 0;
        match recycling(&worker.wear, &self.settings.wear, now) {
            Recycling::Keep => None,
            // Nothing could take its place.
            _ if self.starts.is_failing() && !has_spare => None,
            Recycling::Overdue(reason) => Some(reason),
            Recycling::Due(reason) if has_spare => Some(reason),
            Recycling::Due(reason) => {
                let is_quiet = self.queue.is_empty();
                let others_stay = !self.workers.iter().any(|worker| worker.status.is_coming());
                (self.settings.spares == 0 && is_quiet && others_stay).then_some(reason)
            }
        }
    }

    /// Lets spares take the places of sessions that went.
    fn promote(&mut self) {
        let active = self
            .workers
            .iter()
            .filter(|worker| worker.status.is_active());
        let free = self.settings.sessions.max(1).saturating_sub(active.count());
        let spares = self.workers.iter_mut();
        for worker in spares
            .filter(|worker| worker.status == Status::Spare)
            .take(free)
        {
            worker.status = Status::Idle;
        }
    }

    /// Lets workers without a session start one, as far as that is allowed.
    fn start(&mut self, now: Instant) {
        let mut starting = self.count(Status::Starting);
        let headers: Vec<Arc<str>> = self
            .recent
            .iter()
            .map(|(_, source)| Arc::clone(source))
            .collect();
        for worker in &mut self.workers {
            if worker.status == Status::Empty && self.starts.may_start(starting, now) {
                starting += 1;
                worker.status = Status::Starting;
                worker.kill = CancelFlag::default();
                worker.assignment = Some(Assignment::Start {
                    kill: worker.kill.clone(),
                    headers: headers.clone(),
                });
            }
        }
    }

    /// Gives idle workers what waits.
    pub(super) fn assign(&mut self) {
        while self
            .workers
            .iter()
            .any(|worker| worker.status == Status::Idle)
        {
            let Some(entry) = self.next_entry() else {
                return;
            };
            let Some(index) = self.best_worker(&entry) else {
                self.queue.push_urgent(entry);
                return;
            };
            if let Some(worker) = self.workers.get_mut(index) {
                worker.run(entry);
            }
        }
    }

    /// What an idle worker is to run next.
    fn next_entry(&mut self) -> Option<Entry<T>> {
        let workers = &self.workers;
        let has_spare = workers.iter().any(|worker| worker.status == Status::Spare);
        let is_coming =
            !self.starts.is_failing() && workers.iter().any(|worker| worker.status.is_coming());
        self.queue.pop(|entry| {
            let mut idle = workers
                .iter()
                .filter(|worker| worker.status == Status::Idle);
            match entry.needs_fresh {
                true if has_spare || idle.any(WorkerState::is_fresh) => Fit::Well,
                true if is_coming => Fit::Not,
                false if idle.any(|worker| worker.holds(entry.header)) => Fit::Well,
                false if !workers.iter().any(|worker| worker.gets(entry.header)) => Fit::Fairly,
                _ => Fit::Barely,
            }
        })
    }

    /// The idle worker that fits an entry best. One that needs a fresh session may get a spare, whose
    /// place a worn session then leaves.
    fn best_worker(&mut self, entry: &Entry<T>) -> Option<usize> {
        let idle = self.workers.iter().enumerate();
        let (best, is_fresh) = idle
            .filter(|(_, worker)| worker.status == Status::Idle)
            .max_by_key(|(_, worker)| {
                (
                    entry.needs_fresh && worker.is_fresh(),
                    worker.holds(entry.header),
                    // Others stay free for the headers that they hold, and wear less.
                    Reverse(worker.held.len()),
                    worker.wear.requests,
                )
            })
            .map(|(index, worker)| (index, worker.is_fresh()))?;
        let mut workers = self.workers.iter();
        let spare = workers.position(|worker| worker.status == Status::Spare);
        match spare {
            Some(spare) if entry.needs_fresh && !is_fresh => {
                self.workers.get_mut(best)?.leave();
                self.restarts.add(RecycleReason::Leased);
                self.set_status(spare, Status::Idle);
                Some(spare)
            }
            _ => Some(best),
        }
    }

    /// How many workers are at this.
    fn count(&self, status: Status) -> usize {
        let workers = self.workers.iter();
        workers.filter(|worker| worker.status == status).count()
    }
}
