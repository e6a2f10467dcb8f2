//! What all requests share. Never talks to a session.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use axum::http::StatusCode;

use crate::lean::header;
use crate::pool::Pool;
use crate::pool::PoolState;
use crate::pool::job::Refusal;
use crate::repl::identity::Identity;
use crate::serve::leases::Leases;
use crate::serve::metrics::Metrics;
use crate::serve::options::ServeOptions;
use crate::serve::problem::Problem;

/// When a client that came too early should try again.
const RETRY: Duration = Duration::from_secs(2);

/// The pool and what it runs, once both are known.
pub(crate) struct Started {
    /// The pool.
    pub(crate) pool: Arc<Pool>,
    /// What it runs.
    pub(crate) identity: Identity,
}

/// What all requests share.
pub(crate) struct Server {
    /// What it was told to be.
    pub(crate) options: ServeOptions,
    /// What is counted.
    pub(crate) metrics: Metrics,
    /// Sessions that clients hold as their own.
    pub(crate) leases: Leases,
    /// Makes the numbers of requests differ between two runs.
    pub(crate) nonce: String,
    /// Set once Lean is installed and the pool has begun to start sessions.
    started: OnceLock<Started>,
}

impl Server {
    /// A server without a pool yet.
    pub(crate) fn new(options: ServeOptions, nonce: String) -> Self {
        Self {
            leases: Leases::new(options.max_leases),
            options,
            metrics: Metrics::new(),
            nonce,
            started: OnceLock::new(),
        }
    }

    /// Takes the pool into use. Only the first one counts.
    pub(crate) fn start(&self, started: Started) {
        // A second pool is never made.
        let _ = self.started.set(started);
    }

    /// The pool.
    ///
    /// # Errors
    /// A refusal if there is none yet.
    pub(crate) fn pool(&self) -> Result<&Arc<Pool>, Refusal> {
        match self.started.get() {
            Some(started) => Ok(&started.pool),
            None => Err(Refusal::Draining),
        }
    }

    /// What the pool runs, once that is known.
    pub(crate) fn identity(&self) -> Option<&Identity> {
        self.started.get().map(|started| &started.identity)
    }

    /// How the pool is, if there is one.
    pub(crate) fn state(&self) -> Option<PoolState> {
        self.started.get().map(|started| started.pool.state())
    }

    /// How things are, in the words that `/health` has for it.
    pub(crate) fn status(&self, state: Option<&PoolState>) -> String {
        match state {
            Some(state) if state.is_draining => "shutting down".to_owned(),
            Some(state) if state.is_ready => "ready".to_owned(),
            Some(PoolState {
                failure: Some(failure),
                ..
            }) => format!("error: {failure}"),
            _ if self.has_mathlib() => "importing Mathlib".to_owned(),
            _ => "starting".to_owned(),
        }
    }

    /// Whether a raw text without imports can use Mathlib.
    pub(crate) fn has_mathlib(&self) -> bool {
        let imports = header::split(&self.options.base_header).imports;
        imports.iter().any(|import| import.module == "Mathlib")
    }

    /// Whether a text can be taken at all.
    ///
    /// # Errors
    /// 503 while there is no session yet, and when none will be there any more.
    pub(crate) fn check_ready(&self) -> Result<(), Problem> {
        let state = self.state();
        if state
            .as_ref()
            .is_some_and(|state| state.is_ready && !state.is_draining)
        {
            return Ok(());
        }
        let status = match self.status(state.as_ref()).as_str() {
            starting @ ("starting" | "importing Mathlib") => format!("still {starting}"),
            other => other.to_owned(),
        };
        let error = format!("REPL not ready ({status})");
        Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, error).retry_after(RETRY))
    }

    /// A client's number of seconds, within what it may ask for; none if it is no span of time.
    pub(crate) fn span(&self, seconds: f64) -> Option<Duration> {
        let most = self.options.max_timeout;
        if !seconds.is_finite() || seconds <= 0.0 {
            return None;
        }
        Some(
            Duration::try_from_secs_f64(seconds)
                .unwrap_or(most)
                .min(most),
        )
    }
}
