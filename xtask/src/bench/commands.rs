//! `cargo xtask bench commands`: how the processor time of core Lean grows with the commands of a source.

use std::fmt::Write;
use std::fs;

use anyhow::{Context, Result, ensure};
use leanrepl::internals::Launch;
use serde_json::{Value, json};

use crate::bench::start;

/// How many commands the two sources have.
const COMMANDS: [usize; 2] = [1000, 10_000];

/// How many times the processor time of the small source the large one may take.
const MOST: f64 = 12.0;

/// Runs the benchmark and prints its table.
///
/// # Errors
/// A core Lean that cannot be installed or answers wrongly, or a large source that takes too long.
pub(crate) fn run() -> Result<()> {
    let launch = start::launch()?;
    // What a process takes before it has much to do; the first one also brings all files into memory.
    time(&launch, 1)?;
    let started = time(&launch, 1)?;
    println!("| different `#check`s in one source | processor time, without the start |");
    println!("|---|---|");
    let mut seconds = [0.0; COMMANDS.len()];
    for (commands, seconds) in COMMANDS.into_iter().zip(&mut seconds) {
        *seconds = time(&launch, commands)? - started;
        println!("| {commands} | {seconds:.2} s |");
    }
    let [small, large] = seconds;
    let ratio = large / small;
    println!("\n{ratio:.1} times as long");
    ensure!(ratio <= MOST, "at most {MOST} times was expected");
    Ok(())
}

/// The processor time, in seconds, of a process that evaluates so many commands.
fn time(launch: &Launch, commands: usize) -> Result<f64> {
    let mut text = String::new();
    for number in 0..commands {
        writeln!(text, "#check ({number} : Nat)")?;
    }
    let request = format!("{}\n\n", json!({ "cmd": text }));
    let before = ticks_of_children()?;
    let reply = start::reply(launch, request.as_bytes())?;
    let ticks = ticks_of_children()? - before;
    let reply: Value = serde_json::from_str(&reply).context("no reply")?;
    let messages = reply["messages"].as_array().map_or(0, Vec::len);
    ensure!(
        messages == commands,
        "{messages} messages of {commands} commands"
    );
    // Linux counts in hundredths of a second, whatever its own clock does.
    #[expect(clippy::cast_precision_loss, reason = "some thousand ticks")]
    let seconds = ticks as f64 / 100.0;
    Ok(seconds)
}

/// The processor time of the children that have ended, user and system, as `/proc/self/stat` has it.
fn ticks_of_children() -> Result<u64> {
    let stat = fs::read_to_string("/proc/self/stat")?;
    // The name of the program, in brackets, is the second word; the times are the 16th and the 17th.
    let (_, rest) = stat.rsplit_once(')').context("an unknown form of `stat`")?;
    let times = rest.split_whitespace().skip(13).take(2);
    times.map(|word| Ok(word.parse::<u64>()?)).sum()
}
