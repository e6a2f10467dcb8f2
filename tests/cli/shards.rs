//! `leanrepl eval --shard` on a fake REPL: which files are in which share.

use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest, Sha256};

use crate::running::Finished;
use crate::world::{World, snapshot};

/// A world with that many files, named `0.lean`, `1.lean`, ….
fn world(files: usize) -> World {
    (0..files).fold(World::new().fake_repl(""), |world, number| {
        world.file(&format!("{number}.lean"), "def a := 1\n")
    })
}

/// Evaluates that many files with more options.
fn eval(world: &World, files: usize, options: &[&str]) -> Finished {
    let names = (0..files).map(|number| format!("{number}.lean"));
    let usual = ["eval", "--repl", "./repl", "--json"].iter().chain(options);
    world.leanrepl(usual.map(|word| (*word).to_owned()).chain(names))
}

/// The names of the files that were evaluated.
fn names(seen: &Finished) -> BTreeSet<String> {
    let lines = seen.json_lines();
    let files = lines.iter().filter(|line| line["type"] == "file");
    files
        .map(|line| line["name"].as_str().unwrap().to_owned())
        .collect()
}

/// The shares of three, by file.
fn shares(world: &World, files: usize) -> BTreeMap<String, u64> {
    let mut shares = BTreeMap::new();
    for index in 0..3 {
        let seen = eval(world, files, &["--shard", &format!("{index}/3")]);
        assert_eq!(seen.exit(), Some(0), "{}", seen.stderr());
        for name in names(&seen) {
            assert_eq!(shares.insert(name, index), None, "in two shares");
        }
    }
    shares
}

#[test]
fn shares_make_the_whole_and_are_as_the_help_says() {
    let world = world(20);
    let few = shares(&world, 12);
    assert_eq!(names(&eval(&world, 12, &[])), few.keys().cloned().collect());
    for (name, share) in &few {
        let digest = Sha256::digest(name.as_bytes());
        let leading = u64::from_be_bytes(digest[..8].try_into().unwrap());
        assert_eq!(leading % 3, *share, "{name}");
    }
    // More files change nothing for those that were there.
    let many = shares(&world, 20);
    assert_eq!(many.len(), 20);
    assert!(few.iter().all(|(name, share)| many[name] == *share));
}

#[test]
fn a_share_without_files_is_done() {
    let world = world(1);
    let seen = eval(&world, 1, &["--shard", "0/1000"]);
    assert_eq!(seen.exit(), Some(0), "{}", seen.stderr());
    let lines = seen.json_lines();
    assert_eq!((lines.len(), &lines[0]["type"]), (1, &"summary".into()));
    assert_eq!(lines[0]["accepted"], 0);
    snapshot!(world.leanrepl(["eval", "--repl", "./repl", "--shard", "0/1000", "0.lean"]), @"
    exit: 0
    ----- stderr -----
    note: evaluating 0 of 1 files, share 0 of 1000 (from 0), since `--shard` says so
    0 files in [TIME]
    ");
}

#[test]
fn a_slurm_array_chooses_the_share_and_that_is_said() {
    let world = world(4)
        .var("SLURM_ARRAY_TASK_ID", "1")
        .var("SLURM_ARRAY_TASK_MIN", "0")
        .var("SLURM_ARRAY_TASK_MAX", "2")
        .var("SLURM_ARRAY_TASK_COUNT", "3");
    let by_variable = eval(&world, 4, &[]);
    assert_eq!(
        names(&by_variable),
        names(&eval(&world, 4, &["--shard", "1/3"]))
    );
    let said = "files, share 1 of 3 (from 0), since `SLURM_ARRAY_TASK_ID` is 1";
    assert!(
        by_variable.stderr().contains(said),
        "{}",
        by_variable.stderr()
    );
    assert_eq!(names(&eval(&world, 4, &["--shard", "0/1"])).len(), 4);
    // Stdin is that of the task.
    let world = world.stdin("def a := 1\n");
    let seen = world.leanrepl(["eval", "--repl", "./repl", "-"]);
    assert_eq!(seen.exit(), Some(0), "{}", seen.stderr());
    let world = world
        .var("SLURM_ARRAY_TASK_MIN", "1")
        .var("SLURM_ARRAY_TASK_MAX", "3");
    snapshot!(world.leanrepl(["eval", "--repl", "./repl", "0.lean"]), @"
    exit: 2
    ----- stderr -----
    error: the Slurm array does not count 0, 1, 2, …

    hint: submit it with `--array=0-N`, without steps, or name the share with `--shard I/N`
    ");
}

#[test]
fn an_indexed_job_needs_the_number_of_shares() {
    let world = world(4).var("JOB_COMPLETION_INDEX", "2");
    assert_eq!(
        names(&eval(&world, 4, &["--shard", "3"])),
        names(&eval(&world, 4, &["--shard", "2/3"]))
    );
    snapshot!(world.leanrepl(["eval", "--repl", "./repl", "0.lean"]), @"
    exit: 2
    ----- stderr -----
    error: the variable `JOB_COMPLETION_INDEX` names a share, but not of how many

    hint: name their number with `--shard N`, or take all of the work with `--shard 0/1`
    ");
}

#[test]
fn what_is_not_a_share_is_refused_before_anything_is_evaluated() {
    let world = world(1);
    for (shard, problem) in [
        ("3/3", "there is no share 3 of 3: they are counted from 0"),
        ("0/0", "there is no share 0 of 0"),
        ("a/3", "`a/3` is not a share"),
        ("-1/3", "`-1/3` is not a share"),
        ("", "`` is not a share"),
        ("3", "`--shard` names no index"),
    ] {
        let seen = eval(&world, 1, &["--shard", shard]);
        assert_eq!(seen.exit(), Some(2), "{shard}");
        assert!(seen.stderr().contains(problem), "{}", seen.stderr());
        assert!(names(&seen).is_empty());
    }
    let world = world.stdin("def a := 1\n");
    snapshot!(world.leanrepl(["eval", "--repl", "./repl", "--shard", "0/2"]), @"
    exit: 2
    ----- stderr -----
    error: `--shard` chooses among files by their names, and stdin has none

    hint: name files, or leave out `--shard`
    ");
    let both = world.leanrepl(["eval", "--repl", "./repl", "--shard", "0/2", "0.lean", "-"]);
    assert_eq!(both.exit(), Some(2));
}
