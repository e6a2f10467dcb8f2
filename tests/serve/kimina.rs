//! Batches, as Kimina Lean Server takes them.

use serde_json::{Value, json};

use crate::served::Served;

/// The results of a check of texts, each named by its place.
fn check(served: &Served, codes: &[&str], more: &Value) -> Value {
    let snippets = codes.iter().enumerate();
    let snippets: Vec<Value> = snippets
        .map(|(index, code)| json!({"id": index.to_string(), "code": code}))
        .collect();
    let mut body = json!({"snippets": snippets});
    let fields = body.as_object_mut().unwrap();
    fields.extend(more.as_object().unwrap().clone());
    let answer = served.post_json("/api/check", &body);
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()["results"].clone()
}

#[test]
fn results_come_in_order_and_one_failure_harms_no_other() {
    let served = Served::start(&[]);
    let codes = [
        "--! slow 300\n--! info first",
        "--! die",
        "--! hang",
        "import Nope",
        "--! garbage",
        "--! error last",
    ];
    let results = check(&served, &codes, &json!({"timeout": 1}));
    for (index, result) in results.as_array().unwrap().iter().enumerate() {
        assert_eq!(result["id"], index.to_string());
        assert!(result["time"].is_f64(), "{result}");
        let is_error = !result["error"].is_null();
        assert_ne!(is_error, !result["response"].is_null(), "{result}");
        assert!(result.get("diagnostics").is_none());
    }
    assert_eq!(results[0]["response"]["messages"][0]["data"], "first");
    assert!(results[0]["response"].get("sorries").is_none());
    assert!(results[1]["error"].as_str().unwrap().contains("died"));
    let late = "Lean REPL command timed out in 1.0 seconds";
    assert_eq!(results[2]["error"], late);
    assert_eq!(results[3]["error"], "cannot import `Nope`");
    assert!(results[4]["error"].is_string());
    assert_eq!(results[5]["response"]["messages"][0]["data"], "last");
    served.stop();
}

/// Sources that are undecided for all reasons that one request can bring about.
const UNDECIDED: [(&str, &str); 8] = [
    ("timeout", "--! hang"),
    ("memory", "--! grow 400000000"),
    ("crash", "--! die"),
    ("import", "import Nope"),
    ("reply_too_large", "--! huge 2000000"),
    ("protocol_error", "--! wrong-type"),
    (
        "unsupported",
        "--! info Lean's own\n--! lacking the body of `f`",
    ),
    ("unsupported", "--! refuse this REPL knows no such option"),
];

/// The options under which [`UNDECIDED`] holds.
const SMALL: [&str; 4] = ["--memory", "200MiB", "--max-reply", "1MiB"];

#[test]
fn an_undecided_source_never_looks_valid_to_a_client_that_reads_error_and_messages() {
    let served = Served::start(&SMALL);
    let codes = UNDECIDED.map(|(_, code)| code);
    let reasons = served.post_json("/v1/eval", &json!({"sources": codes, "timeout": 1.0}));
    for (index, (reason, _)) in UNDECIDED.iter().enumerate() {
        let result = reasons.json()["results"][index].clone();
        assert_eq!(result["reason"], *reason, "{result}");
    }
    for result in check(&served, &codes, &json!({"timeout": 1}))
        .as_array()
        .unwrap()
    {
        let error = result["error"].as_str().unwrap_or_default();
        assert!(
            !error.is_empty() && result.get("response").is_none(),
            "{result}"
        );
    }
    let codes = codes.iter().enumerate();
    let codes: Vec<Value> = codes
        .map(|(index, code)| json!({"custom_id": index, "proof": code}))
        .collect();
    let answer = served.post_json("/verify", &json!({"codes": codes, "timeout": 1}));
    for result in answer.json()["results"].as_array().unwrap() {
        let error = result["error"].as_str().unwrap_or_default();
        assert!(
            !error.is_empty() && result["response"].is_null(),
            "{result}"
        );
    }
    served.stop();
}

#[test]
fn a_source_that_waits_in_vain_has_an_error_beside_one_that_is_accepted() {
    let served = Served::start(&["--sessions", "1", "--spares", "0", "--max-wait", "1s"]);
    let codes = ["def a := 1", "--! slow 2500", "def a := 1"];
    let results = check(&served, &codes, &json!({"timeout": 5}));
    assert!(results[0]["response"].is_object(), "{results}");
    let error = results[2]["error"].as_str().unwrap_or_default();
    assert!(error.contains("no free REPL"), "{results}");
    served.stop();
}

#[test]
fn a_sorry_is_shown_in_the_words_that_older_clients_look_for() {
    let served = Served::start(&[]);
    // The fake writes the warning as Lean 4.28 does; the second one has no entry in `sorries`.
    let codes = [
        "--! sorry 1:0 ⊢ True",
        "--! warning 2:4 2:9 declaration uses `sorry`\nby simp",
    ];
    let results = check(&served, &codes, &json!({}));
    for result in results.as_array().unwrap() {
        let response = &result["response"];
        assert_eq!(
            response["messages"][0]["data"]
                .as_str()
                .unwrap()
                .lines()
                .next(),
            Some("declaration uses 'sorry'")
        );
        assert_eq!(
            response["sorries"].as_array().unwrap().len(),
            1,
            "{response}"
        );
        assert_eq!(
            response["sorries"][0]["pos"],
            response["messages"][0]["pos"]
        );
    }
    let own = served.post_json("/v1/eval", &json!({"sources": codes}));
    let said = own.json()["results"][0]["messages"][0]["data"].clone();
    assert_eq!(
        said, "declaration uses `sorry`",
        "elsewhere Lean's words stay"
    );
    served.stop();
}

#[test]
fn numbers_and_truth_values_may_be_strings() {
    let served = Served::start(&[]);
    let results = check(
        &served,
        &["def a := 1"],
        &json!({"timeout": "30", "debug": "true"}),
    );
    assert!(results[0]["diagnostics"].is_object(), "{results}");
    let results = check(
        &served,
        &["--! hang"],
        &json!({"timeout": "1.0", "debug": 0}),
    );
    let late = "Lean REPL command timed out in 1.0 seconds";
    assert_eq!(results[0]["error"], late);
    assert!(results[0].get("diagnostics").is_none());
    for wrong in [json!("soon"), json!("1.5"), json!(-1), json!(null)] {
        let body = json!({"snippets": [{"id": "a", "code": "x"}], "timeout": wrong});
        assert_eq!(served.post_json("/api/check", &body).status, 422, "{wrong}");
    }
    served.stop();
}

#[test]
fn places_are_right_behind_comments_and_imports() {
    let served = Served::start(&[]);
    let code = "-- a comment\nimport Lean\n\n--! error here";
    let results = check(&served, &[code], &json!({}));
    let message = &results[0]["response"]["messages"][0];
    assert_eq!(message["pos"], json!({"line": 4, "column": 0}), "{results}");
    served.stop();
}

#[test]
fn what_is_asked_for_is_in_the_result() {
    let served = Served::start(&[]);
    let code = "--! infotree {\"node\": null, \"kind\": \"X\", \"children\": []}";
    let more = json!({"debug": true, "infotree": "original", "reuse": false, "unknown": 1});
    let results = check(&served, &[code], &more);
    assert_eq!(results[0]["response"]["infotree"][0]["kind"], "X");
    let diagnostics = &results[0]["diagnostics"];
    assert_eq!(diagnostics["repl_uuid"].as_str().unwrap().len(), 36);
    assert!(diagnostics["memory_max"].is_u64());
    served.stop();
}

#[test]
fn a_large_batch_is_not_refused_by_a_short_queue() {
    let served = Served::start(&["--max-queue", "1"]);
    let codes = vec!["def a := 1"; 100];
    let results = check(&served, &codes, &json!({}));
    let results = results.as_array().unwrap();
    assert_eq!(results.len(), 100);
    assert!(results.iter().all(|result| result["response"].is_object()));
    served.stop();
}

#[test]
fn a_request_that_makes_no_sense_is_422_and_says_where() {
    let served = Served::start(&[]);
    for (path, body) in [
        ("/api/check", json!({})),
        ("/api/check", json!({"snippets": []})),
        ("/api/check", json!({"snippets": [{"id": "a"}]})),
        (
            "/api/check",
            json!({"snippets": [{"id": "a", "code": "x"}, {"id": "a", "code": "y"}]}),
        ),
        (
            "/api/check",
            json!({"snippets": [{"id": "a", "code": "x"}], "timeout": -1}),
        ),
        (
            "/api/check",
            json!({"snippets": [{"id": "a", "code": "x"}], "infotree": "all"}),
        ),
        (
            "/verify",
            json!({"codes": [{"custom_id": 1.5, "code": "x"}]}),
        ),
        ("/verify", json!([])),
    ] {
        let answer = served.post_json(path, &body);
        assert_eq!(answer.status, 422, "{body} {answer:?}");
        let detail = answer.json()["detail"].clone();
        assert_eq!(detail[0]["loc"][0], "body");
        assert!(detail[0]["msg"].is_string());
    }
    served.stop();
}

#[test]
fn the_older_interface_takes_both_names_of_a_text() {
    let served = Served::start(&[]);
    let body = json!({"codes": [
        {"custom_id": 7, "proof": "--! info p"},
        {"custom_id": "none"},
        {"custom_id": "b", "code": "--! hang"},
    ], "timeout": 1, "infotree_type": null, "disable_cache": true});
    for path in ["/verify", "/one_pass_verify_batch"] {
        let answer = served.post_json(path, &body);
        assert_eq!(answer.status, 200);
        let results = answer.json()["results"].clone();
        assert_eq!(results[0]["custom_id"], "7");
        assert_eq!(results[0]["error"], json!(null));
        assert_eq!(results[0]["response"]["messages"][0]["data"], "p");
        assert!(results[0]["response"]["time"].is_f64());
        assert_eq!(results[2]["custom_id"], "b");
        assert!(results[2]["error"].as_str().unwrap().contains("timed out"));
        assert_eq!(results[1]["response"], json!(null));
    }
    served.stop();
}

#[test]
fn a_program_that_asks_for_the_root_is_told_that_all_is_well() {
    let served = Served::start(&[]);
    let answer = served.get_with("/", &[("accept", "*/*")]);
    assert_eq!(answer.json(), json!({"status": "ok"}));
    served.stop();
}
