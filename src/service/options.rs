//! How a service is set up. Decides nothing and reads nothing.

use std::time::Duration;

use crate::limits::{Bytes, Wait};
use crate::service::keys::Keys;
use crate::service::outcomes::OutcomeFile;

/// The form of the answer to a raw source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Messages and sorries, as a REPL writes them.
    Repl,
    /// What `lean` prints, from a process that serves one source only.
    Lean,
}

/// Whose web pages may call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Cors {
    /// Those of every origin.
    Any,
    /// Those of these origins, such as `https://lean.example.org`.
    Origins(Vec<String>),
    /// None but our own page.
    Off,
}

/// Everything about a service but its pool.
#[derive(Debug)]
pub(crate) struct ServiceOptions {
    /// The form of the answer to a raw source.
    pub(crate) mode: Mode,
    /// Longest run of a source whose client does not say.
    pub(crate) run_timeout: Duration,
    /// Longest run that a client may ask for.
    pub(crate) max_run_timeout: Duration,
    /// Longest time of a source's imports.
    pub(crate) import_timeout: Duration,
    /// Longest wait for a session.
    pub(crate) queue_timeout: Duration,
    /// Longest body of a request.
    pub(crate) max_body: Bytes,
    /// Longest time in which a body may arrive.
    pub(crate) body_timeout: Duration,
    /// Longest wait of an answer for its client to read on.
    pub(crate) write_timeout: Duration,
    /// Most connections at a time.
    pub(crate) max_connections: usize,
    /// Sources of one batch that are in the queue or run at a time.
    pub(crate) batch_width: usize,
    pub(crate) cors: Cors,
    /// Whether only programs of this machine are served, and so no pages from elsewhere that a browser
    /// here has open.
    pub(crate) is_own_machine_only: bool,
    /// Whether the last `X-Forwarded-For` entry says who asks, where there are no keys.
    pub(crate) trusts_proxy: bool,
    pub(crate) keys: Keys,
    /// Longest wait for running sources when the service is to stop.
    pub(crate) grace: Wait,
    /// How long a lease lives without a request.
    pub(crate) lease_idle: Duration,
    /// How many leases there may be at a time.
    pub(crate) max_leases: usize,
    /// How many of them one client may have.
    pub(crate) max_leases_each: usize,
    /// The imports of a raw source that has none, such as `import Mathlib`; empty for none.
    pub(crate) base_header: String,
    pub(crate) toolchain: ToolchainChoice,
    /// Where a line for each verdict goes; none if they are not kept.
    pub(crate) outcome_file: Option<OutcomeFile>,
}

/// Which Lean, as `/version` shows it.
#[derive(Debug, Clone)]
pub(crate) struct ToolchainChoice {
    /// `core`, `project` or `repl`.
    pub(crate) source: &'static str,
    pub(crate) why: String,
}
