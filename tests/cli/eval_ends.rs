//! How `leanrepl eval` ends when it is ended from outside.

use rustix::process::Signal;

use crate::running::Output;
use crate::world::{World, snapshot};

/// A world in which the first file is evaluated and the second one hangs.
fn world() -> World {
    World::new()
        .fake_repl("")
        .file("A.lean", "--! error 1:0 1:3 no\n")
        .file("B.lean", "--! hang\n")
}

/// The command on both files.
const EVAL: [&str; 5] = ["eval", "--repl", "./repl", "A.lean", "B.lean"];

#[test]
fn ctrl_c_prints_what_is_done_and_ends_all_processes() {
    let world = world();
    let mut running = world.start(EVAL);
    running.wait_for(Output::Stdout, "error: no");
    running.ctrl_c();
    snapshot!(running.finish(), @"
    exit: 130
    ----- stdout -----
    error: no
     --> A.lean:1:1
      |
    1 | --! error 1:0 1:3 no
      | ^^^

    ----- stderr -----
    2 files: 1 rejected, 1 interrupted in [TIME]
    ");
    world.assert_nothing_runs();
}

#[test]
fn ctrl_c_ends_json_with_a_summary() {
    let world = world();
    let mut running = world.start(EVAL.iter().chain(&["--json"]));
    running.wait_for(Output::Stdout, "\"file\"");
    running.ctrl_c();
    let seen = running.finish();
    assert_eq!(seen.exit(), Some(130));
    let lines = seen.json_lines();
    let last = lines.last().unwrap();
    assert_eq!(last["type"], "summary", "{last}");
    assert_eq!(last["exit_code"], 130, "{last}");
    assert_eq!(last["rejected"], 1, "{last}");
}

#[test]
fn a_session_dies_with_a_leanrepl_that_is_killed() {
    let world = world();
    let mut running = world.start(EVAL);
    running.wait_for(Output::Stdout, "error: no");
    running.signal(Signal::KILL);
    assert_ne!(running.finish().exit(), Some(0));
    world.assert_nothing_runs();
}

#[test]
fn ctrl_c_while_a_repl_starts_ends_it() {
    let world = World::new().fake_repl("--at-start hang").file("A.lean", "");
    let mut running = world.start(["-v", "eval", "--repl", "./repl", "A.lean"]);
    running.wait_for(Output::Stderr, "+ ");
    running.ctrl_c();
    assert_eq!(running.finish().exit(), Some(130));
    world.assert_nothing_runs();
}
