//! The project's own chores. Run `cargo xtask --help`.

#![expect(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a chore runs tools and talks to the developer at its terminal"
)]

mod bench;
mod cargo;
mod chaos;
mod check;
mod circles;
mod conformance;
mod dist;
mod docker;
mod lanes;
mod layers;
mod lengths;
mod libtest;
mod pages;
mod paths;
mod programs;
mod readme;
mod sources;
mod status;
mod steps;
mod sum;
mod test;
mod times;
mod watch;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// The project's own chores.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Args {
    /// Which one.
    #[command(subcommand)]
    chore: Chore,
}

/// One chore.
#[derive(Debug, Subcommand)]
enum Chore {
    /// Checks all that needs no test to run: format, lints, layers, circles, lengths, README, docs, fuzz target.
    Check(check::Args),
    /// Sets up what the tests need, runs all of them and counts what passed, failed and was skipped.
    Test(sum::Args),
    /// Plays transcripts of requests and replies against a REPL and compares what comes back.
    Conformance(conformance::Args),
    /// Makes what a release consists of: a static binary, completions, manual, checksums.
    Dist(dist::Args),
    /// Measures, with a baseline in the same run.
    Bench(bench::Args),
    /// Makes thousands of requests to a server on REPLs that go wrong in every way, and checks that each
    /// gets one truthful answer.
    Chaos(chaos::Args),
}

fn main() -> anyhow::Result<ExitCode> {
    let all_well = match Args::parse().chore {
        Chore::Check(args) => check::run(&root(), args)?,
        Chore::Test(args) => test::run(&root(), &args)?,
        Chore::Conformance(args) => conformance::run(&args)?,
        Chore::Dist(args) => dist::run(&root(), &args)?,
        Chore::Bench(args) => bench::run(&root(), &args)?,
        Chore::Chaos(args) => chaos::run(&root(), &args)?.is_empty(),
    };
    Ok(if all_well {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// The root of the repository.
fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_owned()
}
