//! What bounds the work with Docker's daemon. Never asks the daemon.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;

use futures_util::future::{Either, select};

use crate::event::Observer;
use crate::failure::{Failure, Kind};
use crate::limits::{CancelFlag, Deadline, TICK, Wait};

/// What bounds the work, and who hears of it.
#[derive(Clone)]
pub(crate) struct Circumstances {
    /// When to give up.
    pub(crate) deadline: Deadline,
    /// Who is told.
    pub(crate) observer: Arc<dyn Observer>,
    /// Whether to stop.
    pub(crate) interrupt: CancelFlag,
}

/// Runs a future to its end on this thread, unless the user or the clock wants an end before.
///
/// # Errors
/// Those of the future; `Kind::Interrupted` and `Kind::Remote` if it was left before its end.
pub(crate) fn finish<T>(
    around: &Circumstances,
    doing: &str,
    future: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|err| Failure::bug("cannot talk to Docker's daemon").caused_by(err))?;
    runtime.block_on(async {
        match select(pin!(future), pin!(stopped(around, doing))).await {
            Either::Left((result, _)) => result,
            Either::Right((failure, _)) => Err(failure),
        }
    })
}

/// Ends when the user or the clock wants an end.
async fn stopped(around: &Circumstances, doing: &str) -> Failure {
    loop {
        if around.interrupt.is_set() {
            return Failure::new(
                Kind::Interrupted,
                format!("stopped while {doing}"),
                "run the same command again; Docker keeps the steps that were finished",
            );
        }
        if around.deadline.is_over() {
            let span = Wait::secs(around.deadline.span().as_secs().max(1));
            return Failure::new(
                Kind::Remote,
                format!("{doing} did not end within {span} and was stopped"),
                "allow more time with `--timeout`; Docker keeps the steps that were finished",
            );
        }
        tokio::time::sleep(TICK).await;
    }
}
