//! `cargo xtask bench start`: from the start of core Lean to its first answer, with the memory that is kept
//! at its installation and without.

use std::io::Write;
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use leanrepl::internals::{CancelFlag, CoreLean, DataDir, Deadline, Launch, Unobserved};

use crate::bench::program::command;
use crate::bench::sample::Sample;

/// The longest that an installation may take.
const INSTALLATION: Duration = Duration::from_secs(1800);

/// What is asked: a text that needs `Init` and a tactic.
const REQUEST: &[u8] = b"{\"cmd\": \"example (a b : Nat) (h : a < b) : a <= b := by omega\"}\n\n";

/// Runs the benchmark and prints its table.
///
/// # Errors
/// A core Lean that cannot be installed, or answers wrongly.
pub(crate) fn run(rounds: usize) -> Result<()> {
    let kept = launch()?;
    let mut plain = kept.clone();
    plain.args.pop();
    let mut times = [Sample::default(), Sample::default()];
    // The first round brings all files into memory and does not count.
    for round in 0..=rounds {
        for (launch, times) in [&plain, &kept].into_iter().zip(&mut times) {
            let time = answer(launch)?;
            if round > 0 {
                times.push(time);
            }
        }
    }
    println!("| start of core Lean to its first answer | median | from | to |");
    println!("|---|---|---|---|");
    for (name, times) in ["from nothing", "from its kept memory"].iter().zip(&times) {
        let [median, least, most] = [500, 0, 1000].map(|at| times.quantile(at).as_secs_f64());
        println!("| {name} | {median:.2} s | {least:.2} s | {most:.2} s |");
    }
    let [plain, kept] = times.map(|times| times.p50().as_secs_f64());
    println!("\n{:.2} times as fast", plain / kept);
    Ok(())
}

/// How an installed core Lean is started from its kept memory.
///
/// # Errors
/// A core Lean that cannot be installed.
pub(crate) fn launch() -> Result<Launch> {
    let installed = CoreLean::new(DataDir::locate()?).install(
        Deadline::after(INSTALLATION),
        &Unobserved,
        &CancelFlag::default(),
    )?;
    ensure!(installed.starts_fast(), "no memory of core Lean is kept");
    Ok(installed.launch())
}

/// How long a process takes from its start to its end, when it answers one request in between.
fn answer(launch: &Launch) -> Result<Duration> {
    let since = Instant::now();
    let reply = reply(launch, REQUEST)?;
    let time = since.elapsed();
    ensure!(reply.trim() == r#"{"env":0}"#, "a wrong answer: {reply}");
    Ok(time)
}

/// What a process answers to one request, after which it ends.
///
/// # Errors
/// A process that cannot be started or written to.
pub(crate) fn reply(launch: &Launch, request: &[u8]) -> Result<String> {
    let mut child = command(launch.program.clone())
        .args(&launch.args)
        .envs(launch.vars.iter().cloned())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .context("core Lean cannot be started")?;
    child.stdin.take().context("no stdin")?.write_all(request)?;
    let output = child
        .wait_with_output()
        .context("core Lean cannot be read")?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
