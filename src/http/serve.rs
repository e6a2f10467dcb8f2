//! The life of the HTTP door: threads, connections, and an orderly end.

use std::sync::Arc;
use std::thread;

use tokio::runtime::Builder;
use tokio::time::timeout;

use crate::failure::{Failure, Kind};
use crate::http::connections::{self, Bounds};
use crate::http::listener::Listener;
use crate::http::router;
use crate::limits::CancelFlag;
use crate::process::allocator;
use crate::service::lifecycle::{self, LAST, MakePool};
use crate::service::options::ServiceOptions;
use crate::service::server::Service;

/// Cores for each thread that serves connections, and the most such threads. The work is done by Lean;
/// more of these threads mostly wake each other up, so that two of them on two cores take fewer
/// requests than one.
const CORES_A_THREAD: usize = 4;
/// See [`CORES_A_THREAD`].
const MOST_THREADS: usize = 8;

/// Serves until `interrupt` is set, then lets running requests finish.
///
/// # Errors
/// What keeps the pool from being made.
pub(crate) fn run(
    listener: Listener,
    options: ServiceOptions,
    make_pool: MakePool,
    interrupt: &CancelFlag,
) -> Result<(), Failure> {
    allocator::give_back();
    raise_descriptor_limit();
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let runtime = Builder::new_multi_thread()
        .worker_threads(cores.div_ceil(CORES_A_THREAD).min(MOST_THREADS))
        .enable_all()
        .thread_name("serve")
        .build()
        .map_err(|err| Failure::bug("cannot start the threads of the server").caused_by(err))?;
    let outcome = runtime.block_on(serve(listener, options, make_pool, interrupt));
    // Also ends threads that are stuck.
    runtime.shutdown_timeout(LAST);
    outcome
}

/// The life of a server.
async fn serve(
    listener: Listener,
    options: ServiceOptions,
    make_pool: MakePool,
    interrupt: &CancelFlag,
) -> Result<(), Failure> {
    let grace = options.grace;
    let bounds = Bounds {
        most: options.max_connections,
        longest_write: options.write_timeout,
    };
    let service = Arc::new(Service::new(options)?);
    let socket = listener.into_tokio()?;
    // Stops the server when the user says so, and when there will be no pool.
    let stop = CancelFlag::default();
    let pool = lifecycle::start_pool(&service, make_pool, stop.clone());
    let expiry = lifecycle::expire_leases(&service);
    let open = {
        let accepted = connections::accept(socket, router::router(&service), bounds, &stop);
        tokio::pin!(accepted);
        tokio::select! {
            open = &mut accepted => open,
            () = connections::until_set(interrupt) => {
                stop.set();
                accepted.await
            }
        }
    };
    tracing::info!(grace = %grace, "shutting down");
    expiry.abort();
    tokio::join!(
        lifecycle::drain(&service, grace),
        connections::finish(open, grace.get() + LAST)
    );
    lifecycle::finish_outcomes(&service).await;
    match timeout(LAST, pool).await {
        // The user wanted to stop while Lean was being installed: that is an end like any other.
        Ok(Ok(Err(failure))) if failure.kind() != Kind::Interrupted => Err(failure),
        _ => Ok(()),
    }
}

/// Allows as many open connections as the system lets this process have.
fn raise_descriptor_limit() {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    // With fewer of them fewer clients are served at a time; that is no reason not to begin.
    if let Err(err) = setrlimit(Resource::Nofile, limit) {
        tracing::warn!(%err, "cannot raise the limit on open files");
    }
}
