//! The world over commands whose behaviour is known.

use std::time::Duration;

use rustix::process::Signal;

use crate::running::{Finished, Output};
use crate::world::{World, snapshot};

/// Runs a shell script in a world.
fn sh(world: &World, script: &str) -> Finished {
    world.start_program("sh", ["-c", script]).finish()
}

#[test]
fn a_snapshot_shows_the_code_and_both_outputs_without_what_differs_each_time() {
    let world = World::new().file("a/b.txt", "x").stdin("typed");
    let script = r#"
        cat; echo; ls a; pwd
        echo "leanrepl 1.2.3 as pid $$, in 2.1 s, within 5 s" >&2
        echo "{\"seconds\": 0.5}"
        printf '%s' "$HOME" >&2
        exit 5"#;
    snapshot!(sh(&world, script), @r#"
    exit: 5
    ----- stdout -----
    typed
    b.txt
    [WORK]
    {"seconds":"[TIME]"}
    ----- stderr -----
    leanrepl [VERSION] as pid [PID], in [TIME], within 5 s
    [HOME][no line break at the end]
    "#);
}

#[test]
fn leanrepl_itself_runs_in_it() {
    let world = World::new();
    let seen = world.leanrepl(["--version"]);
    assert_eq!((seen.exit(), seen.stderr()), (Some(0), String::new()));
    world.assert_nothing_runs();
}

#[test]
fn the_cache_is_the_worlds_own() {
    let world = World::new();
    sh(&world, "touch \"$LEANREPL_CACHE_DIR/seen\"");
    assert!(world.cache("seen").exists());
}

#[test]
fn no_variable_of_the_tester_reaches_a_command() {
    let world = World::new().var("LEANREPL_X", "1");
    let seen = sh(
        &world,
        "env | cut -d= -f1 | grep -v -e _ -e PWD -e SHLVL | sort",
    );
    snapshot!(seen, @r"
    exit: 0
    ----- stdout -----
    HOME
    LANG
    PATH
    TMPDIR
    ");
    let seen = sh(&world, "env | cut -d= -f1 | grep LEAN | sort");
    snapshot!(seen, @r"
    exit: 0
    ----- stdout -----
    LEANREPL_CACHE_DIR
    LEANREPL_X
    LEAN_TEST_WORLD
    ");
}

#[test]
fn scripts_and_leanrepl_are_on_the_path() {
    let world = World::new().script("npm", "echo no network >&2; exit 3");
    snapshot!(sh(&world, "command -v leanrepl && npm"), @r"
    exit: 3
    ----- stdout -----
    [BIN]/leanrepl
    ----- stderr -----
    no network
    ");
}

#[test]
fn the_fake_repl_stands_in_the_work_folder_with_its_flags() {
    let world = World::new()
        .fake_repl("--lean-version 4.9.0")
        .stdin("{\"cmd\": \"#eval Lean.versionString\"}\n\n");
    let seen = world.start_program("./repl", [""; 0]).finish();
    let replies: Vec<_> = seen.stdout().split("\n\n").map(str::to_owned).collect();
    let reply: serde_json::Value = serde_json::from_str(&replies[0]).unwrap();
    assert_eq!(reply["messages"][0]["data"], "\"4.9.0\"");
    assert_eq!(seen.exit(), Some(0));
}

#[test]
fn output_can_be_read_as_json_lines() {
    let seen = sh(&World::new(), r#"echo '{"a": 1}'; echo '{"a": 2}'"#);
    assert_eq!(seen.json_lines()[1]["a"], 2);
    assert_eq!(seen.stderr(), "");
}

#[test]
fn a_signal_can_be_sent_while_a_command_runs() {
    let world = World::new();
    let mut running = world.start_program("sh", ["-c", "echo up; exec sleep 60"]);
    running.wait_for(Output::Stdout, "up");
    running.ctrl_c();
    snapshot!(running.finish(), @r"
    killed by signal 2
    ----- stdout -----
    up
    ");
    let mut running = world.start_program("sh", ["-c", "echo up >&2; exec sleep 60"]);
    running.wait_for(Output::Stderr, "up");
    running.signal(Signal::TERM);
    assert_eq!(running.finish().exit(), None);
    world.assert_nothing_runs();
}

#[test]
#[should_panic(expected = "it did not end in 1s")]
fn a_command_that_does_not_end_fails_the_test() {
    let world = World::new().patience(Duration::from_secs(1));
    sh(&world, "sleep 60 & wait");
}

#[test]
fn a_process_that_outlives_its_command_is_seen() {
    let world = World::new();
    // It says itself that it runs: one that is about to change its program shows no variables.
    let child = "setsid sh -c 'echo > up; read never < never' > /dev/null 2>&1";
    sh(
        &world,
        &format!("mkfifo up never; {child} & read line < up"),
    );
    assert_eq!(world.processes().len(), 1);
    for pid in world.processes() {
        rustix::process::kill_process(pid, Signal::KILL).unwrap();
    }
    world.assert_nothing_runs();
}
