//! What follows when an idle session is found lost. Pure, as the scheduler is.

use std::time::Instant;

use crate::engine::pool::queue::Entry;
use crate::engine::pool::recycling::RecycleReason;
use crate::engine::pool::scheduler::Scheduler;
use crate::engine::pool::worker_state::Assignment;

impl<T> Scheduler<T> {
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
