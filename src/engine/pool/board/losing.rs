//! What follows when a session is found lost that nobody has asked anything. Pure, as the board is.

use std::time::Instant;

use crate::engine::pool::board::Board;
use crate::engine::pool::policy::Reason;
use crate::engine::pool::queue::Entry;
use crate::engine::pool::seat::Order;

impl<T> Board<T> {
    /// A session was found lost before it was given anything. What was on its way to it, `taken` by
    /// its thread or not yet, waits for another one. Gives back what cannot wait any more.
    pub(crate) fn lost(
        &mut self,
        seat: usize,
        reason: Reason,
        taken: Option<Entry<T>>,
        now: Instant,
    ) -> Option<Entry<T>> {
        let mut back = taken;
        if let Some(seat) = self.seats.get_mut(seat) {
            match seat.order.take() {
                Some(Order::Run(entry)) => back = Some(entry),
                None => {}
                // It goes already.
                order => {
                    seat.order = order;
                    return back;
                }
            }
            seat.watch = None;
            if seat.is_fresh() {
                // A REPL that dies as soon as it is up must not be started without a pause.
                self.starts.failed(now);
            }
            seat.leave();
            self.restarts.add(reason);
        }
        if let Some(entry) = back.take_if(|_| !self.is_draining) {
            self.queue.push_urgent(entry);
        }
        self.settle(now);
        back
    }
}
