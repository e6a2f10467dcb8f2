//! What is said about sessions that are not confined.

use crate::running::{Finished, UNCONFINED};
use crate::world::World;

/// A world with a fake REPL, a file and a script on stdin.
fn world() -> World {
    World::new()
        .fake_repl("")
        .file("A.lean", "theorem t : True := trivial\n")
        .stdin("#eval 1\n")
}

/// Each command that runs code of others, on a REPL that is not core Lean.
fn commands() -> [Vec<&'static str>; 3] {
    [
        vec!["eval", "--repl", "./repl", "A.lean"],
        vec!["repl", "--repl", "./repl"],
        vec![
            "pickle", "--repl", "./repl", "--import", "Init", "-o", "x.olean",
        ],
    ]
}

/// How often it is said that sessions are not confined.
fn said(seen: &Finished) -> usize {
    assert_eq!(seen.exit(), Some(0), "{}", seen.stderr());
    let stderr = seen.stderr();
    assert_eq!(
        stderr.matches("confine").count(),
        2 * stderr.matches(UNCONFINED).count(),
        "{stderr}"
    );
    stderr.matches(UNCONFINED).count()
}

#[test]
fn a_repl_that_is_not_confined_says_so_once_and_how_to_confine_it() {
    for command in commands() {
        assert_eq!(said(&world().leanrepl(&command)), 1, "{command:?}");
    }
    let jobs = [
        "eval", "--repl", "./repl", "-j", "3", "A.lean", "A.lean", "A.lean",
    ];
    assert_eq!(said(&world().leanrepl(jobs)), 1);
}

#[test]
fn who_asks_for_quiet_or_says_what_is_wanted_hears_nothing_of_it() {
    for command in commands() {
        for options in [&["-q"][..], &["--sandbox", "off"]] {
            let seen = world().leanrepl(command.iter().chain(options));
            assert_eq!(said(&seen), 0, "{command:?} {options:?}");
        }
    }
}

#[test]
fn the_help_says_what_holds_by_default() {
    for command in ["eval", "repl", "pickle"] {
        let help = world().leanrepl([command, "--help"]).stdout();
        let help = help.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(
            help.contains("Default: `auto` for core Lean, `off` for another REPL"),
            "{help}"
        );
    }
}
