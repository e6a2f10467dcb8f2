//! A request on a warm session of core Lean, against a fresh process for each text.

use std::fs;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use crate::bench::program::command;
use crate::bench::sample::Sample;
use crate::bench::serve::message::ask;
use crate::bench::serve::part::{Bench, millis};
use crate::bench::serve::server::Server;

/// The text: a theorem with a tactic that does something.
const TEXT: &str =
    "theorem t (a b c : Nat) : a + b + c = c + b + a := by\n  omega\n#eval (List.range 10).sum";

/// Warm requests for each fresh process.
const WARM: usize = 20;

/// Measures it and prints the table; says so if core Lean is not to be had.
///
/// # Errors
/// A wrong answer.
pub(crate) fn run(bench: &Bench) -> Result<()> {
    let one = ["--sessions=1", "--spares=0", "--max-requests=1000000000"];
    let server = match Server::core(bench, &one) {
        Ok(server) => server,
        Err(err) => {
            println!("not measured: core Lean ({err:#})");
            return Ok(());
        }
    };
    // The first text of a session pays for what Lean loads when it is first used.
    serve(&server)?;
    let fresh = Server::core(bench, &["--mode=lean", "--sessions=1", "--spares=0"])?;
    let file = bench.folder.join("Warm.lean");
    fs::write(&file, TEXT)?;
    let (mut warm, mut again, mut eval) = <(Sample, Sample, Sample)>::default();
    for _ in 0..bench.rounds {
        for _ in 0..WARM {
            warm.push(serve(&server)?);
        }
        // The session that is ready from the start has to be used up.
        serve(&fresh)?;
        again.push(serve(&fresh)?);
        let start = Instant::now();
        let status = command(&bench.leanrepl)
            .args(["eval", "--quiet", "--toolchain", "core"])
            .arg(&file)
            .stdout(std::process::Stdio::null())
            .status()?;
        if !status.success() {
            bail!("`leanrepl eval` rejects the text");
        }
        eval.push(start.elapsed());
    }
    println!("core Lean, a theorem by `omega` and an `#eval`, one at a time; times in ms\n");
    println!("| how | texts | median | p99 | against a warm request |");
    println!("|---|---|---|---|---|");
    for (name, sample) in [
        ("`serve`, warm session", &warm),
        ("`serve --mode lean`, a process for each text", &again),
        ("`eval`, a process for each text", &eval),
    ] {
        println!(
            "| {name} | {} | {} | {} | {:.0} times |",
            sample.count(),
            millis(sample.p50()),
            millis(sample.p99()),
            sample.p50().as_secs_f64() / warm.p50().as_secs_f64(),
        );
    }
    Ok(())
}

/// The time of one accepted text.
fn serve(server: &Server) -> Result<Duration> {
    let start = Instant::now();
    let answer = ask(server.address, "POST", "/", TEXT)?;
    if !answer.contains(r#""ok":true"#) {
        bail!("a text is not accepted: {answer}");
    }
    Ok(start.elapsed())
}
