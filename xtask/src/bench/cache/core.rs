//! The same files twice on core Lean.

use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::time::Instant;

use anyhow::{Result, ensure};

use crate::bench::program::command;
use crate::cargo::{self, Profile};

/// Evaluates so many files twice and prints how long each run took.
///
/// # Errors
/// A run that fails, or a second one that evaluates again.
pub(crate) fn run(root: &Path, folder: &Path, files: usize) -> Result<()> {
    let leanrepl = cargo::build(root, &["leanrepl"], Profile::Release)?.join("leanrepl");
    let sources = folder.join("sources");
    fs::create_dir_all(&sources)?;
    let names: Vec<String> = (0..files)
        .map(|number| format!("File{number}.lean"))
        .collect();
    for (number, name) in names.iter().enumerate() {
        let source = format!(
            "theorem t (a b : Nat) (h : a < b) : a + {number} < b + {number} := by omega\n\
             example : (List.range {number}).length = {number} := by simp\n#check t\n"
        );
        fs::write(sources.join(name), source)?;
    }
    let mut seconds = Vec::new();
    for run in ["first", "second"] {
        let start = Instant::now();
        let output = command(&leanrepl)
            .args([
                "eval",
                "--toolchain",
                "core",
                "--jobs",
                "2",
                "--json",
                "--quiet",
                "--cache",
            ])
            .arg(folder.join("core"))
            .args(&names)
            .current_dir(&sources)
            .stderr(Stdio::inherit())
            .output()?;
        seconds.push(start.elapsed().as_secs_f64());
        let said = String::from_utf8_lossy(&output.stdout);
        let accepted = said.matches(r#""verdict":"accepted""#).count();
        ensure!(
            output.status.success() && accepted == files,
            "the {run} run accepts {accepted}"
        );
        let kept = said.matches(r#""cached":true"#).count();
        ensure!(
            kept == if run == "second" { files } else { 0 },
            "{kept} of the {run} run were kept"
        );
    }
    if let [first, second] = seconds[..] {
        println!("\n| {files} files on core Lean, two sessions | seconds |\n|---|---|");
        println!("| first run | {first:.2} |\n| second run | {second:.3} |");
        println!("\n{:.0} times as fast", first / second);
    }
    Ok(())
}
