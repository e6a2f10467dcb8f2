//! Parts of the tests side by side: each is a run of `cargo test`, whose tests take turns.

use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::thread;

use anyhow::Context;
use leanrepl::internals::{Bytes, machine};

use crate::sum::Sum;

/// The most memory that a part takes at one time: two processes of core Lean, each of up to 1.3 GiB when measured,
/// and what asks them.
const MEMORY: Bytes = Bytes::new(3 << 30);

/// The most parts that run at one time. Each has waits of seconds for what other processes do, which more of
/// them would stretch.
const MOST: usize = 3;

/// One part.
pub(crate) struct Job {
    /// What it is.
    pub(crate) name: String,
    /// The words after `cargo test`.
    pub(crate) words: Vec<String>,
    /// More variables.
    pub(crate) vars: Vec<(&'static str, String)>,
}

impl Job {
    /// The ignored tests of some targets, one after another, but for those whose names contain one of these.
    pub(crate) fn ignored(name: &str, targets: &[&str], skipped: &[&str]) -> Self {
        let mut words = vec!["--no-fail-fast"];
        words.extend(targets);
        words.extend(["--", "--ignored", "--test-threads=1"]);
        words.extend(skipped.iter().flat_map(|name| ["--skip", name]));
        Self {
            name: name.to_owned(),
            words: words.into_iter().map(str::to_owned).collect(),
            vars: Vec::new(),
        }
    }
}

/// How many parts this machine can run at one time.
pub(crate) fn count() -> usize {
    let cores = thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let memory = machine::memory().map_or(0, |memory| memory.available.get());
    let room = usize::try_from(memory / MEMORY.get()).unwrap_or(MOST);
    cores.min(room).clamp(1, MOST)
}

/// Runs all of them, so many at a time, each begun in the order of the list.
///
/// # Errors
/// A run that cannot be started or read.
pub(crate) fn run(root: &Path, jobs: Vec<Job>, lanes: usize, sum: &mut Sum) -> anyhow::Result<()> {
    let waiting = Mutex::new(jobs.into_iter());
    let next = || {
        waiting
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .next()
    };
    let lane = || {
        let mut own = Sum::default();
        while let Some(job) = next() {
            own.begin_beside(&job.name);
            let words: Vec<&str> = job.words.iter().map(String::as_str).collect();
            own.add_run_with(root, &words, &job.vars)?;
        }
        anyhow::Ok(own)
    };
    thread::scope(|scope| {
        let lanes: Vec<_> = (0..lanes).map(|_| scope.spawn(lane)).collect();
        for lane in lanes {
            let own = lane.join().ok().context("a lane of tests panicked")?;
            sum.add(own?);
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tests_of_a_part_take_turns_and_are_all_but_those_skipped() {
        let job = Job::ignored("cli", &["--test", "cli"], &["build_elan::"]);
        let words = "--no-fail-fast --test cli -- --ignored --test-threads=1 --skip build_elan::";
        assert_eq!(job.words.join(" "), words);
    }
}
