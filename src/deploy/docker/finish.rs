//! Futures of Docker's client within the bounds of the work. Never asks the daemon.

use std::future::Future;
use std::pin::pin;

use futures_util::future::{Either, select};

use crate::failure::{Failure, Kind};
use crate::limits::{TICK, Wait};
use crate::work::WorkContext;

/// Runs a future to its end on this thread, unless the user or the clock wants an end before.
///
/// # Errors
/// Those of the future; `Kind::Interrupted` and `Kind::Remote` if it was left before its end.
pub(crate) fn finish<T>(
    work: WorkContext<'_>,
    doing: &str,
    future: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|err| Failure::bug("cannot talk to Docker's daemon").caused_by(err))?;
    runtime.block_on(async {
        match select(pin!(future), pin!(stopped(work, doing))).await {
            Either::Left((result, _)) => result,
            Either::Right((failure, _)) => Err(failure),
        }
    })
}

/// Ends when the user or the clock wants an end.
async fn stopped(work: WorkContext<'_>, doing: &str) -> Failure {
    loop {
        if work.cancel.is_set() {
            return Failure::new(
                Kind::Interrupted,
                format!("stopped while {doing}"),
                "run the same command again; Docker keeps the steps that were finished",
            );
        }
        if work.deadline.is_over() {
            let span = Wait::secs(work.deadline.span().as_secs().max(1));
            return Failure::new(
                Kind::Remote,
                format!("{doing} did not end within {span} and was stopped"),
                "allow more time with `--timeout`; Docker keeps the steps that were finished",
            );
        }
        tokio::time::sleep(TICK).await;
    }
}
