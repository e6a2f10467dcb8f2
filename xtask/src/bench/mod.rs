//! Benchmarks: each figure beside a baseline that is measured in the same run.

mod clients;
mod sample;
mod session;

use std::path::Path;

use clap::{Args as ClapArgs, Subcommand};

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
}

/// Runs it and prints its table.
///
/// # Errors
/// A stub that cannot be built or does not answer.
pub(crate) fn run(root: &Path, args: &Args) -> anyhow::Result<bool> {
    match args.name {
        // Figures of an unoptimised build say nothing: the same again, built for release.
        Name::Session { requests } if cfg!(debug_assertions) => {
            let words = [
                "run",
                "--release",
                "--quiet",
                "--package",
                "xtask",
                "--",
                "bench",
                "session",
            ];
            let status = session::command("cargo")
                .current_dir(root)
                .args(words)
                .args(["--requests", &requests.to_string()])
                .status()?;
            return Ok(status.success());
        }
        Name::Session { requests } => session::run(root, requests)?,
    }
    Ok(true)
}
