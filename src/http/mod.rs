//! `leanrepl serve`: HTTP in front of a pool. The only place with tasks instead of threads; never
//! talks to a session but through the pool.

mod address;
mod base_header;
mod body;
mod eval;
mod front;
mod health;
pub(crate) mod keys;
mod kimina;
mod lax;
mod leases;
mod listener;
pub(crate) mod logs;
mod metrics;
mod names;
mod numbers;
mod object;
mod openapi;
pub(crate) mod options;
mod page;
mod problem;
mod rate;
mod raw;
mod replies;
mod results;
mod router;
mod server;
mod sessions;
mod sources;
mod verdict;
mod work;

use std::net::{SocketAddr, TcpListener as StdListener, ToSocketAddrs};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinHandle;
use tokio::time::{interval, timeout};

use crate::failure::{Failure, Kind};
use crate::http::options::ServeOptions;
use crate::http::server::Server;
use crate::limits::{CancelFlag, Wait};
use crate::process::allocator;

pub(crate) use crate::http::server::Started;

/// How often sessions that nobody uses are looked for.
const EXPIRY: Duration = Duration::from_secs(1);

/// How much longer than the grace the end may take.
const LAST: Duration = Duration::from_secs(10);

/// Cores for each thread that serves connections, and the most such threads. The work is done by Lean;
/// more of these threads mostly wake each other up, so that two of them on two cores take fewer
/// requests than one.
const CORES_A_THREAD: usize = 4;
/// See [`CORES_A_THREAD`].
const MOST_THREADS: usize = 8;

/// A port that is bound, so that clients wait instead of being refused.
pub(crate) struct Door {
    /// The socket.
    listener: StdListener,
    /// Its address.
    address: SocketAddr,
}

impl Door {
    /// Binds a port.
    ///
    /// # Errors
    /// An address that is none, or that is taken.
    pub(crate) fn open(listen: &str) -> Result<Self, Failure> {
        let failed = |err: std::io::Error| {
            Failure::new(
                Kind::Remote,
                format!("cannot listen on `{listen}`"),
                "name a free address and port of this machine with `--listen HOST:PORT`",
            )
            .caused_by(err)
        };
        let addresses: Vec<SocketAddr> = listen.to_socket_addrs().map_err(failed)?.collect();
        let listener = StdListener::bind(addresses.as_slice()).map_err(failed)?;
        listener.set_nonblocking(true).map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        Ok(Self { listener, address })
    }

    /// The address, with the port that was given.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }
}

/// Makes the pool, once the port is bound: this may take as long as an installation of Lean.
pub(crate) type MakePool = Box<dyn FnOnce() -> Result<Started, Failure> + Send>;

/// Serves until `interrupt` is set, then lets running requests finish.
///
/// # Errors
/// What keeps the pool from being made.
pub(crate) fn run(
    door: Door,
    options: ServeOptions,
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
    let outcome = runtime.block_on(serve(door, options, make_pool, interrupt));
    stop(runtime);
    outcome
}

/// Ends the threads, also those that are stuck.
fn stop(runtime: Runtime) {
    runtime.shutdown_timeout(LAST);
}

/// The life of a server.
async fn serve(
    door: Door,
    options: ServeOptions,
    make_pool: MakePool,
    interrupt: &CancelFlag,
) -> Result<(), Failure> {
    let grace = options.grace;
    let most = options.max_connections;
    let nonce = names::random()
        .map_err(|err| Failure::bug("this system has no random bytes").caused_by(err))?;
    let nonce = nonce.chars().take(8).collect();
    let server = Arc::new(Server::new(options, nonce));
    let listener = TcpListener::from_std(door.listener)
        .map_err(|err| Failure::bug("cannot wait on the port").caused_by(err))?;
    // Stops the server when the user says so, and when there will be no pool.
    let stop = CancelFlag::default();
    let pool = make(&server, make_pool, stop.clone());
    let expiry = expire(&server);
    let open = {
        let accepted = listener::accept(listener, router::router(&server), most, &stop);
        tokio::pin!(accepted);
        tokio::select! {
            open = &mut accepted => open,
            () = listener::until_set(interrupt) => {
                stop.set();
                accepted.await
            }
        }
    };
    tracing::info!(grace = %grace, "shutting down");
    expiry.abort();
    tokio::join!(
        drain(&server, grace),
        listener::finish(open, grace.get() + LAST)
    );
    match timeout(LAST, pool).await {
        // The user wanted to stop while Lean was being installed: that is an end like any other.
        Ok(Ok(Err(failure))) if failure.kind() != Kind::Interrupted => Err(failure),
        _ => Ok(()),
    }
}

/// Makes the pool in a thread of its own.
fn make(
    server: &Arc<Server>,
    make_pool: MakePool,
    stop: CancelFlag,
) -> JoinHandle<Result<(), Failure>> {
    let server = Arc::clone(server);
    tokio::task::spawn_blocking(move || match make_pool() {
        Ok(started) => {
            server.start(started);
            Ok(())
        }
        Err(failure) => {
            stop.set();
            Err(failure)
        }
    })
}

/// Gives back the sessions that their clients have forgotten.
fn expire(server: &Arc<Server>) -> JoinHandle<()> {
    let server = Arc::clone(server);
    tokio::spawn(async move {
        let mut ticks = interval(EXPIRY);
        loop {
            ticks.tick().await;
            server.leases.expire(server.options.lease_idle);
        }
    })
}

/// Takes no new work and waits for what runs.
async fn drain(server: &Arc<Server>, grace: Wait) {
    server.leases.clear();
    let Some(pool) = server.pool().cloned() else {
        return;
    };
    let drained = tokio::task::spawn_blocking(move || pool.drain(grace));
    if timeout(grace.get() + LAST, drained).await.is_err() {
        tracing::error!("the pool did not stop in time");
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
