//! What a pool says about itself. Never changes anything.

use crate::engine::pool::recycling::RecycleReason;
use crate::engine::pool::worker_state::Status;
use crate::failure::Failure;
use crate::isolation::Isolation;

/// How a pool is at one moment.
#[derive(Debug, Clone)]
pub struct PoolState {
    /// Whether a session has passed its probe and work is taken.
    pub is_ready: bool,
    /// Whether no new work is taken any more.
    pub is_draining: bool,
    /// Why the last start failed; gone after one that succeeded.
    pub failure: Option<Failure>,
    /// Lean's version as a session says it, such as `4.27.0`.
    pub lean_version: Option<String>,
    /// How many sessions work at the same time at most.
    pub capacity: usize,
    /// How many sessions are at what.
    pub sessions: Sessions,
    /// How many jobs and leases wait.
    pub queued: usize,
    /// How many sources and leases have ended, whatever the result.
    pub finished: u64,
    /// How many sources lost their session and were tried once more.
    pub retried: u64,
    /// How many sessions were replaced, and why.
    pub restarts: Restarts,
    /// Resident memory of all sessions when last measured, in bytes.
    pub resident_bytes: u64,
    /// The level of isolation that every session holds at least; none before the first one is up.
    pub isolation: Option<Isolation>,
}

impl PoolState {
    /// The state of an engine that has no sessions of its own: it takes requests.
    pub fn of_no_pool() -> Self {
        Self {
            is_ready: true,
            is_draining: false,
            failure: None,
            lean_version: None,
            capacity: 0,
            sessions: Sessions::default(),
            queued: 0,
            finished: 0,
            retried: 0,
            restarts: Restarts::default(),
            resident_bytes: 0,
            isolation: None,
        }
    }
}

/// How many sessions are at what.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sessions {
    /// Not there yet: waiting to start, or starting.
    pub starting: usize,
    /// Proven, and ready to take another one's place.
    pub spare: usize,
    /// Waiting for work.
    pub idle: usize,
    /// Running a source.
    pub busy: usize,
    /// A client's own.
    pub leased: usize,
    /// Being stopped.
    pub stopping: usize,
}

impl Sessions {
    pub(crate) fn add(&mut self, status: Status) {
        let count = match status {
            Status::Empty | Status::Starting => &mut self.starting,
            Status::Spare => &mut self.spare,
            Status::Idle => &mut self.idle,
            Status::Busy => &mut self.busy,
            Status::Leased => &mut self.leased,
            Status::Leaving => &mut self.stopping,
            Status::Gone => return,
        };
        *count += 1;
    }

    /// The counts by the words for them, in the assignment of a session's life.
    pub fn by_name(&self) -> [(&'static str, usize); 6] {
        [
            ("starting", self.starting),
            ("spare", self.spare),
            ("idle", self.idle),
            ("busy", self.busy),
            ("leased", self.leased),
            ("stopping", self.stopping),
        ]
    }
}

/// How many sessions were replaced, by reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Restarts([u64; RecycleReason::ALL.len()]);

impl Restarts {
    pub(crate) fn add(&mut self, reason: RecycleReason) {
        for (count, known) in self.0.iter_mut().zip(RecycleReason::ALL) {
            *count += u64::from(known == reason);
        }
    }

    /// How many for this reason.
    pub fn of(&self, reason: RecycleReason) -> u64 {
        let mut counts = self.iter();
        counts
            .find(|(known, _)| *known == reason)
            .map_or(0, |(_, count)| count)
    }

    /// All reasons with their counts.
    pub fn iter(&self) -> impl Iterator<Item = (RecycleReason, u64)> {
        RecycleReason::ALL.into_iter().zip(self.0)
    }
}
