//! What clients read of records and refusals, at each door.

use std::fs;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};

use crate::engine::evaluate::SubmitError;
use crate::failure::{Failure, Kind};
use crate::http::raw::X_LEAN_TIMEOUT;
use crate::http::tests::fake_engine::{
    ask, by_name, post, post_for_stream, read, read_lines, router_answering,
};

/// Every way in which an engine refuses, with the status, the seconds to wait and the words for it.
fn refusals() -> [(SubmitError, u16, Option<&'static str>, &'static str); 5] {
    [
        (
            SubmitError::QueueFull {
                retry_after: Duration::from_millis(6500),
            },
            429,
            Some("7"),
            "the queue is full; try again later",
        ),
        (
            SubmitError::QueueTimeout {
                waited: Duration::from_millis(1250),
            },
            429,
            Some("1"),
            "no free REPL within 1.2 s",
        ),
        (
            SubmitError::ShuttingDown,
            503,
            Some("5"),
            "the server is shutting down",
        ),
        (
            SubmitError::NoSession(Failure::new(Kind::Session, "no Lean", "install it")),
            503,
            Some("5"),
            "no Lean",
        ),
        (SubmitError::Cancelled, 503, None, "the client went away"),
    ]
}

/// The part of a result of `/v1/eval` that says what was found.
fn found(result: &Value) -> Value {
    json!([
        result["index"],
        result["id"],
        result["verdict"],
        result["messages"].as_array().unwrap().len(),
        result["reason"],
        result["failure"]["problem"],
    ])
}

#[tokio::test]
async fn eval_gives_each_record_with_its_verdict_in_the_order_of_the_sources() {
    let router = router_answering(|request| Ok(by_name(&request.source)));
    let body = json!({ "sources": ["undecided", { "id": "x", "source": "rejected" }, "accepted"] });
    let (status, _, reply) = read(ask(&router, post("/v1/eval", body)).await).await;
    assert_eq!(status, 200, "{reply}");
    let results: Vec<Value> = reply["results"]
        .as_array()
        .unwrap()
        .iter()
        .map(found)
        .collect();
    assert_eq!(
        results,
        [
            json!([0, "0", "undecided", 0, "timeout", "too slow"]),
            json!([1, "x", "rejected", 1, null, null]),
            json!([2, "2", "accepted", 0, null, null]),
        ]
    );
    assert_eq!(reply["results"][1]["messages"][0]["data"], "no");
    let counts = [&reply["accepted"], &reply["rejected"], &reply["undecided"]];
    assert_eq!(counts, [1, 1, 1]);
}

#[tokio::test]
async fn the_engine_is_asked_what_the_client_asks() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let router = {
        let seen = Arc::clone(&seen);
        router_answering(move |request| {
            let record = by_name(&request.source);
            seen.lock().unwrap().push(request);
            Ok(record)
        })
    };
    let body = json!({
        "sources": "accepted", "timeout": 0.25, "tactics": true, "sorries": "reject",
    });
    let (_, _, reply) = read(ask(&router, post("/v1/eval", body)).await).await;
    let seen = seen.lock().unwrap();
    let [request] = &seen[..] else {
        panic!("{} requests: {reply}", seen.len());
    };
    assert_eq!(request.run_timeout, Duration::from_millis(250));
    assert_eq!(request.options.all_tactics, Some(true));
    assert!(request.find_sorry_decls);
    assert_eq!(&*request.id, "find-me");
}

#[tokio::test]
async fn a_limit_on_the_run_is_moved_into_its_bounds_at_every_door() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let router = {
        let seen = Arc::clone(&seen);
        router_answering(move |request| {
            seen.lock().unwrap().push(request.run_timeout);
            Ok(by_name(&request.source))
        })
    };
    // The longest is that of the options.
    for (asked, expected) in [(0.001, 100), (0.0999, 100), (0.25, 250), (1e300, 1000)] {
        let mut raw = post("/", "accepted");
        raw.headers_mut()
            .insert(X_LEAN_TIMEOUT, asked.to_string().parse().unwrap());
        let eval = json!({ "sources": "accepted", "timeout": asked });
        for request in [raw, post("/v1/eval", eval)] {
            let (status, _, reply) = read(ask(&router, request).await).await;
            assert_eq!(status, 200, "{asked}: {reply}");
            let taken = seen.lock().unwrap().pop();
            assert_eq!(taken, Some(Duration::from_millis(expected)), "{asked}");
        }
    }
    for (asked, expected) in [(0, 100), (1, 1000), (1_000_000, 1000)] {
        let check = json!({ "snippets": [{ "id": "a", "code": "accepted" }], "timeout": asked });
        let verify =
            json!({ "codes": [{ "custom_id": "a", "code": "accepted" }], "timeout": asked });
        for (path, body) in [("/api/check", check), ("/verify", verify)] {
            let (status, _, reply) = read(ask(&router, post(path, body)).await).await;
            assert_eq!(status, 200, "{path}, {asked}: {reply}");
            let taken = seen.lock().unwrap().pop();
            assert_eq!(
                taken,
                Some(Duration::from_millis(expected)),
                "{path}, {asked}"
            );
        }
    }
    for unfit in [0.0, -1.0] {
        let body = json!({ "sources": "accepted", "timeout": unfit });
        let (status, _, _) = read(ask(&router, post("/v1/eval", body)).await).await;
        assert_eq!(status, 422, "{unfit}");
    }
}

#[tokio::test]
async fn a_request_of_which_nothing_is_taken_is_answered_with_the_refusal_at_every_door() {
    let eval = json!({ "sources": ["accepted", "rejected"] }).to_string();
    let check = json!({ "snippets": [{ "id": "a", "code": "accepted" }] }).to_string();
    for (error, status, retry_after, words) in refusals() {
        let refusal = error.clone();
        let router = router_answering(move |_request| Err(refusal.clone()));
        for (path, body) in [
            ("/v1/eval", eval.as_str()),
            ("/api/check", &check),
            ("/", "accepted"),
        ] {
            let (found, header, reply) = read(ask(&router, post(path, body)).await).await;
            assert_eq!(
                (found, header.as_deref(), &reply["error"]),
                (status, retry_after, &Value::from(words)),
                "{path}: {error:?}"
            );
            assert_eq!(reply["request_id"], "find-me");
        }
    }
}

#[tokio::test]
async fn a_source_that_is_refused_beside_others_is_undecided() {
    let reasons = [
        "queue_timeout",
        "queue_timeout",
        "unavailable",
        "unavailable",
        "cancelled",
    ];
    for ((error, _, _, words), reason) in refusals().into_iter().zip(reasons) {
        let router = router_answering(move |request| match &*request.source {
            "refused" => Err(error.clone()),
            source => Ok(by_name(source)),
        });
        let body = json!({ "sources": ["refused", "accepted"] });
        let (status, header, reply) = read(ask(&router, post("/v1/eval", body)).await).await;
        assert_eq!((status, header), (200, None));
        let results: Vec<Value> = reply["results"]
            .as_array()
            .unwrap()
            .iter()
            .map(found)
            .collect();
        assert_eq!(
            results,
            [
                json!([0, "0", "undecided", 0, reason, words]),
                json!([1, "1", "accepted", 0, null, null]),
            ]
        );
        let body = json!({ "snippets": [
            { "id": "a", "code": "refused" }, { "id": "b", "code": "accepted" },
        ] });
        let (status, _, reply) = read(ask(&router, post("/api/check", body)).await).await;
        assert_eq!(status, 200);
        assert!(reply["results"][0].get("response").is_none(), "{reply}");
        assert!(reply["results"][0]["error"].is_string(), "{reply}");
        assert!(reply["results"][1].get("error").is_none(), "{reply}");
    }
}

#[tokio::test]
async fn kiminas_clients_find_messages_or_an_error() {
    let router = router_answering(|request| Ok(by_name(&request.source)));
    let snippets =
        ["accepted", "rejected", "undecided"].map(|name| json!({ "id": name, "code": name }));
    let (status, _, reply) =
        read(ask(&router, post("/api/check", json!({ "snippets": snippets }))).await).await;
    assert_eq!(status, 200);
    let message = json!({
        "severity": "error",
        "pos": { "line": 1, "column": 0 },
        "endPos": null,
        "data": "no",
    });
    assert_eq!(
        reply,
        json!({ "results": [
            { "id": "accepted", "response": { "env": 0 } },
            { "id": "rejected", "response": { "env": 0, "messages": [message] } },
            { "id": "undecided", "error": "Lean REPL command timed out in 1.0 seconds" },
        ] })
    );
}

#[tokio::test]
async fn a_raw_source_is_answered_by_its_verdict() {
    let router = router_answering(|request| Ok(by_name(&request.source)));
    for (source, status, ok, error) in [
        ("accepted", 200, true, None),
        ("rejected", 400, false, None),
        (
            "undecided",
            408,
            false,
            Some("Lean process timed out after 1s"),
        ),
    ] {
        let (found, _, reply) = read(ask(&router, post("/", source)).await).await;
        let words: Vec<&str> = reply["messages"]
            .as_array()
            .unwrap()
            .iter()
            .map(|message| message["data"].as_str().unwrap())
            .collect();
        let expected = match source {
            "rejected" => Some("no"),
            _ => error,
        };
        assert_eq!(
            (found, reply["ok"].as_bool(), reply["error"].as_str()),
            (status, Some(ok), error),
            "{source}"
        );
        assert_eq!(words, Vec::from_iter(expected), "{source}");
    }
}

#[tokio::test]
async fn a_stream_has_a_line_for_each_source_and_a_summary() {
    let router = router_answering(|request| Ok(by_name(&request.source)));
    let body = json!({ "sources": ["rejected", "accepted", "undecided"] });
    let lines = read_lines(ask(&router, post_for_stream("/v1/eval", body)).await).await;
    let (summary, results) = lines.split_last().unwrap();
    let mut results: Vec<Value> = results
        .iter()
        .inspect(|line| {
            assert_eq!(
                (&line["type"], &line["version"]),
                (&json!("result"), &json!(2))
            );
        })
        .map(|line| found(&line["result"]))
        .collect();
    results.sort_by_key(|result| result[0].as_u64());
    assert_eq!(
        results,
        [
            json!([0, "0", "rejected", 1, null, null]),
            json!([1, "1", "accepted", 0, null, null]),
            json!([2, "2", "undecided", 0, "timeout", "too slow"]),
        ]
    );
    assert_eq!(
        *summary,
        json!({ "type": "summary", "version": 2, "accepted": 1, "rejected": 1, "undecided": 1 })
    );
}

#[tokio::test]
async fn a_service_without_sessions_says_so_to_a_client_that_wants_one() {
    let router = router_answering(|request| Ok(by_name(&request.source)));
    let (status, _, reply) = read(ask(&router, post("/v1/sessions", "")).await).await;
    assert_eq!(
        (status, &reply["error"]),
        (503, &json!("this server has no sessions of its own"))
    );
    let (status, _, reply) =
        read(ask(&router, post("/v1/sessions/x/commands", r#"{"cmd":"a"}"#)).await).await;
    assert_eq!(
        (status, &reply["error"]),
        (404, &json!("there is no such session"))
    );
}

#[tokio::test]
async fn what_a_stream_does_is_logged_under_the_id_of_its_request() {
    let log = tempfile::NamedTempFile::new().unwrap();
    let lines = tracing_subscriber::fmt()
        .with_ansi(false)
        .with_writer(Arc::new(log.reopen().unwrap()));
    let _guard = tracing::subscriber::set_default(lines.finish());
    let router = router_answering(|request| {
        tracing::info!("evaluates {}", request.source);
        Ok(by_name(&request.source))
    });
    let body = json!({ "sources": ["accepted"] });
    let lines = read_lines(ask(&router, post_for_stream("/v1/eval", body)).await).await;
    assert_eq!(lines.len(), 2);
    let log = fs::read_to_string(log.path()).unwrap();
    let line = log.lines().find(|line| line.contains("evaluates accepted"));
    assert!(line.unwrap().contains(r#"request{id="find-me"}"#), "{log}");
}
