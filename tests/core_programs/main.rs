//! Programs on real core Lean, as users write them: each answers as Lean does. `cargo xtask test` installs
//! it and runs these.
//!
//! The programs are in the Lean files beside this one, each after a line `--- NAME`. What an `#eval` or
//! another command must print is in the comment after it, and never copied from a run:
//! `--> VALUE by PROOF` becomes a proof in Lean that the term of the `#eval` is that value, and
//! `--py> EXPRESSION` is computed by Python (`expected.py`). A program without either has to be accepted
//! without a message.

#![expect(
    clippy::disallowed_methods,
    reason = "the binary is driven from outside, without the code that it is made of"
)]
#![expect(clippy::unwrap_used, reason = "a broken set-up fails the test")]

mod axioms;

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

/// The files with programs.
const FILES: [&str; 3] = ["plain.lean", "std.lean", "lean.lean"];

/// How many programs there are at least.
const PROGRAMS: usize = 60;

/// The folder of the programs.
fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/core_programs")
}

/// What `leanrepl eval` found about files of these texts, each an object, in order.
fn evaluate(texts: &[String]) -> Vec<Value> {
    let dir = tempfile::tempdir().unwrap();
    let names: Vec<String> = (0..texts.len()).map(|at| format!("{at}.lean")).collect();
    for (name, text) in names.iter().zip(texts) {
        fs::write(dir.path().join(name), text).unwrap();
    }
    let output = Command::new(env!("CARGO_BIN_EXE_leanrepl"))
        .current_dir(dir.path())
        .args(["eval", "--toolchain", "core", "--jobs", "1", "--json"])
        .args(&names)
        .output()
        .unwrap();
    let lines = String::from_utf8(output.stdout).unwrap();
    let mut files: Vec<Value> = lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .filter(|object: &Value| object["type"] == "file")
        .collect();
    files.sort_by_key(|file| file["name"].as_str().unwrap().to_owned());
    assert_eq!(files.len(), texts.len(), "{lines}");
    files
}

/// The messages of a file: line, severity and text.
fn messages(file: &Value) -> Vec<(u64, &str, &str)> {
    fn parts(message: &Value) -> (u64, &str, &str) {
        let text = |key: &str| message[key].as_str();
        let line = message["pos"]["line"].as_u64();
        (
            line.unwrap(),
            text("severity").unwrap(),
            text("data").unwrap(),
        )
    }
    file["messages"]
        .as_array()
        .unwrap()
        .iter()
        .map(parts)
        .collect()
}

/// What Python computes for the expressions.
fn python(expressions: &[&str]) -> Vec<String> {
    let mut child = Command::new("python3")
        .arg(folder().join("expected.py"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let text = serde_json::to_string(expressions).unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(text.as_bytes()).unwrap();
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    serde_json::from_slice(&output.stdout).unwrap()
}

/// A file of programs, made ready.
#[derive(Default)]
struct Programs {
    /// The names.
    names: Vec<String>,
    /// What Lean evaluates; the comments that a proof replaces keep their lines.
    text: String,
    /// What is printed by the command that begins in that line.
    expected: BTreeMap<u64, Expected>,
}

/// What a command must print.
enum Expected {
    /// This, which Lean proves to be the value.
    Proven(String),
    /// What Python computes for this expression.
    Computed(String),
}

impl Programs {
    /// Reads a file; `example` makes a proof of a term, its value and a tactic.
    fn read(file: &str, example: impl Fn(&str, &str, &str) -> String) -> Self {
        let mut programs = Self::default();
        // The last command: the line in which it begins, and its text.
        let (mut line, mut command) = (0, String::new());
        for (at, text) in (1..).zip(fs::read_to_string(folder().join(file)).unwrap().lines()) {
            let mut kept = text.to_owned();
            if let Some(name) = text.strip_prefix("--- ") {
                programs.names.push(name.to_owned());
            } else if let Some(proven) = text.strip_prefix("--> ") {
                let (value, proof) = proven.rsplit_once(" by ").unwrap();
                let term = command.strip_prefix("#eval ").unwrap();
                assert!(!term.contains('\n'), "{file}:{at}: a proof needs one line");
                kept = example(term, value, proof);
                let value = Expected::Proven(value.to_owned());
                assert!(programs.expected.insert(line, value).is_none());
            } else if let Some(expression) = text.strip_prefix("--py> ") {
                let value = Expected::Computed(expression.to_owned());
                assert!(programs.expected.insert(line, value).is_none());
            } else if text.starts_with(' ') {
                command.push('\n');
                command.push_str(text);
            } else {
                line = at;
                text.clone_into(&mut command);
            }
            programs.text.push_str(&kept);
            programs.text.push('\n');
        }
        programs
    }

    /// Compares what Lean said with what is expected.
    fn check(&self, file: &Value) {
        let mut computed = python(&self.computed()).into_iter();
        let mut said = messages(file).into_iter();
        for (&line, expected) in &self.expected {
            let value = match expected {
                Expected::Computed(_) => computed.next().unwrap(),
                Expected::Proven(value) => value.clone(),
            };
            assert_eq!(said.next(), Some((line, "info", value.as_str())));
        }
        assert_eq!(said.next(), None);
        assert_eq!(file["verdict"], "accepted");
    }

    /// The expressions for Python.
    fn computed(&self) -> Vec<&str> {
        let computed = self
            .expected
            .values()
            .filter_map(|expected| match expected {
                Expected::Computed(expression) => Some(expression.as_str()),
                Expected::Proven(_) => None,
            });
        computed.collect()
    }
}

/// The proof that a term has a value.
fn right(term: &str, value: &str, proof: &str) -> String {
    format!("example : ({term}) = ({value}) := by {proof}")
}

/// A proof, in the same way, of what is wrong.
fn wrong(term: &str, value: &str, proof: &str) -> String {
    format!("example : (({term}), 1) = (({value}), 2) := by {proof}")
}

#[test]
#[ignore = "needs core Lean; run cargo xtask test"]
fn programs_answer_as_lean_does() {
    let programs = FILES.map(|file| Programs::read(file, right));
    let names: Vec<_> = programs.iter().flat_map(|file| &file.names).collect();
    assert!(names.len() >= PROGRAMS, "{}", names.len());
    let found = evaluate(&programs.each_ref().map(|file| file.text.clone()));
    for (file, found) in programs.iter().zip(&found) {
        file.check(found);
    }
}

#[test]
#[ignore = "needs core Lean; run cargo xtask test"]
fn a_value_that_a_program_does_not_have_is_not_proven() {
    let programs = Programs::read(FILES[0], wrong);
    let proven = |expected: &&Expected| matches!(expected, Expected::Proven(_));
    let proofs = programs.expected.values().filter(proven).count();
    let found = evaluate(&[programs.text]);
    let errors = messages(&found[0]).into_iter();
    assert_eq!(
        errors
            .filter(|(_, severity, _)| *severity == "error")
            .count(),
        proofs
    );
}
