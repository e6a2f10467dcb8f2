//! A new door costs four files, the line that declares each, and one line in each of two tables. A copy of the
//! sources gets one, is compared with the original, keeps to the layers, and serves.

#![expect(
    clippy::disallowed_methods,
    reason = "cargo and the program that it builds are run as a developer runs them"
)]
#![expect(clippy::unwrap_used, reason = "a broken set-up fails the test")]

mod tree;

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use tree::{Difference, Tree};

/// The root of the repository.
const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// What cargo needs to build the program and its chores.
const COPIED: [&str; 7] = [
    "Cargo.toml",
    "Cargo.lock",
    "src",
    "templates",
    "tests/fake_repl",
    "tests/olean_file.rs",
    "xtask",
];

/// The lines that join the door to the rest: the file, the line that they follow, and they.
const LINES: [(&str, &str, &str); 6] = [
    ("src/lib.rs", "mod template;", "mod toy;"),
    (
        "src/cli/mod.rs",
        "pub(crate) mod shared;",
        "pub(crate) mod toy;",
    ),
    (
        "src/cli/mod.rs",
        "commands! {",
        "    /// Reads one source a line and writes the verdict on each.\n    Toy(toy::ToyArgs),",
    ),
    (
        "src/settings.rs",
        "pub(crate) mod serve;",
        "pub(crate) mod toy;",
    ),
    ("src/commands/mod.rs", "mod session;", "mod toy;"),
    (
        "xtask/src/layers.rs",
        "    (FRONT_DOORS, \"http\"),",
        "    (FRONT_DOORS, \"toy\"),",
    ),
];

/// Runs a program to its end.
fn run(command: &mut Command) -> Output {
    let output = command.output().unwrap();
    assert!(
        output.status.success(),
        "{command:?}: {}\n{}{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    output
}

/// Links the libraries that cargo has built for the original into the folder of the copy, which needs the same
/// ones. What cannot be linked is built again.
fn lend_libraries(debug: &Path) {
    let original = Path::new(env!("CARGO_BIN_EXE_fake-repl")).parent().unwrap();
    let mut waiting: Vec<_> = [".fingerprint", "build", "deps"]
        .map(|folder| (original.join(folder), debug.join(folder)))
        .into();
    while let Some((from, to)) = waiting.pop() {
        if from.is_dir() {
            fs::create_dir_all(&to).unwrap();
            for entry in fs::read_dir(&from).unwrap() {
                let name = entry.unwrap().file_name();
                waiting.push((from.join(&name), to.join(&name)));
            }
        } else if !(from.parent() == Some(&original.join("deps")) && from.extension().is_none()) {
            // Programs are not needed.
            let _ = fs::hard_link(&from, &to);
        }
    }
}

#[test]
#[ignore = "builds the crate again; run cargo xtask test"]
fn a_new_door_costs_four_files_and_a_line_in_each_of_two_tables() {
    let root = Path::new(ROOT);
    let temporary = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let temporary = temporary.path();
    let copy = temporary.join("copy");
    let original = Tree::read(root, &COPIED);
    let mut changed = original.clone();
    changed.add_all(&Tree::read(&root.join("tests/toy_door"), &["src"]));
    for (file, after, lines) in LINES {
        changed.insert_after(file, after, lines);
    }
    changed.write(&copy);

    let difference = Difference::between(&original, &Tree::read(&copy, &COPIED));
    assert_eq!(
        difference.added_files,
        [
            "src/cli/toy.rs",
            "src/commands/toy.rs",
            "src/settings/toy.rs",
            "src/toy.rs",
        ]
    );
    assert_eq!(difference.removed_lines, [""; 0]);
    // That of the command has the comment that is its help.
    assert_eq!(
        difference.added_lines,
        [
            ("src/cli/mod.rs", 3),
            ("src/commands/mod.rs", 1),
            ("src/lib.rs", 1),
            ("src/settings.rs", 1),
            ("xtask/src/layers.rs", 1),
        ]
        .map(|(file, count)| (file.to_owned(), count))
    );

    let built = temporary.join("target");
    lend_libraries(&built.join("debug"));
    run(Command::new(env!("CARGO"))
        .args([
            "build",
            "--offline",
            "--package",
            "leanrepl",
            "--package",
            "xtask",
        ])
        .args(["--bin", "leanrepl", "--bin", "xtask"])
        // Nothing is debugged, and without that it is built in less time.
        .args(["--config", "profile.dev.package.leanrepl.debug=false"])
        .args(["--config", "profile.dev.package.xtask.debug=false"])
        .current_dir(&copy)
        .env("CARGO_INCREMENTAL", "0")
        .env("CARGO_TARGET_DIR", &built));
    run(Command::new(built.join("debug/xtask")).args(["check", "layers", "circles"]));

    let work = tempfile::tempdir().unwrap();
    let sources = work.path().join("sources");
    fs::write(
        &sources,
        "def a := 1\n--! error 1:0 no\n--! die\ndef b := 2\n",
    )
    .unwrap();
    let output = run(Command::new(built.join("debug/leanrepl"))
        .args(["toy", "--repl", env!("CARGO_BIN_EXE_fake-repl")])
        .current_dir(work.path())
        .env("LEANREPL_CACHE_DIR", work.path())
        .stdin(Stdio::from(fs::File::open(&sources).unwrap())));
    assert_eq!(
        String::from_utf8_lossy(&output.stdout),
        "accepted\nrejected\nundecided\naccepted\n"
    );
}
