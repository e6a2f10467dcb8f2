//! `leanrepl build`, from real git repositories with toolchains made of scripts.

use std::fs;
use std::os::unix::fs::symlink;

use rustix::process::Signal;
use serde_json::json;

use crate::lab::Lab;
use crate::running::Output;
use crate::world::{World, snapshot};

#[test]
fn a_repl_is_built_at_the_tag_of_the_release_and_used_by_eval() {
    let lab = Lab::new("4.27.0");
    snapshot!(lab.world.leanrepl(["eval", "p/A.lean"]), @"
    exit: 3
    ----- stderr -----
    asking Lean for its version
    error: no REPL was built yet for `[WORK]/toolchain`, the toolchain of the project `[WORK]/p`

    hint: run `leanrepl build` in the project, or use core Lean with `--toolchain core`
    ");
    snapshot!(lab.build(&[]), @"
    exit: 0
    ----- stdout -----
    the REPL v4.27.0 (2d02736) for [WORK]/toolchain (Lean 4.27.0) is in [CACHE]/repl/folder-[DIGEST]@4.27.0/2d0273678c2b
    ----- stderr -----
    asking Lean for its version
    asking for the tags of the REPL
    fetching the REPL v4.27.0
    building the REPL v4.27.0 for Lean 4.27.0
    checking that the REPL answers
    ");
    snapshot!(lab.world.leanrepl(["eval", "p/A.lean"]), @"
    exit: 0
    ----- stderr -----
    asking Lean for its version
    1 file: 1 accepted in [TIME]
    ");
    lab.world.assert_nothing_runs();
}

#[test]
fn what_was_built_and_why_is_written_down() {
    let lab = Lab::new("4.27.0");
    assert_eq!(lab.build(&[]).exit(), Some(0));
    let record = lab.record();
    let toolchain = lab.world.work("toolchain");
    for (field, value) in [
        ("version", json!(1)),
        ("toolchain", json!(toolchain)),
        ("lean", json!("4.27.0")),
        ("repository", json!(lab.repository)),
        ("reference", json!(null)),
        ("source", json!("v4.27.0")),
        ("why", json!("the tag of this release")),
        ("needs_priming", json!(true)),
        ("binary", json!("bin/repl")),
    ] {
        assert_eq!(record[field], value, "{field}");
    }
    let origin = record["toolchain_origin"].as_str().unwrap();
    assert!(origin.contains("p/lean-toolchain"), "{origin}");
    let [folder] = lab.kept().try_into().unwrap();
    let binary = fs::read(folder.join("bin/repl")).unwrap();
    assert_eq!(record["binary_bytes"], json!(binary.len()));
    assert!(!folder.join("source").exists());
}

#[test]
fn a_second_run_needs_neither_the_repository_nor_git_nor_lake() {
    let lab = Lab::new("4.27.0");
    let first = lab.build(&[]);
    fs::remove_dir_all(lab.world.work("repl.git")).unwrap();
    lab.mischief("exit 1");
    let second = lab.build(&[]);
    assert_eq!(second.stdout(), first.stdout());
    snapshot!(second, @"
    exit: 0
    ----- stdout -----
    the REPL v4.27.0 (2d02736) for [WORK]/toolchain (Lean 4.27.0) is in [CACHE]/repl/folder-[DIGEST]@4.27.0/2d0273678c2b
    ----- stderr -----
    asking Lean for its version
    ");
    assert_eq!(lab.build(&["--offline"]).exit(), Some(0));
    assert_eq!(lab.builds(), 1);
    assert_eq!(lab.build(&["--force"]).exit(), Some(4));
    // What was there is still there.
    assert_eq!(lab.world.leanrepl(["eval", "p/A.lean"]).exit(), Some(0));
}

#[test]
fn force_builds_again() {
    let lab = Lab::new("4.27.0");
    assert_eq!(lab.build(&[]).exit(), Some(0));
    assert_eq!(lab.build(&["--force"]).exit(), Some(0));
    assert_eq!(lab.builds(), 2);
    assert_eq!(lab.kept().len(), 1);
}

#[test]
fn offline_without_a_build_is_a_failure_that_says_so() {
    let lab = Lab::new("4.27.0");
    snapshot!(lab.build(&["--offline"]), @"
    exit: 4
    ----- stderr -----
    asking Lean for its version
    error: no REPL for `[WORK]/toolchain` is in the cache `[CACHE]`, and `--offline` forbids to fetch one

    hint: run `leanrepl build` once without `--offline`
    ");
}

#[test]
fn a_repl_that_keeps_its_replies_in_a_buffer_is_patched() {
    let lab = Lab::new("4.9.0");
    let seen = lab.build(&["-v"]);
    assert_eq!(seen.exit(), Some(0), "{}", seen.stderr());
    let told = "note: REPL/Main.lean: flushes stdout after each reply";
    assert!(seen.stderr().contains(told), "{}", seen.stderr());
    let patches = &lab.record()["patches"];
    assert!(patches.to_string().contains("flushes stdout"), "{patches}");
}

#[test]
fn a_repl_that_unpickles_whole_is_not_primed() {
    let lab = Lab::new("4.30.0");
    assert_eq!(lab.build(&[]).exit(), Some(0));
    let record = lab.record();
    assert_eq!(record["needs_priming"], json!(false));
    let patches = record["patches"].as_array().unwrap();
    assert!(patches.len() == 1 && patches[0].as_str().unwrap().starts_with("lean-toolchain: "));
}

#[test]
fn a_patch_release_without_a_tag_takes_the_one_before_and_says_so() {
    let lab = Lab::new("4.28.1");
    snapshot!(lab.build(&[]), @"
    exit: 0
    ----- stdout -----
    the REPL v4.28.0 (31b72bc) for [WORK]/toolchain (Lean 4.28.1) is in [CACHE]/repl/folder-[DIGEST]@4.28.1/31b72bc0ca5b
    ----- stderr -----
    asking Lean for its version
    asking for the tags of the REPL
    note: building the REPL at `v4.28.0`, made for Lean 4.28.0: the patch release 4.28.1 has none of its own
    fetching the REPL v4.28.0
    building the REPL v4.28.0 for Lean 4.28.1
    checking that the REPL answers
    ");
    let record = lab.record();
    assert_eq!(record["source"], json!("v4.28.0"));
    assert_eq!(record["lean"], json!("4.28.1"));
}

#[test]
fn a_release_without_a_tag_is_not_guessed_and_a_commit_can_be_named() {
    let lab = Lab::new("4.29.0-rc3");
    snapshot!(lab.build(&[]), @"
    exit: 4
    ----- stderr -----
    asking Lean for its version
    asking for the tags of the REPL
    error: `file://[WORK]/repl.git` has no REPL that is known to fit Lean 4.29.0-rc3

    hint: name a tag, branch or commit with `--repl-ref`; the nearest tags are `v4.27.0`, `v4.28.0`, `v4.30.0`
    ");
    assert_eq!(lab.kept(), [""; 0].map(std::path::PathBuf::from));
    snapshot!(lab.build(&["--repl-ref", "experiment"]), @"
    exit: 0
    ----- stdout -----
    the REPL experiment (cf1682d) for [WORK]/toolchain (Lean 4.29.0-rc3) is in [CACHE]/repl/folder-[DIGEST]@4.29.0-rc3/cf1682d4dea8
    ----- stderr -----
    asking Lean for its version
    asking for the tags of the REPL
    fetching the REPL experiment
    building the REPL experiment for Lean 4.29.0-rc3
    checking that the REPL answers
    ");
    let commit = lab.record()["commit"].as_str().unwrap().to_owned();
    let by_commit = lab.build(&["--repl-ref", &commit]);
    assert_eq!(by_commit.exit(), Some(0), "{}", by_commit.stderr());
    snapshot!(lab.build(&["--repl-ref", "nowhere"]), @"
    exit: 4
    ----- stderr -----
    asking Lean for its version
    asking for the tags of the REPL
    error: `file://[WORK]/repl.git` has no tag or branch `nowhere`, and that is no whole commit

    hint: check the spelling of `--repl-ref`; a commit is named by all of its 40 digits
    ");
}

#[test]
fn a_lean_that_is_no_release_names_the_newest_tag() {
    let lab = Lab::new("4.31.0-nightly-2026-05-01");
    snapshot!(lab.build(&[]), @"
    exit: 4
    ----- stderr -----
    asking Lean for its version
    asking for the tags of the REPL
    error: `file://[WORK]/repl.git` has no REPL that is known to fit Lean 4.31.0-nightly-2026-05-01

    hint: name a tag, branch or commit with `--repl-ref`; the nearest tags are `v4.30.0`
    ");
}

#[test]
fn a_repository_that_is_not_there_is_told_in_the_words_of_git() {
    let lab = Lab::new("4.27.0");
    fs::remove_dir_all(lab.world.work("repl.git")).unwrap();
    let seen = lab.build(&[]);
    assert_eq!(seen.exit(), Some(4));
    for part in [
        "error: `git` ended with exit code 128 while listing the tags of the REPL\n",
        "fatal: ",
        "hint: check the network and that `file://[WORK]/repl.git` can be reached; name a copy of it",
    ] {
        assert!(seen.stderr().contains(part), "{part}: {}", seen.stderr());
    }
}

#[test]
fn without_a_network_nothing_hangs_and_the_hint_names_the_ways_out() {
    let lab = Lab::new("4.27.0");
    let args = ["build", "--project", "p", "--repl-repo"];
    // Nothing answers there.
    let address = "http://127.0.0.1:9/repl";
    let seen = lab.world.leanrepl(args.iter().chain([&address]));
    assert_eq!(seen.exit(), Some(4));
    let hint = "hint: check the network and that `http://127.0.0.1:9/repl` can be reached";
    assert!(seen.stderr().contains(hint), "{}", seen.stderr());
    assert!(lab.kept().is_empty());
}

#[test]
fn a_repository_can_be_a_folder() {
    let lab = Lab::new("4.27.0");
    let args = ["build", "--project", "p", "--repl-repo", "repl.git"];
    assert_eq!(lab.world.leanrepl(args).exit(), Some(0));
    let folder = lab.world.work("repl.git");
    assert_eq!(lab.record()["repository"], json!(folder));
}

#[test]
fn git_that_is_missing_is_named() {
    let lab = Lab::new("4.27.0");
    let tools = lab.world.work("tools");
    fs::create_dir(&tools).unwrap();
    for tool in ["sh", "cat", "dirname"] {
        symlink(format!("/usr/bin/{tool}"), tools.join(tool)).unwrap();
    }
    let path = tools.display().to_string();
    let lab = Lab {
        world: lab.world.var("PATH", &path),
        ..lab
    };
    snapshot!(lab.build(&[]), @"
    exit: 4
    ----- stderr -----
    asking Lean for its version
    asking for the tags of the REPL
    error: `git`, needed for listing the tags of the REPL, was not found

    hint: install `git`, for example with `apt-get install git`
    ");
}

#[test]
fn a_lake_that_fails_is_quoted_and_leaves_nothing() {
    let lab = Lab::new("4.27.0");
    lab.mischief("echo 'error: REPL/Main.lean:3:1: unknown identifier' >&2; exit 1");
    snapshot!(lab.build(&[]), @"
    exit: 4
    ----- stderr -----
    asking Lean for its version
    asking for the tags of the REPL
    fetching the REPL v4.27.0
    building the REPL v4.27.0 for Lean 4.27.0
    error: `lake` ended with exit code 1 while building the REPL
      caused by: in `[CACHE]/repl/folder-[DIGEST]@4.27.0/.repl-folder-[DIGEST]@4.27.0.tmp-[PID]/source` it wrote last:
                   building repl
                   error: REPL/Main.lean:3:1: unknown identifier

    hint: read what Lake says; try another commit with `--repl-ref`, or give it more time with `--timeout`
    ");
    assert!(lab.kept().is_empty());
    // And nothing stands in the way of the next run.
    lab.mischief("");
    assert_eq!(lab.build(&[]).exit(), Some(0));
}

#[test]
fn a_lake_that_hangs_is_stopped_with_all_that_it_started() {
    let lab = Lab::new("4.27.0");
    lab.mischief("sleep 600 & sleep 600");
    let seen = lab.build(&["--timeout", "5s"]);
    assert_eq!(seen.exit(), Some(4));
    let problem = "`lake` did not end within 5s and was stopped while building the REPL";
    assert!(seen.stderr().contains(problem), "{}", seen.stderr());
    assert!(lab.kept().is_empty());
    lab.world.assert_nothing_runs();
}

#[test]
fn ctrl_c_stops_a_build_and_leaves_nothing() {
    let lab = Lab::new("4.27.0");
    lab.mischief("echo it has begun >&2; sleep 600");
    let mut running = lab.world.start(lab.args(&["-v"]));
    running.wait_for(Output::Stderr, "it has begun");
    running.ctrl_c();
    let seen = running.finish();
    assert_eq!(seen.exit(), Some(130), "{}", seen.stderr());
    assert!(lab.kept().is_empty());
    lab.world.assert_nothing_runs();
}

#[test]
fn a_repl_of_another_version_than_its_toolchain_is_not_kept() {
    let lab = Lab::new("4.27.0");
    lab.mischief("says=4.26.0");
    snapshot!(lab.build(&[]), @"
    exit: 3
    ----- stderr -----
    asking Lean for its version
    asking for the tags of the REPL
    fetching the REPL v4.27.0
    building the REPL v4.27.0 for Lean 4.27.0
    checking that the REPL answers
    error: the REPL was built with Lean 4.26.0, but the toolchain `[WORK]/toolchain` stands for Lean 4.27.0

    hint: check what the toolchain is with `elan show`; a linked folder may be another version than its name
    ");
    assert!(lab.kept().is_empty());
    lab.world.assert_nothing_runs();
}

#[test]
fn a_repl_that_does_not_answer_is_not_kept() {
    let lab = Lab::new("4.27.0");
    lab.mischief("says='4.27.0 --at-start die'");
    snapshot!(lab.build(&[]), @"
    exit: 4
    ----- stderr -----
    asking Lean for its version
    asking for the tags of the REPL
    fetching the REPL v4.27.0
    building the REPL v4.27.0 for Lean 4.27.0
    checking that the REPL answers
    error: the REPL was built, but it does not answer as it should
      caused by: the REPL died without an answer (exit code 1)
      caused by: its last lines on stderr:
                 fake-repl: died at its start

    hint: run again with `-v` to see the talk with it, or try another commit with `--repl-ref`
    ");
    assert!(lab.kept().is_empty());
}

#[test]
fn killed_in_the_middle_the_next_run_starts_clean() {
    let lab = Lab::new("4.27.0");
    let go = lab.world.work("go");
    let script = format!(
        "echo it has begun >&2; while [ ! -e '{}' ]; do sleep 0.05; done; exit 1",
        go.display()
    );
    lab.mischief(&script);
    let mut running = lab.world.start(lab.args(&["-v"]));
    running.wait_for(Output::Stderr, "it has begun");
    running.signal(Signal::KILL);
    // Lake lives on and holds the lock: nobody else may build in its place.
    let mut next = lab.world.start(lab.args(&[]));
    next.wait_for(Output::Stderr, "waiting for process");
    lab.mischief("");
    fs::write(&go, "").unwrap();
    assert_eq!(next.finish().exit(), Some(0));
    drop(running);
    assert_eq!(lab.builds(), 1);
    assert_eq!(lab.kept().len(), 1);
    lab.world.assert_nothing_runs();
}

#[test]
fn of_two_builds_at_once_the_second_takes_what_the_first_has_built() {
    let lab = Lab::new("4.27.0");
    let go = lab.world.work("go");
    let script = format!(
        "echo it has begun >&2; while [ ! -e '{}' ]; do sleep 0.05; done",
        go.display()
    );
    lab.mischief(&script);
    let mut first = lab.world.start(lab.args(&["-v"]));
    first.wait_for(Output::Stderr, "it has begun");
    let mut second = lab.world.start(lab.args(&[]));
    second.wait_for(Output::Stderr, "waiting for process");
    fs::write(&go, "").unwrap();
    let (first, second) = (first.finish(), second.finish());
    assert_eq!((first.exit(), second.exit()), (Some(0), Some(0)));
    assert_eq!(first.stdout(), second.stdout());
    assert_eq!(lab.builds(), 1);
}

#[test]
fn a_session_gets_the_modules_of_the_project_and_no_keys_of_lake() {
    let lab = Lab::new("4.27.0");
    assert_eq!(lab.build(&[]).exit(), Some(0));
    let lab = Lab {
        world: lab.world.var("LEAN_SYSROOT", "/left/in/the/shell"),
        ..lab
    };
    let seen = lab.world.leanrepl(["eval", "-v", "p/A.lean"]);
    let line = seen.stderr();
    let start = line
        .lines()
        .find(|line| line.ends_with("/bin/repl"))
        .unwrap();
    for part in [
        "LEAN_SYSROOT=[WORK]/toolchain ",
        "LEAN_PATH=[WORK]/p/.lake/build/lib:[WORK]/toolchain/lib ",
        "LEAN_OF_LAKE=[WORK]/p ",
    ] {
        assert!(start.contains(part), "{part}: {start}");
    }
    assert!(!start.contains("LEAN_CC"), "{start}");
}

#[test]
fn eval_takes_the_repl_that_was_asked_for_last() {
    let lab = Lab::new("4.27.0");
    assert_eq!(lab.build(&[]).exit(), Some(0));
    assert_eq!(lab.build(&["--repl-ref", "experiment"]).exit(), Some(0));
    let used = || {
        let seen = lab.world.leanrepl(["eval", "-v", "p/A.lean"]);
        let text = seen.stderr();
        let note = text
            .lines()
            .find(|line| line.starts_with("note: the REPL is "));
        note.unwrap().split(' ').nth(4).unwrap().to_owned()
    };
    assert_eq!(used(), "experiment");
    assert_eq!(lab.build(&[]).exit(), Some(0));
    assert_eq!(used(), "v4.27.0");
    assert_eq!(lab.builds(), 2);
}

#[test]
fn a_project_whose_lake_file_is_broken_is_told_in_the_words_of_lake() {
    let lab = Lab::new("4.27.0");
    assert_eq!(lab.build(&[]).exit(), Some(0));
    let lake = lab.world.work("toolchain/bin/lake");
    fs::remove_file(&lake).unwrap();
    symlink("/bin/false", lake).unwrap();
    snapshot!(lab.world.leanrepl(["eval", "p/A.lean"]), @"
    exit: 3
    ----- stderr -----
    asking Lean for its version
    error: `lake` ended with exit code 1 while asking Lake where the project's modules are
      caused by: in `[WORK]/p` it wrote nothing

    hint: run `lake build` in the project, and fix what it reports
    ");
}

#[test]
fn no_project_is_no_build() {
    let world = World::new().file("lean-toolchain", "v4.27.0\n");
    snapshot!(world.leanrepl(["build"]), @"
    exit: 3
    ----- stderr -----
    error: no Lake project is around this folder

    hint: run it in a folder with a `lean-toolchain` and a Lake file, or name one with `--project DIR`
    ");
}

/// A world with a project of that toolchain and neither elan nor Lake.
fn without_elan() -> World {
    let world = World::new()
        .file("lean-toolchain", "leanprover/lean4:v4.27.0\n")
        .file("lakefile.toml", "name = \"p\"\n")
        .file("A.lean", "");
    let tools = world.work("tools");
    fs::create_dir(&tools).unwrap();
    for tool in ["sh", "cat", "git"] {
        let found = ["/usr/local/bin", "/usr/bin", "/bin"].map(|folder| format!("{folder}/{tool}"));
        let found = found.iter().find(|path| fs::exists(path).unwrap()).unwrap();
        symlink(found, tools.join(tool)).unwrap();
    }
    let path = tools.display().to_string();
    world.var("PATH", &path)
}

#[test]
fn without_elan_there_is_an_offer_with_the_exact_command() {
    snapshot!(without_elan().leanrepl(["build"]), @"
    exit: 3
    ----- stderr -----
    error: neither `elan` nor `lake` was found, so there is no Lean to build with

    hint: run `leanrepl build --install-elan`, or install elan yourself: `curl -sSf https://elan.lean-lang.org/elan-init.sh | sh -s -- -y --default-toolchain none`
    ");
}

#[test]
fn another_installer_than_the_known_one_is_not_run() {
    let world = without_elan().script(
        "curl",
        "while [ \"$1\" != -o ]; do shift; done; echo 'echo pwned > pwned' > \"$2\"",
    );
    let tools = world.work("tools");
    symlink(tools.join("../../bin/curl"), tools.join("curl")).unwrap();
    snapshot!(world.leanrepl(["build", "--install-elan"]), @"
    exit: 4
    ----- stderr -----
    installing elan
    error: `https://raw.githubusercontent.com/leanprover/elan/v4.2.3/elan-init.sh` is not the installer that leanrepl knows, so it was not run
      caused by: its SHA-256 is c21368dd0b58a2932463937395c81b87cf631a6254137bd5b80167406df47f15

    hint: look at it, and install elan yourself: `curl -sSf https://elan.lean-lang.org/elan-init.sh | sh -s -- -y --default-toolchain none`
    ");
    assert!(!world.work("pwned").exists());
}

#[test]
fn a_project_goes_from_its_files_to_a_pickle_that_eval_uses() {
    let lab = Lab::new("4.27.0");
    let manifest = "{\"version\": \"1.1.0\", \"packages\": [{\"name\": \"mathlib\"}]}";
    let lab = Lab {
        world: lab.world.file("p/lake-manifest.json", manifest),
        ..lab
    };
    assert_eq!(lab.build(&[]).exit(), Some(0));
    let seen = lab.world.leanrepl(["pickle", "--project", "p"]);
    assert_eq!(seen.exit(), Some(0), "{}", seen.stderr());
    let told = "pickled `import Mathlib` to [WORK]/p/.lake/leanrepl/mathlib_env.olean";
    assert!(seen.stdout().starts_with(told), "{}", seen.stdout());
    let seen = lab
        .world
        .leanrepl(["eval", "--base", "pickle", "-v", "p/A.lean"]);
    assert_eq!(seen.exit(), Some(0), "{}", seen.stderr());
    let used = "/bin/repl\n> {\"cmd\":\"\"}\n";
    assert!(seen.stderr().contains(used), "{}", seen.stderr());
    assert!(
        seen.stderr().contains("unpickleEnvFrom"),
        "{}",
        seen.stderr()
    );
}
