//! Requests that are no good, and how they come.

use serde_json::json;

use crate::served::{Served, assert_elapsed};

#[test]
fn every_status_is_answered_in_json_with_a_number_of_its_own() {
    let served = Served::start(&["--max-body", "1000"]);
    let long = "x".repeat(2000);
    for (answer, status) in [
        (served.get("/nowhere"), 404),
        (served.get("/v1/sessions/none"), 404),
        (served.delete("/"), 405),
        (served.delete("/nowhere"), 405),
        (served.post("/health", ""), 405),
        (served.get("/api/check"), 405),
        (served.post("/", &long), 413),
        (served.post("/api/check", &long), 413),
        (served.post_with("/", b"caf\xe9", &[]), 400),
        (served.post("/api/check", "{"), 422),
        (served.post("/v1/eval", "[]"), 422),
    ] {
        assert_eq!(answer.status, status, "{answer:?}");
        assert_elapsed(&answer);
        let reply = answer.json();
        assert_eq!(reply["ok"], false);
        assert!(reply["error"].is_string());
        assert!(!reply["detail"].is_null());
        let id = answer.header("x-request-id").unwrap();
        assert_eq!(reply["request_id"], id);
        assert_eq!(answer.header("content-type"), Some("application/json"));
    }
    let allowed = served.delete("/health");
    assert!(
        allowed.header("allow").unwrap().contains("GET"),
        "{allowed:?}"
    );
    served.stop();
}

#[test]
fn a_chunked_body_is_the_text_and_not_an_empty_one() {
    let served = Served::start(&[]);
    let answer = served.exchange(
        b"POST / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n\
          a\r\n--! error \r\n8\r\nchunked!\r\n0\r\n\r\n",
    );
    assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
    assert!(answer.contains("chunked!"), "{answer}");
    served.stop();
}

#[test]
fn the_declared_type_of_a_body_does_not_matter() {
    let served = Served::start(&[]);
    for kind in ["application/x-www-form-urlencoded", "application/json", "x"] {
        let headers = [("content-type", kind)];
        let answer = served.post_with("/", b"--! error a=b&c%20", &headers);
        assert_eq!(answer.json()["messages"][0]["data"], "a=b&c%20");
    }
    let body = json!({"snippets": [{"id": "a", "code": "x"}]}).to_string();
    let headers = [("content-type", "text/plain")];
    let answer = served.post_with("/api/check", body.as_bytes(), &headers);
    assert_eq!(answer.status, 200);
    served.stop();
}

#[test]
fn a_compressed_body_is_refused_and_not_evaluated() {
    let served = Served::start(&[]);
    for path in ["/", "/v1/eval", "/api/check"] {
        let headers = [("content-encoding", "gzip")];
        let answer = served.post_with(path, b"def a := 1", &headers);
        assert_eq!(answer.status, 415, "{answer:?}");
        assert_elapsed(&answer);
        assert!(answer.text.contains("Content-Encoding"), "{answer:?}");
    }
    let headers = [("content-encoding", "identity")];
    let answer = served.post_with("/", b"def a := 1", &headers);
    assert_eq!(answer.status, 200, "{answer:?}");
    served.stop();
}

#[test]
fn a_long_body_that_is_sent_before_the_answer_is_read_gets_its_413() {
    let served = Served::start(&["--max-body", "100kB"]);
    let body = vec![b'x'; 1_000_000];
    let answer = served.post_with("/", &body, &[]);
    assert_eq!(answer.status, 413);
    let mut head =
        b"POST / HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n"
            .to_vec();
    head.extend_from_slice(b"f4240\r\n");
    head.extend_from_slice(&body);
    head.extend_from_slice(b"\r\n0\r\n\r\n");
    assert!(served.exchange(&head).starts_with("HTTP/1.1 413"));
    served.stop();
}

#[test]
fn nonsense_on_the_wire_harms_nobody_else() {
    let served = Served::start(&[]);
    for nonsense in [
        &b"\x16\x03\x01\x02\x00"[..],
        b"GET\r\n\r\n",
        b"POST / HTTP/1.1\r\ncontent-length: -1\r\n\r\n",
        b"POST / HTTP/1.1\r\nhost: localhost\r\ncontent-length: 10\r\n\r\nabc",
    ] {
        drop(served.connect(nonsense));
    }
    assert_eq!(served.post("/", "def a := 1").status, 200);
    served.stop();
}

#[test]
fn a_browser_may_ask_first_and_any_page_may_call_if_that_is_said() {
    let served = Served::start(&["--cors", "*"]);
    let answer = served.exchange(
        b"OPTIONS /any/path HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\norigin: https://page.example\r\n\r\n",
    );
    assert!(answer.starts_with("HTTP/1.1 204"), "{answer}");
    let answer = answer.to_lowercase();
    assert!(
        answer.contains("access-control-allow-origin: *"),
        "{answer}"
    );
    let allowed = answer
        .lines()
        .find(|line| line.starts_with("access-control-allow-headers"));
    assert!(allowed.unwrap().contains("x-lean-timeout"));
    for answer in [served.post("/", "--! error x"), served.get("/nowhere")] {
        assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
    }
    served.stop();
}

#[test]
fn a_request_keeps_the_number_that_its_client_gave_it() {
    let served = Served::start(&[]);
    let id = |given: &str| {
        let answer = served.get_with("/health", &[("x-request-id", given)]);
        answer.header("x-request-id").unwrap().to_owned()
    };
    assert_eq!(id("trace-1.a_B"), "trace-1.a_B");
    assert_ne!(id("with blanks"), "with blanks");
    assert_ne!(id(""), id(""));
    served.stop();
}
