//! `cargo xtask bench serve`: what `leanrepl serve` takes under load, in memory and when sessions are
//! replaced. Others are measured beside it in the same run, in turns, with the same load on the same
//! stub REPL. Nothing here belongs to the product.

mod against;
pub(crate) mod at_once;

pub(super) mod load;
mod memory;
pub(super) mod message;
pub(super) mod part;
mod replace;
pub(super) mod server;
mod warm;

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Result;
use clap::ValueEnum;

use crate::bench::serve::part::Bench;
use crate::cargo::{self, Profile};

/// What is measured and how.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Measure only these parts.
    #[arg(long, value_delimiter = ',', default_values_t = PARTS)]
    only: Vec<Part>,
    /// Short turns and few of them: to see that all works, not for figures.
    #[arg(long)]
    quick: bool,
    /// The folder of a Kimina Lean Server, to be measured as well.
    #[arg(long, value_name = "DIR")]
    kimina: Option<PathBuf>,
    /// The Python that has what that server needs.
    #[arg(long, value_name = "PYTHON", default_value = "python3")]
    kimina_python: PathBuf,
}

/// A part that can be measured alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    /// Requests a second and their times, beside other servers.
    Load,
    /// Resident memory with 10,000 requests that wait.
    Memory,
    /// A warm request on core Lean against a fresh process.
    Core,
    /// The slowest requests while sessions are replaced.
    Replace,
}

/// All parts.
const PARTS: [Part; 4] = [Part::Load, Part::Memory, Part::Core, Part::Replace];

impl std::fmt::Display for Part {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Load => "load",
            Self::Memory => "memory",
            Self::Core => "core",
            Self::Replace => "replace",
        })
    }
}

/// Runs the parts and prints their tables.
///
/// # Errors
/// A program that does not build, a server that does not start or answers wrongly.
pub(crate) fn run(root: &Path, args: &Args) -> Result<()> {
    let folder = root.join("target/bench-serve");
    std::fs::create_dir_all(&folder)?;
    let programs = cargo::build(root, &["leanrepl", "fake-repl"], Profile::Release)?;
    let bench = Bench {
        leanrepl: programs.join("leanrepl"),
        stub: programs.join("fake-repl"),
        folder,
        rounds: if args.quick { 1 } else { 7 },
        span: Duration::from_secs(if args.quick { 1 } else { 3 }),
    };
    for part in PARTS {
        if !args.only.contains(&part) {
            continue;
        }
        println!();
        match part {
            Part::Load => against::run(&bench, args.kimina.as_deref(), &args.kimina_python)?,
            Part::Memory => memory::run(&bench)?,
            Part::Core => warm::run(&bench)?,
            Part::Replace => replace::run(&bench)?,
        }
    }
    Ok(())
}
