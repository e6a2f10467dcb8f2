//! Why a request is not answered as asked, for every network door. Each door maps it to its own codes in
//! one place.

use std::io;
use std::time::Duration;

use crate::engine::evaluate::SubmitError;
use crate::service::readiness::Readiness;

/// When a client that may not have more requests at a time should try again.
const BUSY: Duration = Duration::from_secs(1);

/// When a client that came too early should try again.
const NOT_READY: Duration = Duration::from_secs(2);

/// When to try again where no session starts, or at the server that replaces this one.
const UNAVAILABLE: Duration = Duration::from_secs(5);

/// Why a request is not answered as asked; displayed as one line for the client.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ServiceError {
    /// A key is required and none was shown.
    #[error("Missing API key")]
    MissingKey,
    /// The key is not among those of the service.
    #[error("Invalid API key")]
    UnknownKey,
    /// The key is used more often than its rate allows.
    #[error("too many requests a second with this key")]
    TooManyRequests { retry_after: Duration },
    /// As many requests of the key run as may.
    #[error("too many requests at a time with this key")]
    TooManyConcurrent,
    /// No session has been there yet, or none will be any more.
    #[error("REPL not ready ({})", not_ready(.0))]
    NotReady(Readiness),
    /// The engine did not take the request.
    #[error(transparent)]
    Refused(#[from] SubmitError),
    /// As many leases are held as may.
    #[error("no more sessions can be held at a time")]
    TooManyLeases {
        /// When one of them may have expired.
        retry_after: Duration,
    },
    /// A client holds as many leases as one may.
    #[error("a client holds at most {most} {} at a time", if *most == 1 { "session" } else { "sessions" })]
    TooManyLeasesOfClient {
        most: usize,
        /// When one of them may have expired.
        retry_after: Duration,
    },
    /// This client never had a lease of that name.
    #[error("there is no such session")]
    NoSuchLease,
    /// The lease is over, and why.
    #[error("the session is gone ({why}); its environments and proof states are lost")]
    LeaseGone { why: String },
    /// A request in a lease took too long, which ends the lease.
    #[error("timed out after {}s; the session is gone with its environments", limit.as_secs_f64())]
    LeaseTimedOut {
        /// The longest run that it was given.
        limit: Duration,
    },
    /// The imports of a source in a lease fail; the lease lives on.
    #[error("{0}")]
    HeaderFailed(String),
    /// The system has no random bytes for a name.
    #[error("no random name: {0}")]
    NoRandomName(#[source] io::Error),
}

/// What [`ServiceError::NotReady`] says in parentheses.
fn not_ready(readiness: &Readiness) -> String {
    match readiness {
        Readiness::Starting | Readiness::ImportingMathlib => format!("still {readiness}"),
        _ => readiness.to_string(),
    }
}

impl ServiceError {
    /// What the client can do about it, where that is not plain.
    pub(crate) fn hint(&self) -> Option<&'static str> {
        match self {
            Self::TooManyLeases { .. } => Some(
                "try again later, or send whole sources to `/v1/eval`, which needs no session of its own",
            ),
            Self::TooManyLeasesOfClient { .. } => {
                Some("give one back with `DELETE /v1/sessions/ID`, or go on in one that you hold")
            }
            _ => None,
        }
    }

    /// When it is worth trying again; nothing if that would not help.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::TooManyRequests { retry_after }
            | Self::TooManyLeases { retry_after }
            | Self::TooManyLeasesOfClient { retry_after, .. }
            | Self::Refused(SubmitError::QueueFull { retry_after }) => Some(*retry_after),
            Self::TooManyConcurrent | Self::Refused(SubmitError::QueueTimeout { .. }) => Some(BUSY),
            Self::NotReady(_) => Some(NOT_READY),
            Self::Refused(SubmitError::ShuttingDown | SubmitError::NoSession(_)) => {
                Some(UNAVAILABLE)
            }
            Self::MissingKey
            | Self::UnknownKey
            | Self::Refused(SubmitError::Cancelled)
            | Self::NoSuchLease
            | Self::LeaseGone { .. }
            | Self::LeaseTimedOut { .. }
            | Self::HeaderFailed(_)
            | Self::NoRandomName(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_that_came_too_early_reads_what_is_still_to_come() {
        for (readiness, text) in [
            (Readiness::Starting, "REPL not ready (still starting)"),
            (
                Readiness::ImportingMathlib,
                "REPL not ready (still importing Mathlib)",
            ),
            (Readiness::ShuttingDown, "REPL not ready (shutting down)"),
        ] {
            assert_eq!(ServiceError::NotReady(readiness).to_string(), text);
        }
    }

    #[test]
    fn a_wait_is_shown_to_the_tenth_of_a_second() {
        let waited = Duration::from_millis(1250);
        let error = ServiceError::from(SubmitError::QueueTimeout { waited });
        assert_eq!(error.to_string(), "no free REPL within 1.2 s");
    }
}
