//! Keys, and what they may do.

use serde_json::json;

use crate::served::Served;
use crate::world::World;

/// A server that asks for one of two keys.
fn with_keys(args: &[&str]) -> Served {
    let world = World::new()
        .fake_repl("")
        .file("keys", "alice s3cret\nbob 0ther\n");
    let args = [&["--api-keys", "keys"], args].concat();
    let served = Served::start_in(world, &args);
    served.wait_ready();
    served
}

#[test]
fn a_missing_and_a_wrong_key_are_told_apart_and_nothing_runs() {
    let served = with_keys(&[]);
    let body = json!({"snippets": [{"id": "a", "code": "x"}]}).to_string();
    for path in [
        "/api/check",
        "/verify",
        "/v1/eval",
        "/v1/sessions",
        "/",
        "/any",
    ] {
        let answer = served.post(path, &body);
        assert_eq!(
            (answer.status, answer.json()["detail"].clone()),
            (401, json!("Missing API key"))
        );
        let wrong = [("authorization", "Bearer nope")];
        let answer = served.post_with(path, body.as_bytes(), &wrong);
        assert_eq!(
            (answer.status, answer.json()["detail"].clone()),
            (401, json!("Invalid API key"))
        );
    }
    assert_eq!(served.get("/metrics").status, 401);
    for path in ["/health", "/ready", "/version", "/", "/openapi.json"] {
        assert_eq!(served.get(path).status, 200, "{path}");
    }
    for shown in ["Bearer s3cret", "s3cret", "bearer 0ther"] {
        let headers = [("authorization", shown)];
        assert_eq!(
            served
                .post_with("/api/check", body.as_bytes(), &headers)
                .status,
            200
        );
    }
    served.stop();
}

#[test]
fn a_client_whose_long_text_is_turned_away_is_told_that_the_connection_is_over() {
    let served = with_keys(&[]);
    for (length, expected) in [(10, None), (100_000, Some("close"))] {
        let answer = served.post("/", &"x".repeat(length));
        assert_eq!(answer.status, 401);
        assert_eq!(answer.header("connection"), expected, "{length}");
    }
    served.stop();
}

#[test]
fn neither_keys_nor_texts_are_in_the_log() {
    let served = with_keys(&["--log-format", "json"]);
    let headers = [
        ("authorization", "Bearer s3cret"),
        ("x-request-id", "find-me"),
    ];
    served.post_with("/", b"def marker := 1", &headers);
    served.post_with(
        "/",
        b"def marker := 1",
        &[("authorization", "Bearer wr0ng")],
    );
    let log = served.stop().stderr();
    for secret in ["s3cret", "wr0ng", "marker"] {
        assert!(!log.contains(secret), "{log}");
    }
    let line = log.lines().find(|line| line.contains("find-me")).unwrap();
    let line: serde_json::Value = serde_json::from_str(line).unwrap();
    assert_eq!(
        (&line["status"], &line["client"]),
        (&json!(200), &json!("alice"))
    );
}

#[test]
fn a_key_has_a_rate_of_its_own() {
    let served = with_keys(&["--key-rate", "0.01"]);
    let post = |key: &str| served.post_with("/", b"def a := 1", &[("authorization", key)]);
    assert_eq!(post("s3cret").status, 200);
    let refused = post("s3cret");
    assert_eq!(refused.status, 429);
    assert!(
        refused
            .header("retry-after")
            .unwrap()
            .parse::<u64>()
            .unwrap()
            > 0
    );
    assert_eq!(post("0ther").status, 200);
    served.stop();
}

#[test]
fn keys_may_come_from_the_variables_and_no_session_sees_them() {
    let world = World::new()
        .fake_repl("")
        .var("LEAN_SERVER_API_KEY", "s3cret");
    let served = Served::start_in(world, &[]);
    served.wait_ready();
    assert_eq!(served.post("/", "x").status, 401);
    let headers = [("authorization", "s3cret")];
    let answer = served.post_with("/", b"--! print-env", &headers);
    assert_eq!(answer.status, 200);
    assert!(answer.text.contains("LEAN_FAKE_REPL"), "{answer:?}");
    assert!(!answer.text.contains("s3cret"), "{answer:?}");
    served.stop();
}

#[test]
fn another_clients_session_is_not_found() {
    let served = with_keys(&[]);
    let alice = [("authorization", "s3cret")];
    let taken = served.post_with("/v1/sessions", b"", &alice);
    assert_eq!(taken.status, 201);
    let path = format!("/v1/sessions/{}", taken.json()["id"].as_str().unwrap());
    assert_eq!(served.get_with(&path, &alice).status, 200);
    assert_eq!(
        served.get_with(&path, &[("authorization", "0ther")]).status,
        404
    );
    served.stop();
}

#[test]
fn clients_behind_a_proxy_are_told_apart_if_it_is_trusted() {
    for (args, others_status) in [(&["--trust-proxy"][..], 404), (&[], 200)] {
        let served = Served::start(args);
        let from = |address: &'static str| [("x-forwarded-for", address)];
        let taken = served.post_with("/v1/sessions", b"", &from("203.0.113.9, 192.0.2.7"));
        assert_eq!(taken.status, 201, "{taken:?}");
        let path = format!("/v1/sessions/{}", taken.json()["id"].as_str().unwrap());
        let status = |address| served.get_with(&path, &from(address)).status;
        // What stands before the last entry is the client's own invention.
        assert_eq!(status("198.51.100.1, 192.0.2.7"), 200, "{args:?}");
        assert_eq!(status("192.0.2.7, 192.0.2.8"), others_status, "{args:?}");
        served.stop();
    }
}

/// What becomes of a source that is sent with these headers and would write a file: the status, and
/// whether the file is there.
fn outcome(served: &Served, headers: &[(&str, &str)]) -> (u16, bool) {
    let trace = served.world.work("trace");
    let source = format!("--! try write {}", trace.display());
    let answer = served.post_with("/", source.as_bytes(), headers);
    if answer.status >= 400 {
        let reply = answer.json();
        assert!(
            reply["error"].is_string() && reply["hint"].is_string(),
            "{reply}"
        );
    }
    (answer.status, std::fs::remove_file(&trace).is_ok())
}

/// A server whose sources may write.
fn unconfined(args: &[&str]) -> Served {
    Served::start(&[&["--sandbox", "off"], args].concat())
}

#[test]
fn a_page_from_elsewhere_makes_the_server_of_this_machine_run_nothing() {
    let served = unconfined(&[]);
    let own = format!("http://{}", served.address);
    let port = served.address.port();
    let by_name = format!("localhost:{port}");
    let own_by_name = format!("http://{by_name}");
    for headers in [
        // As programs ask, and the page that this server itself has sent.
        &[][..],
        &[("host", &*by_name)],
        &[("origin", &*own)],
        &[("host", &*by_name), ("origin", &*own_by_name)],
    ] {
        assert_eq!(outcome(&served, headers), (200, true), "{headers:?}");
    }
    let rebound = format!("rebound.example:{port}");
    let own_of_rebound = format!("http://{rebound}");
    for (headers, status) in [
        // A form, or a script that does not ask first, of any page that is open in a browser here.
        (
            &[
                ("origin", "https://evil.example"),
                ("content-type", "text/plain"),
            ][..],
            403,
        ),
        (&[("origin", "null")], 403),
        (&[("origin", "http://127.0.0.1:1")], 403),
        // A page whose name its owner has led to this machine: for the browser it is the same origin.
        (&[("host", &*rebound), ("origin", &*own_of_rebound)], 421),
        (&[("host", &*rebound)], 421),
    ] {
        assert_eq!(outcome(&served, headers), (status, false), "{headers:?}");
    }
    for path in ["/", "/health", "/metrics", "/openapi.json"] {
        assert_eq!(
            served.get_with(path, &[("host", &rebound)]).status,
            421,
            "{path}"
        );
        let answer = served.get(path);
        assert_eq!(answer.status, 200, "{path}");
        assert_eq!(answer.header("access-control-allow-origin"), None);
    }
    let old = served.exchange(b"GET /health HTTP/1.0\r\n\r\n");
    assert!(old.contains("200 OK"), "{old}");
    served.stop();
}

#[test]
fn named_origins_and_a_trusted_proxy_reach_the_server_of_this_machine() {
    let page = ("origin", "https://lean.example.org");
    // As nginx hands it on without more, and as a proxy does that leaves the name as it was.
    let kept = ("host", "lean.example.org");
    for args in [
        &["--cors", "https://lean.example.org"][..],
        &["--trust-proxy"],
        &["--cors", "*"],
    ] {
        let served = unconfined(args);
        assert_eq!(outcome(&served, &[page]), (200, true), "{args:?}");
        assert_eq!(outcome(&served, &[page, kept]), (200, true), "{args:?}");
        let is_open = args[0] == "--trust-proxy" || args[1] == "*";
        let evil = outcome(&served, &[("origin", "https://evil.example")]);
        let expected = if is_open { (200, true) } else { (403, false) };
        assert_eq!(evil, expected, "{args:?}");
        served.stop();
    }
}

#[test]
fn where_keys_are_asked_for_a_page_needs_nothing_but_a_key() {
    let served = with_keys(&["--sandbox", "off"]);
    let page = [
        ("origin", "https://lean.example.org"),
        ("host", "lean.example.org"),
        ("authorization", "s3cret"),
    ];
    assert_eq!(outcome(&served, &page), (200, true));
    served.stop();
}
