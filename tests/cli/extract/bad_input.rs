//! What is refused before anything is extracted.

use std::fs;

use super::{asked, extract, modules, world};
use crate::world::{World, snapshot};

/// Fails unless it is refused with that code and those words, and no session has started.
#[track_caller]
fn refused(arguments: &[&str], code: i32, words: &[&str]) {
    let world = world(&modules());
    let seen = world.leanrepl(["extract"].iter().chain(arguments));
    assert_eq!(seen.exit(), Some(code), "{}", seen.stderr());
    for word in words {
        assert!(
            seen.stderr().contains(word),
            "{word} is not in: {}",
            seen.stderr()
        );
    }
    assert!(!world.work("requests.log").exists(), "{}", seen.stderr());
    assert_eq!(seen.stdout(), "");
}

#[test]
fn what_cannot_be_meant_is_refused_by_name() {
    let lines = ["--jsonl", "--repl", "./repl"];
    let with = |arguments: &[&'static str]| [arguments, &lines].concat();
    refused(
        &with(&["typos", "--imports", "A"]),
        2,
        &["there is no extractor `typos`", "`const_dep`"],
    );
    refused(
        &with(&["types"]),
        2,
        &["what `types` is extracted from", "--imports"],
    );
    refused(
        &with(&["tactics"]),
        2,
        &["what `tactics` is extracted from", "--read"],
    );
    refused(
        &with(&["types", "--imports", "A", "--read", "a.lean"]),
        2,
        &["--imports and --read", "one target"],
    );
    refused(
        &with(&["types", "--imports", "A", "--library", "L"]),
        2,
        &["--imports and --library"],
    );
    refused(&with(&["types", "--read", "a.lean"]), 2, &["not sources"]);
    refused(&with(&["tactics", "--imports", "A"]), 2, &["reads sources"]);
    refused(
        &with(&["types", "--imports", "A", "--num-shards", "0"]),
        2,
        &["--num-shards", "1 to 4096"],
    );
    refused(
        &with(&["types", "--imports", "A", "--batch-rows", "0"]),
        2,
        &["--batch-rows"],
    );
    refused(
        &with(&["types", "--imports", "A", "--page-rows", "0"]),
        2,
        &["--page-rows"],
    );
    refused(
        &with(&["types", "--imports", "A", "-j", "0"]),
        2,
        &["--jobs"],
    );
    refused(
        &with(&["types", "--imports", "A", "--shard", "3/3"]),
        2,
        &["no share 3 of 3"],
    );
    refused(
        &with(&["types", "--imports", "A", "--resume"]),
        2,
        &["--out"],
    );
    refused(
        &with(&["types", "--imports", "A", "--config", "{}"]),
        2,
        &["--plugin"],
    );
    refused(
        &["types", "--imports", "A"],
        2,
        &["where the rows go", "--jsonl"],
    );
    refused(
        &["types", "--imports", "A", "--out", "o", "--jsonl"],
        2,
        &["cannot be used with"],
    );
    refused(&["extract"], 2, &["no extractor"]);
}

#[test]
fn names_of_modules_never_lead_anywhere() {
    for name in [
        "A/B",
        "..",
        "A..B",
        ".A",
        "A B",
        "A\nB",
        "«..».«..».etc",
        "",
    ] {
        let seen = extract(&world(&modules()), &["--imports", name, "--jsonl"]);
        assert_eq!(seen.exit(), Some(2), "{name}: {}", seen.stderr());
        assert!(
            seen.stderr().contains("is not the name of a module"),
            "{name}: {}",
            seen.stderr()
        );
    }
}

#[test]
fn a_module_that_does_not_exist_is_named() {
    let long = "x".repeat(300);
    for name in ["Nowhere.At.All", long.as_str()] {
        let world = world(&modules());
        let seen = extract(&world, &["--imports", name, "--out", "out"]);
        assert_eq!(seen.exit(), Some(3), "{}", seen.stderr());
        assert!(seen.stderr().contains(name), "{}", seen.stderr());
        assert!(!world.work("out/_manifest.json").exists());
        // Nothing is in the way of the right name.
        let seen = extract(&world, &["--out", "out"]);
        assert_eq!(seen.exit(), Some(0), "{}", seen.stderr());
    }
}

#[test]
fn a_directory_with_other_things_is_left_alone() {
    let world = world(&modules()).file("out/notes.txt", "mine");
    for more in [&["--out", "out"][..], &["--out", "out", "--resume"]] {
        let seen = extract(&world, more);
        assert_eq!(seen.exit(), Some(2), "{}", seen.stderr());
        assert!(
            seen.stderr()
                .contains("`out` is not empty, and holds no extraction"),
            "{}",
            seen.stderr()
        );
        assert_eq!(fs::read_dir(world.work("out")).unwrap().count(), 1);
    }
    assert_eq!(asked(&world, "A"), 0);
}

#[test]
fn a_place_that_cannot_be_written_is_named() {
    let world = world(&modules()).file("file", "");
    for (out, name) in [
        ("/proc/leanrepl", "`/proc/leanrepl"),
        ("file", "`file"),
        ("file/below", "`file/below"),
    ] {
        let seen = extract(&world, &["--out", out]);
        assert_eq!(seen.exit(), Some(4), "{}", seen.stderr());
        assert!(seen.stderr().contains(name), "{}", seen.stderr());
        assert!(seen.stderr().contains("--out DIR"), "{}", seen.stderr());
    }
    let seen = extract(&world, &["--jsonl", "/dev/full"]);
    assert_eq!(seen.exit(), Some(4), "{}", seen.stderr());
    assert!(
        seen.stderr().contains("cannot write `/dev/full`"),
        "{}",
        seen.stderr()
    );
}

#[test]
fn a_key_that_is_no_column_is_refused() {
    let world = world(&modules());
    let seen = extract(&world, &["--out", "out", "--shard-key", "colour"]);
    assert_eq!(seen.exit(), Some(2), "{}", seen.stderr());
    assert!(
        seen.stderr().contains("there is no column `colour`"),
        "{}",
        seen.stderr()
    );
    assert!(
        seen.stderr().contains("`name`, `module`, `type`"),
        "{}",
        seen.stderr()
    );
    assert_eq!(asked(&world, "A"), 0);
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let world = world(&modules()).bytes("latin.lean", b"-- \xe9\n");
    for (file, why) in [
        ("none.lean", "cannot be read"),
        ("latin.lean", "not UTF-8"),
        (".", "a folder"),
    ] {
        let arguments = [
            "extract", "tactics", "--repl", "./repl", "--read", file, "--jsonl",
        ];
        let seen = world.leanrepl(arguments);
        assert_eq!(seen.exit(), Some(2), "{}", seen.stderr());
        assert!(
            seen.stderr().contains(&format!("cannot use `{file}`")),
            "{}",
            seen.stderr()
        );
        assert!(seen.stderr().contains(why), "{}", seen.stderr());
    }
}

#[test]
fn a_library_that_is_not_there_is_named() {
    let world = world(&modules());
    let arguments = [
        "extract",
        "types",
        "--repl",
        "./repl",
        "--library",
        "Nowhere",
        "--jsonl",
    ];
    let seen = world.leanrepl(arguments);
    assert_eq!(seen.exit(), Some(2), "{}", seen.stderr());
    assert!(
        seen.stderr().contains("there is no library `Nowhere`"),
        "{}",
        seen.stderr()
    );
}

#[test]
fn an_array_that_does_not_start_at_0_is_refused() {
    let world = world(&modules())
        .var("SLURM_ARRAY_TASK_ID", "1")
        .var("SLURM_ARRAY_TASK_MIN", "1")
        .var("SLURM_ARRAY_TASK_MAX", "3")
        .var("SLURM_ARRAY_TASK_COUNT", "3");
    let seen = extract(&world, &["--out", "out"]);
    assert_eq!(seen.exit(), Some(2), "{}", seen.stderr());
    assert!(seen.stderr().contains("--array=0-N"), "{}", seen.stderr());
}

#[test]
fn the_extractors_are_listed_with_their_columns() {
    let seen = World::new().leanrepl(["extract", "--list"]);
    assert_eq!(seen.exit(), Some(0));
    let text = seen.stdout();
    for line in [
        "types  names and types of constants",
        "  name                  string!",
        "const_dep  ",
        "tactics  ",
        "decls  ",
    ] {
        assert!(text.contains(line), "{line} is not in: {text}");
    }
}

#[test]
fn a_schema_is_written_in_lean_scouts_language() {
    let seen = World::new().leanrepl(["extract", "const-dep", "--schema"]);
    assert_eq!(seen.exit(), Some(0));
    let schema: serde_json::Value = serde_json::from_str(&seen.stdout()).unwrap();
    let published = include_str!("../../extract_golden/const_dep.schema.json");
    assert_eq!(
        schema,
        serde_json::from_str::<serde_json::Value>(published).unwrap()
    );
}

#[test]
fn options_of_lean_scout_are_taken_or_named_once() {
    let world = world(&modules());
    let scout = [
        "extract",
        "--command",
        "types",
        "--repl",
        "./repl",
        "--imports",
        "A",
        "--dataDir",
        "out",
        "--numShards",
        "4",
        "--batchRows",
        "8",
        "--parallel",
        "2",
        "--scoutPath",
        "x",
        "--scoutDir",
        "y",
        "--cmdRoot",
        "z",
    ];
    let seen = world.leanrepl(scout);
    assert_eq!(seen.exit(), Some(0), "{}", seen.stderr());
    let warnings: Vec<String> = seen
        .stderr()
        .lines()
        .filter(|line| line.contains("no effect"))
        .map(str::to_owned)
        .collect();
    assert_eq!(
        warnings,
        ["note: `--scoutPath`, `--scoutDir`, `--cmdRoot` of Lean Scout has no effect here"]
    );
    let manifest = super::manifest(&world, "out");
    assert_eq!(
        (&manifest["num_shards"], &manifest["batch_rows"]),
        (&4.into(), &8.into())
    );
}

#[test]
fn a_summary_says_what_came_out() {
    let world = world(&modules());
    let seen = extract(&world, &["--out", "out", "--num-shards", "2"]);
    let text = seen
        .stderr()
        .replace(|letter: char| letter.is_ascii_digit(), "0");
    assert!(text.contains("wrote out in"), "{text}");
    snapshot!(extract(&world, &["--out", "out"]), @r"
    exit: 2
    ----- stderr -----
    error: the directory `out` holds an extraction already

    hint: continue it with `--resume`, or name another directory with `--out DIR`
    ");
    let seen = extract(&world, &["--out", "json", "--json"]);
    let line = &seen.json_lines()[0];
    assert_eq!(line["type"], "extract");
    assert_eq!(
        (&line["rows"], &line["units"], &line["exit_code"]),
        (&55.into(), &5.into(), &0.into())
    );
}
