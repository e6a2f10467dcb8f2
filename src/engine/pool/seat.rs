//! One slot as the board sees it: what it is at and what it is told next. Owns no process.

use std::sync::Arc;
use std::time::Instant;

use crate::engine::pool::policy::{Reason, Wear};
use crate::engine::pool::queue::Entry;
use crate::limits::CancelFlag;

/// What a slot is at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Status {
    /// It has no session and waits until it may start one.
    Empty,
    /// It starts one.
    Starting,
    /// Its session is proven and takes part in the work when another one goes.
    Spare,
    /// Its session waits for work.
    Idle,
    /// Its session runs a text.
    Busy,
    /// Its session is a client's own.
    Leased,
    /// Its session is being stopped.
    Leaving,
    /// Its thread has ended.
    Gone,
}

impl Status {
    /// Whether its session counts against the capacity.
    pub(crate) fn is_active(self) -> bool {
        matches!(self, Self::Idle | Self::Busy | Self::Leased)
    }

    /// Whether it has a session that works.
    pub(crate) fn is_live(self) -> bool {
        self.is_active() || self == Self::Spare
    }

    /// Whether it has no session but will have one.
    pub(crate) fn is_coming(self) -> bool {
        matches!(self, Self::Empty | Self::Starting | Self::Leaving)
    }
}

/// What a slot's thread is told to do.
#[derive(Debug)]
pub(crate) enum Order<T> {
    /// Start a session, proving these headers.
    Start {
        /// Stops the session when set.
        kill: CancelFlag,
        /// Headers to prove besides those of the settings.
        headers: Vec<Arc<str>>,
    },
    /// Run this.
    Run(Entry<T>),
    /// Stop the session.
    Retire,
    /// Stop the session and end.
    Stop,
}

/// Who waits for what a slot runs.
#[derive(Debug)]
pub(crate) struct Watch {
    /// Set when the client has gone away.
    pub(crate) cancelled: CancelFlag,
    /// The end of the client's patience.
    pub(crate) until: Instant,
}

/// One slot.
#[derive(Debug)]
pub(crate) struct Seat<T> {
    /// What it is at.
    pub(crate) status: Status,
    /// What its thread has not taken yet.
    pub(crate) order: Option<Order<T>>,
    /// Stops its session.
    pub(crate) kill: CancelFlag,
    /// What its session has behind it.
    pub(crate) wear: Wear,
    /// The headers that its session holds, by hash.
    pub(crate) held: Vec<u64>,
    /// Who waits for it; nobody any more once a lease was granted.
    pub(crate) watch: Option<Watch>,
}

impl<T> Seat<T> {
    /// A slot without a session.
    pub(crate) fn new(now: Instant) -> Self {
        Self {
            status: Status::Empty,
            order: None,
            kill: CancelFlag::default(),
            wear: Wear::new(now, 0, 0),
            held: Vec::new(),
            watch: None,
        }
    }

    /// Whether its session is prepared for a text with this header.
    pub(crate) fn holds(&self, header: Option<u64>) -> bool {
        header.is_none_or(|header| self.held.contains(&header))
    }

    /// Whether its session has evaluated nothing.
    pub(crate) fn is_fresh(&self) -> bool {
        self.wear.requests == 0
    }

    /// Gives it work.
    pub(crate) fn run(&mut self, entry: Entry<T>) {
        self.status = if entry.is_lease {
            Status::Leased
        } else {
            Status::Busy
        };
        self.watch = Some(Watch {
            cancelled: entry.cancelled.clone(),
            until: entry.patience,
        });
        self.order = Some(Order::Run(entry));
    }

    /// Has its session stopped.
    pub(crate) fn leave(&mut self) {
        self.status = Status::Leaving;
        self.order = Some(Order::Retire);
        self.wear.resident = 0;
        self.held.clear();
    }
}

/// What came of a text or a lease.
#[derive(Debug)]
pub(crate) struct Finish<T> {
    /// Whether the session was given it at all.
    pub(crate) ran: bool,
    /// Why the session is not to be used again.
    pub(crate) lost: Option<Reason>,
    /// A header that the session holds now: by hash, and as it is sent.
    pub(crate) proven: Option<(u64, Arc<str>)>,
    /// Resident bytes of the session's tree.
    pub(crate) resident: u64,
    /// What is to be tried again on another session.
    pub(crate) again: Option<Entry<T>>,
}
