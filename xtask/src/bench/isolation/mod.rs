//! `cargo xtask bench isolation`: what each level of isolation costs on core Lean, in time, processor time,
//! sources a second and memory, beside a process for each source. All are measured in turns in one run.

mod figures;
mod level;
mod plot;
mod table;
mod tree;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};

use crate::bench::isolation::figures::{Figures, MEMORY_SESSIONS, SESSIONS};
use crate::bench::isolation::level::{LEVELS, Running, SOURCES};
use crate::bench::serve::part::Bench;
use crate::cargo::{self, Profile};

/// How it is measured.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Short turns and few of them: to see that all works, not for figures.
    #[arg(long)]
    quick: bool,
    /// Where to write a plot of the figures.
    #[arg(long, value_name = "FILE.svg")]
    plot: Option<PathBuf>,
}

/// Runs the benchmark, prints its tables and writes its plot.
///
/// # Errors
/// A program that does not build, a core Lean that cannot be started or answers wrongly, a plot that cannot be
/// written.
pub(crate) fn run(root: &Path, args: &Args) -> Result<()> {
    let programs = cargo::build(root, &["leanrepl", "fake-repl"], Profile::Release)?;
    let bench = Bench {
        leanrepl: programs.join("leanrepl"),
        stub: programs.join("fake-repl"),
        folder: root.join("target"),
        rounds: if args.quick { 1 } else { 5 },
        span: Duration::from_secs(if args.quick { 1 } else { 3 }),
    };
    let before = load_average()?;
    let mut figures = Figures::default();
    measure_times(&bench, &mut figures)?;
    measure_memory(&bench, &mut figures)?;
    println!(
        "core Lean; {} rounds of {} s in turns, medians; load average {before} before and {} after\n",
        bench.rounds,
        bench.span.as_secs(),
        load_average()?,
    );
    table::print(&figures);
    if let Some(path) = &args.plot {
        let write = fs::write(path, plot::draw(&figures));
        write.with_context(|| format!("cannot write `{}`", path.display()))?;
    }
    Ok(())
}

/// Times, processor times and sources a second.
fn measure_times(bench: &Bench, figures: &mut Figures) -> Result<()> {
    for (sessions, rounds) in SESSIONS.into_iter().zip(&mut figures.rounds) {
        let start = |level| Running::start(bench, level, sessions);
        let servers: Vec<_> = LEVELS.iter().map(start).collect::<Result<_>>()?;
        for _ in 0..bench.rounds {
            for (source, rounds) in SOURCES.iter().zip(&mut *rounds) {
                for (server, rounds) in servers.iter().zip(rounds) {
                    rounds.push(server.round(bench, source)?);
                }
            }
        }
    }
    Ok(())
}

/// Memory, one server at a time, so that four sessions of each level fit.
fn measure_memory(bench: &Bench, figures: &mut Figures) -> Result<()> {
    for (at, sessions) in MEMORY_SESSIONS.into_iter().enumerate() {
        for (level, memory) in LEVELS.iter().zip(&mut figures.memory) {
            memory[at] = Running::start(bench, level, sessions)?.resident_mb()?;
        }
    }
    Ok(())
}

/// How busy the machine has been in the last minute.
fn load_average() -> Result<String> {
    let text = fs::read_to_string("/proc/loadavg").context("no load average")?;
    Ok(text.split(' ').next().unwrap_or_default().to_owned())
}
