//! The life of a service around its doors: the pool is made, forgotten leases expire, running requests
//! finish.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::{interval, timeout};

use crate::failure::Failure;
use crate::limits::{CancelFlag, Deadline, Wait};
use crate::service::server::{Service, StartedPool};

/// How often leases that are not used any more are looked for.
const EXPIRY: Duration = Duration::from_secs(1);

/// How much longer than the grace the end may take.
pub(crate) const LAST: Duration = Duration::from_secs(10);

/// Makes the pool, once the doors are open: this may take as long as an installation of Lean.
pub(crate) type MakePool = Box<dyn FnOnce() -> Result<StartedPool, Failure> + Send>;

/// Makes the pool in a thread of its own; sets `stop` if there will be none.
pub(crate) fn start_pool(
    service: &Arc<Service>,
    make_pool: MakePool,
    stop: CancelFlag,
) -> JoinHandle<Result<(), Failure>> {
    let service = Arc::clone(service);
    spawn_blocking(move || match make_pool() {
        Ok(started) => {
            service.start(started);
            Ok(())
        }
        Err(failure) => {
            stop.set();
            Err(failure)
        }
    })
}

/// Gives back the leases that their clients have forgotten, and those that others wait for, until it is aborted.
pub(crate) fn expire_leases(service: &Arc<Service>) -> JoinHandle<()> {
    let service = Arc::clone(service);
    tokio::spawn(async move {
        let mut ticks = interval(EXPIRY);
        loop {
            ticks.tick().await;
            service.leases.expire(service.is_crowded());
        }
    })
}

/// Takes no new work and waits for what runs.
pub(crate) async fn drain(service: &Service, grace: Wait) {
    service.leases.clear();
    let Some(pool) = service.pool().cloned() else {
        return;
    };
    let cache = service.started().and_then(|started| started.cache.clone());
    let drained = spawn_blocking(move || {
        pool.drain(grace);
        if let Some(cache) = cache {
            cache.finish();
        }
    });
    if timeout(grace.get() + LAST, drained).await.is_err() {
        tracing::error!("the pool did not stop in time");
    }
}

/// Waits until the outcome log is written to its end. No verdict follows.
pub(crate) async fn finish_outcomes(service: &Service) {
    let Some(outcomes) = service.outcomes.clone() else {
        return;
    };
    let finished = spawn_blocking(move || outcomes.finish(Deadline::after(LAST)));
    // It has a deadline of its own.
    let _ = finished.await;
}
