//! Raw texts, as the Python servers took them.

use serde_json::json;

use crate::served::{Served, assert_elapsed};
use crate::world::World;

#[test]
fn an_accepted_text_is_200_with_all_fields() {
    let served = Served::start(&[]);
    for path in ["/", "/any/path/at/all", "/lean-4-27-0"] {
        let answer = served.post(path, "#eval 7\n--! info 1:0 1:5 7");
        assert_eq!(answer.status, 200, "{answer:?}");
        assert_elapsed(&answer);
        let mut reply = answer.json();
        reply.as_object_mut().unwrap().remove("elapsed");
        assert_eq!(reply["ok"], true);
        assert_eq!(reply["sorries"], json!([]));
        assert!(reply["env"].is_u64());
        assert_eq!(
            reply["messages"].as_array().unwrap().last().unwrap(),
            &json!({"severity": "info", "pos": {"line": 1, "column": 0},
                "endPos": {"line": 1, "column": 5}, "data": "7"})
        );
    }
    served.stop();
}

#[test]
fn an_error_of_lean_is_400_and_a_warning_or_a_hole_is_200() {
    let served = Served::start(&[]);
    let answer = served.post("/", "--! error 2:1 no\n");
    assert_eq!(answer.status, 400);
    assert_elapsed(&answer);
    let reply = answer.json();
    assert_eq!(reply["ok"], false);
    assert_eq!(reply["messages"][0]["data"], "no");
    assert_eq!(reply["messages"][0]["endPos"], json!(null));
    let answer = served.post("/", "by sorry\n--! sorry 1:3 ⊢ True\n--! warning w");
    assert_eq!((answer.status, &answer.json()["ok"]), (200, &json!(true)));
    assert_eq!(answer.json()["sorries"][0]["goal"], "⊢ True");
    served.stop();
}

#[test]
fn a_text_that_does_not_end_is_408_and_the_next_one_runs() {
    let served = Served::start(&["--sessions", "1", "--spares", "0"]);
    let answer = served.post_with("/", b"--! hang", &[("X-Lean-Timeout", "0.5")]);
    assert_eq!(answer.status, 408);
    assert_elapsed(&answer);
    let reply = answer.json();
    assert_eq!(reply["ok"], false);
    assert_eq!(reply["error"], "Lean process timed out after 0.5s");
    assert_eq!(reply["sorries"], json!([]));
    assert_eq!(reply["messages"][0]["severity"], "error");
    assert_eq!(served.post("/", "def a := 1").status, 200);
    served.stop();
}

#[test]
fn a_limit_that_is_no_time_is_refused_before_anything_runs() {
    let served = Served::start(&[]);
    for limit in ["soon", "0", "-1", "NaN", ""] {
        let answer = served.post_with("/", b"--! hang", &[("X-Lean-Timeout", limit)]);
        assert_eq!(answer.status, 400, "{limit}");
        assert_elapsed(&answer);
    }
    served.stop();
}

#[test]
fn a_session_that_dies_is_502_and_another_one_takes_its_place() {
    let served = Served::start(&["--sessions", "1", "--spares", "0"]);
    let answer = served.post("/", "--! die");
    assert_eq!(answer.status, 502);
    assert_elapsed(&answer);
    let reply = answer.json();
    assert_eq!(reply["error"], "REPL process crashed, restarting");
    assert_eq!(reply["ok"], false);
    served.wait_ready();
    assert_eq!(served.post("/", "def a := 1").status, 200);
    served.stop();
}

#[test]
fn an_import_that_fails_is_never_ok() {
    let served = Served::start(&[]);
    let answer = served.post("/", "import Nope\n#eval 1");
    assert_eq!(answer.status, 422);
    let reply = answer.json();
    assert_eq!(reply["ok"], false);
    assert_eq!(reply["error"], "cannot import `Nope`");
    assert_eq!(reply["messages"][0]["severity"], "error");
    served.stop();
}

#[test]
fn an_undecided_source_has_an_error_beside_what_lean_said() {
    let served = Served::start(&[]);
    let answer = served.post("/", "--! info 2:0 Lean's own\n--! lacking the body of `f`");
    assert_eq!(answer.status, 422, "{answer:?}");
    let reply = answer.json();
    assert_eq!(reply["ok"], false);
    assert_eq!(reply["error"], "this Lean lacks the body of `f`");
    assert_eq!(reply["reason"], "unsupported");
    let messages = reply["messages"].as_array().unwrap();
    assert_eq!(messages.len(), 2, "{reply}");
    assert_eq!(
        messages[0],
        json!({"severity": "error", "pos": {"line": 1, "column": 0}, "endPos": null,
            "data": "this Lean lacks the body of `f`"})
    );
    assert_eq!(messages[1]["data"], "Lean's own");
    assert!(
        reply["hint"].as_str().unwrap().contains("--project"),
        "{reply}"
    );
    served.stop();
    let served = Served::start(&["--mode", "lean"]);
    let reply = served
        .post("/", "--! info Lean's own\n--! lacking the body of `f`")
        .json();
    assert_eq!(
        (&reply["ok"], &reply["exitCode"]),
        (&json!(false), &json!(-1))
    );
    assert_eq!(reply["stderr"], "this Lean lacks the body of `f`");
    assert_eq!(reply["reason"], "unsupported");
    assert_eq!(reply["stdout"], "Lean's own\n");
    served.stop();
}

#[test]
fn json_for_another_path_is_not_evaluated_and_says_where_it_belongs() {
    let served = Served::start(&[]);
    for (body, path) in [
        (json!({"sources": "def a := 1"}), "`/v1/eval`"),
        (json!({"text": "def a := 1"}), "`/v1/eval`"),
        (json!({"codes": []}), "`/verify`"),
        (json!({"snippets": []}), "`/api/check`"),
        (json!("def a := 1"), "the source itself"),
        (json!(["def a := 1"]), "the source itself"),
    ] {
        let answer = served.post_json("/lean", &body);
        assert_eq!(answer.status, 400, "{answer:?}");
        let reply = answer.json();
        assert_eq!(reply["ok"], false);
        assert!(reply["error"].as_str().unwrap().contains("JSON"), "{reply}");
        assert!(reply["hint"].as_str().unwrap().contains(path), "{reply}");
        assert_elapsed(&answer);
    }
    let metrics = served.get("/metrics").text;
    assert!(!metrics.contains("leanrepl_sources_total{"), "{metrics}");
    served.stop();
}

#[test]
fn a_byte_order_mark_is_named_if_lean_rejects_the_source() {
    let served = Served::start(&[]);
    let reply = served
        .post("/", "\u{feff}def a := 1\n--! error 1:0 expected token")
        .json();
    assert_eq!(reply["ok"], false);
    assert_eq!(reply["messages"][0]["data"], "expected token");
    assert!(
        reply["hint"].as_str().unwrap().contains("byte order mark"),
        "{reply}"
    );
    let reply = served.post("/", "def a := 1\n--! error 1:0 no").json();
    assert!(reply.get("hint").is_none(), "{reply}");
    served.stop();
}

#[test]
fn a_misspelt_path_of_an_interface_is_404_and_not_a_source() {
    let served = Served::start(&[]);
    for path in [
        "/v1",
        "/v1/",
        "/v1/evaluate",
        "/v1/eval/x",
        "//v1//evaluate",
        "/api",
        "/api/verify",
        "/mcp",
        "/rpc/x",
    ] {
        let answer = served.post(path, "def a := 1");
        assert_eq!(answer.status, 404, "{path} {answer:?}");
        assert!(
            answer.json()["error"]
                .as_str()
                .unwrap()
                .contains("nothing at")
        );
        assert!(answer.json()["hint"].is_string());
        assert_eq!(served.get(path).status, 404, "{path}");
    }
    for path in ["/v1x", "/lean/v1", "/apis"] {
        assert_eq!(served.post(path, "def a := 1").status, 200, "{path}");
    }
    served.stop();
}

#[test]
fn a_slash_at_the_end_of_a_path_changes_nothing() {
    let served = Served::start(&[]);
    for path in [
        "/health",
        "/ready",
        "/version",
        "/metrics",
        "/openapi.json",
        "/page.js",
    ] {
        let (plain, slashed) = (served.get(path), served.get(&format!("{path}/")));
        assert_eq!((plain.status, slashed.status), (200, 200), "{path}");
        assert_eq!(plain.header("content-type"), slashed.header("content-type"));
    }
    let codes = json!({"codes": [{"custom_id": "a", "code": "--! error no"}]});
    let snippets = json!({"snippets": [{"id": "a", "code": "--! error no"}]});
    for (path, body) in [
        ("/verify/", &codes),
        ("/one_pass_verify_batch//", &codes),
        ("/api/check/", &snippets),
        ("//api/check", &snippets),
        ("/v1/eval/", &json!({"sources": "--! error no"})),
    ] {
        let answer = served.post_json(path, body);
        assert_eq!(answer.status, 200, "{path} {answer:?}");
        assert_eq!(answer.json()["results"].as_array().unwrap().len(), 1);
    }
    let session = served.post("/v1/sessions/", "").json();
    let id = session["id"].as_str().unwrap();
    let answer = served.post_json(
        &format!("/v1/sessions/{id}/commands/"),
        &json!({"cmd": "def a := 1"}),
    );
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(served.delete(&format!("/v1/sessions/{id}/")).status, 204);
    served.stop();
}

#[test]
fn a_raw_text_without_imports_gets_those_of_the_server_and_keeps_its_lines() {
    let log = "log.txt";
    let world = World::new().fake_repl(&format!("--log {log}"));
    // A confined session could not write its log there.
    let args = ["--header", "import Mathlib", "--sandbox", "off"];
    let served = Served::start_in(world, &args);
    served.wait_ready();
    assert_eq!(served.get("/health").json()["mathlib"], true);
    let answer = served.post("/", "#check Nat\n--! error 3:0 3:2 x");
    // The fake places the message in what it was given, one line further down.
    let error = json!({"line": 2, "column": 0});
    let messages = answer.json()["messages"].clone();
    let messages = messages.as_array().unwrap();
    assert!(
        messages.iter().any(|message| message["pos"] == error),
        "{messages:?}"
    );
    let asked = std::fs::read_to_string(served.world.work(log)).unwrap();
    assert!(asked.contains("import Mathlib"));
    served.stop();
}

#[test]
fn texts_start_from_a_pickle_that_only_a_confined_session_with_leave_can_read() {
    let world = World::new().fake_repl("");
    let elsewhere = tempfile::tempdir().unwrap();
    let pickle = elsewhere.path().join("p.olean").display().to_string();
    let make = [
        "pickle", "--repl", "./repl", "--import", "Mathlib", "--output", &pickle,
    ];
    let made = world.leanrepl(make);
    assert_eq!(made.exit(), Some(0), "{}", made.stderr());
    // A pickle that was asked for and does not load is no base for anything.
    let args = ["--header", "import Mathlib", "--pickle", &pickle];
    let served = Served::start_in(world, &args);
    served.wait_ready();
    assert_eq!(served.post("/", "#check Nat").status, 200);
    assert_eq!(served.post("/", "import Mathlib\n#check Nat").status, 200);
    assert_ne!(served.post("/", "import Lean\n#check Nat").status, 200);
    served.stop();
}

#[test]
fn lean_mode_answers_with_what_lean_prints() {
    let served = Served::start(&["--mode", "lean"]);
    let answer = served.post("/", "--! info 2\n--! warning 1:0 w\n");
    assert_eq!(answer.status, 200);
    assert_elapsed(&answer);
    let reply = answer.json();
    assert_eq!(reply["stdout"], "2\n<stdin>:1:0: warning: w\n");
    assert_eq!(
        (&reply["stderr"], &reply["exitCode"]),
        (&json!(""), &json!(0))
    );
    let answer = served.post("/", "--! error 1:4 bad\n");
    assert_eq!(answer.status, 400);
    assert_eq!(answer.json()["stdout"], "<stdin>:1:4: error: bad\n");
    assert_eq!(answer.json()["exitCode"], 1);
    let answer = served.post_with("/", b"--! hang", &[("x-lean-timeout", "1")]);
    assert_eq!(
        (answer.status, answer.json()["exitCode"].clone()),
        (408, json!(-1))
    );
    assert_eq!(answer.json()["stderr"], "Lean process timed out after 1s");
    let version = served.get("/health").json()["version"].clone();
    assert_eq!(version, "Lean (version 4.27.0)");
    served.stop();
}

#[test]
fn lean_mode_runs_each_text_in_a_process_of_its_own() {
    let world = World::new().fake_repl("--log log.txt");
    // A confined session could not write its log there.
    let served = Served::start_in(world, &["--mode", "lean", "--sandbox", "off"]);
    served.wait_ready();
    for _ in 0..3 {
        assert_eq!(served.post("/", "def marker := 1").status, 200);
    }
    let log = std::fs::read_to_string(served.world.work("log.txt")).unwrap();
    let runs = log.lines().filter(|line| line.contains("marker"));
    let mut pids: Vec<&str> = runs.filter_map(|line| line.split(' ').next()).collect();
    assert_eq!(pids.len(), 3);
    pids.sort_unstable();
    pids.dedup();
    assert_eq!(pids.len(), 3);
    served.stop();
}
