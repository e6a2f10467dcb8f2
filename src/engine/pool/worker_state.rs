//! One worker as the scheduler sees it: what it is at and its next assignment. Owns no process.

use std::sync::Arc;
use std::time::Instant;

use crate::engine::pool::holding::Holding;
use crate::engine::pool::queue::Entry;
use crate::engine::pool::recycling::{RecycleReason, Wear};
use crate::limits::CancelFlag;

/// What a worker is at.
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
    /// Its session runs a source.
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

/// What a worker's thread is to do.
#[derive(Debug)]
pub(crate) enum Assignment<T> {
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

/// Who waits for what a worker runs.
#[derive(Debug)]
pub(crate) struct Watch {
    /// Set when the client has gone away.
    pub(crate) cancel: CancelFlag,
    pub(crate) deadline: Instant,
}

/// One worker.
#[derive(Debug)]
pub(crate) struct WorkerState<T> {
    pub(crate) status: Status,
    /// What its thread has not taken yet.
    pub(crate) assignment: Option<Assignment<T>>,
    pub(crate) kill: CancelFlag,
    pub(crate) wear: Wear,
    /// How its session holds its level of isolation.
    pub(crate) holding: Holding,
    /// The client that its session serves or has served last.
    pub(crate) client: Option<Arc<str>>,
    /// Since when it has served that client without another one between.
    pub(crate) since: Instant,
    /// When it began what it is at.
    pub(crate) began: Instant,
    /// The headers that its session holds, by hash.
    pub(crate) held: Vec<u64>,
    /// The header of what it runs, by hash.
    pub(crate) header: Option<u64>,
    /// Who waits for it; none once a lease was granted.
    pub(crate) watch: Option<Watch>,
}

impl<T> WorkerState<T> {
    /// A worker without a session.
    pub(crate) fn new(now: Instant) -> Self {
        Self {
            status: Status::Empty,
            assignment: None,
            kill: CancelFlag::default(),
            wear: Wear::new(now, 0, 0),
            holding: Holding::Shared,
            client: None,
            since: now,
            began: now,
            held: Vec::new(),
            header: None,
            watch: None,
        }
    }

    /// Whether its session is prepared for a source with this header.
    pub(crate) fn holds(&self, header: Option<u64>) -> bool {
        header.is_none_or(|header| self.held.contains(&header))
    }

    /// Whether its session is prepared for this header, or will be after what it runs.
    pub(crate) fn gets(&self, header: Option<u64>) -> bool {
        self.holds(header) || (self.status == Status::Busy && self.header == header)
    }

    /// Whether its session may serve a client without being replaced.
    pub(crate) fn serves(&self, client: &str) -> bool {
        self.holding.lets_follow(self.client.as_deref(), client)
    }

    /// Whether its session is there for one client, and which.
    pub(crate) fn owner(&self) -> Option<&Arc<str>> {
        let client = self.client.as_ref();
        client.filter(|_| self.holding == Holding::ByClient)
    }

    /// Whether its session will be there for one client, and no one has used it yet.
    pub(crate) fn is_untouched(&self) -> bool {
        self.holding == Holding::ByClient && self.client.is_none()
    }

    /// Whether its session has evaluated nothing.
    pub(crate) fn is_fresh(&self) -> bool {
        self.wear.requests == 0
    }

    /// Takes a session that has come up into use.
    pub(crate) fn open(&mut self, opened: Opened, now: Instant) {
        self.wear = Wear::new(now, opened.resident, opened.held.len());
        self.held = opened.held;
        self.holding = opened.holding;
    }

    pub(crate) fn run(&mut self, entry: Entry<T>, now: Instant) {
        if self.client.as_ref() != Some(&entry.client) {
            self.client = Some(Arc::clone(&entry.client));
            self.since = now;
        }
        self.began = now;
        self.status = if entry.is_lease {
            Status::Leased
        } else {
            Status::Busy
        };
        self.header = entry.header;
        self.watch = Some(Watch {
            cancel: entry.cancel.clone(),
            deadline: entry.client_deadline,
        });
        self.assignment = Some(Assignment::Run(entry));
    }

    pub(crate) fn leave(&mut self) {
        self.status = Status::Leaving;
        self.assignment = Some(Assignment::Retire);
        self.wear.resident = 0;
        self.held.clear();
        self.client = None;
    }
}

/// What a session that has come up is like.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) lean_version: String,
    /// Resident bytes of its tree.
    pub(crate) resident: u64,
    /// The headers that it holds, by hash.
    pub(crate) held: Vec<u64>,
    /// How it holds its level of isolation.
    pub(crate) holding: Holding,
}

/// How a source or a lease ended.
#[derive(Debug)]
pub(crate) struct Finish<T> {
    /// Whether the session was given it at all.
    pub(crate) ran: bool,
    /// Why the session is not to be used again.
    pub(crate) lost: Option<RecycleReason>,
    /// Whether the session was lost by what its client sent.
    pub(crate) at_fault: bool,
    /// A header that the session holds now: by hash, and as it is sent.
    pub(crate) proven: Option<(u64, Arc<str>)>,
    /// Resident bytes of the session's tree.
    pub(crate) resident: u64,
    /// What is to be tried again on another session.
    pub(crate) again: Option<Entry<T>>,
}
