//! Benchmarks: each figure beside a baseline that is measured in the same run.

mod cache;
mod clients;
mod commands;
mod extract;
mod isolation;
mod prefault;
mod program;
mod sample;
mod serve;
mod session;
mod start;

use std::ffi::OsString;
use std::path::Path;

use clap::{Args as ClapArgs, Subcommand};
use leanrepl::internals::Bytes;

/// Which benchmark.
#[derive(Debug, ClapArgs)]
pub(crate) struct Args {
    /// Its name.
    #[command(subcommand)]
    name: Name,
}

/// The benchmarks.
#[derive(Debug, Subcommand)]
enum Name {
    /// What a session adds to a request over a bare exchange on pipes.
    Session {
        /// How many requests each side sends for each size of reply.
        #[arg(long, default_value_t = 10_000)]
        requests: usize,
    },
    /// How long core Lean takes to its first answer, with its kept memory and without.
    Start {
        /// How often each is measured.
        #[arg(long, default_value_t = 7)]
        rounds: usize,
    },
    /// How the processor time of core Lean grows with the commands of a source.
    Commands,
    /// What reading compiled modules ahead saves an import on a cold disk.
    Prefault {
        /// Size of all modules together.
        #[arg(long, default_value = "2200MiB")]
        size: Bytes,
        /// How often each is measured.
        #[arg(long, default_value_t = 5)]
        rounds: usize,
    },
    /// What a server takes, beside other servers on the same stub REPL.
    Serve(serve::Args),
    /// What each level of `--isolation` costs on core Lean, and `--mode lean` beside them.
    Isolation(isolation::Args),
    /// What an answer from kept results takes, on `SQLite` and on Redis, and a second run over the same files.
    Cache(cache::Args),
    /// Writes a table of tactic rows, beside a writer on pyarrow.
    Extract(extract::Args),
    /// Serves the same answer at once to everything, for `serve`.
    #[command(hide = true)]
    AtOnce,
    /// Writes one table, for `extract`.
    #[command(hide = true)]
    ExtractWriter(extract::WriterArgs),
}

/// Runs it and prints its table.
///
/// # Errors
/// A stub that cannot be built or does not answer.
pub(crate) fn run(root: &Path, args: &Args) -> anyhow::Result<bool> {
    // Figures of an unoptimised build say nothing: the same again, built for release.
    if cfg!(debug_assertions) {
        return again(root);
    }
    match &args.name {
        Name::Session { requests } => session::run(root, *requests)?,
        Name::Start { rounds } => start::run(*rounds)?,
        Name::Commands => commands::run()?,
        Name::Prefault { size, rounds } => prefault::run(root, size.get(), *rounds)?,
        Name::Serve(args) => serve::run(root, args)?,
        Name::Isolation(args) => isolation::run(root, args)?,
        Name::Cache(args) => cache::run(root, args)?,
        Name::Extract(args) => extract::run(root, args)?,
        Name::ExtractWriter(args) => extract::write(args)?,
        Name::AtOnce => serve::at_once::run()?,
    }
    Ok(true)
}

/// Runs the same benchmark, built for release.
fn again(root: &Path) -> anyhow::Result<bool> {
    // The first word is this program.
    let words: Vec<OsString> = std::env::args_os().skip(1).collect();
    let status = program::command("cargo")
        .current_dir(root)
        .args(["run", "--release", "--quiet", "--package", "xtask", "--"])
        .args(words)
        .status()?;
    Ok(status.success())
}
