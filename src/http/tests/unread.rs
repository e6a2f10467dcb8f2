//! Clients that ask and do not read: they hold their connection for a while, and not for ever.

use std::convert::Infallible;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::routing::get;
use futures_util::stream;
use tokio::net::TcpListener;

use crate::http::connections::{self, Bounds};
use crate::limits::CancelFlag;

/// The longest wait of a test.
const LONGEST: Duration = Duration::from_secs(60);

/// More than the system takes before the other side has read something.
const LARGE: usize = 64 << 20;

/// A server with answers of three sizes that serves one connection at a time; ends with the flag.
async fn serve(longest_write: Duration, stop: &CancelFlag) -> SocketAddr {
    let endless = || async {
        let line = Bytes::from(vec![b'x'; 64 << 10]);
        Body::from_stream(stream::repeat_with(move || {
            Ok::<_, Infallible>(line.clone())
        }))
    };
    let router = Router::new()
        .route("/small", get(async || "small"))
        .route("/large", get(async || Bytes::from(vec![b'x'; LARGE])))
        .route("/endless", get(endless));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let bounds = Bounds {
        most: 1,
        longest_write,
    };
    let stop = stop.clone();
    tokio::spawn(async move { connections::accept(listener, router, bounds, &stop).await });
    address
}

/// Asks for a path, and leaves the answer where it is.
fn ask(address: SocketAddr, path: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(LONGEST)).unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    stream
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_does_not_read_gives_its_place_to_the_next() {
    let stop = CancelFlag::default();
    let address = serve(Duration::from_millis(200), &stop).await;
    for path in ["/large", "/endless"] {
        let unread = ask(address, path);
        let mut answer = String::new();
        ask(address, "/small").read_to_string(&mut answer).unwrap();
        assert!(answer.ends_with("small"), "{path}: {answer}");
        drop(unread);
    }
    stop.set();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_reads_gets_all_of_it() {
    let stop = CancelFlag::default();
    let address = serve(LONGEST, &stop).await;
    let mut answer = ask(address, "/large");
    let mut length = 0;
    let mut space = vec![0; 1 << 20];
    loop {
        match answer.read(&mut space).unwrap() {
            0 => break,
            count => length += count,
        }
    }
    assert!(length > LARGE, "{length}");
    stop.set();
}
