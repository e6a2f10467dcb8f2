//! The generated Worker with the real compiler, the real wrangler and the real workerd.

#![expect(
    clippy::disallowed_methods,
    reason = "the binary is driven from outside, without the code that it is made of"
)]
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::string_slice,
    reason = "a broken set-up fails the test"
)]

mod bench;
mod http;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use serde_json::json;

use crate::bench::{Bench, REGISTRY};

/// The key as a client sends it.
const KEY: (&str, &str) = ("Authorization", "Bearer sesame");

/// The option that adds a container.
fn container(name: &str) -> String {
    format!("--container={name}={REGISTRY}/{name}:v1")
}

/// Three containers side by side, with a key and a limit.
fn three() -> Bench {
    Bench::new(&[
        &container("core-4-28-0"),
        &container("lean-4-27-0"),
        &container("mathlib-4-27-0"),
        "--spread=mathlib-4-27-0=2",
        "--access=key",
        "--rate-limit=100",
    ])
}

/// The library that stands in for containers.
fn stand_in() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/real_worker/containers.ts")
}

/// What a folder has to pass: the compiler, its own tests, our check with the pinned wrangler, and the newest
/// wrangler.
#[track_caller]
fn passes(bench: &Bench) {
    bench.program("tsc", &["--noEmit"]).well();
    let tested = bench.script("test").well();
    assert!(
        tested.contains("\n# fail 0\n") && !tested.contains("\n# pass 0\n"),
        "{tested}"
    );
    let checked = bench.leanrepl("check", &["--no-docker"]).well();
    assert!(checked.ends_with("nothing is wrong\n"), "{checked}");
    let dry = bench.newest_wrangler(&["deploy", "--dry-run"]).well();
    assert!(dry.contains("--dry-run: exiting now"), "{dry}");
}

#[test]
#[ignore = "needs npm and core Lean's Node; run cargo xtask test"]
fn each_variant_compiles_passes_its_tests_and_both_wranglers() {
    passes(&Bench::new(&["--stub", "--container=lean-4-27-0"]));
    passes(&Bench::new(&[
        "--stub",
        "--container=lean-4-27-0",
        "--access=key",
        "--rate-limit=9",
    ]));
    passes(&Bench::new(&[&container("core-4-28-0")]));
    passes(&three());
}

#[test]
#[ignore = "needs npm and core Lean's Node; run cargo xtask test"]
fn a_stub_is_upgraded_in_place_and_grows() {
    let bench = Bench::new(&["--stub", "--container=mathlib-repl-4-27-0"]);
    bench.init(&[&container("mathlib-repl-4-27-0")]);
    passes(&bench);
    bench.init(&[
        &container("lean-4-28-0"),
        "--access=key",
        "--sleep-after=90s",
    ]);
    passes(&bench);
    let config = fs::read_to_string(bench.dir.join("wrangler.jsonc")).unwrap();
    assert!(
        config.contains("\"tag\": \"v1\"") && config.contains("\"tag\": \"v2\""),
        "{config}"
    );
}

#[test]
#[ignore = "needs npm and core Lean's Node; run cargo xtask test"]
fn wrangler_refuses_what_check_hands_on_to_it() {
    let bench = three();
    let path = bench.dir.join("src/worker.ts");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replace("./replies.ts", "./gone.ts")).unwrap();
    let said = bench.leanrepl("check", &["--no-docker"]);
    assert!(!said.success);
    assert!(
        said.text.contains("Could not resolve \"./gone.ts\""),
        "{}",
        said.text
    );
}

#[test]
#[ignore = "needs npm; run cargo xtask test"]
fn in_workerd_each_route_answers_and_no_other() {
    let bench = three();
    let dev = bench.dev(Some(&stand_in()));
    for name in ["core-4-28-0", "lean-4-27-0", "mathlib-4-27-0"] {
        let path = format!("/{name}");
        let port = ("cf-container-target-port", "22");
        let reply = dev.ask(
            "POST",
            &path,
            &[KEY, ("X-Lean-Timeout", "7"), port],
            "theorem t : 1 = 1 := rfl",
        );
        assert_eq!(reply.status, 200, "{reply:?}");
        let said = reply.json();
        assert_eq!(
            (&said["ok"], &said["text"]),
            (&json!(true), &json!("theorem t : 1 = 1 := rfl"))
        );
        assert_eq!(
            (&said["timeout"], &said["pathname"]),
            (&json!("7"), &json!("/"))
        );
        let headers = said["headers"].to_string();
        assert!(
            !headers.contains("authorization") && !headers.contains("target-port"),
            "{headers}"
        );
        assert_eq!(reply.header("Access-Control-Allow-Origin"), Some("*"));
        let health = dev.ask("GET", &format!("{path}/health"), &[KEY], "");
        assert_eq!(
            (health.status, &health.json()["ready"]),
            (200, &json!(true))
        );
    }
    for (text, status) in [("wrong", 400), ("loop", 408)] {
        let reply = dev.ask("POST", "/lean-4-27-0", &[KEY], text);
        assert_eq!((reply.status, &reply.json()["ok"]), (status, &json!(false)));
    }
    let preflight = dev.ask("OPTIONS", "/any/path", &[], "");
    assert_eq!(preflight.status, 204);
    assert!(
        preflight
            .header("Access-Control-Allow-Headers")
            .unwrap()
            .contains("X-Lean-Timeout")
    );
    for (method, path) in [
        ("POST", "/"),
        ("GET", "/lean-4-27-0"),
        ("POST", "/lean-9-9-9"),
        ("DELETE", "/lean-4-27-0/health"),
    ] {
        let reply = dev.ask(method, path, &[KEY], "");
        assert_eq!(
            (reply.status, &reply.json()["ok"]),
            (404, &json!(false)),
            "{method} {path}"
        );
    }
    for headers in [
        &[][..],
        &[("Authorization", "Bearer sesam")],
        &[("Authorization", "Bearer")],
    ] {
        let reply = dev.ask("POST", "/lean-4-27-0", headers, "x");
        assert_eq!(
            (reply.status, reply.header("WWW-Authenticate")),
            (401, Some("Bearer"))
        );
    }
}

#[test]
#[ignore = "needs npm; run cargo xtask test"]
fn in_workerd_a_cold_request_waits_for_a_new_container_and_removes_it() {
    let bench = three();
    let dev = bench.dev(Some(&stand_in()));
    for _ in 0..2 {
        let reply = dev.ask("POST", "/mathlib-4-27-0/cold", &[KEY], "theorem");
        // Each asked its own container, and twice: it was not ready the first time.
        assert_eq!(
            (reply.status, &reply.json()["asked"]),
            (200, &json!(2)),
            "{reply:?}"
        );
    }
    let destroyed = || dev.log().matches("a container was destroyed").count();
    let start = std::time::Instant::now();
    while destroyed() < 2 && start.elapsed().as_secs() < 60 {
        std::thread::park_timeout(std::time::Duration::from_millis(50));
    }
    assert_eq!(destroyed(), 2, "{}", dev.log());
}

#[test]
#[ignore = "needs npm; run cargo xtask test"]
fn in_workerd_failures_of_the_platform_are_json() {
    let bench = three();
    let dev = bench.dev(Some(&stand_in()));
    let reply = dev.ask("POST", "/lean-4-27-0", &[KEY], "crash");
    assert_eq!(
        (reply.status, &reply.json()["error"]),
        (500, &json!("Failed to start container: no such image"))
    );
    assert!(reply.json()["elapsed"].is_number() && reply.json()["sorries"].is_array());
    drop(dev);
    // The real library, which finds no container to start.
    let reply = bench.dev(None).ask("POST", "/lean-4-27-0", &[KEY], "x");
    assert_eq!(
        (reply.status, &reply.json()["ok"]),
        (502, &json!(false)),
        "{reply:?}"
    );
    assert_eq!(reply.header("Access-Control-Allow-Origin"), Some("*"));
}

#[test]
#[ignore = "needs npm; run cargo xtask test"]
fn in_workerd_one_address_may_ask_only_so_often() {
    let bench = Bench::new(&["--stub", "--container=lean-4-27-0", "--rate-limit=5"]);
    let dev = bench.dev(None);
    // A minute may end in between, and the count begins anew; it cannot do so twice.
    let replies: Vec<_> = (0..20)
        .map(|_| dev.ask("GET", "/lean-4-27-0/health", &[], ""))
        .collect();
    let refused = replies.iter().find(|reply| reply.status == 429).unwrap();
    assert_eq!(refused.header("Retry-After"), Some("60"));
    assert_eq!(replies[0].status, 200);
}

#[test]
#[ignore = "needs npm; run cargo xtask test"]
fn in_workerd_a_stub_proves_the_routes_and_deploy_finds_it_ready() {
    let bench = Bench::new(&["--stub", "--container=lean-4-27-0", "--access=key"]);
    let dev = bench.dev(None);
    let reply = dev.ask(
        "POST",
        "/lean-4-27-0",
        &[KEY, ("X-Lean-Timeout", "5")],
        "#eval «1»",
    );
    let said = reply.json();
    assert_eq!(
        (reply.status, &said["ok"], &said["stub"]),
        (503, &json!(false), &json!(true))
    );
    assert_eq!(said["received"], json!({"bytes": 11, "timeout": "5"}));
    assert_eq!(
        dev.ask("POST", "/lean-4-27-0/cold", &[KEY], "x").status,
        503
    );
    assert_eq!(dev.ask("POST", "/lean-4-27-0", &[], "x").status, 401);
    assert_eq!(dev.ask("POST", "/other-1", &[KEY], "x").status, 404);
    assert_eq!(dev.ask("OPTIONS", "/other-1", &[], "").status, 204);

    // A wrangler that deploys nothing; the waiting is real.
    fs::remove_file(bench.dir.join("node_modules")).unwrap();
    let program = bench.dir.join("node_modules/.bin/wrangler");
    fs::create_dir_all(program.parent().unwrap()).unwrap();
    fs::write(&program, "#!/bin/sh\n").unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let url = format!("--url=http://{}", dev.address);
    for (key, success, text) in [
        ("", false, "it asks for the key"),
        ("wrong", false, "is not the Worker's"),
        (
            "sesame",
            true,
            "stub: there is no Lean behind this Worker yet",
        ),
    ] {
        let said = bench.deploy(key, &[&url, "--timeout=60s"]);
        assert_eq!(said.success, success, "{}", said.text);
        assert!(said.text.contains(text), "{}", said.text);
    }
}
