//! The same rows and bytes, whichever worker made which unit, and what is kept when a run is interrupted.

use std::fs;
use std::path::Path;

use rustix::process::Signal;

use super::{all_names, asked, extract, files, manifest, modules, names, with_directive, world};
use crate::world::World;

/// The usual options for few rows.
const SMALL: [&str; 6] = [
    "--num-shards",
    "4",
    "--batch-rows",
    "4",
    "--page-rows",
    "10",
];

/// Extracts into a directory; it must succeed.
#[track_caller]
fn make(world: &World, dir: &str, more: &[&str]) {
    let seen = extract(world, &[&["--out", dir], &SMALL[..], more].concat());
    assert_eq!(seen.exit(), Some(0), "{}", seen.stderr());
}

#[test]
fn rows_come_in_the_order_of_units() {
    for more in [
        &["-j", "1"][..],
        &["-j", "3"],
        &["-j", "2", "--page-rows", "3"],
    ] {
        let world = world(&modules());
        let seen = extract(&world, &[&["--jsonl"], more].concat());
        assert_eq!(seen.exit(), Some(0), "{}", seen.stderr());
        assert_eq!(names(&seen.stdout()), all_names(), "{more:?}");
        let seen = extract(&world, &[&["--jsonl", "rows.jsonl"], more].concat());
        assert_eq!((seen.exit(), seen.stdout()), (Some(0), String::new()));
        assert_eq!(
            names(&fs::read_to_string(world.work("rows.jsonl")).unwrap()),
            all_names()
        );
        world.assert_nothing_runs();
    }
}

#[test]
fn a_closed_pipe_ends_quietly() {
    let world = world(&modules());
    let line = "leanrepl extract types --repl ./repl --imports A --jsonl | head -n 1";
    let seen = world.start_program("sh", ["-c", line]).finish();
    assert_eq!(
        (seen.exit(), names(&seen.stdout()).len()),
        (Some(0), 1),
        "{}",
        seen.stderr()
    );
}

#[test]
fn every_way_gives_the_same_bytes() {
    let world = world(&modules());
    make(&world, "one", &[]);
    let one = files(&world.work("one"));
    let expected = [
        "README.md",
        "_manifest.json",
        "_schema.json",
        "data/part-000.parquet",
    ];
    for name in expected {
        assert!(one.contains_key(name), "{name} is not in {:?}", one.keys());
    }
    assert!(
        one.keys().all(|name| !name.starts_with('.')),
        "{:?}",
        one.keys()
    );
    let total = &manifest(&world, "one")["rows"];
    assert_eq!(total, &55);

    make(&world, "three", &["-j", "3"]);
    assert_eq!(files(&world.work("three")), one);
    let pages = extract(&world, &[&["--out", "pages"], &SMALL[..4]].concat());
    assert_eq!(pages.exit(), Some(0), "{}", pages.stderr());
    assert_eq!(files(&world.work("pages")), one);

    for share in 0..3 {
        make(
            &world,
            &format!("share{share}"),
            &["--shard", &format!("{share}/3")],
        );
        assert!(!world.work(&format!("share{share}/data")).exists());
    }
    let pack = [
        "extract", "pack", "share0", "share2", "share1", "--out", "packed",
    ];
    let seen = world.leanrepl(pack.iter().chain(&SMALL[..4]));
    assert_eq!(seen.exit(), Some(0), "{}", seen.stderr());
    assert_eq!(files(&world.work("packed")), one);
}

#[test]
fn a_share_comes_from_the_variables_of_a_cluster() {
    let world = world(&modules())
        .var("SLURM_ARRAY_TASK_ID", "2")
        .var("SLURM_ARRAY_TASK_MIN", "0")
        .var("SLURM_ARRAY_TASK_MAX", "4")
        .var("SLURM_ARRAY_TASK_COUNT", "5");
    let seen = extract(&world, &["--jsonl"]);
    assert_eq!(seen.exit(), Some(0), "{}", seen.stderr());
    // The third unit by name.
    assert_eq!(names(&seen.stdout()).len(), 5);
    assert!(seen.stdout().contains("\"C.c0\""), "{}", seen.stdout());
    assert!(seen.stderr().contains("share 2 of 5"), "{}", seen.stderr());
}

#[test]
fn shares_that_do_not_belong_together_are_not_packed() {
    let world = world(&modules());
    make(&world, "a", &["--shard", "0/2"]);
    let pack = |dirs: &[&str]| {
        let seen = world.leanrepl(
            ["extract", "pack"]
                .iter()
                .chain(dirs)
                .chain(&["--out", "packed"]),
        );
        assert_eq!(seen.exit(), Some(2), "{}", seen.stderr());
        assert!(!world.work("packed/_manifest.json").exists());
        seen.stderr()
    };
    let missing = pack(&["a"]);
    assert!(
        missing.contains("2 of 5 units are in no spool: `A.B`, `Empty`"),
        "{missing}"
    );
    assert!(pack(&["nowhere"]).contains("no extraction in `nowhere`"));
    let other = self::world(&modules()).var(
        "LEAN_FAKE_REPL",
        "--extract modules.json --module A --lean-version 4.9.0",
    );
    let seen = extract(&other, &["--out", "b", "--shard", "1/2"]);
    assert_eq!(seen.exit(), Some(0), "{}", seen.stderr());
    fs::rename(other.work("b"), world.work("b")).unwrap();
    let differs = pack(&["a", "b"]);
    assert!(
        differs.contains("another version of Lean, `4.27.0` and `4.9.0`"),
        "{differs}"
    );
}

#[test]
fn an_interrupted_run_is_resumed_and_does_only_what_is_missing() {
    let world = world(&with_directive("Large", "once seen.txt hang"));
    make_reference(&world);
    fs::remove_file(world.work("seen.txt")).unwrap();
    fs::remove_file(world.work("requests.log")).unwrap();
    let arguments = [
        "extract",
        "types",
        "--repl",
        "./repl",
        "--imports",
        "A",
        "--out",
        "out",
    ];
    let running = world.start(arguments.iter().chain(&SMALL));
    wait_until(|| asked(&world, "Large") > 0);
    // While it is at work, its directory is its own.
    let other = extract(&world, &["--out", "out", "--resume"]);
    assert_eq!(other.exit(), Some(2), "{}", other.stderr());
    assert!(
        other
            .stderr()
            .contains("another extraction is at work in `out`"),
        "{}",
        other.stderr()
    );
    running.ctrl_c();
    let seen = running.finish();
    assert_eq!(seen.exit(), Some(130), "{}", seen.stderr());
    assert!(
        seen.stderr().contains("continue with `--resume`"),
        "{}",
        seen.stderr()
    );
    world.assert_nothing_runs();
    let before = ["A", "A.B", "C"].map(|module| asked(&world, module));
    let refused = extract(&world, &["--out", "out"]);
    assert_eq!(refused.exit(), Some(2), "{}", refused.stderr());

    let seen = extract(
        &world,
        &[&["--out", "out", "--resume"], &SMALL[..]].concat(),
    );
    assert_eq!(seen.exit(), Some(0), "{}", seen.stderr());
    assert!(
        seen.stderr().contains("4 of 5 units are there already"),
        "{}",
        seen.stderr()
    );
    assert_eq!(
        ["A", "A.B", "C"].map(|module| asked(&world, module)),
        before
    );
    assert_eq!(files(&world.work("out")), files(&world.work("reference")));

    let again = extract(
        &world,
        &[&["--out", "out", "--resume"], &SMALL[..]].concat(),
    );
    assert_eq!(again.exit(), Some(0), "{}", again.stderr());
    assert!(
        again.stderr().contains("out is up to date"),
        "{}",
        again.stderr()
    );
    assert_eq!(files(&world.work("out")), files(&world.work("reference")));
}

/// A result to compare with, made while the directive has nothing to do.
fn make_reference(world: &World) {
    fs::write(world.work("seen.txt"), "").unwrap();
    make(world, "reference", &[]);
}

#[track_caller]
fn wait_until(is_so: impl Fn() -> bool) {
    for _ in 0..3000 {
        if is_so() {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    panic!("it never came to it");
}

#[test]
fn a_kill_at_any_moment_leaves_what_can_be_resumed() {
    let many: Vec<serde_json::Value> = (0..40)
        .map(|number| serde_json::json!({"module": format!("M{number}"), "constants": 400}))
        .collect();
    let world = world(&many);
    let options = ["--num-shards", "64", "--batch-rows", "16"];
    let seen = extract(&world, &[&["--out", "whole"], &options[..]].concat());
    assert_eq!(seen.exit(), Some(0), "{}", seen.stderr());
    let arguments = [
        "extract",
        "types",
        "--repl",
        "./repl",
        "--imports",
        "A",
        "--out",
        "out",
        "--resume",
    ];
    let is_packing = || {
        world
            .work("out/.spool/stage")
            .read_dir()
            .is_ok_and(|mut shards| shards.next().is_some())
    };
    let has_rows = || {
        let spooled = |entry: fs::DirEntry| entry.path().extension().is_some_and(|it| it == "zst");
        world
            .work("out/.spool")
            .read_dir()
            .is_ok_and(|entries| entries.flatten().any(spooled))
    };
    for moment in [&has_rows as &dyn Fn() -> bool, &is_packing] {
        let running = world.start(arguments.iter().chain(&options));
        wait_until(moment);
        running.signal(Signal::KILL);
        let seen = running.finish();
        assert_eq!(seen.exit(), None, "{}", seen.stderr());
        assert!(!world.work("out/_manifest.json").exists());
        assert!(!world.work("out/data").exists());
    }
    let seen = extract(
        &world,
        &[&["--out", "out", "--resume"], &options[..]].concat(),
    );
    assert_eq!(seen.exit(), Some(0), "{}", seen.stderr());
    assert_eq!(files(&world.work("out")), files(&world.work("whole")));
}

#[test]
fn a_full_disk_loses_nothing() {
    let flags = "--extract modules.json --module A";
    let world = world(&modules()).var("LEAN_FAKE_REPL", flags);
    let line = |limit: &str| {
        format!(
            "trap '' XFSZ; ulimit -f {limit}; exec leanrepl extract types --repl ./repl --imports A --out out --resume"
        )
    };
    // Blocks of 1024 bytes; the shards are larger than the spooled units.
    let seen = world.start_program("sh", ["-c", &line("2")]).finish();
    assert_eq!(seen.exit(), Some(4), "{}", seen.stderr());
    assert!(seen.stderr().contains("`out/"), "{}", seen.stderr());
    assert!(
        seen.stderr().contains("free some space"),
        "{}",
        seen.stderr()
    );
    assert!(!world.work("out/_manifest.json").exists());
    let seen = world
        .start_program("sh", ["-c", &line("unlimited")])
        .finish();
    assert_eq!(seen.exit(), Some(0), "{}", seen.stderr());
    assert_eq!(manifest(&world, "out")["rows"], 55);
}

#[test]
fn another_lean_does_not_go_on_with_a_spool() {
    let world = world(&modules());
    make(&world, "out", &["--shard", "0/2"]);
    let before = files(&world.work("out"));
    let newer = world.var(
        "LEAN_FAKE_REPL",
        "--extract modules.json --module A --lean-version 4.9.0",
    );
    let seen = extract(&newer, &["--out", "out", "--resume", "--shard", "0/2"]);
    assert_eq!(seen.exit(), Some(2), "{}", seen.stderr());
    let words =
        "the directory holds an extraction with another version of Lean: `4.27.0`, not `4.9.0`";
    assert!(seen.stderr().contains(words), "{}", seen.stderr());
    assert_eq!(files(&newer.work("out")), before);
}

#[test]
fn a_damaged_spool_is_made_again() {
    let world = world(&modules());
    make(&world, "whole", &[]);
    make(&world, "out", &["--shard", "0/1"]);
    let spooled = |folder: &Path| {
        let entries = fs::read_dir(folder.join(".spool"))
            .unwrap()
            .flatten()
            .map(|entry| entry.path());
        entries
            .filter(|path| path.extension().is_some_and(|it| it == "zst"))
            .collect::<Vec<_>>()
    };
    let files_of = spooled(&world.work("out"));
    assert_eq!(files_of.len(), 5);
    let bytes = fs::read(&files_of[0]).unwrap();
    fs::write(&files_of[0], &bytes[..bytes.len() / 2]).unwrap();
    let pack = ["extract", "pack", "out", "--out", "packed"];
    let seen = world.leanrepl(pack.iter().chain(&SMALL[..4]));
    assert_eq!(seen.exit(), Some(4), "{}", seen.stderr());
    assert!(seen.stderr().contains("are damaged"), "{}", seen.stderr());
    make(&world, "out", &["--shard", "0/1", "--resume"]);
    let seen = world.leanrepl(pack.iter().chain(&SMALL[..4]));
    assert_eq!(seen.exit(), Some(0), "{}", seen.stderr());
    assert_eq!(files(&world.work("packed")), files(&world.work("whole")));
}

#[test]
fn what_runs_is_shown_in_a_log() {
    let world = world(&with_directive("Large", "slow 1")).var("CI", "1");
    let running = world.start([
        "extract",
        "types",
        "--repl",
        "./repl",
        "--imports",
        "A",
        "--out",
        "out",
    ]);
    let seen = running.finish();
    assert_eq!(seen.exit(), Some(0), "{}", seen.stderr());
    assert!(
        seen.stderr().contains("packing the rows into shards"),
        "{}",
        seen.stderr()
    );
}
