//! Images: what is in one, how Docker's daemon builds, tries and pushes it. Nothing outside
//! sees that it is async. Never runs the program `docker`.

pub(crate) mod binary;
mod build;
pub(crate) mod context;
mod credentials;
mod daemon;
mod elf;
mod endpoint;
mod files;
pub(crate) mod gather;
mod image;
mod pull;
mod push;
pub(crate) mod recipe;
mod smoke;
mod steps;

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{Either, select};

use crate::event::Observer;
use crate::failure::{Failure, Kind};
use crate::limits::{Bytes, CancelFlag, Deadline, TICK, Wait};

pub(crate) use build::{BuildOptions, Step};
pub(crate) use daemon::Daemon;
pub(crate) use image::Image;
#[cfg(test)]
pub(crate) use image::Layer;
pub(crate) use smoke::Smoke;

/// An image that was made, and how.
#[derive(Debug, Clone)]
pub(crate) struct Made {
    /// The image.
    pub(crate) image: Image,
    /// What its base takes.
    pub(crate) base_size: Option<Bytes>,
    /// Its names.
    pub(crate) names: Vec<String>,
    /// Its digest in a registry, if it was pushed and the registry told.
    pub(crate) digest: Option<String>,
    /// What was done for it.
    pub(crate) steps: Vec<Step>,
    /// What is in it of the project, and what was left out.
    pub(crate) gathered: Option<gather::Gathered>,
    /// How the trial went, if there was one.
    pub(crate) smoke: Option<Smoke>,
    /// How long all of it took.
    pub(crate) elapsed: Duration,
}

/// Names what leanrepl made, on images and containers.
pub(crate) const LABEL: &str = "org.leanprover-community.leanrepl";

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
fn finish<T>(
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
