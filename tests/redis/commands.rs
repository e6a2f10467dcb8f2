//! `--cache redis://…` as a user meets it.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::rig::Server;
use crate::running::Finished;
use crate::served::Served;
use crate::world::World;

/// A world with a file that Lean accepts, a folder with the password and one with a wrong password.
fn world() -> World {
    let world = World::new()
        .fake_repl("")
        .file("Good.lean", "--! info fine\n")
        .file("secrets/right", "s3cret\n")
        .file("secrets/wrong", "n0t\n");
    for name in ["secrets/right", "secrets/wrong"] {
        let mode = fs::Permissions::from_mode(0o600);
        fs::set_permissions(world.work(name), mode).unwrap();
    }
    world
}

/// The address of a server.
fn url(server: &Server) -> String {
    format!("redis://127.0.0.1:{}", server.port())
}

/// Evaluates the file with results kept on a server.
fn eval(world: &World, url: &str, args: &[&str]) -> Finished {
    let fixed = ["eval", "--repl", "./repl", "--json", "--cache-trust"];
    let fixed = [&fixed[..], &["--cache", url]].concat();
    world.leanrepl([&fixed, args, &["Good.lean"]].concat())
}

/// Whether the result of the file was kept.
fn is_cached(seen: &Finished) -> bool {
    let lines = seen.json_lines();
    let line = lines.iter().find(|line| line["type"] == "file");
    let line = line.unwrap_or_else(|| panic!("{}", seen.text()));
    assert_eq!(line["verdict"], "accepted", "{line}");
    line["cached"].as_bool().unwrap()
}

#[test]
#[ignore = "needs redis-server; run cargo xtask test"]
fn what_one_machine_found_out_another_one_finds_again() {
    let server = Server::start(&["requirepass s3cret"]);
    let (world, url) = (world(), url(&server));
    let file = ["--redis-password-file", "secrets/right"];
    assert!(!is_cached(&eval(&world, &url, &file)));
    assert!(is_cached(&eval(&world, &url, &file)));
    // By the variable, and in another cache folder.
    let world = world
        .var("LEANREPL_REDIS_PASSWORD", "s3cret")
        .var("LEANREPL_CACHE_DIR", "elsewhere");
    assert!(is_cached(&eval(&world, &url, &[])));
    assert!(!is_cached(&eval(&world, &url, &["--redis-prefix", "b:"])));
    let cache = |args: &[&str]| -> Value {
        let fixed = ["cache", "--json", "--cache", url.as_str()];
        let seen = world.leanrepl(fixed.iter().chain(args));
        assert_eq!(seen.exit(), Some(0), "{}", seen.text());
        seen.json_lines().pop().unwrap()
    };
    // One result may take several values: that is the cache's own affair.
    let is_some = |count: &Value| count.as_u64().is_some_and(|count| count > 0);
    let stats = cache(&["stats"]);
    assert_eq!(stats["place"], url.as_str());
    assert!(
        is_some(&stats["results"]) && is_some(&stats["environments"]),
        "{stats}"
    );
    let other = ["--redis-prefix", "b:", "clear"];
    assert!(is_some(&cache(&other)["forgotten"]));
    assert!(is_cached(&eval(&world, &url, &[])));
    assert!(is_some(
        &cache(&["invalidate", "--class", "eval"])["forgotten"]
    ));
    assert!(!is_cached(&eval(&world, &url, &[])));
    assert!(is_some(&cache(&["clear"])["forgotten"]));
    assert_eq!(cache(&["stats"])["results"], 0);
}

#[test]
#[ignore = "needs redis-server; run cargo xtask test"]
fn no_process_shows_the_password_and_no_source_reads_it() {
    let server = Server::start(&["requirepass s3cret"]);
    let url = url(&server);
    let world = world().var("LEANREPL_REDIS_PASSWORD", "s3cret");
    let args = ["--cache", url.as_str(), "--cache-trust", "-v"];
    let served = Served::start_in(world, &args);
    served.wait_ready();
    let answer = served.post("/", "--! print-env");
    assert_eq!(answer.status, 200, "{answer:?}");
    assert!(answer.text.contains("PATH="), "{answer:?}");
    assert!(!answer.text.contains("s3cret"), "{answer:?}");
    let processes = served.world.processes();
    assert!(processes.len() >= 2, "{processes:?}");
    for process in processes {
        let path = format!("/proc/{}/cmdline", process.as_raw_nonzero());
        let words = fs::read(path).unwrap();
        assert!(!String::from_utf8_lossy(&words).contains("s3cret"));
    }
    for path in ["/metrics", "/version", "/health"] {
        assert!(!served.get(path).text.contains("s3cret"), "{path}");
    }
    let finished = served.stop();
    assert!(!finished.text().contains("s3cret"), "{}", finished.text());
}

#[test]
#[ignore = "needs redis-server; run cargo xtask test"]
fn a_server_without_its_redis_answers_all_the_same() {
    let mut server = Server::start(&[]);
    let url = url(&server);
    let args = ["--cache", url.as_str(), "--cache-trust", "--cache-shared"];
    let served = Served::start_in(world(), &args);
    served.wait_ready();
    let cached = |source: &str| {
        let reply = served.post_json("/v1/eval", &json!({ "sources": source }));
        let result = reply.json()["results"][0].clone();
        assert_eq!(result["verdict"], "accepted", "{result}");
        result["cached"].as_bool().unwrap()
    };
    assert!(!cached("--! info a"));
    Served::wait_for(|| cached("--! info a"));
    server.kill();
    for _again in 0..3 {
        assert!(!cached("--! info a"));
    }
    server.restart();
    // It is used again after a pause.
    Served::wait_for(|| cached("--! info a"));
    server.signal(Signal::STOP);
    for number in 0..3 {
        assert!(!cached(&format!("--! info {number}")));
    }
    server.signal(Signal::CONT);
    Served::wait_for(|| cached("--! info a"));
    served.stop();
}

#[test]
#[ignore = "needs redis-server; run cargo xtask test"]
fn a_server_that_cannot_be_used_ends_the_command_with_the_next_step() {
    let server = Server::start(&["requirepass s3cret"]);
    let (world, url) = (world(), url(&server));
    let wrong = ["--redis-password-file", "secrets/wrong"];
    for (args, code, problem) in [
        (&wrong[..], 6, "refuses the user or the password"),
        (&[], 6, "asks for a password"),
        (&["--redis-password-file", "none"], 2, "cannot read `none`"),
        (&["--cache-key", "none"], 2, "cannot read `none`"),
        (
            &["--redis-prefix", "a b"],
            2,
            "the prefix of the Redis keys",
        ),
    ] {
        let seen = eval(&world, &url, args);
        assert_eq!(seen.exit(), Some(code), "{}", seen.text());
        assert!(seen.stderr().contains(problem), "{}", seen.stderr());
        assert!(!seen.text().contains("n0t"), "{}", seen.text());
    }
}

#[test]
fn a_password_in_an_address_is_refused_and_not_repeated() {
    let world = world();
    for url in ["redis://:s3cret@127.0.0.1:1", "rediss://me:s3cret@host"] {
        let seen = eval(&world, url, &[]);
        assert_eq!(seen.exit(), Some(2), "{}", seen.text());
        assert!(!seen.text().contains("s3cret"), "{}", seen.text());
    }
}
