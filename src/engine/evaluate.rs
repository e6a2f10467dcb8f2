//! The seam between those who ask and those who evaluate.

use std::time::Duration;

use crate::engine::record::EvalRecord;
use crate::engine::request::EvalRequest;
use crate::engine::undecided::UndecidedReason;
use crate::failure::{Failure, Kind};

/// Takes a result.
pub type Done<T> = Box<dyn FnOnce(T) + Send>;

/// Evaluates one request. Implemented by the pool, and by layers around it.
pub trait Evaluate: Send + Sync {
    /// Calls `done` exactly once, on any thread, possibly before this returns.
    fn submit(&self, request: EvalRequest, done: Done<Result<EvalRecord, SubmitError>>);
}

/// Why a request was not evaluated. Nothing is known about its source then.
#[derive(Debug, Clone, thiserror::Error)]
pub enum SubmitError {
    /// The queue is full.
    #[error("the queue is full; try again later")]
    QueueFull {
        /// When it is worth trying again.
        retry_after: Duration,
    },
    /// No session was free in time.
    #[error("no free REPL within {:.1} s", waited.as_secs_f64())]
    QueueTimeout {
        /// How long the request had waited.
        waited: Duration,
    },
    /// No new work is taken.
    #[error("the server is shutting down")]
    ShuttingDown,
    /// No session could be started.
    #[error("{}", .0.problem())]
    NoSession(Failure),
    /// The client went away.
    #[error("the client went away")]
    Cancelled,
}

impl SubmitError {
    /// What a user reads about it.
    pub fn to_failure(&self) -> Failure {
        match self {
            Self::NoSession(failure) => failure.clone(),
            Self::Cancelled => Failure::new(Kind::Interrupted, self.to_string(), "send it again"),
            Self::QueueFull { .. } | Self::QueueTimeout { .. } | Self::ShuttingDown => {
                Failure::new(Kind::Session, self.to_string(), "send it again later")
            }
        }
    }
}

impl From<&SubmitError> for UndecidedReason {
    /// Why a source is undecided that was not evaluated.
    fn from(error: &SubmitError) -> Self {
        match error {
            SubmitError::QueueFull { .. } | SubmitError::QueueTimeout { .. } => Self::QueueTimeout,
            SubmitError::ShuttingDown | SubmitError::NoSession(_) => Self::Unavailable,
            SubmitError::Cancelled => Self::Cancelled,
        }
    }
}

impl From<&SubmitError> for EvalRecord {
    /// The record of a source that was not evaluated.
    fn from(error: &SubmitError) -> Self {
        let mut record = Self::undecided(error.into(), error.to_failure());
        if let SubmitError::QueueTimeout { waited } = error {
            record.times.queue = *waited;
        }
        record
    }
}
