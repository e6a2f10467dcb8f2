//! The options of Lean that a project's Lake file sets: how they are read, and, on real core Lean, what they
//! do to verdicts.

use std::fs;
use std::time::Duration;

use serde_json::{Value, json};

use crate::lab::Lab;
use crate::running::Finished;
use crate::world::{World, snapshot};

/// A Lake file with libraries of different options.
const LAKE_FILE: &str = r#"
name = "p"
defaultTargets = ["Strict"]
leanOptions = { pp.unicode.fun = true, weak.linter.unknown = 7 }

[[lean_lib]]
name = "Strict"
leanOptions = { autoImplicit = false, warningAsError = true }

[[lean_lib]]
name = "Loose"
srcDir = "src"
moreLeanArgs = ["-DautoImplicit=true", "-D", "weak.maxRecDepth=300", "--error=hasSorry"]

[[lean_lib]]
name = "Misspelt"
leanOptions = [{ name = "autoImplicits", value = false }]

[[lean_lib]]
name = "Mistyped"
leanOptions = { weak.maxHeartbeats = "many" }
"#;

/// A lab whose Lake translates a `lakefile.lean` into that text, and writes down that it did.
fn lab(toml: &str) -> Lab {
    let lab = Lab::new("4.27.0");
    assert_eq!(lab.build(&[]).exit(), Some(0));
    fs::write(lab.world.work("p/lakefile.lean"), "package p\n").unwrap();
    fs::write(lab.world.work("toolchain/config.toml"), toml).unwrap();
    lab
}

/// What was asked of a session, without what is asked of every one.
fn asked(seen: &Finished) -> Vec<String> {
    let text = seen.stderr();
    let requests = text.lines().filter_map(|line| line.strip_prefix("> "));
    let own = requests
        .skip(3)
        .filter(|line| !line.contains("leanrepl-fence"));
    own.map(str::to_owned).collect()
}

/// The lines of JSON about files: name, verdict, and what was said.
fn verdicts(seen: &Finished) -> Vec<(String, String, Vec<String>)> {
    let lines = seen.stdout();
    let files = lines
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut files: Vec<_> = files
        .filter(|line| line["type"] == "file")
        .map(|line| {
            let messages = line["messages"].as_array().unwrap();
            let said = messages.iter().map(|message| {
                let first = text(&message["data"]).lines().next().map(str::to_owned);
                format!(
                    "{} {}:{} {}",
                    text(&message["severity"]),
                    message["pos"]["line"],
                    message["pos"]["column"],
                    first.unwrap_or_default()
                )
            });
            let failed = line["failure"]["problem"].as_str().map(str::to_owned);
            (
                text(&line["name"]),
                text(&line["verdict"]),
                said.chain(failed).collect(),
            )
        })
        .collect();
    files.sort();
    files
}

#[test]
fn a_lakefile_lean_is_read_through_lake_once_and_its_options_reach_the_session() {
    let lab = lab("leanOptions = { autoImplicit = false, weak.x.y = \"z\" }\n");
    fs::write(lab.world.work("p/B.lean"), "#check a\n").unwrap();
    let seen = lab
        .world
        .leanrepl(["eval", "-v", "--json", "p/A.lean", "p/B.lean"]);
    assert_eq!(
        // The first request finds out whether this REPL goes back to a state.
        asked(&seen)[1..3],
        [
            r#"{"cmd":"set_option autoImplicit false\nset_option x.y \"z\"","env":0}"#,
            r#"{"cmd":"theorem t : True := trivial\n","env":3}"#,
        ],
        "{}",
        seen.stderr()
    );
    let note = "note: `p/B.lean` has the options `autoImplicit=false`, `weak.x.y=z`\n";
    assert!(seen.stderr().contains(note), "{}", seen.stderr());
    let runs = fs::read_to_string(lab.world.work("toolchain/translations")).unwrap();
    assert_eq!(runs.lines().count(), 1, "{runs}");
    // Lake was not made to write into the project, and what it wrote is gone.
    assert!(!lab.world.work("p/lakefile.lean.bak").exists());
    assert_eq!(fs::read_dir(lab.world.work("../tmp")).unwrap().count(), 0);
    let first: Value = serde_json::from_str(seen.stdout().lines().next().unwrap()).unwrap();
    assert_eq!(
        first["options"],
        json!({ "autoImplicit": false, "weak.x.y": "z" })
    );
    lab.world.assert_nothing_runs();
}

#[test]
fn options_that_lake_cannot_tell_are_said_not_to_hold() {
    let lab = lab("");
    fs::remove_file(lab.world.work("toolchain/config.toml")).unwrap();
    snapshot!(lab.world.leanrepl(["eval", "p/A.lean"]), @"
    exit: 0
    ----- stderr -----
    asking Lean for its version
    note: the options that the Lake file sets do not hold: `lake` ended with exit code 1 while asking Lake for the options of the project's modules (in `[WORK]/p` it wrote last:
            cat: [WORK]/toolchain/config.toml: No such file or directory)
    1 file: 1 accepted in [TIME]
    ");
}

#[test]
fn a_lake_file_that_only_lake_could_read_is_named_where_there_is_no_lake() {
    let world = World::new()
        .fake_repl("")
        .file("lean-toolchain", "leanprover/lean4:v4.27.0\n")
        .file("lakefile.lean", "package p\n")
        .file("A.lean", "#eval 1\n");
    snapshot!(world.leanrepl(["eval", "--repl", "./repl", "A.lean"]), @"
    exit: 0
    ----- stdout -----
    info: 1
     --> A.lean:1:1
      |
    1 | #eval 1
      | ^^^^^

    ----- stderr -----
    note: the options that the Lake file sets do not hold: only Lake can read `[WORK]/lakefile.lean`, and the project's toolchain is not there
    1 file: 1 accepted in [TIME]
    ");
}

#[test]
fn a_lake_file_that_makes_no_sense_sets_nothing_and_that_is_said() {
    let world = World::new()
        .fake_repl("")
        .file("lean-toolchain", "leanprover/lean4:v4.27.0\n")
        .file("lakefile.toml", "leanOptions = 7\n")
        .file("A.lean", "#eval 1\n");
    snapshot!(world.leanrepl(["eval", "--repl", "./repl", "A.lean"]), @"
    exit: 0
    ----- stdout -----
    info: 1
     --> A.lean:1:1
      |
    1 | #eval 1
      | ^^^^^

    ----- stderr -----
    note: the options that the Lake file sets do not hold: the Lake file cannot be read (`leanOptions` is neither a table nor a list)
    1 file: 1 accepted in [TIME]
    ");
}

/// A project for core Lean of the user's cache.
pub(crate) fn on_core_lean() -> World {
    let home = std::env::var("HOME").unwrap();
    let cache = std::env::var("LEANREPL_CACHE_DIR").unwrap_or(format!("{home}/.cache/leanrepl"));
    World::new()
        .var("LEANREPL_CACHE_DIR", &cache)
        .patience(Duration::from_secs(300))
        .file("p/lean-toolchain", "leanprover/lean4:v4.28.0\n")
        .file("p/lakefile.toml", LAKE_FILE)
}

/// Needs `autoImplicit`; has a warning in its second line.
const SOURCE: &str = "def f (x : α) := x\ndef g (n : Nat) (m : Nat) := n\n";

#[test]
#[ignore = "needs core Lean; run cargo xtask test"]
fn a_file_is_judged_with_the_options_of_its_own_library_and_in_its_own_places() {
    let world = on_core_lean()
        .file("p/Strict.lean", SOURCE)
        .file("p/Strict/Std.lean", &format!("-- a header\nimport Std\n{SOURCE}"))
        .file("p/src/Loose.lean", SOURCE)
        .file("p/Misspelt.lean", "#eval 1\n")
        .file("p/Mistyped.lean", "#eval 1\n")
        .file("p/Reset.lean", "set_option autoImplicit true\nset_option warningAsError false\ndef f (x : α) (y : α) := x\n")
        .file("p/prelude.lean", "prelude\nset_option autoImplicit true\n");
    let files = [
        "p/Strict.lean",
        "p/Strict/Std.lean",
        "p/src/Loose.lean",
        "p/Misspelt.lean",
        "p/Mistyped.lean",
        "p/Reset.lean",
        "p/prelude.lean",
    ];
    let args = ["eval", "--toolchain", "core", "--json"];
    let seen = world.leanrepl(args.iter().chain(&files));
    let unknown = "Unknown identifier `α`";
    let unused = "unused variable `m`";
    let is = |name: &str, verdict: &str, said: &[String]| {
        (name.to_owned(), verdict.to_owned(), said.to_vec())
    };
    assert_eq!(
        verdicts(&seen),
        [
            is(
                "p/Misspelt.lean",
                "undecided",
                &["Lean refuses the option `autoImplicits=false` of the Lake file".to_owned()]
            ),
            is(
                "p/Mistyped.lean",
                "undecided",
                &["Lean refuses the option `weak.maxHeartbeats=many` of the Lake file".to_owned()]
            ),
            // A source may set an option anew, as in a build.
            is(
                "p/Reset.lean",
                "accepted",
                &["warning 3:15 unused variable `y`".to_owned()]
            ),
            is(
                "p/Strict.lean",
                "rejected",
                &[
                    format!("error 1:11 {unknown}"),
                    format!("error 2:17 {unused}")
                ]
            ),
            is(
                "p/Strict/Std.lean",
                "rejected",
                &[
                    format!("error 3:11 {unknown}"),
                    format!("error 4:17 {unused}")
                ]
            ),
            is("p/prelude.lean", "accepted", &[]),
            is(
                "p/src/Loose.lean",
                "accepted",
                &[format!("warning 2:17 {unused}")]
            ),
        ],
        "{}",
        seen.stderr()
    );
    let told =
        "note: the argument `--error=hasSorry` that the Lake file gives Lean does not hold\n";
    assert_eq!(seen.stderr().matches(told).count(), 1, "{}", seen.stderr());
    let cause = "Unknown option `autoImplicits`";
    assert!(seen.stdout().contains(cause), "{}", seen.stdout());
}

#[test]
#[ignore = "needs core Lean; run cargo xtask test"]
fn what_comes_on_stdin_and_what_is_typed_has_the_options_of_the_default_library() {
    let world = on_core_lean().stdin(SOURCE);
    let script = "cd p && leanrepl eval --toolchain core --json -";
    let seen = world.start_program("sh", ["-c", script]).finish();
    let [(name, verdict, said)] = &verdicts(&seen)[..] else {
        panic!("{}", seen.text());
    };
    assert_eq!((name.as_str(), verdict.as_str()), ("<stdin>", "rejected"));
    assert_eq!(said.len(), 2, "{said:?}");
    let script = "cd p && leanrepl repl --toolchain core";
    let seen = world.start_program("sh", ["-c", script]).finish();
    assert_eq!(seen.exit(), Some(1), "{}", seen.text());
    assert!(
        seen.stdout().contains("Unknown identifier `α`"),
        "{}",
        seen.text()
    );
    // Outside of the project nothing is set.
    let seen = world.leanrepl(["eval", "--toolchain", "core", "-"]);
    assert_eq!(seen.exit(), Some(0), "{}", seen.text());
}

#[test]
#[ignore = "needs core Lean; run cargo xtask test"]
fn the_prelude_of_a_pickle_comes_after_the_lake_file() {
    let world = on_core_lean()
        .file("p/prelude.txt", "set_option autoImplicit true\n")
        .file("p/Strict.lean", SOURCE);
    let pickle = ["pickle", "--toolchain", "core", "--import", "Std"];
    let more = ["--prelude", "p/prelude.txt", "-o", "p/std.olean"];
    let seen = world.leanrepl(pickle.iter().chain(&more));
    assert_eq!(seen.exit(), Some(0), "{}", seen.text());
    let args = ["eval", "--toolchain", "core", "--json", "--base", "pickle"];
    let more = ["--pickle", "p/std.olean", "p/Strict.lean"];
    let seen = world.leanrepl(args.iter().chain(&more));
    let unused = "error 2:17 unused variable `m`".to_owned();
    let expected = (
        "p/Strict.lean".to_owned(),
        "rejected".to_owned(),
        vec![unused],
    );
    assert_eq!(verdicts(&seen), [expected], "{}", seen.text());
}
