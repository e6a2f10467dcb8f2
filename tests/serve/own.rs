//! `/v1/eval` and what the server says about itself.

use serde_json::{Value, json};

use crate::served::Served;
use crate::world::World;

/// The results for a request.
fn eval(served: &Served, body: &Value) -> Value {
    let answer = served.post_json("/v1/eval", body);
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()
}

#[test]
fn one_text_and_many_get_verdicts_in_words() {
    let served = Served::start(&[]);
    let reply = eval(&served, &json!({"sources": "def a := 1"}));
    assert_eq!(
        (&reply["version"], &reply["accepted"]),
        (&json!(2), &json!(1))
    );
    let result = &reply["results"][0];
    assert_eq!(
        (&result["verdict"], &result["id"]),
        (&json!("accepted"), &json!("0"))
    );
    for phase in ["queue", "header", "body"] {
        assert!(result["seconds"][phase].is_f64(), "{result}");
    }
    let texts = json!([
        {"id": "no", "source": "--! error x"},
        "--! hang",
        "--! die",
        "--! abort",
        "import Nope",
        "--! wrong-type",
        "--! refuse this REPL knows no such option",
        "--! refuse-lacking the compiled code of `f`",
    ]);
    let reply = eval(&served, &json!({"sources": texts, "timeout": 0.8}));
    let words = |field: &str| -> Vec<Value> {
        let results = reply["results"].as_array().unwrap().iter();
        results.map(|result| result[field].clone()).collect()
    };
    assert_eq!(words("verdict")[0], "rejected");
    assert!(
        words("verdict")
            .iter()
            .skip(1)
            .all(|word| word == "undecided")
    );
    assert_eq!(
        words("reason"),
        [
            json!(null),
            json!("timeout"),
            json!("crash"),
            json!("crash"),
            json!("import"),
            json!("protocol_error"),
            json!("unsupported"),
            json!("unsupported")
        ]
    );
    assert_eq!(words("id")[..2], [json!("no"), json!("1")]);
    assert!(reply["results"][1]["failure"]["hint"].is_string());
    for (index, problem) in [
        (6, "the REPL refused the request"),
        (7, "this Lean lacks the compiled code of `f`"),
    ] {
        assert_eq!(reply["results"][index]["failure"]["problem"], problem);
    }
    assert_eq!(
        (&reply["rejected"], &reply["undecided"]),
        (&json!(1), &json!(7))
    );
    let finished = served.stop();
    let log = finished.stderr();
    let line = log
        .lines()
        .find(|line| line.contains("undecided=7"))
        .unwrap_or_else(|| panic!("{}", finished.text()));
    assert!(
        line.contains("path=\"/v1/eval\"") && line.contains("status=200"),
        "{line}"
    );
    assert!(
        line.contains("accepted=0") && line.contains("rejected=1"),
        "{line}"
    );
}

#[test]
fn a_hole_is_allowed_unless_the_client_rejects_it() {
    let served = Served::start(&[]);
    let text = "by sorry\n--! sorry 1:3 ⊢ True";
    let allowed = eval(&served, &json!({"sources": text}));
    assert_eq!(allowed["results"][0]["verdict"], "accepted");
    let sorry = &allowed["results"][0]["sorries"][0];
    assert!(
        sorry.get("proofState").is_none(),
        "its session serves others by now"
    );
    let rejected = eval(&served, &json!({"sources": text, "sorries": "reject"}));
    assert_eq!(rejected["results"][0]["verdict"], "rejected");
    assert_eq!(
        rejected["results"][0]["reasons"],
        json!(["the source contains `sorry`"])
    );
    served.stop();
}

#[test]
fn tactics_and_trees_come_when_asked_for() {
    let served = Served::start(&[]);
    let text =
        "--! tactic 1:0 1:3 rfl\n--! infotree {\"node\": null, \"kind\": \"X\", \"children\": []}";
    let without = eval(&served, &json!({"sources": text}));
    assert!(without["results"][0].get("tactics").is_none());
    assert!(without["results"][0].get("infotree").is_none());
    let with = eval(
        &served,
        &json!({"sources": text, "tactics": true, "infotree": "full"}),
    );
    assert_eq!(with["results"][0]["tactics"][0]["tactic"], "rfl");
    assert_eq!(with["results"][0]["infotree"][0]["kind"], "X");
    served.stop();
}

#[test]
fn the_first_accepted_text_ends_the_others() {
    let served = Served::start(&["--sessions", "1", "--spares", "0"]);
    let texts = json!(["--! error x", "def a := 1", "--! hang", "--! hang"]);
    let reply = eval(&served, &json!({"sources": texts, "first_accepted": true}));
    let results = &reply["results"];
    assert_eq!(results[0]["verdict"], "rejected");
    assert_eq!(results[1]["verdict"], "accepted");
    for index in [2, 3] {
        assert_eq!(results[index]["reason"], "skipped");
    }
    // The session is free again although a text that hangs may have begun.
    assert_eq!(served.post("/", "def a := 1").status, 200);
    served.stop();
}

#[test]
fn a_stream_has_a_line_as_each_text_finishes_and_a_summary_last() {
    let served = Served::start(&[]);
    let body = json!({"sources": ["--! slow 500", "def a := 1"]}).to_string();
    let headers = [("accept", "application/x-ndjson")];
    let answer = served.post_with("/v1/eval", body.as_bytes(), &headers);
    assert_eq!(answer.header("content-type"), Some("application/x-ndjson"));
    let lines = answer
        .text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap());
    let lines: Vec<Value> = lines.collect();
    assert_eq!(lines.len(), 3);
    assert_eq!(lines[0]["result"]["index"], 1, "the quick one comes first");
    assert_eq!(lines[1]["result"]["index"], 0);
    assert_eq!(
        (&lines[2]["type"], &lines[2]["accepted"]),
        (&json!("summary"), &json!(2))
    );
    served.stop();
}

#[test]
fn what_one_text_writes_on_stderr_is_not_told_to_the_client_of_the_next() {
    let served = Served::start(&["--sessions", "1", "--spares", "0"]);
    eval(&served, &json!({"sources": "--! stderr a secret"}));
    // A session that breaks off in its answer is not tried again, so the failure is that of a session
    // which has run another text.
    let text = "--! stderr my own words\n--! die-mid-reply";
    let result = eval(&served, &json!({"sources": text}))["results"][0].clone();
    assert_eq!(result["reason"], "crash", "{result}");
    let told = result.to_string();
    assert!(!told.contains("a secret"), "{told}");
    assert!(told.contains("my own words"), "{told}");
    served.stop();
}

#[test]
fn a_field_that_does_not_exist_is_refused_by_name() {
    let served = Served::start(&[]);
    for (body, word) in [
        (json!({"sources": "x", "timeuot": 1}), "timeuot"),
        (json!({"source": "x"}), "source"),
        (json!({"sources": "x", "timeout": 0}), "timeout"),
        (json!({"sources": []}), "sources"),
    ] {
        let answer = served.post_json("/v1/eval", &body);
        assert_eq!(answer.status, 422);
        assert!(
            answer.json()["error"].as_str().unwrap().contains(word),
            "{answer:?}"
        );
    }
    served.stop();
}

#[test]
fn the_former_names_of_the_sources_are_taken_but_no_field_twice() {
    let served = Served::start(&[]);
    let body = r#"{"texts": ["def a := 1", {"id": "x", "text": "--! error e"}]}"#;
    let reply = served.post("/v1/eval", body).json();
    assert_eq!(
        (&reply["accepted"], &reply["rejected"]),
        (&json!(1), &json!(1)),
        "{reply}"
    );
    for body in [
        r#"{"sources": "a", "sources": "b"}"#,
        r#"{"texts": "a", "sources": "a"}"#,
        r#"{"sources": [{"source": "a", "source": "b"}]}"#,
        r#"{"sources": ["c", {"text": "a", "source": "b"}]}"#,
        r#"{"texts": [{"id": "a", "text": "b", "id": "c"}]}"#,
        r#"{"sources": "a", "timeout": 1, "timeout": 2}"#,
    ] {
        let answer = served.post("/v1/eval", body);
        assert_eq!(answer.status, 422, "{body} {answer:?}");
        let error = answer.json()["error"].as_str().unwrap().to_owned();
        let name = ["`sources`", "`source`", "`id`", "`timeout`"];
        assert!(name.iter().any(|name| error.contains(name)), "{error}");
    }
    served.stop();
}

#[test]
fn what_runs_here_is_told() {
    let served = Served::start(&[]);
    let version = served.get("/version").json();
    assert_eq!(version["lean"], "4.27.0");
    assert_eq!(version["source"], "repl");
    assert_eq!(version["leanrepl"], env!("CARGO_PKG_VERSION"));
    assert_eq!(version["repl"].as_str().unwrap().len(), 64, "{version}");
    assert_eq!(version["pickle"], json!(null));
    let ready = served.get("/ready").json();
    assert_eq!(
        (&ready["ready"], &ready["sessions"]),
        (&json!(true), &json!(2))
    );
    served.stop();
}

#[test]
fn the_pickle_that_texts_start_from_is_told_by_its_digest() {
    let world = World::new().fake_repl("");
    let made = world.leanrepl([
        "pickle", "--repl", "./repl", "--import", "Std", "-o", "p.olean",
    ]);
    assert_eq!(made.exit(), Some(0), "{}", made.text());
    let sidecar = std::fs::read_to_string(world.work("p.json")).unwrap();
    let sidecar: Value = serde_json::from_str(&sidecar).unwrap();
    let served = Served::start_in(world, &["--pickle", "p.olean"]);
    served.wait_ready();
    let version = served.get("/version").json();
    assert!(version["pickle"].is_string(), "{version}");
    assert_eq!(version["pickle"], sidecar["pickle"]["sha256"]);
    served.stop();
}

#[test]
fn counters_tell_what_happened() {
    let served = Served::start(&[]);
    served.post("/", "def a := 1");
    served.post("/", "--! error x");
    served.post("/", "--! die");
    eval(&served, &json!({"sources": ["a", "b"]}));
    let answer = served.get("/metrics");
    assert!(
        answer
            .header("content-type")
            .unwrap()
            .starts_with("application/openmetrics-text")
    );
    for line in [
        r#"leanrepl_sources_total{surface="raw",verdict="accepted",reason=""} 1"#,
        r#"leanrepl_sources_total{surface="raw",verdict="rejected",reason=""} 1"#,
        r#"leanrepl_sources_total{surface="raw",verdict="undecided",reason="crash"} 1"#,
        r#"leanrepl_sources_total{surface="eval",verdict="accepted",reason=""} 2"#,
        r#"leanrepl_responses_total{status="502"} 1"#,
        r#"leanrepl_phase_seconds_count{phase="body"} 5"#,
        "leanrepl_source_retries_total 1",
        "leanrepl_queue_length 0",
        "leanrepl_ready 1",
    ] {
        assert!(answer.text.contains(line), "{line}\n{}", answer.text);
    }
    assert!(answer.text.contains(r#"leanrepl_sessions{state="idle"}"#));
    assert!(answer.text.ends_with("# EOF\n"));
    served.stop();
}

#[test]
fn the_description_names_every_path() {
    let served = Served::start(&[]);
    let description = served.get("/openapi.json").json();
    let paths: Vec<&String> = description["paths"].as_object().unwrap().keys().collect();
    for path in [
        "/",
        "/v1/eval",
        "/v1/sessions",
        "/v1/sessions/{id}",
        "/v1/sessions/{id}/commands",
        "/v1/sessions/{id}/tactics",
        "/api/check",
        "/verify",
        "/health",
        "/ready",
        "/version",
        "/metrics",
    ] {
        assert!(paths.iter().any(|known| *known == path), "{path}");
    }
    served.stop();
}
