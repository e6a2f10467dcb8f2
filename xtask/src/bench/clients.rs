//! The public Python clients on the same stub, in a throw-away virtual environment.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::bench::program::command;
use crate::bench::sample::{Sample, added_micros, micros};

/// The clients, pinned, as `pip` takes them.
const CLIENTS: [(&str, &str); 2] = [("lean-repl-py", "0.1.13"), ("lean-interact", "0.11.6")];

/// What drives them.
const SCRIPT: &str = include_str!("clients.py");

/// Times each client and prints its row; what cannot run is named.
///
/// # Errors
/// Only what is wrong with this machine's files: a missing registry is a row, not an error.
pub(crate) fn run(
    root: &Path,
    stub: &Path,
    requests: usize,
    bare: Duration,
    session: Duration,
) -> Result<()> {
    let folder = root.join("target/bench-clients");
    std::fs::create_dir_all(&folder)?;
    let script = folder.join("clients.py");
    std::fs::write(&script, SCRIPT)?;
    println!("| client, 100 B replies | p50 | p99 | added at p50 | leanrepl adds |");
    println!("|---|---|---|---|---|");
    let ours = added_micros(session, bare).max(0.0);
    for (name, version) in CLIENTS {
        match measure(&folder, &script, stub, (name, version), requests) {
            Ok(sample) => {
                let added = added_micros(sample.p50(), bare);
                println!(
                    "| {name} {version} | {} | {} | {added:.1} | 1/{:.0} of that |",
                    micros(sample.p50()),
                    micros(sample.p99()),
                    added / ours.max(0.1),
                );
            }
            Err(err) => println!("| {name} {version} | not measured: {err:#} | | | |"),
        }
    }
    Ok(())
}

/// Times one client.
fn measure(
    folder: &Path,
    script: &Path,
    stub: &Path,
    client: (&str, &str),
    requests: usize,
) -> Result<Sample> {
    let python = environment(folder, client)?;
    let work = folder.join(format!("work-{}", client.0));
    let output = command(python)
        .arg(script)
        .args([client.0.as_ref(), stub.as_os_str(), work.as_os_str()])
        .args([requests.to_string(), "100".to_owned()])
        .stdin(Stdio::null())
        .output()?;
    if !output.status.success() {
        let stderr = String::from_utf8_lossy(&output.stderr);
        bail!(
            "{}",
            stderr.lines().last().unwrap_or("it failed without a word")
        );
    }
    let text = String::from_utf8_lossy(&output.stdout);
    let line = text.lines().last().context("it printed nothing")?;
    let nanos: Vec<u64> = serde_json::from_str(line)?;
    Ok(nanos.into_iter().map(Duration::from_nanos).collect())
}

/// A virtual environment with one client; returns its Python.
fn environment(folder: &Path, (name, version): (&str, &str)) -> Result<PathBuf> {
    let venv = folder.join(format!("venv-{name}"));
    let python = venv.join("bin/python");
    let made = command("python3")
        .args(["-m", "venv", "--clear"])
        .arg(&venv)
        .output()?;
    if !made.status.success() {
        bail!("`python3 -m venv` failed (on Debian: apt-get install python3-venv)");
    }
    let installed = command(&python)
        .args([
            "-m",
            "pip",
            "install",
            "--quiet",
            &format!("{name}=={version}"),
        ])
        .output()?;
    if !installed.status.success() {
        let stderr = String::from_utf8_lossy(&installed.stderr);
        bail!(
            "pip: {}",
            stderr.lines().last().unwrap_or("it failed without a word")
        );
    }
    Ok(python)
}
