//! From what happened to a source and its session to the reply for the client. Pure.

use std::sync::Arc;
use std::time::Duration;

use crate::engine::evaluated::Evaluated;
use crate::engine::pool::host::Ran;
use crate::engine::pool::job::Job;
use crate::engine::undecided::UndecidedReason;
use crate::failure::{Failure, Kind};
use crate::session::error::SessionError;

/// What is known about a job's source that is not tried again.
pub(crate) fn of(job: &Job, ran: Ran) -> Evaluated {
    match ran {
        Ran::Evaluated(evaluated) => *evaluated,
        Ran::Refused {
            failure,
            reason,
            took,
        } => undecided(job, reason, failure, took),
        Ran::Lost {
            error: SessionError::Interrupted,
            took,
            ..
        } => stopped(job, took),
        Ran::Lost { error, took, .. } => undecided(
            job,
            UndecidedReason::from(&error),
            error.into_failure(),
            took,
        ),
    }
}

/// A source whose session was stopped by us: for the client's sake, at the end of its patience, or at
/// the end of all.
fn stopped(job: &Job, took: Duration) -> Evaluated {
    if !job.cancelled.is_set() && job.patience.is_over() {
        let waited = job.patience.span();
        let error = SessionError::Late { waited };
        return undecided(
            job,
            UndecidedReason::from(&error),
            error.into_failure(),
            took,
        );
    }
    let failure = Failure::new(
        Kind::Interrupted,
        "the session was stopped before it answered",
        "send the source again",
    );
    undecided(job, UndecidedReason::Cancelled, failure, took)
}

/// An undecided source that was tried for so long.
fn undecided(job: &Job, reason: UndecidedReason, failure: Failure, took: Duration) -> Evaluated {
    let mut evaluated = Evaluated::undecided(&job.name, Arc::clone(&job.text), reason, failure);
    evaluated.times.body = took;
    evaluated
}
