//! A folder with files to evaluate, and what one plain run finds in them.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

use crate::python::run;

/// The fake REPL.
pub(crate) const REPL: &str = env!("CARGO_BIN_EXE_fake-repl");

/// How many files there are at first.
pub(crate) const FILES: usize = 12;

/// Plays `sbatch`: runs the tasks of the script's array side by side, from a copy of it, as Slurm does.
const SBATCH: &str = r#"#!/bin/bash
set -eu
copy="$PWD/slurm_script"
cp "$1" "$copy"
shift
last="$(sed -n 's/^#SBATCH --array=0-//p' "$copy")"
export SLURM_ARRAY_TASK_MIN=0 SLURM_ARRAY_TASK_MAX="$last" SLURM_ARRAY_TASK_COUNT="$((last + 1))"
export SLURM_CPUS_PER_TASK=1
tasks=()
for ((id = 0; id <= last; id++)); do
    SLURM_ARRAY_TASK_ID="$id" bash "$copy" "$@" &
    tasks+=("$!")
done
status=0
for task in "${tasks[@]}"; do wait "$task" || status="$?"; done
exit "$status"
"#;

/// The path of one of the examples.
pub(crate) fn example(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("examples/scale")
        .join(name)
}

/// Verdict and messages of each file, of lines of JSON.
pub(crate) fn verdicts(lines: &str) -> BTreeMap<String, (Value, Value)> {
    let mut verdicts = BTreeMap::new();
    for line in lines.lines() {
        let mut line: Value = serde_json::from_str(line).unwrap();
        if line["type"] == "file" {
            let name = line["name"].as_str().unwrap().to_owned();
            let found = (line["verdict"].take(), line["messages"].take());
            assert_eq!(verdicts.insert(name, found), None);
        }
    }
    verdicts
}

/// The folder; gone when it is dropped.
pub(crate) struct Site {
    folder: TempDir,
}

impl Site {
    /// A folder with files of all verdicts, and programs.
    pub(crate) fn new() -> Self {
        let site = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        for folder in ["files", "bin", "verdicts"] {
            fs::create_dir(site.path(folder)).unwrap();
        }
        for number in 0..FILES {
            let text = match number % 3 {
                0 => format!("--! error 1:0 1:3 no {number}\n"),
                1 => format!("--! warning 1:0 1:3 hm {number}\n"),
                _ => format!("def n{number} := 1\n"),
            };
            site.add(&format!("files/{number}.lean"), &text);
        }
        let leanrepl = Path::new(env!("CARGO_BIN_EXE_leanrepl"));
        std::os::unix::fs::symlink(leanrepl, site.path("bin/leanrepl")).unwrap();
        site.add("sbatch", SBATCH);
        // Copied by a child: a file that this process had open for writing may not be run yet.
        run(Command::new("install")
            .args(["-m", "755"])
            .args([site.path("sbatch"), site.path("bin/sbatch")]));
        site
    }

    /// The path of something in the folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Adds a file.
    pub(crate) fn add(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    /// All files to evaluate.
    pub(crate) fn files(&self) -> Vec<String> {
        let entries = fs::read_dir(self.path("files")).unwrap();
        let path = |entry: fs::DirEntry| entry.path().display().to_string();
        let mut files: Vec<String> = entries.map(|entry| path(entry.unwrap())).collect();
        files.sort();
        files
    }

    /// A program that finds leanrepl and `sbatch`, in the folder.
    pub(crate) fn command(&self, program: &Path) -> Command {
        let path = std::env::var("PATH").unwrap();
        let path = format!("{}:{path}", self.path("bin").display());
        // Found by the path of this process otherwise.
        let own = self.path("bin").join(program);
        let mut command = Command::new(if own.exists() { &own } else { program });
        command
            .current_dir(self.folder.path())
            .env("PATH", path)
            .env(
                "LEAN_FAKE_REPL",
                format!("--log {}", self.path("requests.log").display()),
            )
            // The path of a socket is short.
            .env("RAY_TMPDIR", self.path("ray"))
            .env("RAY_USAGE_STATS_ENABLED", "0")
            .env("PYTHONDONTWRITEBYTECODE", "1");
        command
    }

    /// How many requests REPLs were asked so far.
    pub(crate) fn asked(&self) -> usize {
        let log = fs::read_to_string(self.path("requests.log")).unwrap_or_default();
        log.lines().count()
    }

    /// What one plain run finds.
    pub(crate) fn plain(&self) -> BTreeMap<String, (Value, Value)> {
        let mut command = self.command("leanrepl".as_ref());
        command.args(["eval", "--json", "--repl", REPL]);
        let output = command.args(self.files()).output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        verdicts(&String::from_utf8(output.stdout).unwrap())
    }

    /// How many requests one plain run makes.
    pub(crate) fn asked_by_plain(&self) -> usize {
        let before = self.asked();
        self.plain();
        self.asked() - before
    }

    /// What the resume files in the folder of verdicts say together.
    pub(crate) fn merged(&self) -> BTreeMap<String, (Value, Value)> {
        let mut command = self.command("python3".as_ref());
        command.arg(example("verdicts.py"));
        for entry in fs::read_dir(self.path("verdicts")).unwrap() {
            command.arg(entry.unwrap().path());
        }
        let output = command.output().unwrap();
        assert!(output.status.success());
        verdicts(&String::from_utf8(output.stdout).unwrap())
    }
}
