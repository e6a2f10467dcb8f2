//! What all requests share. Never talks to a session.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use axum::http::StatusCode;
use tokio::sync::Notify;
use tokio::time::{Instant, timeout_at};

use crate::engine::pool::Pool;
use crate::engine::pool::PoolState;
use crate::engine::pool::job::Refusal;
use crate::http::leases::Leases;
use crate::http::metrics::Metrics;
use crate::http::options::ServeOptions;
use crate::http::problem::Problem;
use crate::lean::header;
use crate::lean::options::ModuleOptions;
use crate::process::sandbox::Offer;
use crate::session::identity::Identity;

/// When a client that came too early should try again.
const RETRY: Duration = Duration::from_secs(2);

/// The pool and what it runs, once both are known.
pub(crate) struct Started {
    /// The pool.
    pub(crate) pool: Arc<Pool>,
    /// What it runs.
    pub(crate) identity: Identity,
    /// The SHA-256 of the pickle that texts start from, if they do.
    pub(crate) pickle: Option<String>,
    /// How its sessions are confined.
    pub(crate) confinement: Offer,
    /// The options of Lean that hold for all texts; nothing if no Lake file says.
    pub(crate) lean_options: Option<Arc<ModuleOptions>>,
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
    /// Told when `started` is set.
    news: Notify,
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
            news: Notify::new(),
        }
    }

    /// Takes the pool into use. Only the first one counts.
    pub(crate) fn start(&self, started: Started) {
        // A second pool is never made.
        let _ = self.started.set(started);
        self.news.notify_waiters();
    }

    /// The pool, if there is one.
    pub(crate) fn pool(&self) -> Option<&Arc<Pool>> {
        self.started.get().map(|started| &started.pool)
    }

    /// The pool, as soon as there is one.
    ///
    /// # Errors
    /// A refusal if that takes longer than `wait`.
    pub(crate) async fn pool_within(&self, wait: Duration) -> Result<&Arc<Pool>, Refusal> {
        let until = Instant::now() + wait;
        loop {
            // Asked for before looking, so that nothing is missed in between.
            let news = self.news.notified();
            if let Some(pool) = self.pool() {
                return Ok(pool);
            }
            if timeout_at(until, news).await.is_err() {
                return Err(Refusal::TooLate { waited: wait });
            }
        }
    }

    /// The pool and what it runs, once both are known.
    pub(crate) fn started(&self) -> Option<&Started> {
        self.started.get()
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

    /// Whether a text can be taken at all. Between the end of one session and the start of the next
    /// it can: it waits in the queue.
    ///
    /// # Errors
    /// 503 while there has been no session yet, and when none will be there any more.
    pub(crate) fn check_ready(&self) -> Result<(), Problem> {
        let state = self.state();
        let takes = |state: &PoolState| {
            // A session has told its version once it has passed its probe.
            !state.is_draining && (state.is_ready || state.lean_version.is_some())
        };
        if state.as_ref().is_some_and(takes) {
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
