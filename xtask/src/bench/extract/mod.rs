//! `cargo xtask bench extract`: how many rows of a table a processor writes in a second, beside an ordinary
//! writer on pyarrow with the same options, in turns in one run; and extraction on core Lean, with a second worker
//! beside one.

mod lean;
mod plot;
mod rows;

use std::fs;
use std::io::{BufRead, BufReader};
use std::num::{NonZeroU32, NonZeroUsize};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result};
use clap::Args as ClapArgs;
use leanrepl::internals::table::parquet::{ShardOptions, ShardWriter};
use leanrepl::internals::table::schema::Schema;
use rustix::time::{ClockId, clock_gettime};
use serde_json::{Value, json};

use crate::bench::extract::plot::Panel;
use crate::bench::program::command;
use crate::cargo;
use crate::status::Status;

/// The writer on pyarrow.
const SCRIPT: &str = "xtask/src/bench/extract/writer.py";

/// What it needs.
const PYARROW: &str = "pyarrow==26.0.1";

/// The schema of the rows.
const SCHEMA: &str = "tests/extract_golden/tactics.schema.json";

/// The column that chooses the shard.
const KEY: &str = "ppTac";

/// What is measured.
#[derive(Debug, ClapArgs)]
pub(crate) struct Args {
    /// How many tactic rows a table has.
    #[arg(long, default_value_t = 60_000)]
    rows: usize,
    /// How many shards.
    #[arg(long, default_value = "128")]
    num_shards: NonZeroU32,
    /// How many rows of a shard make a row group.
    #[arg(long, default_value = "1024")]
    batch_rows: NonZeroUsize,
    /// How often each writer runs; 0 for extraction alone.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// The module whose types are extracted on core Lean; none for the writers alone.
    #[arg(long, num_args = 0..=1, default_value = "Init", default_missing_value = "")]
    imports: String,
    /// Where to write a plot of the figures.
    #[arg(long)]
    plot: Option<PathBuf>,
}

/// What the hidden command writes.
#[derive(Debug, ClapArgs)]
pub(crate) struct WriterArgs {
    /// The rows, one JSON object a line.
    rows: PathBuf,
    /// Their schema.
    schema: PathBuf,
    /// Where the files go.
    folder: PathBuf,
    /// How many shards.
    shards: NonZeroU32,
    /// How many rows of a shard make a row group.
    batch_rows: NonZeroUsize,
    /// How many threads encode.
    threads: NonZeroUsize,
}

/// Runs the benchmark and prints its table.
///
/// # Errors
/// No Python, a writer that fails, or two tables that differ.
pub(crate) fn run(root: &Path, args: &Args) -> Result<()> {
    let folder = cargo::build_folder(root)?.join("bench-extract");
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    fs::create_dir_all(&folder)?;
    let mut panels = Vec::new();
    if args.rounds > 0 {
        panels.push(writers(root, &folder, args)?);
    }
    if !args.imports.is_empty() {
        let programs = cargo::build(root, &["leanrepl"], cargo::Profile::Release)?;
        panels.push(lean::run(
            &programs.join("leanrepl"),
            &folder,
            &args.imports,
        )?);
    }
    if let Some(path) = &args.plot {
        fs::write(path, plot::draw(&panels))
            .with_context(|| format!("cannot write {}", path.display()))?;
    }
    fs::remove_dir_all(&folder)?;
    Ok(())
}

/// Runs the writers in turns.
fn writers(root: &Path, folder: &Path, args: &Args) -> Result<Panel> {
    let python = python(folder)?;
    let rows = folder.join("rows.jsonl");
    let lines = rows::lines(root, args.rows)?;
    fs::write(&rows, &lines)?;
    println!(
        "{} tactic rows of {} bytes on average, {} shards, {} rows a batch; medians of {} runs in turns\n",
        args.rows,
        lines.len() / args.rows.max(1),
        args.num_shards,
        args.batch_rows,
        args.rounds
    );
    let mut writers = [
        Writer::new("leanrepl, 1 thread"),
        Writer::new("leanrepl, 2 threads"),
        Writer::new("pyarrow"),
    ];
    for _ in 0..args.rounds {
        for (index, writer) in writers.iter_mut().enumerate() {
            let out = folder.join(format!("table-{index}"));
            let mut command = match index {
                0 => ours(root, &rows, &out, args, 1)?,
                1 => ours(root, &rows, &out, args, 2)?,
                _ => theirs(root, &python, &rows, &out, args),
            };
            writer.run(&out, &mut command)?;
        }
    }
    for other in ["table-1", "table-2"] {
        let mut compare = command(&python);
        compare.current_dir(root).args([SCRIPT, "compare"]);
        compare.args([folder.join("table-0"), folder.join(other)]);
        output(&mut compare)?;
    }
    print(&writers, args.rows);
    #[expect(clippy::cast_precision_loss, reason = "a figure of a few digits")]
    let rate = |writer: &Writer| args.rows as f64 / writer.median("cpu_seconds");
    Ok(Panel {
        title: "Tactic rows written for each second of processor time".to_owned(),
        digits: 0,
        bars: writers
            .iter()
            .map(|writer| (writer.name.to_owned(), rate(writer)))
            .collect(),
    })
}

/// Writes a table as `leanrepl extract` does; prints what it took as JSON.
///
/// # Errors
/// Rows or a folder that cannot be used.
pub(crate) fn write(args: &WriterArgs) -> Result<()> {
    let schema = Schema::from_json(&serde_json::from_str(&fs::read_to_string(&args.schema)?)?)?;
    let options = ShardOptions {
        key: KEY.to_owned(),
        shards: args.shards,
        batch_rows: args.batch_rows,
        threads: args.threads,
    };
    let start_kib = memory_kib("VmRSS")?;
    let start = Instant::now();
    let cpu = cpu_seconds();
    let mut writer = ShardWriter::new(&args.folder, schema, options)?;
    let mut file = BufReader::new(fs::File::open(&args.rows)?);
    let mut line = String::new();
    while file.read_line(&mut line)? > 0 {
        writer.push(line.trim_end_matches('\n'))?;
        line.clear();
    }
    writer.finish()?;
    let took = json!({
        "cpu_seconds": cpu_seconds() - cpu,
        "seconds": start.elapsed().as_secs_f64(),
        "start_kib": start_kib,
        "peak_kib": memory_kib("VmHWM")?,
    });
    println!("{took}");
    Ok(())
}

/// The processor time of this process so far, as Python's `time.process_time` has it.
fn cpu_seconds() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    #[expect(
        clippy::cast_precision_loss,
        reason = "a process lives for less than 2^52 seconds"
    )]
    let seconds = time.tv_sec as f64 + time.tv_nsec as f64 / 1e9;
    seconds
}

/// A figure of this process by its name in `/proc/self/status`.
fn memory_kib(name: &str) -> Result<u64> {
    let status = Status::of(std::process::id()).context("no status of this process")?;
    status
        .number(name)
        .with_context(|| format!("the status of this process has no {name}"))
}

/// A Python with pyarrow in the folder.
fn python(folder: &Path) -> Result<PathBuf> {
    let python = folder.join("venv/bin/python");
    let mut import = command(&python);
    import.args(["-c", "import pyarrow"]);
    if output(&mut import).is_err() {
        output(
            command("python3")
                .args(["-m", "venv", "--clear"])
                .arg(folder.join("venv")),
        )?;
        output(command(&python).args(["-m", "pip", "install", "--quiet", PYARROW]))?;
    }
    Ok(python)
}

/// The command of our writer.
fn ours(root: &Path, rows: &Path, out: &Path, args: &Args, threads: usize) -> Result<Command> {
    let mut command = command(std::env::current_exe()?);
    command.current_dir(root).args(["bench", "extract-writer"]);
    command.arg(rows).arg(SCHEMA).arg(out);
    let numbers = [
        args.num_shards.get() as usize,
        args.batch_rows.get(),
        threads,
    ];
    command.args(numbers.map(|number| number.to_string()));
    Ok(command)
}

/// The command of the writer on pyarrow.
fn theirs(root: &Path, python: &Path, rows: &Path, out: &Path, args: &Args) -> Command {
    let mut command = command(python);
    command.current_dir(root).args([SCRIPT, "write"]);
    command.arg(rows).arg(SCHEMA).arg(out).arg(KEY);
    command.args([args.num_shards.to_string(), args.batch_rows.to_string()]);
    command
}

/// What a program wrote.
fn output(command: &mut Command) -> Result<Vec<u8>> {
    let output = command
        .output()
        .with_context(|| format!("cannot start {command:?}"))?;
    let stderr = String::from_utf8_lossy(&output.stderr);
    anyhow::ensure!(output.status.success(), "{command:?} failed: {stderr}");
    Ok(output.stdout)
}

/// A writer and what its runs took.
struct Writer {
    name: &'static str,
    runs: Vec<Value>,
    /// The length of all its files.
    bytes: u64,
}

impl Writer {
    fn new(name: &'static str) -> Self {
        Self {
            name,
            runs: Vec::new(),
            bytes: 0,
        }
    }

    /// Runs it once into an empty folder.
    fn run(&mut self, out: &Path, command: &mut Command) -> Result<()> {
        if out.exists() {
            fs::remove_dir_all(out)?;
        }
        fs::create_dir(out)?;
        let took = output(command)?;
        self.runs.push(serde_json::from_slice(&took)?);
        let files = fs::read_dir(out)?.map(|entry| Ok(entry?.metadata()?.len()));
        self.bytes = files.sum::<Result<u64>>()?;
        Ok(())
    }

    /// The median of a figure.
    fn median(&self, name: &str) -> f64 {
        let figures = self.runs.iter().filter_map(|run| run.get(name)?.as_f64());
        let mut figures: Vec<f64> = figures.collect();
        figures.sort_by(f64::total_cmp);
        figures.get(figures.len() / 2).copied().unwrap_or(f64::NAN)
    }
}

/// Prints the table.
fn print(writers: &[Writer], rows: usize) {
    println!(
        "| writer | rows per CPU second | CPU s | wall s | resident before, MiB | peak, MiB | files, MB | times pyarrow |"
    );
    println!("|---|---|---|---|---|---|---|---|");
    let base = writers
        .last()
        .map_or(f64::NAN, |writer| writer.median("cpu_seconds"));
    for writer in writers {
        let cpu = writer.median("cpu_seconds");
        #[expect(clippy::cast_precision_loss, reason = "figures of a few digits")]
        let (rate, megabytes) = (rows as f64 / cpu, writer.bytes as f64 / 1e6);
        println!(
            "| {} | {rate:.0} | {cpu:.2} | {:.2} | {:.0} | {:.0} | {megabytes:.1} | {:.1} |",
            writer.name,
            writer.median("seconds"),
            writer.median("start_kib") / 1024.0,
            writer.median("peak_kib") / 1024.0,
            base / cpu,
        );
    }
}
