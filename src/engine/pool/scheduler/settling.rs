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
        self.share(now);
        self.assign(now);
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
    pub(super) fn promote(&mut self) {
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
                worker.began = now;
                worker.kill = CancelFlag::default();
                worker.assignment = Some(Assignment::Start {
                    kill: worker.kill.clone(),
                    headers: headers.clone(),
                });
            }
        }
    }

    /// Gives idle workers what waits.
    pub(super) fn assign(&mut self, now: Instant) {
        while self
            .workers
            .iter()
            .any(|worker| worker.status == Status::Idle)
        {
            let reserved = self.reserved();
            let Some(entry) = self.next_entry(&reserved) else {
                return;
            };
            let Some(index) = self.best_worker(&entry, &reserved) else {
                self.queue.push_urgent(entry);
                return;
            };
            if let Some(worker) = self.workers.get_mut(index) {
                worker.run(entry, now);
            }
        }
    }

    /// For which clients the sessions are kept that no client has used yet: for those without one, if these
    /// need them all.
    fn reserved(&self) -> Reserved {
        let untouched = self.untouched();
        if untouched == 0 {
            return Reserved(None);
        }
        let lacking = self.lacking();
        Reserved((lacking.len() >= untouched).then_some(lacking))
    }

    /// What an idle worker is to run next.
    fn next_entry(&mut self, reserved: &Reserved) -> Option<Entry<T>> {
        let workers = &self.workers;
        let has_spare = workers.iter().any(|worker| worker.status == Status::Spare);
        let is_coming =
            !self.starts.is_failing() && workers.iter().any(|worker| worker.status.is_coming());
        self.queue.pop(|entry| {
            let mut idle = workers
                .iter()
                .filter(|worker| worker.status == Status::Idle && reserved.lets(worker, entry));
            let mut prepared = workers
                .iter()
                .filter(|worker| worker.serves(&entry.client) && worker.gets(entry.header));
            match entry.needs_fresh {
                true if has_spare || idle.any(WorkerState::is_fresh) => Fit::Well,
                true if is_coming => Fit::Not,
                false if idle.clone().next().is_none() => Fit::Not,
                false if idle.any(|worker| worker.holds(entry.header)) => Fit::Well,
                false if prepared.next().is_none() => Fit::Fairly,
                _ => Fit::Barely,
            }
        })
    }

    /// The idle worker that fits an entry best. One that needs a fresh session may get a spare, whose
    /// place a worn session then leaves.
    fn best_worker(&mut self, entry: &Entry<T>, reserved: &Reserved) -> Option<usize> {
        let idle = self.workers.iter().enumerate();
        let (best, is_fresh) = idle
            .filter(|(_, worker)| worker.status == Status::Idle && reserved.lets(worker, entry))
            .max_by_key(|(_, worker)| {
                (
                    entry.needs_fresh && worker.is_fresh(),
                    worker.holds(entry.header),
                    // One that no client has used can serve any.
                    worker.owner() == Some(&entry.client),
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
    pub(super) fn count(&self, status: Status) -> usize {
        let workers = self.workers.iter();
        workers.filter(|worker| worker.status == status).count()
    }
}

/// The clients for which the sessions are kept that no client has used yet; none if they are there for all.
struct Reserved(Option<Vec<Arc<str>>>);

impl Reserved {
    /// Whether an idle worker may take an entry. Its thread replaces the session first, if the entry needs a
    /// fresh one.
    fn lets<T>(&self, worker: &WorkerState<T>, entry: &Entry<T>) -> bool {
        let is_kept =
            |clients: &Vec<Arc<str>>| worker.is_untouched() && !clients.contains(&entry.client);
        entry.needs_fresh || worker.serves(&entry.client) && !self.0.as_ref().is_some_and(is_kept)
    }
}
