//! What a pool is made of and what it may use. Holds nothing that changes.

use std::sync::Arc;
use std::time::Duration;

use crate::lean::options::ModuleOptions;
use crate::limits::{Bytes, Wait};
use crate::session::base::BaseEnv;
use crate::session::exchange::SessionLimits;
use crate::session::identity::LeanRepl;

/// Everything that a pool depends on.
#[derive(Debug, Clone)]
pub struct PoolSettings {
    /// What is run.
    pub lean: LeanRepl,
    /// What texts start from.
    pub base: BaseEnv,
    /// The options of Lean that hold for all texts; nothing if no Lake file says.
    pub lean_options: Option<Arc<ModuleOptions>>,
    /// How many sessions work at the same time; at least one.
    pub sessions: usize,
    /// How many more are kept ready to take the place of one that goes.
    pub spares: usize,
    /// How many sessions start at the same time: an import reads gigabytes.
    pub starts: usize,
    /// What a session may use; over it, it is killed at once.
    pub limits: SessionLimits,
    /// When a session is replaced between two texts.
    pub wear: WearLimits,
    /// The most that waits.
    pub queue: QueueLimits,
    /// The longest wait for a start or an import.
    pub import_timeout: Wait,
    /// Texts whose headers each session proves before it is ready, such as `import Mathlib`. A header
    /// that cannot be proven is a failed start.
    pub warm: Vec<Arc<str>>,
    /// How many of the headers that were asked for last a new session proves besides, so that
    /// nobody waits for an import again when a session is replaced.
    pub warm_recent: usize,
    /// The pause after the first failed start; it doubles with each that follows.
    pub first_pause: Duration,
    /// The longest pause between failed starts.
    pub longest_pause: Duration,
}

/// How worn a session may be before it is replaced. It goes when a spare is ready to take its place
/// or, in a pool without spares, when nobody waits; at twice these values it goes at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WearLimits {
    /// Whether a session serves one text in its life. This is a promise: such a session is never given
    /// another one, also where that means that somebody waits for a start or is refused.
    pub single_use: bool,
    /// Texts.
    pub requests: Option<u64>,
    /// Resident memory of its process tree. What it may hold at all is in [`SessionLimits`].
    pub memory: Option<Bytes>,
    /// Time since it was started.
    pub age: Option<Duration>,
    /// Time since its last text; a session without one is as good as new.
    pub idle: Option<Duration>,
    /// Different headers. The REPL frees no environment, so it keeps them all.
    pub headers: usize,
}

/// The most that waits for a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QueueLimits {
    /// Jobs and leases; at least one.
    pub jobs: usize,
    /// Their texts, in bytes. A single longer text is let in when nothing else waits.
    pub bytes: Bytes,
}

impl PoolSettings {
    /// One session and one spare, with the limits that fit Mathlib.
    pub fn new(lean: LeanRepl) -> Self {
        Self {
            lean,
            base: BaseEnv::Import,
            lean_options: None,
            sessions: 1,
            spares: 1,
            starts: 2,
            limits: SessionLimits::default(),
            wear: WearLimits::default(),
            queue: QueueLimits::default(),
            import_timeout: Wait::secs(300),
            warm: Vec::new(),
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
            memory: Some(Bytes::mib(7 * 1024)),
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
