//! The verdict on a source in one word, and why it is undecided. Never renders more than words.

use std::time::Duration;

use crate::engine::evaluated::Verdict;
use crate::engine::pool::job::Refusal;
use crate::engine::undecided::UndecidedReason;
use crate::http::work::Outcome;

/// The verdict as a word; a text that did not run is undecided.
pub(crate) fn word(outcome: &Outcome) -> &'static str {
    match outcome {
        Ok(answer) => answer.evaluated.verdict.as_str(),
        Err(_refused) => Verdict::Undecided.as_str(),
    }
}

/// Why a source is undecided; none if it is decided.
pub(crate) fn reason(outcome: &Outcome) -> Option<UndecidedReason> {
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

/// What a client is told about a text that did not run.
pub(crate) fn refused(refusal: &Refusal) -> String {
    match refusal {
        Refusal::Full { .. } => "the queue is full; try again later".to_owned(),
        Refusal::TooLate { waited } => {
            format!("no free REPL within {}", rounded(*waited))
        }
        Refusal::Draining => "the server is shutting down".to_owned(),
        Refusal::NoSession(failure) => failure.problem().to_owned(),
        Refusal::Cancelled => "the client went away".to_owned(),
    }
}

/// A span to the tenth of a second, as people read it.
fn rounded(span: Duration) -> String {
    format!("{:.1} s", span.as_secs_f64())
}
