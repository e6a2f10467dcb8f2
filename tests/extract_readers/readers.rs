//! The readers, which take any result directory.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::python::{python, run, script};

/// The readers themselves; what they need comes with them. Together they are downloads of 166 MB.
const READERS: [&[&str]; 1] = [&[
    "pyarrow==26.0.1",
    "duckdb==2.0.1",
    "polars==2.1.0",
    "datasets==5.2.0",
]];

/// Opens a result directory with each reader; fails the test unless each finds these rows, given one a line,
/// in any order.
pub(crate) fn check(dir: &Path, rows: &str) {
    let scratch = tempfile::tempdir().unwrap();
    let expected = scratch.path().join("rows.jsonl");
    fs::write(&expected, rows).unwrap();
    let mut command = Command::new(python("tables", &READERS));
    command.arg(script("tables.py")).arg(dir).arg(expected);
    let told = run(&mut command);
    assert!(told.ends_with("all is well\n"), "{told}");
}
