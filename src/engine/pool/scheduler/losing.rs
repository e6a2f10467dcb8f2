//! What follows when a session is lost: who pays for it, and what becomes of its entry. Pure, as the scheduler
//! is.

use std::time::Instant;

use crate::engine::pool::queue::Entry;
use crate::engine::pool::recycling::RecycleReason;
use crate::engine::pool::scheduler::Scheduler;
use crate::engine::pool::worker_state::Assignment;

impl<T> Scheduler<T> {
    /// Takes note of what a worker's last run means for others: how long one takes that ends well, and for
    /// whose client turns are lost if it cost the session.
    pub(super) fn account(&mut self, worker: usize, is_well: bool, at_fault: bool, now: Instant) {
        let Some(worker) = self.workers.get(worker) else {
            return;
        };
        if is_well {
            let took = now.saturating_duration_since(worker.began);
            self.cost.ran(took);
        }
        if at_fault && let Some(client) = &worker.client {
            self.queue.charge(client, self.cost.turns());
        }
    }

    /// A session was found lost before it was given anything. What was on its way to it, `taken` by
    /// its thread or not yet, waits for another one. Gives back what cannot wait any more.
    pub(crate) fn lost(
        &mut self,
        worker: usize,
        reason: RecycleReason,
        taken: Option<Entry<T>>,
        now: Instant,
    ) -> Option<Entry<T>> {
        let mut back = taken;
        if let Some(worker) = self.workers.get_mut(worker) {
            match worker.assignment.take() {
                Some(Assignment::Run(entry)) => back = Some(entry),
                None => {}
                // It goes already.
                assignment => {
                    worker.assignment = assignment;
                    return back;
                }
            }
            worker.watch = None;
            if worker.is_fresh() {
                // A REPL that dies as soon as it is up must not be started without a pause.
                self.starts.failed(now);
            }
            worker.leave();
            self.restarts.add(reason);
        }
        if let Some(entry) = back.take_if(|_| !self.is_draining) {
            self.queue.push_urgent(entry);
        }
        self.settle(now);
        back
    }
}
