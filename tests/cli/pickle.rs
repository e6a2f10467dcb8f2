//! `leanrepl pickle` and `eval --base` on a fake REPL: what is made, what is trusted, and every way
//! in which a pickle goes wrong.

use std::fs::{self, File};
use std::io::Write;
use std::path::PathBuf;
use std::process::Command;

use rustix::process::Signal;

use crate::running::{Finished, Output};
use crate::world::{World, snapshot};

/// A Lake project of Mathlib with a fake REPL.
fn world(flags: &str) -> World {
    World::new()
        .fake_repl(flags)
        .file("lean-toolchain", "leanprover/lean4:v4.27.0\n")
        .file("lakefile.toml", "name = \"p\"\n")
        .file("lake-manifest.json", "{\"packages\": []}\n")
        .file("A.lean", "import Mathlib\ntheorem t : True := trivial\n")
}

/// `leanrepl pickle` of Mathlib with more options.
fn pickle(world: &World, options: &[&str]) -> Finished {
    let usual = ["pickle", "--repl", "./repl", "--import", "Mathlib"];
    world.leanrepl(usual.iter().chain(options))
}

/// `leanrepl eval A.lean` with more options.
fn eval(world: &World, options: &[&str]) -> Finished {
    world.leanrepl(["eval", "--repl", "./repl", "A.lean"].iter().chain(options))
}

/// The names in the folder of the pickle.
fn names(world: &World) -> Vec<String> {
    let entries = fs::read_dir(world.work(".lake/leanrepl"));
    let mut names: Vec<String> = entries
        .into_iter()
        .flatten()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// The names of a pickle with its sidecar.
const BOTH: [&str; 2] = ["mathlib_env.json", "mathlib_env.olean"];

/// Fails unless the file was accepted on that base.
#[track_caller]
fn assert_base(seen: &Finished, base: &str) {
    assert_eq!(seen.exit(), Some(0), "{}", seen.stderr());
    assert_eq!(seen.json_lines()[0]["base"], base, "{}", seen.stderr());
}

#[test]
fn a_pickle_is_made_proven_and_used() {
    let world = world("--log requests.log");
    let seen = pickle(&world, &[]);
    assert_eq!(seen.exit(), Some(0), "{}", seen.stderr());
    let said = seen.stdout();
    assert!(
        said.starts_with("pickled `import Mathlib` to [WORK]/.lake/leanrepl/mathlib_env.olean ("),
        "{said}"
    );
    assert_eq!(names(&world), BOTH);
    let log = fs::read_to_string(world.work("requests.log")).unwrap();
    let process = |word: &str| {
        let line = log
            .lines()
            .find(|line| line.contains(word))
            .unwrap_or_default();
        line.split(' ').next().unwrap().to_owned()
    };
    assert_ne!(process("pickleTo"), process("unpickleEnvFrom"), "{log}");
    assert_eq!(log.matches("norm_num").count(), 2, "{log}");
    let sidecar = fs::read_to_string(world.work(".lake/leanrepl/mathlib_env.json")).unwrap();
    let sidecar: serde_json::Value = serde_json::from_str(&sidecar).unwrap();
    assert_eq!(sidecar["imports"][0], "Mathlib");
    assert_eq!(sidecar["lean_version"], "4.27.0");
    assert_eq!(sidecar["pickle"]["sha256"].as_str().unwrap().len(), 64);
    assert_base(&eval(&world, &["--json"]), "pickle");
    assert_base(&eval(&world, &["--json", "--base", "pickle"]), "pickle");
    assert_base(&eval(&world, &["--json", "--base", "import"]), "import");
    let verbose = eval(&world, &["-v"]).stderr();
    assert!(verbose.contains("on the pickle"), "{verbose}");
    world.assert_nothing_runs();
}

#[test]
fn json_gives_the_sidecar() {
    let world = world("");
    let seen = pickle(&world, &["--json", "--output", "deep/x.olean"]);
    let line = &seen.json_lines()[0];
    assert_eq!(line["type"], "pickle");
    assert_eq!(line["path"], "[WORK]/deep/x.olean");
    assert_eq!(line["sidecar"]["probes"][2], "#check Real");
    assert!(world.work("deep/x.json").is_file());
    assert_base(
        &eval(&world, &["--json", "--pickle", "deep/x.olean"]),
        "pickle",
    );
}

#[test]
fn the_user_adds_probes_and_they_count() {
    let world = world("");
    assert_eq!(pickle(&world, &["--probe", "#check List"]).exit(), Some(0));
    snapshot!(pickle(&world, &["--probe", "#check Nope", "-q"]), @"
    exit: 4
    ----- stderr -----
    error: the probe `#check Nope` fails
      caused by: Unknown identifier `Nope`

    hint: check that the imports were built with the Lean of this REPL, and that your own `--probe` holds
    ");
}

#[test]
fn a_library_of_which_no_constant_is_known_is_told() {
    let world = world("--module Foo --log requests.log");
    let foo = ["pickle", "--repl", "./repl", "--import", "Foo"];
    let seen = world.leanrepl(foo);
    assert_eq!(seen.exit(), Some(0));
    let note = "note: no constant of Foo could be found";
    assert!(seen.stderr().contains(note), "{}", seen.stderr());
    // A library need not import `Lean`, which is what can look into it.
    let log = fs::read_to_string(world.work("requests.log")).unwrap();
    assert!(log.contains(r"import Lean\nimport Foo"), "{log}");
    let seen = world.leanrepl(foo.iter().chain(&["--probe", "#check List"]));
    assert!(!seen.stderr().contains(note), "{}", seen.stderr());
}

#[test]
fn an_import_that_fails_in_silence_makes_no_pickle() {
    let world = world("");
    snapshot!(pickle(&world, &["--import", "Nope", "-q"]), @"
    exit: 3
    ----- stderr -----
    error: cannot import `Nope`

    hint: check the spelling; if the module is there, build it with the Lean that the REPL was built with
    ");
    assert_eq!(names(&world), [""; 0]);
}

#[test]
fn what_goes_wrong_while_a_pickle_is_made_leaves_the_old_one() {
    let world = world("");
    pickle(&world, &[]);
    let before = fs::read_to_string(world.work(".lake/leanrepl/mathlib_env.json")).unwrap();
    let mut world = world;
    for fault in [
        "cut-short",
        "write-nothing",
        "hang-at-pickle",
        "die-at-pickle",
        "hang-at-unpickle",
        "die-at-unpickle",
        "unpickle-nothing",
    ] {
        world = world.var("LEAN_FAKE_REPL", &format!("--pickle-fault {fault}"));
        let seen = pickle(&world, &["--import-timeout", "1s"]);
        assert_eq!(seen.exit(), Some(4), "{fault}: {}", seen.stderr());
        assert_eq!(names(&world), BOTH, "{fault}");
        let after = fs::read_to_string(world.work(".lake/leanrepl/mathlib_env.json")).unwrap();
        assert_eq!(before, after, "{fault}");
        world.assert_nothing_runs();
    }
    let world = world.var("LEAN_FAKE_REPL", "");
    assert_base(&eval(&world, &["--json"]), "pickle");
}

#[test]
fn a_pickle_cut_short_is_found_out_in_the_fresh_process() {
    let world = world("--pickle-fault cut-short");
    snapshot!(pickle(&world, &["-q"]), @"
    exit: 4
    ----- stderr -----
    error: a fresh process could not use the new pickle, so it was thrown away
      caused by: the REPL died without an answer (exit code 1)
      caused by: its last lines on stderr:
                 uncaught exception: EOF while parsing a string at line 1 column 22

    hint: run again with `-v` to see the requests, or go without a pickle: imports work
    ");
    assert_eq!(names(&world), [""; 0]);
}

#[test]
fn an_unpickle_that_gives_nothing_is_found_out_by_its_probes() {
    let world = world("--pickle-fault unpickle-nothing");
    snapshot!(pickle(&world, &["-q"]), @"
    exit: 4
    ----- stderr -----
    error: a fresh process could not use the new pickle, so it was thrown away
      caused by: the probe `#check Nat` fails
      caused by: Unknown identifier `Nat`

    hint: run again with `-v` to see the requests, or go without a pickle: imports work
    ");
}

#[test]
fn a_repl_that_hangs_at_a_pickle_is_stopped() {
    let world = world("--pickle-fault hang-at-pickle");
    snapshot!(pickle(&world, &["-q", "--import-timeout", "1s"]), @"
    exit: 4
    ----- stderr -----
    error: the REPL could not write the pickle
      caused by: the REPL did not answer within 1s and was stopped

    hint: run again with `-v` to see the requests, or name another place with `--output FILE`
    ");
    world.assert_nothing_runs();
}

#[test]
fn an_old_repl_is_primed_before_it_unpickles() {
    let world = world("--old-unpickle");
    let seen = pickle(&world, &[]);
    assert_eq!(seen.exit(), Some(0), "{}", seen.stderr());
    let world = world
        .file(
            "A.lean",
            "import Mathlib\nexample : (2 : ℝ) + 2 = 4 := by norm_num\n",
        )
        .file("B.lean", "import Lean\n");
    // The import of the first file turns initializers off again.
    let seen = world.leanrepl(["eval", "--repl", "./repl", "B.lean", "A.lean", "--json"]);
    assert_eq!(seen.exit(), Some(0), "{}", seen.stderr());
    assert_eq!(seen.json_lines()[1]["base"], "pickle");
}

#[test]
fn a_pickle_that_does_not_fit_is_an_error_on_wish_and_a_note_otherwise() {
    let world = world("");
    pickle(&world, &[]);
    let world = world.file("lake-manifest.json", "{\"packages\": [1]}\n");
    let seen = eval(&world, &["--base", "pickle"]);
    assert_eq!(seen.exit(), Some(4));
    let said = seen.stderr();
    assert!(
        said.contains("it was made with another `lake-manifest.json`"),
        "{said}"
    );
    assert!(
        said.contains("hint: make it anew with `leanrepl pickle`"),
        "{said}"
    );
    let seen = eval(&world, &["--json"]);
    assert_base(&seen, "import");
    assert!(
        seen.stderr().contains("; importing instead"),
        "{}",
        seen.stderr()
    );
}

#[test]
fn a_pickle_that_was_changed_or_lost_its_sidecar_is_not_loaded() {
    for (name, text) in [
        ("mathlib_env.olean", "something else"),
        ("mathlib_env.json", "{}"),
    ] {
        let world = world("--log requests.log");
        pickle(&world, &[]);
        let world = world
            .file(&format!(".lake/leanrepl/{name}"), text)
            .file("requests.log", "");
        assert_eq!(
            eval(&world, &["--base", "pickle"]).exit(),
            Some(4),
            "{name}"
        );
        assert_base(&eval(&world, &["--json"]), "import");
        let log = fs::read_to_string(world.work("requests.log")).unwrap();
        assert!(!log.contains("unpickle"), "{log}");
    }
}

#[test]
fn a_pickle_of_another_lean_is_refused() {
    let world = world("").file("lean-toolchain", "my-lean\n");
    pickle(&world, &[]);
    let world = world.var("LEAN_FAKE_REPL", "--lean-version 4.28.0");
    snapshot!(eval(&world, &["--base", "pickle"]), @"
    exit: 4
    ----- stderr -----
    error: the pickle `[WORK]/.lake/leanrepl/mathlib_env.olean` was made with Lean 4.27.0, but the REPL runs Lean 4.28.0

    hint: make it anew with `leanrepl pickle`, or go without it with `--base import`
    ");
    assert_base(&eval(&world, &["--json"]), "import");
}

#[test]
fn a_repl_that_dies_at_unpickle_costs_a_note_or_the_run() {
    let world = world("");
    pickle(&world, &[]);
    for fault in ["die-at-unpickle", "unpickle-nothing", "hang-at-unpickle"] {
        let world = world_with(&world, fault);
        let seen = world.leanrepl([
            "eval",
            "--repl",
            "./repl",
            "--pickle",
            "p.olean",
            "--import-timeout",
            "1s",
            "A.lean",
        ]);
        assert_eq!(seen.exit(), Some(4), "{fault}: {}", seen.stderr());
        let seen = world.leanrepl([
            "eval",
            "--repl",
            "./repl",
            "--pickle",
            "p.olean",
            "--base",
            "auto",
            "--import-timeout",
            "1s",
            "--json",
            "A.lean",
        ]);
        assert_base(&seen, "import");
        assert!(
            seen.stderr().contains("cannot be loaded ("),
            "{}",
            seen.stderr()
        );
        world.assert_nothing_runs();
    }
}

#[test]
fn a_session_that_has_seen_other_texts_does_not_decide_about_a_pickle() {
    let made = world("");
    pickle(&made, &[]);
    let world = world_with(&made, "die-at-unpickle --log requests.log");
    let world = world.file("B.lean", "import Lean\n");
    let auto = ["--pickle", "p.olean", "--base", "auto", "--json"];
    let files = ["eval", "--repl", "./repl", "B.lean", "A.lean"];
    let seen = world.leanrepl(files.iter().chain(&auto));
    assert_eq!(seen.exit(), Some(0), "{}", seen.stderr());
    let log = fs::read_to_string(world.work("requests.log")).unwrap();
    let mut processes: Vec<&str> = log
        .lines()
        .filter(|line| line.contains("unpickleEnvFrom"))
        .filter_map(|line| line.split(' ').next())
        .collect();
    processes.dedup();
    assert_eq!(processes.len(), 2, "{log}");
}

/// Another world with the same project and the pickle of `made`, under a REPL with that fault.
fn world_with(made: &World, fault: &str) -> World {
    let world = world(&format!("--pickle-fault {fault}"));
    for (from, to) in [
        ("mathlib_env.olean", "p.olean"),
        ("mathlib_env.json", "p.json"),
    ] {
        fs::copy(made.work(".lake/leanrepl").join(from), world.work(to)).unwrap();
    }
    world
}

#[test]
fn no_pickle_is_an_error_only_on_wish() {
    let world = world("");
    snapshot!(eval(&world, &["--base", "pickle"]), @"
    exit: 4
    ----- stderr -----
    error: there is no pickle at `[WORK]/.lake/leanrepl/mathlib_env.olean`

    hint: make it with `leanrepl pickle`, name another one with `--pickle FILE`, or go without it with `--base import`
    ");
    assert_base(&eval(&world, &["--json"]), "import");
    snapshot!(eval(&world, &["--base", "import", "--pickle", "x.olean"]), @"
    exit: 2
    ----- stderr -----
    error: `--base import` uses no pickle, but `--pickle` names one

    hint: leave out one of `--base import` and `--pickle`
    ");
}

#[test]
fn other_imports_than_those_of_the_pickle_are_run_or_undecided() {
    let world = world("")
        .file("B.lean", "import Lean\n")
        .file("C.lean", "theorem t : True := trivial\n");
    pickle(&world, &[]);
    let bases = |options: &[&str]| {
        let files = [
            "eval", "--repl", "./repl", "--json", "A.lean", "B.lean", "C.lean",
        ];
        let seen = world.leanrepl(files.iter().chain(options));
        let mut bases: Vec<String> = seen
            .json_lines()
            .iter()
            .filter(|line| line["type"] == "file")
            .map(|line| format!("{} {}", line["name"], line["base"]).replace('"', ""))
            .collect();
        bases.sort();
        (seen.exit().unwrap(), bases)
    };
    assert_eq!(
        bases(&[]),
        (
            0,
            ["A.lean pickle", "B.lean import", "C.lean import"]
                .map(str::to_owned)
                .to_vec()
        )
    );
    assert_eq!(
        bases(&["--base", "pickle"]),
        (
            3,
            ["A.lean pickle", "B.lean null", "C.lean pickle"]
                .map(str::to_owned)
                .to_vec()
        )
    );
}

#[test]
fn a_prelude_is_run_kept_and_used_on_wish_only() {
    let world = world("--log requests.log").file(
        "p.lean",
        "-- what we like\nopen Nat\nset_option maxHeartbeats 1000\n",
    );
    let seen = pickle(&world, &["--prelude", "p.lean"]);
    assert!(
        seen.stdout().contains("with a prelude"),
        "{}",
        seen.stderr()
    );
    let log = fs::read_to_string(world.work("requests.log")).unwrap();
    assert!(log.contains("set_option maxHeartbeats 1000"), "{log}");
    assert_base(&eval(&world, &["--json"]), "import");
    assert_base(&eval(&world, &["--json", "--base", "pickle"]), "pickle");
    let why = eval(&world, &["-v"]).stderr();
    assert!(
        why.contains("it has a prelude, which changes what a file means"),
        "{why}"
    );
}

#[test]
fn what_a_pickle_would_lose_is_refused_before_a_repl_starts() {
    let world = world("--log requests.log").file("p.lean", "open Nat\n\nnotation \"x\" => 1\n");
    snapshot!(pickle(&world, &["--prelude", "p.lean"]), @"
    exit: 2
    ----- stderr -----
    error: `p.lean` line 3: `notation` is not kept: a pickle does not keep notation and syntax

    hint: put it into a module of the project and name that with `--import`, or into the files themselves
    ");
    assert!(!world.work("requests.log").exists());
}

#[test]
fn a_prelude_that_lean_objects_to_makes_no_pickle() {
    let world = world("").file("p.lean", "open Nat\n--! error 1:5 1:8 no such namespace\n");
    snapshot!(pickle(&world, &["--prelude", "p.lean", "-q"]), @"
    exit: 4
    ----- stderr -----
    error: Lean objects to the prelude
      caused by: no such namespace

    hint: fix the file named with `--prelude`; it is run right after the imports
    ");
    assert_eq!(names(&world), [""; 0]);
}

#[test]
fn what_to_pickle_has_to_be_known() {
    let world = world("");
    snapshot!(world.leanrepl(["pickle", "--repl", "./repl"]), @"
    exit: 3
    ----- stderr -----
    importing P
    error: cannot import `P`

    hint: check the spelling; if the module is there, build it with the Lean that the REPL was built with
    ");
    snapshot!(world.leanrepl(["pickle", "--repl", "./repl", "--import", "A b"]), @"
    exit: 2
    ----- stderr -----
    error: `A b` is not the name of a module

    hint: give the name as it stands behind `import`, for example `--import Mathlib`
    ");
    snapshot!(pickle(&world, &["--output", "x.txt"]), @"
    exit: 2
    ----- stderr -----
    error: the name of the pickle `x.txt` does not end in `.olean`

    hint: name a file such as `mathlib_env.olean`
    ");
}

#[test]
fn a_pickle_that_is_killed_half_way_is_cleared_away_by_the_next() {
    let world = world("--pickle-fault hang-at-pickle --log requests.log");
    let usual = ["pickle", "--repl", "./repl", "--import", "Mathlib"];
    let mut running = world.start(usual.iter().chain(&["-v"]));
    running.wait_for(Output::Stderr, "pickleTo");
    running.signal(Signal::KILL);
    assert_ne!(running.finish().exit(), Some(0));
    world.assert_nothing_runs();
    let left = names(&world);
    assert!(
        left.len() == 1 && left[0].starts_with(".mathlib_env.tmp-"),
        "{left:?}"
    );
    assert_base(&eval(&world, &["--json"]), "import");
    let world = world.var("LEAN_FAKE_REPL", "");
    assert_eq!(pickle(&world, &[]).exit(), Some(0));
    assert_eq!(names(&world), BOTH);
}

#[test]
fn ctrl_c_stops_a_pickle_and_leaves_nothing() {
    let world = world("--pickle-fault hang-at-pickle");
    let usual = ["pickle", "--repl", "./repl", "--import", "Mathlib"];
    let mut running = world.start(usual.iter().chain(&["-v"]));
    running.wait_for(Output::Stderr, "pickleTo");
    running.ctrl_c();
    assert_eq!(running.finish().exit(), Some(130));
    assert_eq!(names(&world), [""; 0]);
    world.assert_nothing_runs();
}

#[test]
fn two_at_once_take_turns() {
    let world = world("--pickle-fault hang-at-pickle");
    let usual = ["pickle", "--repl", "./repl", "--import", "Mathlib"];
    let mut first = world.start(usual.iter().chain(&["-v"]));
    first.wait_for(Output::Stderr, "pickleTo");
    let world = world.var("LEAN_FAKE_REPL", "");
    let mut second = world.start(usual);
    second.wait_for(Output::Stderr, "waiting for process");
    first.ctrl_c();
    assert_eq!(first.finish().exit(), Some(130));
    let second = second.finish();
    assert_eq!(second.exit(), Some(0), "{}", second.stderr());
    assert_eq!(names(&world), BOTH);
}

#[test]
fn a_comparison_is_shown_and_decides_what_auto_takes() {
    let world = world("");
    pickle(&world, &[]);
    let compare = [
        "pickle",
        "--repl",
        "./repl",
        "--compare",
        "--warm-only",
        "--runs",
        "1",
    ];
    let seen = world.leanrepl(compare);
    assert_eq!(seen.exit(), Some(0), "{}", seen.stderr());
    let said = seen.stdout();
    for word in ["warm", "cold", "peak memory", "\nimport ", "\npickle "] {
        assert!(said.contains(word), "{word}: {said}");
    }
    let line = world
        .leanrepl(compare.iter().chain(&["--json"]))
        .json_lines()
        .remove(0);
    let faster = line["sidecar"]["compared"]["faster"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_base(&eval(&world, &["--json"]), &faster);
    assert_base(&eval(&world, &["--json", "--base", "pickle"]), "pickle");
    assert_eq!(names(&world), BOTH);
}

#[test]
fn a_comparison_needs_a_pickle() {
    let world = world("");
    snapshot!(world.leanrepl(["pickle", "--repl", "./repl", "--compare"]), @"
    exit: 4
    ----- stderr -----
    error: there is no pickle at `[WORK]/.lake/leanrepl/mathlib_env.olean` to compare

    hint: make it first with `leanrepl pickle`
    ");
}

#[test]
#[ignore = "drops the page cache of the machine; run cargo xtask test"]
fn a_comparison_without_a_page_cache_is_made_where_it_is_permitted() {
    let world = world("");
    pickle(&world, &[]);
    let compare = [
        "pickle",
        "--repl",
        "./repl",
        "--compare",
        "--runs",
        "1",
        "--json",
    ];
    let seen = world.leanrepl(compare);
    assert_eq!(seen.exit(), Some(0), "{}", seen.stderr());
    let cold = &seen.json_lines()[0]["sidecar"]["compared"]["import"]["cold_seconds"];
    // Only root may, and not everywhere; where not, that is said.
    let refused = seen.stderr().contains("note: no cold figures");
    assert_eq!(cold.is_null(), refused, "{}", seen.stderr());
}

/// A file system of its own in a folder, gone after the test.
struct Mount(PathBuf);

impl Mount {
    /// Mounts that many bytes of memory.
    fn new(dir: PathBuf, bytes: u64) -> Self {
        fs::create_dir_all(&dir).unwrap();
        let size = format!("size={bytes}");
        let status = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &size, "tmpfs"])
            .arg(&dir)
            .status();
        assert!(status.unwrap().success());
        Self(dir)
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        // A failing test must not be hidden by a second panic.
        let _ = Command::new("umount").arg(&self.0).status();
    }
}

#[test]
#[ignore = "needs root to mount a small disk; run cargo xtask test"]
fn a_disk_that_is_full_keeps_the_old_pickle() {
    let world = world("");
    let folder = world.work(".lake/leanrepl");
    let _mount = Mount::new(folder.clone(), 1 << 20);
    pickle(&world, &[]);
    let filler = folder.join("filler");
    // With no page left the REPL cannot write; with one it is the sidecar that has no room.
    for pages_left in [0, 1] {
        let mut file = File::create(&filler).unwrap();
        while file.write_all(&[0; 4096]).is_ok() {}
        let bytes = file.metadata().unwrap().len();
        file.set_len(bytes - pages_left * 4096).unwrap();
        let seen = pickle(&world, &["-q"]);
        assert_eq!(seen.exit(), Some(4), "{}", seen.stderr());
        let said = seen.stderr();
        assert!(
            said.starts_with("error: the disk of `[WORK]/.lake/leanrepl` is full\n"),
            "{said}"
        );
        fs::remove_file(&filler).unwrap();
        assert_eq!(names(&world), BOTH);
        assert_base(&eval(&world, &["--json", "--base", "pickle"]), "pickle");
    }
}
