//! What a server was told to be. Decides nothing and reads nothing.

use std::time::Duration;

use crate::http::keys::Keys;
use crate::limits::{Bytes, Wait};

/// What a raw text is answered with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Messages and sorries, as a REPL writes them.
    Repl,
    /// What `lean` prints, from a process that serves one text only.
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

/// Everything about a server but its pool.
#[derive(Debug)]
pub(crate) struct ServeOptions {
    /// What a raw text is answered with.
    pub(crate) mode: Mode,
    /// Longest run of a text whose client does not say.
    pub(crate) timeout: Duration,
    /// Longest run that a client may ask for.
    pub(crate) max_timeout: Duration,
    /// Longest time of a text's imports.
    pub(crate) import_timeout: Duration,
    /// Longest wait for a session.
    pub(crate) max_wait: Duration,
    /// Longest body of a request.
    pub(crate) max_body: Bytes,
    /// Longest time in which a body may arrive.
    pub(crate) body_timeout: Duration,
    /// Most connections at a time.
    pub(crate) max_connections: usize,
    /// Texts of one batch that are in the queue or run at a time.
    pub(crate) batch_width: usize,
    /// Whose web pages may call.
    pub(crate) cors: Cors,
    /// Whether the last `X-Forwarded-For` entry says who asks, where there are no keys.
    pub(crate) trusts_proxy: bool,
    /// Who may call at all.
    pub(crate) keys: Keys,
    /// Longest wait for running texts when the server is to stop.
    pub(crate) grace: Wait,
    /// How long a client's own session lives without a request.
    pub(crate) lease_idle: Duration,
    /// How many sessions clients may hold as their own.
    pub(crate) max_leases: usize,
    /// The imports of a raw text that has none, such as `import Mathlib`; empty for none.
    pub(crate) base_header: String,
    /// Which Lean, and why that one.
    pub(crate) toolchain: Toolchain,
}

/// Which Lean, as `/version` tells it.
#[derive(Debug, Clone)]
pub(crate) struct Toolchain {
    /// `core`, `project` or `repl`.
    pub(crate) source: &'static str,
    /// One sentence that says why.
    pub(crate) why: String,
}
