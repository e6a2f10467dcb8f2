//! What the runs of tests come to: what passed, failed, was skipped, and whether that will do.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::Context;

use crate::libtest::{Line, Tally};
use crate::times::Times;
use crate::watch::Watch;

/// What `cargo test` is given each time: all packages with all features, even if the tests of one are run.
/// Another choice turns on other features of dependencies, and each choice is a build of its own.
pub(crate) const WHOLE: [&str; 2] = ["--workspace", "--all-features"];

/// How the tests are run.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Fail if a test had to be skipped.
    #[arg(long)]
    pub(crate) require_all: bool,
    /// With `--require-all`, a test that may be skipped all the same.
    #[arg(long, value_name = "NAME", requires = "require_all")]
    pub(crate) may_skip: Vec<String>,
}

/// How long a test program may say nothing: five times what the slowest test takes on two busy cores.
const SILENCE: Duration = Duration::from_secs(900);

/// What the tests of the sandbox say that they need.
const SANDBOX_NEED: &str = "a kernel with Landlock and seccomp";

/// The sum of all runs.
#[derive(Debug, Default)]
pub(crate) struct Sum {
    /// What the runs of tests came to.
    tally: Tally,
    /// Steps beside the tests that failed, said as they happened.
    pub(crate) broken: usize,
    /// Whether this kernel cannot confine sessions.
    pub(crate) cannot_confine: bool,
    /// What could not be run, with its reason, beside the tests that are still ignored.
    pub(crate) absent: Vec<String>,
    /// How long all took.
    times: Times,
    /// What stands in front of each line that a test program prints; empty unless others run beside it.
    mark: String,
}

impl Sum {
    /// Announces the part that begins.
    pub(crate) fn begin(&mut self, part: &str) {
        println!("\n== {part}");
        self.times.begin(part);
    }

    /// The same for a part with others beside it: all that its tests print bears its name.
    pub(crate) fn begin_beside(&mut self, part: &str) {
        self.begin(part);
        self.mark = format!("{part}: ");
    }

    /// Adds what parts came to that ran beside this one.
    pub(crate) fn add(&mut self, beside: Self) {
        self.tally.add(beside.tally);
        self.broken += beside.broken;
        self.absent.extend(beside.absent);
        self.times.add(beside.times);
    }

    /// Takes a run of `cargo test` into account.
    pub(crate) fn add_run(&mut self, root: &Path, args: &[&str]) -> anyhow::Result<()> {
        self.add_run_with(root, args, &[])
    }

    /// The same with more variables.
    pub(crate) fn add_run_with(
        &mut self,
        root: &Path,
        args: &[&str],
        vars: &[(&str, String)],
    ) -> anyhow::Result<()> {
        let (tally, succeeded) = self.cargo_test(root, args, vars)?;
        if !succeeded && tally.failed == 0 {
            println!("xtask: `cargo test` failed without a failed test");
            self.broken += 1;
        }
        self.tally.add(tally);
        Ok(())
    }

    /// Runs `cargo test`, shows its output and reads it; tells also whether it succeeded.
    fn cargo_test(
        &mut self,
        root: &Path,
        args: &[&str],
        vars: &[(&str, String)],
    ) -> anyhow::Result<(Tally, bool)> {
        let mut child = Command::new("cargo")
            .arg("test")
            .args(WHOLE)
            .args(args)
            .envs(vars.iter().map(|(name, value)| (name, value)))
            .current_dir(root)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .context("cannot start cargo")?;
        let stdout = child.stdout.take().context("cargo has no stdout")?;
        let mut tally = Tally::default();
        let (mut program, mut before) = (Instant::now(), Instant::now());
        let watch = Watch::over(child.id(), SILENCE);
        for line in BufReader::new(stdout).split(b'\n') {
            let line = line.context("cannot read what cargo says")?;
            let line = String::from_utf8_lossy(&line);
            println!("{}{line}", self.mark);
            match tally.read_line(&line) {
                Line::Began => {
                    program = Instant::now();
                    before = program;
                    watch.begin();
                }
                Line::Ran(name) => {
                    self.times.add_test(name, before.elapsed());
                    before = Instant::now();
                    watch.begin();
                }
                Line::Ended => {
                    self.times.add_program(program.elapsed());
                    watch.pause();
                }
                Line::Other => {}
            }
        }
        for text in watch.finish() {
            println!("{}xtask: {text}", self.mark);
        }
        let status = child.wait().context("cargo was lost")?;
        Ok((tally, status.success()))
    }

    /// Takes a check that is no test of `cargo test` into account.
    pub(crate) fn add_check(&mut self, name: &str, is_well: bool) {
        println!(
            "xtask: {name} ... {}",
            if is_well { "ok" } else { "FAILED" }
        );
        self.tally.passed += usize::from(is_well);
        self.broken += usize::from(!is_well);
    }

    /// Prints what was skipped and the counts; tells whether all is well.
    pub(crate) fn finish(self, args: &Args) -> bool {
        println!("\n== times\n{}", self.times.tables());
        println!("== summary");
        for (name, reason) in &self.tally.ignored {
            println!("skipped: {name} ({})", or_unsaid(reason));
        }
        for what in &self.absent {
            println!("skipped: {what}");
        }
        let failed = self.tally.failed + self.broken;
        let skipped = self.tally.ignored.len() + self.absent.len();
        let may_skip = |name: &str| args.may_skip.iter().any(|allowed| allowed == name);
        // No command mends a kernel, so what it cannot do is named and counted, but not required.
        let excused = |reason: &str| self.cannot_confine && reason.contains(SANDBOX_NEED);
        let required = self
            .tally
            .ignored
            .iter()
            .filter(|(name, reason)| !may_skip(name) && !excused(reason))
            .count()
            + self.absent.len();
        let lacks = args.require_all && required > 0;
        if lacks {
            println!("xtask: {required} of the skipped may not be, with `--require-all`");
        }
        println!(
            "{} passed, {failed} failed, {skipped} skipped",
            self.tally.passed
        );
        failed == 0 && !lacks
    }
}

/// A reason, or that none was given.
fn or_unsaid(reason: &str) -> &str {
    match reason {
        "" => "it does not say why",
        reason => reason,
    }
}
