//! A server on the HTTP library of `leanrepl serve` that answers the same at once to everything: what
//! a server of this kind takes at the least. Runs no REPL.

use std::convert::Infallible;
use std::net::SocketAddr;

use anyhow::Result;
use hyper::body::Incoming;
use hyper::header::CONTENT_TYPE;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::runtime::Builder;

/// What it answers.
const ANSWER: &str = r#"{"ok":true,"messages":[],"sorries":[],"env":0,"elapsed":0.0}"#;

/// Serves until it is killed; prints its address first.
///
/// # Errors
/// No port.
pub(crate) fn run() -> Result<()> {
    let runtime = Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await?;
        println!("http://{}", listener.local_addr()?);
        loop {
            let (stream, _) = listener.accept().await?;
            stream.set_nodelay(true)?;
            let connection =
                http1::Builder::new().serve_connection(TokioIo::new(stream), service_fn(answer));
            // A client that goes away is no matter here.
            tokio::spawn(async move { connection.await.ok() });
        }
    })
}

/// The answer to everything.
async fn answer(_request: Request<Incoming>) -> Result<Response<String>, Infallible> {
    let mut response = Response::new(ANSWER.to_owned());
    let json = hyper::header::HeaderValue::from_static("application/json");
    response.headers_mut().insert(CONTENT_TYPE, json);
    Ok(response)
}
