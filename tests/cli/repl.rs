//! `leanrepl repl` on a fake REPL: a script on stdin, as a user would type it.

use std::fs;
use std::time::Duration;

use rustix::process::Signal;

use crate::running::{Finished, Output, Running};
use crate::world::{World, snapshot};

/// A world with a fake REPL that logs what it is asked, and this script on stdin.
fn world(script: &str) -> World {
    World::new().fake_repl("--log log").stdin(script)
}

/// The usual command, with more options.
fn repl(world: &World, options: &[&str]) -> Finished {
    start(world, options).finish()
}

/// Starts the usual command.
fn start(world: &World, options: &[&str]) -> Running {
    let args = ["repl", "--repl", "./repl"].iter().chain(options).copied();
    world.start(args)
}

/// How many processes were asked something.
fn sessions(world: &World) -> usize {
    let log = fs::read_to_string(world.work("log")).unwrap();
    let mut pids: Vec<&str> = log
        .lines()
        .filter_map(|line| line.split(' ').next())
        .collect();
    pids.dedup();
    pids.len()
}

#[test]
fn texts_build_on_each_other_and_a_rejected_one_is_not_kept() {
    let world =
        world("def a := 1\n#check a\n#eval 42\ndef b := 2\n--! error 2:0 2:3 no\n\n#check b\n");
    snapshot!(repl(&world, &[]), @"
    exit: 1
    ----- stdout -----
    a : Nat
    42
    error: no
     --> input:2:1

    b : Nat
    ----- stderr -----
    starting Lean
    ");
    world.assert_nothing_runs();
}

#[test]
fn a_text_of_several_lines_ends_with_an_empty_one() {
    let world = world(
        "theorem t : 1 = 1 := by\n  --! error 2:2 2:7 not so\n\n#eval [1,\n2]\ndef c :=\n  1",
    );
    snapshot!(repl(&world, &[]), @"
    exit: 1
    ----- stdout -----
    error: not so
     --> input:2:3
      |
    2 |   --! error 2:2 2:7 not so
      |   ^^^^^

    ----- stderr -----
    starting Lean
    ");
}

#[test]
fn a_text_with_two_commands_of_which_one_fails_says_that_none_is_kept() {
    let world =
        world("def a :=\n  1\ndef b :=\n  nope\n--! error 4:2 4:6 no such thing\n\n#check a\n");
    snapshot!(repl(&world, &["-q"]), @"
    exit: 1
    ----- stdout -----
    error: no such thing
     --> input:4:3
      |
    4 |   nope
      |   ^^^^

    error: Unknown identifier `a`
     --> input:1:8
      |
    1 | #check a
      |        ^
    ");
    snapshot!(repl(&world, &[]), @"
    exit: 1
    ----- stdout -----
    error: no such thing
     --> input:4:3
      |
    4 |   nope
      |   ^^^^

    error: Unknown identifier `a`
     --> input:1:8
      |
    1 | #check a
      |        ^

    ----- stderr -----
    starting Lean
    note: none of this text is kept, since Lean reports an error in it
    ");
}

#[test]
fn a_command_that_does_not_exist_is_said_and_the_script_goes_on() {
    let world =
        world(":hlep\n:undo 0\n:undo\n:qed\n:prove\n:import 1\n:save\n#eval 1\n:quit\n#eval 2\n");
    snapshot!(repl(&world, &[]), @"
    exit: 2
    ----- stdout -----
    1
    ----- stderr -----
    starting Lean
    error: there is no command `:hlep`

    hint: list the commands with `:help`
    error: `0` is no number from 1

    hint: write for example `:undo 2`
    note: there is no text to take back
    error: no proof is in the making

    hint: begin one with `:prove`, after a text with a `sorry`
    error: no goal is open

    hint: run a text with a `sorry` first
    error: `1` is no name of a module

    hint: write for example `:import Lean.Elab Std`
    error: `:save` lacks a file

    hint: write for example `:save Proof.lean`
    ");
    world.assert_nothing_runs();
}

#[test]
fn a_crash_loses_the_text_it_happened_in_and_nothing_else() {
    let world =
        world("def a := 1\ndef b := 2\ndef c :=\n--! die 7\n\n#check a\n#check b\n#check c\n");
    snapshot!(repl(&world, &[]), @"
    exit: 5
    ----- stdout -----
    a : Nat
    b : Nat
    error: Unknown identifier `c`
     --> input:1:8
      |
    1 | #check c
      |        ^

    ----- stderr -----
    starting Lean
    error: the REPL died without an answer (exit code 7)

    hint: run again with `-v` to see the request it died of
    starting Lean
    running text 1 of 2 again: def a := 1
    running text 2 of 2 again: def b := 2
    note: a new session took its place and ran the history again (2 texts)
    ");
    assert_eq!(sessions(&world), 2);
    world.assert_nothing_runs();
}

#[test]
fn undo_of_more_than_there_is_says_how_many_there_are_and_takes_none_back() {
    let world = world(
        "def a := 1\n:undo 99\n#check a\ntheorem t : p ∧ q := sorry\n:prove\nconstructor\n:undo 2\n:abort\n:undo 2\n:undo 99\n",
    );
    snapshot!(repl(&world, &[]), @"
    exit: 2
    ----- stdout -----
    a : Nat
    warning: declaration uses `sorry`
     --> input:1:22
      |
    1 | theorem t : p ∧ q := sorry
      |                      ^^^^^

    goal: ⊢ p ∧ q
    ⊢ p ∧ q
    goal 1 of 2
    ⊢ p

    goal 2 of 2
    ⊢ q
    constructor
    ----- stderr -----
    starting Lean
    error: cannot take back 99 texts: there is only 1 text

    hint: write `:undo 1` to take all of them back
    note: 1 goal left open; `:prove` to go on from there
    error: cannot take back 2 tactics: there is only 1 tactic

    hint: write `:undo 1` to take all of them back
    note: left the proof; its text is as it was
    note: took back `theorem t : p ∧ q := sorry`
    note: took back `def a := 1`
    note: there is no text to take back
    ");
}

#[test]
fn undo_reaches_across_a_crash() {
    let world = world("def a := 1\ndef b := 2\n--! stack-overflow\n:undo\n#check a\n#check b\n");
    snapshot!(repl(&world, &[]), @"
    exit: 5
    ----- stdout -----
    a : Nat
    error: Unknown identifier `b`
     --> input:1:8
      |
    1 | #check b
      |        ^

    ----- stderr -----
    starting Lean
    error: the REPL died of a stack overflow
      caused by: its last lines on stderr:

                 Stack overflow detected. Aborting.

    hint: look for a recursion without end in the file
    starting Lean
    running text 1 of 2 again: def a := 1
    running text 2 of 2 again: def b := 2
    note: a new session took its place and ran the history again (2 texts)
    note: took back `def b := 2`
    ");
}

#[test]
fn a_text_that_hangs_is_stopped_and_the_history_comes_back() {
    let world = world("def a := 1\n--! hang\n#check a\n");
    snapshot!(repl(&world, &["--timeout", "1s"]), @"
    exit: 5
    ----- stdout -----
    a : Nat
    ----- stderr -----
    starting Lean
    error: the REPL did not answer within 1s and was stopped

    hint: raise `--timeout` (`--import-timeout` for a start or an import), or look for a command or tactic that does not end
    starting Lean
    running text 1 of 1 again: def a := 1
    note: a new session took its place and ran the history again (1 text)
    ");
    world.assert_nothing_runs();
}

#[test]
fn ctrl_c_stops_what_runs_and_the_script_goes_on() {
    let world = world("def a := 1\n#eval 7\n--! hang\n#check a\n");
    let mut running = start(&world, &[]);
    running.wait_for(Output::Stdout, "7");
    // The answer to the text before is out, so that the next one runs or is about to.
    running.ctrl_c();
    snapshot!(running.finish(), @"
    exit: 130
    ----- stdout -----
    7
    a : Nat
    ----- stderr -----
    starting Lean
    note: stopped
    starting Lean
    running text 1 of 2 again: def a := 1
    running text 2 of 2 again: #eval 7
    note: a new session took its place and ran the history again (2 texts)
    ");
    world.assert_nothing_runs();
}

#[test]
fn sigterm_ends_the_shell_and_its_session() {
    let world = world("#eval 7\n--! hang\n");
    let mut running = start(&world, &[]);
    running.wait_for(Output::Stdout, "7");
    running.signal(Signal::TERM);
    assert_eq!(running.finish().exit(), None);
    world.assert_nothing_runs();
}

#[test]
fn a_saved_history_loads_as_what_it_was() {
    let world = world(
        "import Lean\ndef a := 1\n:import Std\ntheorem t : 1 = 1 := by\n  rfl\n\n:save Out.lean\n:save Out.lean\n",
    );
    snapshot!(repl(&world, &[]), @"
    exit: 0
    ----- stderr -----
    starting Lean
    running import Lean
    running import Lean, import Std
    running text 1 of 1 again: def a := 1
    note: ran the history again on these imports (1 text)
    note: wrote 2 texts to `Out.lean`
    note: wrote 2 texts to `Out.lean`
    ");
    let saved = fs::read_to_string(world.work("Out.lean")).unwrap();
    assert_eq!(
        saved,
        "import Lean\nimport Std\n\ndef a := 1\n\ntheorem t : 1 = 1 := by\n  rfl\n"
    );
    let world =
        world.stdin(":load Out.lean\n#check a\n:save Out.lean\n:undo\n:save Out.lean\n:undo\n");
    snapshot!(repl(&world, &[]), @"
    exit: 2
    ----- stdout -----
    a : Nat
    ----- stderr -----
    starting Lean
    running import Lean, import Std
    note: loaded `Out.lean`
    error: `Out.lean` is there already, and was not written here

    hint: replace it with `:save! Out.lean`, or name another file
    note: took back `def a := 1…`
    error: `Out.lean` is there already, and was not written here

    hint: replace it with `:save! Out.lean`, or name another file
    note: there is no text to take back
    ");
    assert_eq!(fs::read_to_string(world.work("Out.lean")).unwrap(), saved);
}

#[test]
fn a_file_of_others_is_replaced_only_on_wish() {
    let world =
        world("def a := 1\n:save A.lean\n:save! A.lean\n:save no/where.lean\n:load none.lean\n")
            .file("A.lean", "-- mine\n");
    snapshot!(repl(&world, &[]), @"
    exit: 2
    ----- stderr -----
    starting Lean
    error: `A.lean` is there already, and was not written here

    hint: replace it with `:save! A.lean`, or name another file
    note: wrote 1 text to `A.lean`
    error: cannot write `no/where.lean`
      caused by: No such file or directory (os error 2)

    hint: name a file in a folder that you may write to: `:save FILE`
    error: cannot load `none.lean`: it cannot be read
      caused by: No such file or directory (os error 2)

    hint: check the path and its permissions
    ");
    assert_eq!(
        fs::read_to_string(world.work("A.lean")).unwrap(),
        "def a := 1\n"
    );
}

#[test]
fn a_file_with_an_error_is_shown_at_its_place_in_the_file() {
    let world = world("#check a\n").file(
        "A.lean",
        "import Lean\n\ndef a := 1\n--! error 4:4 4:9 no\n",
    );
    snapshot!(repl(&world, &["A.lean"]), @"
    exit: 1
    ----- stdout -----
    error: no
     --> A.lean:4:5
      |
    4 | --! error 4:4 4:9 no
      |     ^^^^^

    error: Unknown identifier `a`
     --> input:1:8
      |
    1 | #check a
      |        ^

    ----- stderr -----
    starting Lean
    running import Lean
    ");
}

#[test]
fn an_import_that_fails_leaves_all_as_it_was() {
    let world =
        world("def a := 1\n:import Nope\n#check a\n:import\n:import Lean\n:import\n#check a\n");
    snapshot!(repl(&world, &[]), @"
    exit: 3
    ----- stdout -----
    a : Nat
    no imports
    import Lean
    a : Nat
    ----- stderr -----
    starting Lean
    running import Nope
    error: cannot import `Nope`

    hint: check the spelling; if the module is there, build it with the Lean that the REPL was built with
    running import Lean
    running text 1 of 1 again: def a := 1
    note: ran the history again on these imports (1 text)
    ");
}

#[test]
fn a_proof_is_made_tactic_by_tactic_and_judged_as_a_whole() {
    let world = world(
        "theorem t : p ∧ q := sorry\n:prove\nconstructor\nnonsense\nrfl\n:undo\n:goals\nrfl\nrfl\n:save T.lean\n:goals\n",
    );
    snapshot!(repl(&world, &[]), @"
    exit: 1
    ----- stdout -----
    warning: declaration uses `sorry`
     --> input:1:22
      |
    1 | theorem t : p ∧ q := sorry
      |                      ^^^^^

    goal: ⊢ p ∧ q
    ⊢ p ∧ q
    goal 1 of 2
    ⊢ p

    goal 2 of 2
    ⊢ q
    error: tactic `nonsense` failed
           ⊢ p
    ⊢ q
    goal 1 of 2
    ⊢ p

    goal 2 of 2
    ⊢ q
    goal 1 of 2
    ⊢ p

    goal 2 of 2
    ⊢ q
    ⊢ q
    theorem t : p ∧ q := by
      constructor
      rfl
      rfl
    no goals
    ----- stderr -----
    starting Lean
    note: 1 goal left open; `:prove` to go on from there
    note: the proof is in its text
    note: wrote 1 text to `T.lean`
    ");
    let saved = fs::read_to_string(world.work("T.lean")).unwrap();
    assert_eq!(
        saved,
        "theorem t : p ∧ q := by\n  constructor\n  rfl\n  rfl\n"
    );
}

#[test]
fn a_proof_survives_a_crash_and_can_be_left() {
    let world = world(
        "def a := 1\ntheorem t : p ∧ q := by sorry\ndef b := 2\n:prove 1\nconstructor\n--! die\n:goals\n:abort\n#check b\n",
    );
    snapshot!(repl(&world, &[]), @"
    exit: 5
    ----- stdout -----
    warning: declaration uses `sorry`
     --> input:1:25
      |
    1 | theorem t : p ∧ q := by sorry
      |                         ^^^^^

    goal: ⊢ p ∧ q
    ⊢ p ∧ q
    goal 1 of 2
    ⊢ p

    goal 2 of 2
    ⊢ q
    goal 1 of 2
    ⊢ p

    goal 2 of 2
    ⊢ q
    constructor
    b : Nat
    ----- stderr -----
    starting Lean
    note: 1 goal left open; `:prove` to go on from there
    error: the REPL died without an answer (exit code 1)

    hint: run again with `-v` to see the request it died of
    starting Lean
    running text 1 of 3 again: def a := 1
    running text 2 of 3 again: theorem t : p ∧ q := by sorry
    running text 3 of 3 again: def b := 2
    note: a new session took its place and ran the history again (3 texts and 1 tactic)
    note: left the proof; its text is as it was
    ");
    assert_eq!(sessions(&world), 2);
}

#[test]
fn a_proof_with_a_hole_is_not_taken_for_a_whole_one() {
    let world =
        world("theorem t : p := sorry\n:prove\nsorry\n:undo\nunknown x\n:undo\n:qed\n:abort\n");
    snapshot!(repl(&world, &[]), @"
    exit: 2
    ----- stdout -----
    warning: declaration uses `sorry`
     --> input:1:18
      |
    1 | theorem t : p := sorry
      |                  ^^^^^

    goal: ⊢ p
    ⊢ p
    no goals
    ⊢ p
    error: Unknown identifier
    ⊢ p
    ----- stderr -----
    starting Lean
    note: 1 goal left open; `:prove` to go on from there
    note: Lean says of the proof: Incomplete: contains sorry; `:undo` a tactic, or keep it so with `:qed`
    note: there is no tactic to take back; `:abort` leaves the proof
    error: the proof has no tactic yet

    hint: type one, or leave the proof with `:abort`
    note: left the proof; its text is as it was
    ");
}

#[test]
fn a_repl_that_does_not_start_is_a_failure_of_the_whole() {
    let world = World::new()
        .fake_repl("--at-start die")
        .stdin("#eval 1\n")
        .patience(Duration::from_secs(30));
    assert_eq!(repl(&world, &[]).exit(), Some(5));
}

#[test]
fn a_history_that_cannot_be_run_again_at_once_is_kept_until_it_can() {
    let world = world("def a := 1\n--! die\n:undo 0\n#check a\ndef b := a\n:save B.lean\n").script(
        "flaky",
        "echo >> starts; [ $(wc -l < starts) = 2 ] && exit 1; exec ./repl",
    );
    let seen = world.leanrepl(["repl", "--repl", "../bin/flaky"]);
    snapshot!(seen, @"
    exit: 5
    ----- stdout -----
    a : Nat
    ----- stderr -----
    starting Lean
    error: the REPL died without an answer (exit code 1)

    hint: run again with `-v` to see the request it died of
    starting Lean
    error: `../bin/flaky` did not start up as a Lean REPL
      caused by: the REPL died without an answer (exit code 1)

    hint: check that it is the `repl` binary of leanprover-community/repl, built for this machine, and that LEAN_SYSROOT and LEAN_PATH fit it
    note: the history (1 text) is kept, and is run again before the next text
    error: `0` is no number from 1

    hint: write for example `:undo 2`
    starting Lean
    running text 1 of 1 again: def a := 1
    note: a new session took its place and ran the history again (1 text)
    note: wrote 2 texts to `B.lean`
    ");
    let saved = fs::read_to_string(world.work("B.lean")).unwrap();
    assert_eq!(saved, "def a := 1\n\ndef b := a\n");
}

#[test]
fn an_empty_script_does_nothing() {
    let world = world("\n\n");
    snapshot!(repl(&world, &[]), @"
    exit: 0
    ----- stderr -----
    starting Lean
    ");
}

#[test]
fn keys_that_arrive_all_at_once_at_a_terminal_are_all_taken() {
    // `script` is the terminal; what is typed next waits for what is on the screen.
    let typing = r#"
        sees() { until grep -q "$1" screen; do sleep 0.1; done; }
        (sees 'lean>'; printf '#eval 42\r'; sees '^42'; printf ':quit\r') 2> errors |
            script -qefc "'$0' repl --repl ./repl" screen
    "#;
    let world = World::new()
        .fake_repl("")
        .var("TERM", "xterm")
        .var("CI", "true");
    let program = env!("CARGO_BIN_EXE_leanrepl");
    let seen = world.start_program("sh", ["-c", typing, program]).finish();
    assert_eq!(seen.exit(), Some(0), "{}", seen.text());
    assert!(seen.stdout().contains("42\r\n"), "{}", seen.text());
    world.assert_nothing_runs();
}
