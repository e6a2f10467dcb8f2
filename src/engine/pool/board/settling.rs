//! What follows from a step: worn sessions go, spares take their places, free slots get what waits,
//! and empty ones start. Pure, as the board is.

use std::cmp::Reverse;
use std::sync::Arc;
use std::time::Instant;

use crate::engine::pool::board::Board;
use crate::engine::pool::policy::{Fate, Reason, fate};
use crate::engine::pool::queue::{Entry, Fit};
use crate::engine::pool::seat::{Order, Seat, Status};
use crate::limits::CancelFlag;

impl<T> Board<T> {
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

    /// Ends the threads of slots that do nothing.
    fn stop_idle(&mut self) {
        for seat in &mut self.seats {
            let waits = matches!(seat.order, None | Some(Order::Start { .. }));
            let is_still = matches!(seat.status, Status::Empty | Status::Idle | Status::Spare)
                || seat.status == Status::Starting && seat.order.is_some();
            if waits && is_still {
                seat.order = Some(Order::Stop);
            }
        }
    }

    /// Has worn sessions stopped, if they are idle and it makes nobody wait.
    fn retire_worn(&mut self, now: Instant) {
        for index in 0..self.seats.len() {
            let Some(seat) = self.seats.get(index) else {
                continue;
            };
            if seat.status != Status::Idle || seat.order.is_some() {
                continue;
            }
            if let Some(reason) = self.parting(seat, now)
                && let Some(seat) = self.seats.get_mut(index)
            {
                seat.leave();
                self.restarts.add(reason);
                self.promote();
            }
        }
    }

    /// Why an idle slot's session is to go now, if it is.
    fn parting(&self, seat: &Seat<T>, now: Instant) -> Option<Reason> {
        let has_spare = self.count(Status::Spare) > 0;
        match fate(&seat.wear, &self.settings.wear, now) {
            Fate::Keep => None,
            // Nothing could take its place.
            _ if self.starts.is_failing() && !has_spare => None,
            Fate::Overdue(reason) => Some(reason),
            Fate::Due(reason) if has_spare => Some(reason),
            Fate::Due(reason) => {
                let is_quiet = self.queue.is_empty();
                let others_stay = !self.seats.iter().any(|seat| seat.status.is_coming());
                (self.settings.spares == 0 && is_quiet && others_stay).then_some(reason)
            }
        }
    }

    /// Lets spares take the places of sessions that went.
    fn promote(&mut self) {
        let active = self.seats.iter().filter(|seat| seat.status.is_active());
        let free = self.settings.sessions.max(1).saturating_sub(active.count());
        let spares = self.seats.iter_mut();
        for seat in spares
            .filter(|seat| seat.status == Status::Spare)
            .take(free)
        {
            seat.status = Status::Idle;
        }
    }

    /// Lets slots without a session start one, as far as that is allowed.
    fn start(&mut self, now: Instant) {
        let mut starting = self.count(Status::Starting);
        let headers: Vec<Arc<str>> = self
            .recent
            .iter()
            .map(|(_, text)| Arc::clone(text))
            .collect();
        for seat in &mut self.seats {
            if seat.status == Status::Empty && self.starts.may_start(starting, now) {
                starting += 1;
                seat.status = Status::Starting;
                seat.kill = CancelFlag::default();
                seat.order = Some(Order::Start {
                    kill: seat.kill.clone(),
                    headers: headers.clone(),
                });
            }
        }
    }

    /// Gives idle slots what waits.
    pub(super) fn assign(&mut self) {
        while self.seats.iter().any(|seat| seat.status == Status::Idle) {
            let Some(entry) = self.next_entry() else {
                return;
            };
            let Some(index) = self.best_seat(&entry) else {
                self.queue.push_urgent(entry);
                return;
            };
            if let Some(seat) = self.seats.get_mut(index) {
                seat.run(entry);
            }
        }
    }

    /// What an idle slot is to run next.
    fn next_entry(&mut self) -> Option<Entry<T>> {
        let seats = &self.seats;
        let has_spare = seats.iter().any(|seat| seat.status == Status::Spare);
        let is_coming =
            !self.starts.is_failing() && seats.iter().any(|seat| seat.status.is_coming());
        self.queue.pop(|entry| {
            let mut idle = seats.iter().filter(|seat| seat.status == Status::Idle);
            match entry.needs_fresh {
                true if has_spare || idle.any(Seat::is_fresh) => Fit::Well,
                true if is_coming => Fit::Not,
                false if idle.any(|seat| seat.holds(entry.header)) => Fit::Well,
                _ => Fit::Barely,
            }
        })
    }

    /// The idle slot that fits an entry best. One that needs a fresh session may get a spare, whose
    /// place a worn session then leaves.
    fn best_seat(&mut self, entry: &Entry<T>) -> Option<usize> {
        let idle = self.seats.iter().enumerate();
        let (best, is_fresh) = idle
            .filter(|(_, seat)| seat.status == Status::Idle)
            .max_by_key(|(_, seat)| {
                (
                    entry.needs_fresh && seat.is_fresh(),
                    seat.holds(entry.header),
                    // Others stay free for the headers that they hold, and wear less.
                    Reverse(seat.held.len()),
                    seat.wear.requests,
                )
            })
            .map(|(index, seat)| (index, seat.is_fresh()))?;
        let mut seats = self.seats.iter();
        let spare = seats.position(|seat| seat.status == Status::Spare);
        match spare {
            Some(spare) if entry.needs_fresh && !is_fresh => {
                self.seats.get_mut(best)?.leave();
                self.restarts.add(Reason::Leased);
                self.set_status(spare, Status::Idle);
                Some(spare)
            }
            _ => Some(best),
        }
    }

    /// How many slots are at this.
    fn count(&self, status: Status) -> usize {
        let seats = self.seats.iter();
        seats.filter(|seat| seat.status == status).count()
    }
}
