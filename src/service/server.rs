//! What the requests of all doors share. Never talks to a session.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, timeout_at};

use crate::engine::cache::cached::Cached;
use crate::engine::evaluate::{Evaluate, SubmitError};
use crate::engine::pool::{Pool, PoolState};
use crate::failure::{Failure, Kind};
use crate::lean::options::ModuleOptions;
use crate::names;
use crate::process::sandbox::Offer;
use crate::service::error::ServiceError;
use crate::service::leases::Leases;
use crate::service::metrics::Metrics;
use crate::service::options::ServiceOptions;
use crate::service::outcomes::OutcomeLog;
use crate::service::readiness::{self, Readiness};
use crate::session::identity::Identity;

/// How many random letters make the ids of requests differ between two runs.
const NONCE: usize = 8;

/// The shortest limit that a client can set for a run: each run that is cut off costs a process.
const SHORTEST_RUN: Duration = Duration::from_millis(100);

/// The pool and what it runs, once both are known.
pub(crate) struct StartedPool {
    /// Who evaluates: the pool, or a layer around it.
    pub(crate) evaluate: Arc<dyn Evaluate>,
    /// The pool, if there is one in this process.
    pub(crate) pool: Option<Arc<Pool>>,
    /// The cache in front of it, if there is one.
    pub(crate) cache: Option<Arc<Cached>>,
    pub(crate) identity: Identity,
    /// The SHA-256 of the pickle that sources start from, if they do.
    pub(crate) pickle: Option<String>,
    pub(crate) confinement: Offer,
    /// The options of Lean that hold for all sources; nothing if no Lake file says.
    pub(crate) lean_options: Option<Arc<ModuleOptions>>,
}

/// What the requests of all doors share.
pub(crate) struct Service {
    /// How it is set up.
    pub(crate) options: ServiceOptions,
    pub(crate) metrics: Metrics,
    /// Sessions that clients hold as their own.
    pub(crate) leases: Leases,
    /// Where a line for each verdict goes, if they are kept.
    pub(crate) outcomes: Option<Arc<OutcomeLog>>,
    /// Makes the ids of requests differ between two runs.
    pub(crate) nonce: String,
    /// Set once Lean is installed and the pool has begun to start sessions.
    started: OnceLock<StartedPool>,
    /// Notified when `started` is set.
    news: Notify,
}

impl Service {
    /// A service without a pool yet.
    ///
    /// # Errors
    /// A system without random bytes, or that starts no thread.
    pub(crate) fn new(mut options: ServiceOptions) -> Result<Self, Failure> {
        let nonce = names::random()
            .map_err(|err| Failure::bug("this system has no random bytes").caused_by(err))?;
        let metrics = Metrics::new();
        let start = |file| OutcomeLog::start(file, metrics.outcome_drops.clone());
        let outcomes = options.outcome_file.take().map(start).transpose()?;
        Ok(Self {
            outcomes: outcomes.map(Arc::new),
            leases: Leases::new(
                options.max_leases,
                options.max_leases_each,
                options.lease_idle,
            ),
            options,
            metrics,
            nonce: nonce.chars().take(NONCE).collect(),
            started: OnceLock::new(),
            news: Notify::new(),
        })
    }

    /// Takes the pool into use. Only the first one counts.
    pub(crate) fn start(&self, started: StartedPool) {
        // A second pool is never made.
        let _ = self.started.set(started);
        self.news.notify_waiters();
    }

    /// The pool, if there is one.
    pub(crate) fn pool(&self) -> Option<&Arc<Pool>> {
        self.started.get()?.pool.as_ref()
    }

    /// What evaluates, as soon as it is there.
    ///
    /// # Errors
    /// A refusal if that takes longer than `wait`.
    pub(crate) async fn started_within(&self, wait: Duration) -> Result<&StartedPool, SubmitError> {
        let until = Instant::now() + wait;
        loop {
            // Asked for before looking, so that nothing is missed in between.
            let news = self.news.notified();
            if let Some(started) = self.started.get() {
                return Ok(started);
            }
            if timeout_at(until, news).await.is_err() {
                return Err(SubmitError::QueueTimeout { waited: wait });
            }
        }
    }

    /// The pool, as soon as there is one.
    ///
    /// # Errors
    /// As [`Self::started_within`], and a service without a pool of its own.
    pub(crate) async fn pool_within(&self, wait: Duration) -> Result<&Arc<Pool>, SubmitError> {
        let started = self.started_within(wait).await?;
        started.pool.as_ref().ok_or_else(|| {
            SubmitError::NoSession(Failure::new(
                Kind::Remote,
                "this server has no sessions of its own",
                "send whole sources, or ask a server that runs its sessions itself",
            ))
        })
    }

    /// The pool and what it runs, once both are known.
    pub(crate) fn started(&self) -> Option<&StartedPool> {
        self.started.get()
    }

    /// How the pool is, if there is one.
    pub(crate) fn state(&self) -> Option<PoolState> {
        let started = self.started.get()?;
        let pool = started.pool.as_ref();
        Some(pool.map_or_else(PoolState::of_no_pool, |pool| pool.state()))
    }

    /// Whether leases hold every session while others wait for one.
    pub(crate) fn is_crowded(&self) -> bool {
        let state = self.state();
        state.is_some_and(|state| state.queued > 0 && state.sessions.leased >= state.capacity)
    }

    /// How far a service is whose pool is in this state.
    pub(crate) fn readiness(&self, state: Option<&PoolState>) -> Readiness {
        Readiness::new(state, self.has_mathlib())
    }

    /// Whether a raw source without imports can use Mathlib.
    pub(crate) fn has_mathlib(&self) -> bool {
        readiness::imports_mathlib(&self.options.base_header)
    }

    /// Whether a source is taken now.
    ///
    /// # Errors
    /// There has been no session yet, or none will be there any more.
    pub(crate) fn check_ready(&self) -> Result<(), ServiceError> {
        let state = self.state();
        if state.as_ref().is_some_and(readiness::takes_sources) {
            return Ok(());
        }
        Err(ServiceError::NotReady(self.readiness(state.as_ref())))
    }

    /// A client's number of seconds, within what it may ask for; none if it is no span of time.
    pub(crate) fn run_timeout(&self, seconds: f64) -> Option<Duration> {
        if !seconds.is_finite() || seconds <= 0.0 {
            return None;
        }
        let asked = Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX);
        Some(self.within_bounds(asked))
    }

    /// The longest run of a source whose client asks for this one. What is too short is raised and what is
    /// too long lowered, and neither is refused.
    pub(crate) fn within_bounds(&self, asked: Duration) -> Duration {
        let most = self.options.max_run_timeout;
        asked.clamp(SHORTEST_RUN.min(most), most)
    }
}
