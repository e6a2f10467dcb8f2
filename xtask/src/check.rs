//! `cargo xtask check`: all that can be checked without running a test.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::Context;
use leanrepl::internals::{KINDS, UndecidedReason};

use crate::steps::Steps;
use crate::{cargo, circles, layers, lengths, pages, readme, sources};

/// Folders whose files and functions are measured: all but what is tests and nothing else.
const MEASURED: [&str; 3] = ["src", "tests/fake_repl", "xtask/src"];

/// Which checks are run.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Run only these, by the names in the summary; all if none is named.
    #[arg(value_name = "NAME")]
    only: Vec<String>,
}

/// Runs the checks; tells whether all is well.
pub(crate) fn run(root: &Path, args: Args) -> anyhow::Result<bool> {
    let command = |args: &str| {
        let mut command = Command::new("cargo");
        command.args(args.split(' ')).current_dir(root);
        command
    };
    let source = sources::read(root, &["src"])?;
    let chores = sources::read(&root.join("xtask"), &["src"])?;
    let measured = lengths::report(&sources::read(root, &MEASURED)?);
    let mut steps = Steps::only(args.only);
    steps.command("fmt", &mut command("fmt --all --check"));
    steps.command(
        "clippy",
        &mut command("clippy --workspace --all-targets --all-features -- -D warnings"),
    );
    // As `cargo run` and `cargo install` build it.
    steps.command(
        "clippy-plain",
        &mut command("clippy --package leanrepl --lib --bins -- -D warnings"),
    );
    steps.find("layers", || layers::problems(&source));
    steps.find("circles", || {
        let mut problems = circles::problems(&source)?;
        problems.extend(circles::problems(&chores)?);
        Ok(problems)
    });
    steps.find("lengths", || {
        for warning in &measured.warnings {
            println!("warning: {warning}");
        }
        Ok(measured.errors)
    });
    steps.find("readme", || readme_problems(root));
    steps.find("pages", || pages::problems(root));
    steps.command(
        "docs",
        command("doc --workspace --all-features --no-deps --document-private-items")
            .env("RUSTDOCFLAGS", "-D warnings"),
    );
    // The fuzz target is a workspace of its own, but has most of its dependencies in common with this one.
    if root.join("fuzz/Cargo.toml").exists() {
        let folder = cargo::build_folder(root)?;
        let words = "check --manifest-path fuzz/Cargo.toml --no-default-features --target-dir";
        steps.command("fuzz", command(words).arg(folder));
    }
    steps.finish()
}

/// What the README lacks.
fn readme_problems(root: &Path) -> anyhow::Result<Vec<String>> {
    let read = |name: &str| {
        fs::read_to_string(root.join(name)).with_context(|| format!("cannot read `{name}`"))
    };
    let failures = KINDS.iter().map(|kind| kind.exit_code());
    let codes: Vec<u8> = [0, 1].into_iter().chain(failures).collect();
    let variables =
        readme::variables(&[read("src/env_vars.rs")?, read("src/env_vars/cluster.rs")?].concat());
    anyhow::ensure!(!variables.is_empty(), "`src/env_vars.rs` names no variable");
    let reasons = UndecidedReason::ALL.map(UndecidedReason::as_str);
    let readme = read("README.md")?;
    Ok(readme::missing(&readme, &codes, &variables, &reasons))
}
