//! Connections: taken, given their deadlines, and brought to an orderly end. Never looks at a path.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{sleep, timeout};
use tower_service::Service as _;

use crate::http::admission::Peer;
use crate::http::write_deadline::WriteDeadline;
use crate::limits::{CancelFlag, TICK};

/// How long a client may take for the head of its next request; also how long a connection is kept
/// open without one.
const HEAD: Duration = Duration::from_secs(75);

/// How long nothing is taken after the system refused a connection, as it does when it runs out of
/// descriptors.
const PAUSE: Duration = Duration::from_millis(100);

/// What connections may take.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    /// How many there may be at a time.
    pub(crate) most: usize,
    /// How long a write may wait for its client to read.
    pub(crate) longest_write: Duration,
}

/// Takes connections until `interrupt` is set. Returns those that are still open.
pub(crate) async fn accept(
    listener: TcpListener,
    router: Router,
    bounds: Bounds,
    interrupt: &CancelFlag,
) -> GracefulShutdown {
    let graceful = GracefulShutdown::new();
    let room = Arc::new(Semaphore::new(bounds.most));
    loop {
        // Connections beyond the most wait with the system, which has a queue of its own.
        let next = async {
            let permit = Arc::clone(&room).acquire_owned().await;
            (permit, listener.accept().await)
        };
        let taken = tokio::select! {
            taken = next => taken,
            () = until_set(interrupt) => return graceful,
        };
        match taken {
            (Ok(permit), Ok((stream, peer))) => {
                // Small answers must not wait for more to send; a system that cannot do that is slower.
                let _ = stream.set_nodelay(true);
                let stream = WriteDeadline::new(stream, bounds.longest_write);
                start(stream, peer, router.clone(), &graceful, permit);
            }
            (_, Err(err)) => {
                tracing::warn!(%err, "a connection was refused");
                sleep(PAUSE).await;
            }
            (Err(_never_closed), Ok(_)) => return graceful,
        }
    }
}

/// Waits until the flag is set.
pub(crate) async fn until_set(interrupt: &CancelFlag) {
    while !interrupt.is_set() {
        sleep(TICK).await;
    }
}

fn start(
    stream: WriteDeadline<TcpStream>,
    peer: SocketAddr,
    router: Router,
    graceful: &GracefulShutdown,
    permit: OwnedSemaphorePermit,
) {
    let service = service_fn(move |mut request: hyper::Request<Incoming>| {
        request.extensions_mut().insert(Peer(peer));
        router.clone().call(request)
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD)
        .serve_connection(TokioIo::new(stream), service);
    let connection = graceful.watch(connection);
    tokio::spawn(async move {
        // A client that breaks off or does not speak HTTP does not concern the others.
        if let Err(err) = connection.await {
            tracing::debug!(%err, "a connection ended early");
        }
        drop(permit);
    });
}

/// Waits for requests that still run, but not longer than `grace`.
pub(crate) async fn finish(open: GracefulShutdown, grace: Duration) {
    if timeout(grace, open.shutdown()).await.is_err() {
        tracing::warn!("some clients were cut off at the end");
    }
}
