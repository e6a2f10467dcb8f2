//! What sources of different clients share, by every way in, and where the level is named.

use std::io::Read as _;

use serde_json::{Value, json};

use crate::served::{Answer, Served};

/// A source of a client behind a proxy, by `/v1/eval`.
fn eval(served: &Served, client: &str) -> Value {
    let headers = [
        ("x-forwarded-for", client),
        ("content-type", "application/json"),
    ];
    let body = json!({"sources": "#eval 1"}).to_string();
    let answer = served.post_with("/v1/eval", body.as_bytes(), &headers);
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()["results"][0].clone()
}

/// The same as a raw source.
fn raw(served: &Served, client: &str) -> Answer {
    let answer = served.post_with("/", b"#eval 1", &[("x-forwarded-for", client)]);
    assert_eq!(answer.status, 200, "{answer:?}");
    answer
}

/// The same by Kimina's interface; the diagnostics.
fn kimina(served: &Served, client: &str) -> Value {
    let headers = [
        ("x-forwarded-for", client),
        ("content-type", "application/json"),
    ];
    let body = json!({"snippets": [{"id": "a", "code": "#eval 1"}], "debug": true}).to_string();
    let answer = served.post_with("/api/check", body.as_bytes(), &headers);
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()["results"][0]["diagnostics"].clone()
}

#[test]
fn the_level_is_named_wherever_a_client_or_an_operator_looks() {
    for (args, level) in [
        (&[][..], "client"),
        (&["--isolation", "client"], "client"),
        (&["--isolation", "none"], "none"),
        (&["--isolation", "source"], "source"),
        (&["--mode", "lean"], "source"),
    ] {
        let served = Served::start(args);
        assert_eq!(eval(&served, "192.0.2.1")["isolation"], level, "{args:?}");
        let answer = raw(&served, "192.0.2.1");
        assert_eq!(answer.header("x-lean-isolation"), Some(level));
        assert_eq!(kimina(&served, "192.0.2.1")["isolation"], level);
        assert_eq!(served.get("/version").json()["isolation"], level);
        let line = format!("leanrepl_isolation_info{{level=\"{level}\"}} 1");
        let metrics = served.get("/metrics").text;
        assert!(metrics.lines().any(|found| found == line), "{metrics}");
        served.stop();
    }
}

#[test]
fn a_source_that_was_not_evaluated_has_no_level() {
    let served = Served::start(&[]);
    let body = json!({"sources": ["#eval 1", "#eval 2"], "first_accepted": true});
    let results = served.post_json("/v1/eval", &body).json()["results"].clone();
    let is_skipped = |result: &&Value| result["reason"] == "skipped";
    for skipped in results.as_array().unwrap().iter().filter(is_skipped) {
        assert_eq!(skipped.get("isolation"), None, "{skipped}");
    }
    let answer = served.post("/", "{\"cmd\": \"#eval 1\"}");
    assert_eq!(answer.status, 400);
    assert_eq!(answer.header("x-lean-isolation"), None);
    served.stop();
}

#[test]
fn clients_behind_a_proxy_share_no_session_by_any_way_in() {
    let (one, other) = ("192.0.2.1", "192.0.2.2");
    let args = ["--sessions", "1", "--spares", "0", "--trust-proxy"];
    let served = Served::start(&args);
    // Each change of the client is a new session, which has the next number.
    assert_eq!(eval(&served, one)["session"], 1);
    raw(&served, other);
    assert_eq!(eval(&served, other)["session"], 2);
    raw(&served, one);
    assert_eq!(eval(&served, one)["session"], 3);
    kimina(&served, other);
    kimina(&served, one);
    assert_eq!(eval(&served, one)["session"], 5);
    let metrics = served.get("/metrics").text;
    let line = "leanrepl_session_restarts_total{reason=\"client\"} 4";
    assert!(metrics.lines().any(|found| found == line), "{metrics}");
    served.stop();
}

#[test]
fn clients_share_a_session_where_the_proxy_is_not_trusted_or_nothing_is_isolated() {
    let base = ["--sessions", "1", "--spares", "0"];
    for more in [&[][..], &["--trust-proxy", "--isolation", "none"]] {
        let served = Served::start(&[&base, more].concat());
        for client in ["192.0.2.1", "192.0.2.2"] {
            assert_eq!(eval(&served, client)["session"], 1, "{more:?}");
        }
        served.stop();
    }
}

#[test]
fn a_client_holds_no_more_sessions_than_leave_one_to_others() {
    let args = ["--sessions", "3", "--spares", "0", "--trust-proxy"];
    let served = Served::start(&args);
    let take = |client| served.post_with("/v1/sessions", b"", &[("x-forwarded-for", client)]);
    assert_eq!(take("192.0.2.1").status, 201);
    let refused = take("192.0.2.1");
    assert_eq!(refused.status, 429, "{refused:?}");
    let hint = refused.json()["hint"].clone();
    assert!(hint.as_str().unwrap().contains("DELETE /v1/sessions/ID"));
    assert!(refused.header("retry-after").is_some());
    assert_eq!(take("192.0.2.2").status, 201);
    let refused = take("192.0.2.3");
    assert_eq!(refused.status, 429, "{refused:?}");
    // The last session evaluates for everybody.
    eval(&served, "192.0.2.3");
    served.stop();
}

#[test]
fn the_only_session_comes_back_from_a_client_that_keeps_using_it_when_others_wait() {
    let args = [
        "--sessions",
        "1",
        "--spares",
        "0",
        "--trust-proxy",
        "--held-idle",
        "1s",
    ];
    let served = Served::start(&args);
    let headers = [("x-forwarded-for", "192.0.2.1")];
    let taken = served.post_with("/v1/sessions", b"", &headers);
    assert_eq!(taken.status, 201, "{taken:?}");
    let path = format!("/v1/sessions/{}", taken.json()["id"].as_str().unwrap());
    let mut waiting = served.connect(
        b"POST / HTTP/1.1\r\nhost: x\r\nx-forwarded-for: 192.0.2.2\r\nconnection: close\r\n\
          content-length: 7\r\n\r\n#eval 1",
    );
    let commands = format!("{path}/commands");
    let body = json!({"cmd": "#eval 1"}).to_string();
    let with_type = [headers[0], ("content-type", "application/json")];
    Served::wait_for(|| {
        let answer = served.post_with(&commands, body.as_bytes(), &with_type);
        assert!([200, 410].contains(&answer.status), "{answer:?}");
        answer.status == 410
    });
    let mut answered = String::new();
    waiting.read_to_string(&mut answered).unwrap();
    assert!(answered.starts_with("HTTP/1.1 200"), "{answered}");
    let answer = served.get_with(&path, &headers);
    let error = answer.json()["error"].as_str().unwrap().to_owned();
    assert!(error.contains("others waited"), "{error}");
    served.stop();
}
