//! The verdict on a source in one word, and why it is undecided. Never renders more than words.

use crate::engine::evaluated::Verdict;
use crate::engine::pool::job::{Answer, Refusal};
use crate::engine::undecided::UndecidedReason;
use crate::service::error::ServiceError;

/// The verdict; a source that did not run is undecided.
pub(crate) fn verdict(outcome: &Result<Answer, Refusal>) -> Verdict {
    match outcome {
        Ok(answer) => answer.evaluated.verdict,
        Err(_refused) => Verdict::Undecided,
    }
}

/// Why a source is undecided; none if it is decided.
pub(crate) fn reason(outcome: &Result<Answer, Refusal>) -> Option<UndecidedReason> {
    match outcome {
        Ok(answer) => answer.evaluated.reason,
        Err(refusal) => Some(refusal_reason(refusal)),
    }
}

/// Why a source that did not run is undecided.
pub(crate) fn refusal_reason(refusal: &Refusal) -> UndecidedReason {
    match refusal {
        Refusal::Full { .. } | Refusal::TooLate { .. } => UndecidedReason::QueueTimeout,
        Refusal::Draining | Refusal::NoSession(_) => UndecidedReason::Unavailable,
        Refusal::Cancelled => UndecidedReason::Cancelled,
    }
}

/// What a client reads about a source that did not run.
pub(crate) fn refused(refusal: &Refusal) -> String {
    ServiceError::from(refusal).to_string()
}
