//! Start, load and end.

use std::io::Read;

use rustix::process::Signal;
use serde_json::json;

use crate::served::{Served, assert_elapsed};
use crate::world::World;

/// The bytes of a raw text's request.
fn post(text: &str) -> Vec<u8> {
    let length = text.len();
    format!("POST / HTTP/1.1\r\nhost: localhost\r\ncontent-length: {length}\r\n\r\n{text}")
        .into_bytes()
}

#[test]
fn health_is_answered_while_lean_is_loading() {
    let world = World::new().fake_repl("--at-start slow 1500");
    let served = Served::start_in(world, &["--header", "import Mathlib"]);
    let health = served.get("/health");
    assert_eq!(health.status, 200);
    assert_eq!(
        health.json(),
        json!({"ready": false, "alive": false, "mathlib": false, "repl": true,
            "base_env": null, "status": "importing Mathlib"})
    );
    assert_eq!(served.get("/ready").status, 503);
    let early = served.post("/", "#eval 1");
    assert_eq!(early.status, 503);
    assert_elapsed(&early);
    assert_eq!(
        early.json()["error"],
        "REPL not ready (still importing Mathlib)"
    );
    assert!(early.header("retry-after").is_some());
    served.wait_ready();
    assert_eq!(
        served.get("/health").json(),
        json!({"ready": true, "alive": true, "mathlib": true, "repl": true,
            "base_env": 0, "status": "ready"})
    );
    served.stop();
}

#[test]
fn a_batch_that_comes_early_waits_for_the_first_session() {
    let world = World::new().fake_repl("--at-start slow 500");
    let served = Served::start_in(world, &[]);
    let body = json!({"snippets": [{"id": "a", "code": "--! info x"}]});
    let answer = served.post_json("/api/check", &body);
    assert_eq!(answer.status, 200, "{answer:?}");
    assert!(answer.text.contains("\"x\""), "{answer:?}");
    served.stop();
}

#[test]
fn a_repl_that_never_comes_up_is_said_in_health() {
    let world = World::new().fake_repl("--at-start die");
    let served = Served::start_in(world, &[]);
    let status = || {
        served.get("/health").json()["status"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    Served::wait_for(|| status().starts_with("error: "));
    let answer = served.post("/", "#eval 1");
    assert_eq!(answer.status, 503);
    assert_elapsed(&answer);
    served.stop();
}

#[test]
fn why_no_session_starts_is_logged_once() {
    let world = World::new().fake_repl("--at-start die --log log.txt");
    let served = Served::start_in(world, &["--sandbox", "off", "--quiet"]);
    let starts = || {
        let restarts = served.get("/metrics").text;
        let mut lines = restarts.lines();
        let line = lines.find(|line| line.contains("restarts") && line.contains("\"start\""));
        line.and_then(|line| line.split(' ').next_back()?.parse().ok())
            .unwrap_or(0.0)
    };
    Served::wait_for(|| starts() >= 3.0);
    let finished = served.stop();
    let log = finished.stderr();
    let lines: Vec<&str> = log
        .lines()
        .filter(|line| line.contains("no session starts"))
        .collect();
    assert_eq!(lines.len(), 1, "{}", finished.text());
    assert!(lines[0].contains("WARN"), "{lines:?}");
    assert!(
        lines[0].contains("did not start up as a Lean REPL"),
        "{lines:?}"
    );
    assert!(lines[0].contains("hint: check that it is"), "{lines:?}");
}

#[test]
fn the_wait_counts_and_is_bounded() {
    let args = ["--sessions", "1", "--spares", "0", "--max-wait", "300ms"];
    let served = Served::start(&[&args[..], &["--grace", "1s"]].concat());
    let _busy = served.connect(&post("--! hang"));
    Served::wait_for(|| served.get("/ready").json()["busy"] == 1);
    let answer = served.post("/", "def a := 1");
    assert_eq!(answer.status, 429, "{answer:?}");
    assert!(
        answer.json()["elapsed"].as_f64().unwrap() >= 0.3,
        "{answer:?}"
    );
    assert!(answer.header("retry-after").is_some());
    served.stop();
}

#[test]
fn a_text_may_run_longer_than_it_may_wait() {
    let served = Served::start(&["--max-wait", "300ms"]);
    let answer = served.post("/", "--! slow 900\n--! info at last");
    assert_eq!(answer.status, 200, "{answer:?}");
    assert!(answer.text.contains("at last"), "{answer:?}");
    served.stop();
}

#[test]
fn a_full_queue_is_429_and_says_when_to_come_back() {
    let args = ["--sessions", "1", "--spares", "0", "--max-queue", "1"];
    let served = Served::start(&[&args[..], &["--grace", "1s"]].concat());
    let _busy = served.connect(&post("--! hang"));
    Served::wait_for(|| served.get("/ready").json()["busy"] == 1);
    let _waiting = served.connect(&post("def a := 1"));
    Served::wait_for(|| served.get("/ready").json()["queue"] == 1);
    let answer = served.post("/", "def a := 1");
    assert_eq!(answer.status, 429, "{answer:?}");
    assert!(answer.header("retry-after").is_some());
    assert_elapsed(&answer);
    served.stop();
}

#[test]
fn a_client_that_goes_away_frees_its_session() {
    let served = Served::start(&["--sessions", "1", "--spares", "0"]);
    for request in [
        "POST / HTTP/1.1\r\nhost: localhost\r\ncontent-length: 8\r\n\r\n--! hang",
        "POST /v1/eval HTTP/1.1\r\nhost: localhost\r\naccept: application/x-ndjson\r\ncontent-length: 20\r\n\r\n{\"texts\":\"--! hang\"}",
    ] {
        let stream = served.connect(request.as_bytes());
        Served::wait_for(|| served.get("/ready").json()["busy"] == 1);
        drop(stream);
        Served::wait_for(|| served.get("/ready").json()["busy"] == 0);
        assert_eq!(served.post("/", "def a := 1").status, 200);
    }
    assert!(served.get("/metrics").text.contains(r#"status="499""#));
    served.stop();
}

#[test]
fn a_running_text_is_finished_after_sigterm_and_nothing_new_is_taken() {
    let served = Served::start(&[]);
    let mut running = served.connect(&post("--! slow 1000\n--! info at last"));
    Served::wait_for(|| served.get("/ready").json()["busy"] == 1);
    served.signal(Signal::TERM);
    let mut answer = String::new();
    running.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(answer.contains("at last"), "{answer}");
    let (finished, world) = served.finish();
    assert_eq!(finished.exit(), Some(0), "{}", finished.text());
    world.assert_nothing_runs();
}

#[test]
fn a_text_that_outlasts_the_grace_is_cut_off_and_answered() {
    let served = Served::start(&["--grace", "300ms"]);
    let mut running = served.connect(&post("--! hang"));
    Served::wait_for(|| served.get("/ready").json()["busy"] == 1);
    served.signal(Signal::INT);
    let mut answer = String::new();
    running.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 503"), "{answer}");
    let (finished, world) = served.finish();
    assert_eq!(finished.exit(), Some(0), "{}", finished.text());
    world.assert_nothing_runs();
}

#[test]
fn a_port_that_is_taken_is_said_before_anything_starts() {
    let served = Served::start(&[]);
    let taken = served.address.to_string();
    let world = World::new().fake_repl("");
    let finished = world.leanrepl(["serve", "--listen", &taken, "--repl", "./repl"]);
    assert_eq!(finished.exit(), Some(6), "{}", finished.text());
    assert!(
        finished.stderr().contains("cannot listen on"),
        "{}",
        finished.text()
    );
    assert_eq!(finished.stdout(), "");
    served.stop();
}

#[test]
fn a_header_that_is_no_import_is_refused_before_anything_starts() {
    let world = World::new().fake_repl("");
    let args = ["serve", "--listen", "127.0.0.1:0", "--repl", "./repl"];
    let finished = world.leanrepl(args.into_iter().chain(["--header", "Mathlib"]));
    assert_eq!(finished.exit(), Some(2), "{}", finished.text());
    assert_eq!(finished.stdout(), "");
    assert_eq!(
        finished.stderr(),
        "error: the header `Mathlib` holds something other than imports\n\n\
         hint: write it as in Lean: `--header 'import Mathlib'`\n"
    );
}

#[test]
fn options_of_serve_that_mean_nothing_are_usage_errors_with_a_hint() {
    let serve = |args: &[&str]| {
        let world = World::new().fake_repl("");
        world.leanrepl(["serve", "--repl", "./repl"].iter().chain(args))
    };
    for (args, hint) in [
        (&["--queue", "5"][..], "write `--max-queue 5`"),
        (
            &["--queue", "redis://host"],
            "`--max-queue N` limits how many sources wait",
        ),
        (&["--queue"], "`--max-queue N` limits how many sources wait"),
        (&["--listen", "foo"], "`--listen 0.0.0.0:8000`"),
        (&["--listen", "foo:"], "`--listen 0.0.0.0:8000`"),
        (&["--listen", "127.0.0.1:99999"], "`--listen 0.0.0.0:8000`"),
        (&["--listen", "8123"], "`--listen 0.0.0.0:8123`"),
        (&["--listen", ":8123"], "`--listen 0.0.0.0:8123`"),
    ] {
        let finished = serve(args);
        assert_eq!(finished.exit(), Some(2), "{args:?} {}", finished.text());
        assert_eq!(finished.stdout(), "");
        let said = finished.stderr();
        let told = said.split_once("hint: ").map_or("", |(_, hint)| hint);
        assert!(told.contains(hint), "{args:?} {said}");
        assert!(said.contains(args[0]), "{args:?} {said}");
    }
}

#[test]
fn the_variables_of_the_old_servers_say_where_to_listen() {
    let world = World::new()
        .fake_repl("")
        .var("LEAN_SERVER_HOST", "127.0.0.1")
        .var("LEAN_SERVER_PORT", "0")
        .var("LEAN_SERVER_QUIET", "1")
        .var("LEAN_TIMEOUT", "0.4");
    let args = [
        "serve",
        "--repl",
        "./repl",
        "--sessions",
        "1",
        "--spares",
        "0",
    ];
    let served = Served::run(world, args.iter());
    assert!(served.address.ip().is_loopback());
    served.wait_ready();
    let answer = served.post("/", "--! hang");
    assert_eq!(answer.json()["error"], "Lean process timed out after 0.4s");
    assert_eq!(
        served.stop().stderr(),
        "",
        "nothing went wrong, so nothing is logged"
    );
}

#[test]
fn what_sessions_leave_behind_is_neither_running_nor_unreaped() {
    let world = World::new().fake_repl("--log log.txt");
    // A confined session starts no process, and could not write its log there.
    let served = Served::start_in(world, &["--sandbox", "off"]);
    served.wait_ready();
    let field = |pid: &str, index: usize| {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let (_, after_name) = stat.rsplit_once(") ").unwrap_or_default();
        after_name
            .split(' ')
            .nth(index)
            .unwrap_or_default()
            .to_owned()
    };
    let log = std::fs::read_to_string(served.world.work("log.txt")).unwrap();
    let server = field(log.split(' ').next().unwrap(), 1);
    for _ in 0..3 {
        let answer = served.post("/", "--! spawn-orphan 1000\n--! die");
        assert_eq!(answer.status, 502, "{answer:?}");
    }
    // Only its sessions are below it, and each of them runs.
    let children = || -> Vec<String> {
        let threads = std::fs::read_dir(format!("/proc/{server}/task")).unwrap();
        let lists = threads
            .flatten()
            .map(|thread| thread.path().join("children"));
        let lists = lists.filter_map(|list| std::fs::read_to_string(list).ok());
        let pids = lists.flat_map(|list| {
            let words = list.split_whitespace().map(str::to_owned);
            words.collect::<Vec<_>>()
        });
        pids.map(|pid| field(&pid, 0)).collect()
    };
    Served::wait_for(|| {
        let states = children();
        states.len() == 2 && states.iter().all(|state| state == "S" || state == "R")
    });
    served.stop();
}
