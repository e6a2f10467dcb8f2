//! The counts of a run as tables.

use std::collections::{BTreeMap, BTreeSet};

use crate::chaos::fault::{FAULTS, HOSTILE};
use crate::chaos::ledger::{Ledger, Violation};
use crate::chaos::processes::Holdings;

/// How many violations are shown.
const SHOWN: usize = 20;

/// What is told besides the books.
#[derive(Debug, Default)]
pub(crate) struct Facts {
    /// Sessions killed from outside.
    pub(crate) kills: u64,
    /// What the server counted.
    pub(crate) metrics: BTreeMap<String, u64>,
    /// What the server held after the warm-up.
    pub(crate) start: Holdings,
    /// What it held at the end.
    pub(crate) end: Holdings,
    /// How much more it may hold at the end, in percent.
    pub(crate) most_growth: f64,
    /// Processes that were left over.
    pub(crate) left_over: usize,
    /// Seconds that it took.
    pub(crate) seconds: f64,
}

/// Prints everything.
pub(crate) fn print(ledger: &Ledger, facts: &Facts) {
    print_faults(ledger);
    print_counts(ledger, facts);
    for violation in ledger.violations.iter().take(SHOWN) {
        println!("VIOLATION {:?}: {}", violation.wrong, cut(violation));
    }
    let count = ledger.violations.len();
    if count > SHOWN {
        println!("and {} more", count - SHOWN);
    }
    println!("{count} violations");
}

/// A violation, in one line of bearable length.
fn cut(violation: &Violation) -> String {
    let line: String = violation.what.chars().take(600).collect();
    line.replace('\n', "\\n")
}

/// Texts by fault and by what came of them.
fn print_faults(ledger: &Ledger) {
    let faults = &ledger.counts.faults;
    let words: BTreeSet<&str> = faults
        .values()
        .flatten()
        .map(|(word, _)| word.as_str())
        .collect();
    println!(
        "| fault | texts | {} |",
        words.iter().copied().collect::<Vec<_>>().join(" | ")
    );
    println!("|---|---|{}", "---|".repeat(words.len()));
    let row = |name: &str, counts: &dyn Fn(&str) -> u64| {
        let cells: Vec<u64> = words.iter().map(|word| counts(word)).collect();
        let shown: Vec<String> = cells.iter().map(|count| show(*count)).collect();
        println!(
            "| {name} | {} | {} |",
            cells.iter().sum::<u64>(),
            shown.join(" | ")
        );
    };
    for fault in FAULTS.iter().chain(&HOSTILE) {
        if let Some(outcomes) = faults.get(fault.name) {
            row(fault.name, &|word| {
                outcomes.get(word).copied().unwrap_or_default()
            });
        }
    }
    let sum = |word: &str| {
        faults
            .values()
            .filter_map(|outcomes| outcomes.get(word))
            .sum()
    };
    row("**all**", &sum);
    println!();
}

/// Everything else.
fn print_counts(ledger: &Ledger, facts: &Facts) {
    let counts = &ledger.counts;
    let line = |what: &str, value: String| println!("| {what} | {value} |");
    println!("| what | count |\n|---|---|");
    line("requests", ledger.requests().to_string());
    for (surface, count) in &counts.surfaces {
        line(&format!("– {}", surface.name()), count.to_string());
    }
    for (status, count) in &counts.statuses {
        line(
            &format!("responses with status {status}"),
            count.to_string(),
        );
    }
    line("clients that went away", counts.left.to_string());
    let retries = facts.metrics.get("leanrepl_source_retries_total");
    line(
        "texts tried once more",
        retries.copied().unwrap_or_default().to_string(),
    );
    for (name, count) in &facts.metrics {
        let reason = name.strip_prefix("leanrepl_session_restarts_total{reason=\"");
        if let Some(reason) = reason.and_then(|rest| rest.strip_suffix("\"}"))
            && *count > 0
        {
            line(&format!("sessions replaced: {reason}"), count.to_string());
        }
    }
    line("sessions killed from outside", facts.kills.to_string());
    line("texts and sessions lost to that", counts.struck.to_string());
    line("processes left over", facts.left_over.to_string());
    let over = counts.latest.as_secs_f64();
    line("latest answer, past wait and limit", format!("{over:.2} s"));
    print_holdings(facts);
    line("time", format!("{:.0} s", facts.seconds));
    println!();
}

/// What the server held at the start and at the end.
fn print_holdings(facts: &Facts) {
    let line = |what: &str, value: String| println!("| {what} | {value} |");
    let (start, end) = (facts.start, facts.end);
    line("memory after the warm-up", kib(start.resident));
    line(
        &format!("memory at the end, at most {:+.0} %", facts.most_growth),
        format!("{} ({:+.1} %)", kib(end.resident), growth(start, end)),
    );
    line("memory at its most", kib(end.peak));
    line(
        "open files, start and end",
        format!("{}, {}", start.files, end.files),
    );
    line(
        "threads, start and end",
        format!("{}, {}", start.threads, end.threads),
    );
}

/// A count; nothing for none, so that a table can be read.
fn show(count: u64) -> String {
    match count {
        0 => String::new(),
        count => count.to_string(),
    }
}

/// Bytes in KiB.
fn kib(bytes: u64) -> String {
    format!("{} KiB", bytes / 1024)
}

/// How much more is held at the end, in percent.
pub(crate) fn growth(start: Holdings, end: Holdings) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "a share needs few digits")]
    let (start, end) = (start.resident as f64, end.resident as f64);
    (end / start - 1.0) * 100.0
}
