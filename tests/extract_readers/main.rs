//! Result directories, opened by the readers that people use.

#![expect(
    clippy::disallowed_methods,
    reason = "the readers are run without the code that runs programs"
)]
#![expect(clippy::unwrap_used, reason = "a broken set-up fails the test")]

#[path = "../clients/python.rs"]
mod python;
mod readers;

use std::fs;
use std::num::{NonZeroU32, NonZeroUsize};
use std::path::Path;
use std::process::Command;

use leanrepl::internals::table::parquet::{ShardOptions, ShardWriter};
use leanrepl::internals::table::schema::Schema;
use serde_json::json;

/// What makes a directory a data set for `datasets`.
const CARD: &str = "---
configs:
- config_name: default
  data_files:
  - split: train
    path: data/part-*.parquet
---

# Rows of a test
";

/// Writes recorded rows as a result directory.
fn write(dir: &Path, table: &str, key: &str, rows: &str) {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/extract_golden");
    let schema = fs::read_to_string(golden.join(format!("{table}.schema.json"))).unwrap();
    let schema = Schema::from_json(&serde_json::from_str(&schema).unwrap()).unwrap();
    let data = dir.join("data");
    fs::create_dir(&data).unwrap();
    let options = ShardOptions {
        key: key.to_owned(),
        shards: NonZeroU32::new(4).unwrap(),
        batch_rows: NonZeroUsize::new(8).unwrap(),
        threads: NonZeroUsize::MIN,
    };
    let mut writer = ShardWriter::new(&data, schema.clone(), options).unwrap();
    for row in rows.lines() {
        writer.push(row).unwrap();
    }
    let mut shards = writer.finish().unwrap();
    for shard in &mut shards {
        shard.file.insert_str(0, "data/");
    }
    let manifest = json!({ "shards": shards });
    fs::write(dir.join("_schema.json"), schema.to_json()).unwrap();
    fs::write(dir.join("_manifest.json"), manifest.to_string()).unwrap();
    fs::write(dir.join("README.md"), CARD).unwrap();
}

#[test]
#[ignore = "needs Python and PyPI; run cargo xtask test"]
fn every_reader_finds_the_rows_that_were_written() {
    for (table, key, rows) in [
        (
            "types",
            "name",
            include_str!("../extract_golden/types.rows.jsonl"),
        ),
        (
            "const_dep",
            "name",
            include_str!("../extract_golden/const_dep.rows.jsonl"),
        ),
        (
            "tactics",
            "ppTac",
            include_str!("../extract_golden/tactics.rows.jsonl"),
        ),
    ] {
        let dir = tempfile::tempdir().unwrap();
        write(dir.path(), table, key, rows);
        readers::check(dir.path(), rows);
    }
}

/// Runs `leanrepl extract types` in a folder, on a fake REPL with a few modules; gives what it writes on stdout.
fn extract(folder: &Path, more: &[&str]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_leanrepl"));
    command.args([
        "extract",
        "types",
        "--imports",
        "A",
        "--repl",
        env!("CARGO_BIN_EXE_fake-repl"),
    ]);
    command.args(more).current_dir(folder);
    command.env("LEAN_FAKE_REPL", "--module A --extract modules.json");
    let output = command.output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{stderr}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
#[ignore = "needs Python and PyPI; run cargo xtask test"]
fn every_reader_opens_what_extract_writes_with_its_card() {
    let dir = tempfile::tempdir().unwrap();
    let modules = json!([
        {"module": "A", "constants": 70},
        {"module": "A.B", "constants": 0},
        {"module": "C", "constants": 9},
    ]);
    fs::write(dir.path().join("modules.json"), modules.to_string()).unwrap();
    let rows = extract(dir.path(), &["--jsonl"]);
    assert_eq!(rows.lines().count(), 79);
    extract(
        dir.path(),
        &["--out", "out", "--num-shards", "8", "--batch-rows", "4"],
    );
    readers::check(&dir.path().join("out"), &rows);
}
