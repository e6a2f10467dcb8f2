//! What every part of the benchmark needs.

use std::path::PathBuf;
use std::time::Duration;

/// What all parts need.
#[derive(Debug)]
pub(crate) struct Bench {
    /// The server that is measured.
    pub(crate) leanrepl: PathBuf,
    /// The REPL that answers at once.
    pub(crate) stub: PathBuf,
    /// Where files of the benchmark go.
    pub(crate) folder: PathBuf,
    /// How often each is measured.
    pub(crate) rounds: usize,
    /// How long each is under load each time.
    pub(crate) span: Duration,
}

/// A time in milliseconds with three digits.
pub(crate) fn millis(time: Duration) -> String {
    format!("{:.3}", time.as_secs_f64() * 1e3)
}

/// The middle one of several figures.
pub(crate) fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or_default()
}
