//! What a pool is made of and what it may use. Holds nothing that changes.

use std::sync::Arc;
use std::time::Duration;

use crate::limits::Bytes;
use crate::session::spec::SessionSpec;

/// Everything that a pool depends on.
#[derive(Debug, Clone)]
pub struct PoolSettings {
    /// What its sessions are made of.
    pub spec: Arc<SessionSpec>,
    /// How many sessions work at the same time; at least one.
    pub sessions: usize,
    /// How many more are kept ready to take the place of one that goes.
    pub spares: usize,
    /// How many sessions start at the same time: an import reads gigabytes.
    pub starts: usize,
    /// When a session is replaced between two sources.
    pub wear: WearLimits,
    /// The most that waits.
    pub queue: QueueLimits,
    /// How many of the headers that were asked for last a new session proves besides, so that
    /// no client waits for an import again when a session is replaced.
    pub warm_recent: usize,
    /// The pause after the first failed start; it doubles with each that follows.
    pub first_pause: Duration,
    /// The longest pause between failed starts.
    pub longest_pause: Duration,
}

/// How worn a session may be before it is replaced. It goes when a spare is ready to take its place
/// or, in a pool without spares, when no client waits; at twice these values it goes at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WearLimits {
    /// Whether a session serves one source in its life. This is a promise: such a session is never given
    /// another one, also where that means that a client waits for a start or is refused.
    pub single_use: bool,
    /// Sources.
    pub requests: Option<u64>,
    /// Resident memory of its process tree. What it may hold at all is in its specification.
    pub memory: Option<Bytes>,
    /// Time since it was started.
    pub age: Option<Duration>,
    /// Time since its last source; a session without one is as good as new.
    pub idle: Option<Duration>,
    /// Different headers. The REPL frees no environment, so it keeps them all.
    pub headers: usize,
}

/// The most that waits for a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QueueLimits {
    /// Jobs and leases; at least one.
    pub jobs: usize,
    /// Their sources, in bytes. A single longer source is let in when nothing else waits.
    pub bytes: Bytes,
}

impl PoolSettings {
    /// One session and one spare, with the limits that fit Mathlib.
    pub fn new(spec: SessionSpec) -> Self {
        let wear = WearLimits {
            // One that comes near its limit is replaced before a source has to pay for it.
            memory: spec
                .limits
                .memory
                .map(|most| Bytes::new(most.get() / 8 * 7)),
            ..WearLimits::default()
        };
        Self {
            spec: Arc::new(spec),
            sessions: 1,
            spares: 1,
            starts: 2,
            wear,
            queue: QueueLimits::default(),
            warm_recent: 1,
            first_pause: Duration::from_millis(500),
            longest_pause: Duration::from_secs(60),
        }
    }
}

impl Default for WearLimits {
    fn default() -> Self {
        Self {
            single_use: false,
            requests: Some(1000),
            memory: None,
            age: None,
            idle: None,
            headers: 16,
        }
    }
}

impl Default for QueueLimits {
    fn default() -> Self {
        Self {
            jobs: 10_000,
            bytes: Bytes::mib(256),
        }
    }
}
