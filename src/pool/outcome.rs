//! From what happened to a text and its session to what the client is told. Pure.

use std::sync::Arc;
use std::time::Duration;

use crate::failure::{Failure, Kind};
use crate::pool::host::Ran;
use crate::pool::job::{Cause, Job};
use crate::process::ending::How;
use crate::repl::evaluated::{Evaluated, Verdict};
use crate::repl::session_error::SessionError;

/// What is known about a text.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// The verdict and all that Lean said.
    pub(crate) evaluated: Evaluated,
    /// Why it is undecided, if it is.
    pub(crate) cause: Option<Cause>,
}

/// What is known about a job's text that is not tried again.
pub(crate) fn of(job: &Job, ran: Ran) -> Outcome {
    match ran {
        Ran::Evaluated(evaluated) => Outcome {
            cause: cause_of(&evaluated),
            evaluated: *evaluated,
        },
        Ran::Refused {
            failure,
            is_header,
            took,
        } => {
            let cause = match failure.kind() {
                _ if is_header => Cause::Import,
                Kind::Bug => Cause::Nonsense,
                // The REPL said in due form that it cannot do what was asked of it.
                _ => Cause::Lacking,
            };
            undecided(job, failure, cause, took)
        }
        Ran::Lost {
            error: SessionError::Interrupted,
            took,
            ..
        } => stopped(job, took),
        Ran::Lost { error, took, .. } => {
            let cause = cause_of_loss(&error);
            undecided(job, error.into_failure(), cause, took)
        }
    }
}

/// A text whose session was stopped by us: for the client's sake, at the end of its patience, or at
/// the end of all.
fn stopped(job: &Job, took: Duration) -> Outcome {
    if !job.cancelled.is_set() && job.patience.is_over() {
        let waited = job.patience.span();
        let failure = SessionError::Late { waited }.into_failure();
        return undecided(job, failure, Cause::Timeout, took);
    }
    let failure = Failure::new(
        Kind::Interrupted,
        "the session was stopped before it answered",
        "send the text again",
    );
    undecided(job, failure, Cause::Stopped, took)
}

/// A text that nobody knows about although it was tried for so long.
fn undecided(job: &Job, failure: Failure, cause: Cause, took: Duration) -> Outcome {
    let mut evaluated = Evaluated::undecided(&job.name, Arc::clone(&job.text), failure);
    evaluated.times.body = took;
    Outcome {
        evaluated,
        cause: Some(cause),
    }
}

/// Why a text is undecided although its session answered.
fn cause_of(evaluated: &Evaluated) -> Option<Cause> {
    if evaluated.verdict != Verdict::Undecided {
        return None;
    }
    match &evaluated.failure {
        Some(failure) if failure.kind() == Kind::Project => Some(Cause::Lacking),
        _ => Some(Cause::Nonsense),
    }
}

/// Why a text is undecided whose session was lost.
fn cause_of_loss(error: &SessionError) -> Cause {
    match error {
        SessionError::Late { .. } => Cause::Timeout,
        SessionError::Memory { .. } => Cause::Memory,
        SessionError::TooLarge { .. } => Cause::Size,
        SessionError::Died(ending) if ending.how == How::OutOfMemory => Cause::Memory,
        SessionError::Died(_) | SessionError::Pipe(_) | SessionError::Start { .. } => Cause::Crash,
        SessionError::Garbled { .. } => Cause::Nonsense,
        SessionError::Interrupted => Cause::Stopped,
    }
}
