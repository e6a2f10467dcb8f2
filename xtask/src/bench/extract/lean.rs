//! Extraction on core Lean: what a second worker costs, and what an interrupted run does when it is resumed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, ExitStatus};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::bench::extract::plot::Panel;
use crate::bench::program::command;
use crate::status::Status;

/// How often a run is looked at.
const TICK: Duration = Duration::from_millis(100);

/// Ticks of a processor in a second, of which `/proc` counts.
const TICKS_PER_SECOND: f64 = 100.0;

/// Longest run of an extraction.
const LONGEST: Duration = Duration::from_secs(3600);

/// What one run took.
struct Run {
    name: String,
    rows: u64,
    units: u64,
    kept: u64,
    seconds: f64,
    cpu_seconds: f64,
    /// The largest worker.
    worker_kib: u64,
}

/// Runs the extractions and prints their table.
///
/// # Errors
/// An extraction that fails, or two results that differ.
pub(crate) fn run(leanrepl: &Path, folder: &Path, imports: &str) -> Result<Panel> {
    let one = folder.join("one");
    let first = whole(leanrepl, imports, &one, 1, false)?;
    let second = whole(leanrepl, imports, &folder.join("two"), 2, false)?;
    let half = folder.join("half");
    let stopped = interrupted(leanrepl, imports, &half, first.units / 2)?;
    let resumed = whole(leanrepl, imports, &half, 1, true)?;
    for other in ["two", "half"] {
        anyhow::ensure!(
            shards(&one)? == shards(&folder.join(other))?,
            "the shards of `{other}` are not those of the first run"
        );
    }
    println!(
        "\n`types --imports {imports}` on core Lean; the shards of all results are the same\n"
    );
    println!(
        "| run | units made, kept | rows | wall s | CPU s | CPU ms a row | against 1 worker | largest worker, MiB |"
    );
    println!("|---|---|---|---|---|---|---|---|");
    let per_row = |run: &Run| run.cpu_seconds * 1000.0 / number(run.rows);
    for run in [&first, &second, &stopped, &resumed] {
        let (each, ratio) = if run.kept == 0 && run.rows > 0 {
            let each = per_row(run);
            (
                format!("{each:.2}"),
                format!("{:.2}", each / per_row(&first)),
            )
        } else {
            ("–".to_owned(), "–".to_owned())
        };
        println!(
            "| {} | {}, {} | {} | {:.1} | {:.1} | {each} | {ratio} | {} |",
            run.name,
            run.units.saturating_sub(run.kept),
            run.kept,
            run.rows,
            run.seconds,
            run.cpu_seconds,
            run.worker_kib / 1024,
        );
    }
    Ok(Panel {
        title: format!(
            "Processor time in ms for each row of `types --imports {imports}` on core Lean"
        ),
        digits: 2,
        bars: [&first, &second]
            .map(|run| (run.name.clone(), per_row(run)))
            .into(),
    })
}

/// A run to its end.
fn whole(leanrepl: &Path, imports: &str, out: &Path, jobs: u32, resume: bool) -> Result<Run> {
    let name = if resume {
        "resumed".to_owned()
    } else {
        match jobs {
            1 => "1 worker".to_owned(),
            more => format!("{more} workers"),
        }
    };
    let (run, status, stdout) = watched(leanrepl, imports, out, jobs, resume, &|| false)?;
    anyhow::ensure!(
        status.success(),
        "the extraction into {} failed",
        out.display()
    );
    let line: Value = serde_json::from_str(stdout.trim()).context("no summary")?;
    let figure = |name: &str| line.get(name).and_then(Value::as_u64).unwrap_or_default();
    Ok(Run {
        name,
        rows: figure("rows"),
        units: figure("units"),
        kept: figure("kept_units"),
        ..run
    })
}

/// A run that is interrupted once so many units are complete.
fn interrupted(leanrepl: &Path, imports: &str, out: &Path, units: u64) -> Result<Run> {
    let is_half = || spooled(out) >= units;
    let (run, status, _) = watched(leanrepl, imports, out, 1, false, &is_half)?;
    anyhow::ensure!(
        status.code() == Some(130),
        "the extraction was not interrupted: {status}"
    );
    Ok(Run {
        name: "interrupted".to_owned(),
        units: spooled(out),
        ..run
    })
}

/// How many units are complete.
fn spooled(out: &Path) -> u64 {
    let is_unit = |entry: &fs::DirEntry| entry.path().extension().is_some_and(|it| it == "zst");
    let entries = fs::read_dir(out.join(".spool"))
        .into_iter()
        .flatten()
        .flatten();
    entries
        .filter(is_unit)
        .count()
        .try_into()
        .unwrap_or(u64::MAX)
}

/// Starts a run, looks at it until it ends, and interrupts it if `is_enough` says so.
fn watched(
    leanrepl: &Path,
    imports: &str,
    out: &Path,
    jobs: u32,
    resume: bool,
    is_enough: &dyn Fn() -> bool,
) -> Result<(Run, ExitStatus, String)> {
    let output = out.with_extension("json");
    let before = children_seconds()?;
    let start = Instant::now();
    let mut command = command(leanrepl);
    command.args([
        "extract",
        "types",
        "--toolchain",
        "core",
        "--json",
        "--quiet",
        "--imports",
        imports,
    ]);
    command
        .arg("--out")
        .arg(out)
        .args(["--jobs", &jobs.to_string()]);
    if resume {
        command.arg("--resume");
    }
    let mut child = command
        .stdout(fs::File::create(&output)?)
        .spawn()
        .context("cannot start leanrepl")?;
    let mut worker_kib = 0;
    let mut was_interrupted = false;
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        worker_kib = worker_kib.max(largest_child_kib(&child));
        if !was_interrupted && is_enough() {
            let pid = Pid::from_raw(i32::try_from(child.id())?).context("no process number")?;
            kill_process(pid, Signal::INT)?;
            was_interrupted = true;
        }
        if start.elapsed() > LONGEST {
            child.kill()?;
        }
        thread::sleep(TICK);
    };
    let run = Run {
        name: String::new(),
        rows: 0,
        units: 0,
        kept: 0,
        seconds: start.elapsed().as_secs_f64(),
        cpu_seconds: children_seconds()? - before,
        worker_kib,
    };
    Ok((run, status, fs::read_to_string(output)?))
}

/// The most memory that a child of the process has held.
fn largest_child_kib(parent: &Child) -> u64 {
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    let numbers = processes.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let children = numbers.filter_map(Status::of);
    let children = children.filter(|status| status.number("PPid") == Some(u64::from(parent.id())));
    children
        .filter_map(|status| status.number("VmHWM"))
        .max()
        .unwrap_or_default()
}

/// The processor time of all processes that this one has waited for, with those that they waited for.
fn children_seconds() -> Result<f64> {
    let text = fs::read_to_string("/proc/self/stat")?;
    // The name, in brackets, may hold anything; `cutime` and `cstime` are the 14th and 15th field after it.
    let (_, fields) = text
        .rsplit_once(')')
        .context("no name in /proc/self/stat")?;
    let ticks = fields
        .split_whitespace()
        .skip(13)
        .take(2)
        .map(str::parse::<u64>);
    let ticks: u64 = ticks.sum::<Result<u64, _>>()?;
    Ok(number(ticks) / TICKS_PER_SECOND)
}

/// The names and contents of the shards.
fn shards(out: &Path) -> Result<Vec<(PathBuf, Vec<u8>)>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(out.join("data"))? {
        let entry = entry?;
        found.push((PathBuf::from(entry.file_name()), fs::read(entry.path())?));
    }
    found.sort();
    Ok(found)
}

/// A figure as a number with digits behind the point.
fn number(count: u64) -> f64 {
    #[expect(
        clippy::cast_precision_loss,
        reason = "counts of this benchmark are less than 2^52"
    )]
    let number = count as f64;
    number
}
