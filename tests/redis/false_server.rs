//! Servers that are no Redis, or lie.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::thread;

use leanrepl::internals::Kind;
use leanrepl::internals::cache::{RedisStore, Store as _, StoreError, key};

use crate::rig::{busy, refusal, settings};

/// What a server says of itself that can be used.
const INFO: &str =
    "redis_version:7.0.15\r\nredis_mode:standalone\r\nmaxmemory_policy:noeviction\r\n";

/// The address of a server that answers the first thing that comes on each connection by `answer`; its thread
/// ends with the test.
fn server(answer: impl Fn(&[u8], &mut TcpStream) + Send + Sync + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for socket in listener.incoming() {
            let mut socket = socket.unwrap();
            let mut bytes = [0; 4096];
            // The client may have gone away.
            while let Ok(count @ 1..) = socket.read(&mut bytes) {
                answer(&bytes[..count], &mut socket);
            }
        }
    });
    format!("redis://{address}")
}

/// One that passes for a Redis until it is asked for a value.
fn lying(answer: impl Fn(&mut TcpStream) + Send + Sync + 'static) -> RedisStore {
    let url = server(move |bytes, socket| {
        if bytes.ends_with(b"INFO\r\n") {
            let _ = socket.write_all(format!("${}\r\n{INFO}\r\n", INFO.len()).as_bytes());
        } else {
            answer(socket);
        }
    });
    RedisStore::open(settings(&url)).unwrap()
}

#[test]
fn what_is_not_a_redis_is_named_as_such() {
    for answer in [
        "HTTP/1.1 400 Bad Request\r\n\r\n",
        "SSH-2.0-OpenSSH_9.2\r\n",
        "+PONG\r\n",
        "$5\r\nhello\r\n",
        "*0\r\n",
    ] {
        let url = server(move |_, socket| {
            let _ = socket.write_all(answer.as_bytes());
        });
        let failure = refusal(settings(&url));
        assert_eq!(failure.kind(), Kind::Remote, "{answer}");
        assert!(
            failure.problem().contains("is not a Redis server"),
            "{answer}: {failure:?}"
        );
        assert!(failure.problem().contains(&url), "{failure:?}");
    }
}

#[test]
fn a_server_that_is_too_old_is_refused() {
    let info = INFO.replace("7.0.15", "6.0.16");
    let url = server(move |_, socket| {
        let _ = socket.write_all(format!("${}\r\n{info}\r\n", info.len()).as_bytes());
    });
    let failure = refusal(settings(&url));
    assert!(failure.problem().contains("6.0.16"), "{failure:?}");
}

#[test]
fn a_value_without_an_end_is_a_miss() {
    let store = lying(|socket| {
        let _ = socket.write_all(b"$4000000000\r\n");
        let chunk = [b'x'; 8192];
        while socket.write_all(&chunk).is_ok() {}
    });
    assert_eq!(store.get(&key(b"a")).unwrap(), None);
}

#[test]
fn a_list_without_an_end_is_not_read() {
    let store = lying(|socket| {
        let _ = socket.write_all(b"*4000000000\r\n");
        while socket.write_all(b"$1\r\nx\r\n_\r\n:1\r\n").is_ok() {}
    });
    assert_eq!(store.get(&key(b"a")).unwrap(), None);
    busy(store.holdings());
}

#[test]
fn an_answer_that_trickles_in_ends_at_the_deadline() {
    let store = lying(|socket| {
        let _ = socket.write_all(b"$100000\r\n");
        while socket.write_all(b"x").is_ok() {
            thread::sleep(std::time::Duration::from_millis(50));
        }
    });
    let text = busy(store.get(&key(b"a")));
    assert!(text.contains("in time"), "{text}");
}

#[test]
fn answers_of_another_kind_break_the_store_without_harm() {
    for answer in [
        &b"+OK\r\n"[..],
        b":1\r\n",
        b"*1\r\n$1\r\nx\r\n",
        b"%1\r\n+a\r\n+b\r\n",
        b"$abc\r\n",
        b"nonsense\r\n",
        b"-MOVED 1 127.0.0.1:1\r\n",
        b"-ERR\r\n",
        b">0\r\n",
        // Nested deeper than any answer is.
        &b"*1000000\r\n".repeat(200),
    ] {
        let answer = answer.to_vec();
        let shown = String::from_utf8_lossy(&answer).into_owned();
        let store = lying(move |socket| {
            let _ = socket.write_all(&answer);
        });
        let found = store.get(&key(b"a"));
        assert!(
            matches!(found, Err(StoreError::Broken(_))),
            "{shown}: {found:?}"
        );
    }
}
