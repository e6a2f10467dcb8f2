//! What a Worker costs, what is wrong with it and what became of its files, as text and as JSON lines.
//! Never calculates and never looks.

use std::fmt::Write as _;

use serde::Serialize;

use crate::deploy::cloudflare::check::Finding;
use crate::deploy::cloudflare::cost::{DAYS, Estimate, Meter};
use crate::failure::Failure;
use crate::ui::mode::Format;
use crate::ui::paint::{BOLD, Paint, RED};
use crate::ui::visible::visible_line;
use crate::ui::{Ui, Written, json};

/// An estimate as a JSON line.
#[derive(Debug, Serialize)]
struct CostLine<'a> {
    /// Always `cost`.
    r#type: &'static str,
    version: u32,
    /// Days of the month that is meant.
    days: f64,
    estimate: &'a Estimate,
}

/// A finding as a JSON line.
#[derive(Debug, Serialize)]
struct FindingLine<'a> {
    /// Always `finding`.
    r#type: &'static str,
    version: u32,
    /// The file, as a path in the folder.
    file: &'a str,
    /// The line, from 1, or null.
    line: Option<usize>,
    problem: &'a str,
    hint: &'a str,
}

/// The end of a check as a JSON line.
#[derive(Debug, Serialize)]
struct CheckLine {
    /// Always `summary`.
    r#type: &'static str,
    version: u32,
    findings: usize,
    /// What the process is about to return.
    exit_code: u8,
}

impl Ui {
    /// Shows what a month costs.
    pub(crate) fn cost(&self, estimate: &Estimate) -> Result<Written, Failure> {
        let data = if self.mode.format == Format::Json {
            json::line(&CostLine {
                r#type: "cost",
                version: json::VERSION,
                days: DAYS,
                estimate,
            })?
        } else {
            screen(estimate)
        };
        Self::put(&mut self.state(), &data)
    }

    /// Shows what is wrong with a folder.
    pub(crate) fn findings(&self, findings: &[Finding]) -> Result<Written, Failure> {
        let data = if self.mode.format == Format::Json {
            let lines = findings.iter().map(|finding| {
                json::line(&FindingLine {
                    r#type: "finding",
                    version: json::VERSION,
                    file: &finding.file,
                    line: finding.line,
                    problem: &finding.problem,
                    hint: &finding.hint,
                })
            });
            lines.collect::<Result<String, Failure>>()?
        } else {
            listed(findings, Paint::new(self.mode.stdout_color))
        };
        Self::put(&mut self.state(), &data)
    }

    /// Shows the end of a check, which found so much.
    pub(crate) fn checked(&self, findings: usize, exit_code: u8) -> Result<Written, Failure> {
        let mut state = self.state();
        let said = match (findings, exit_code) {
            (0, 0) => "nothing is wrong\n".to_owned(),
            (0, _) => String::new(),
            (1, _) => "1 thing is wrong\n".to_owned(),
            (many, _) => format!("{many} things are wrong\n"),
        };
        if !self.mode.is_quiet() {
            self.say(&mut state, &said);
        }
        if self.mode.format != Format::Json {
            return Ok(Self::reader(&state));
        }
        let line = json::line(&CheckLine {
            r#type: "summary",
            version: json::VERSION,
            findings,
            exit_code,
        })?;
        Self::put(&mut state, &line)
    }

    /// Passes on a line of a program that the user wants to follow.
    pub(crate) fn relayed(&self, line: &str) {
        if !self.mode.is_quiet() {
            self.say(&mut self.state(), &format!("{}\n", visible_line(line)));
        }
    }
}

/// Findings for people: where, what, and what to do about it.
fn listed(findings: &[Finding], paint: Paint) -> String {
    findings.iter().fold(String::new(), |mut text, finding| {
        let line = finding
            .line
            .map_or_else(String::new, |line| format!(":{line}"));
        let place = format!("{}{line}", visible_line(&finding.file));
        text.push_str(&paint.labelled(&place, RED, &visible_line(&finding.problem), BOLD));
        // Writing to a string cannot fail.
        let _written = writeln!(text, "  hint: {}", visible_line(&finding.hint));
        text
    })
}

/// An estimate for people: a table, and how each number came about.
fn screen(estimate: &Estimate) -> String {
    let mut text = format!(
        "{:<24}{:<13}{:>14}{:>12}{:>13}\n",
        "a day of", "on", "requests", "wakes", "awake"
    );
    // Writing to a string cannot fail, here and below.
    for day in &estimate.containers {
        let _written = writeln!(
            text,
            "{:<24}{:<13}{:>14}{:>12.1}{:>11.2} h",
            day.name, day.instance_type, day.requests, day.wakes, day.awake_hours
        );
    }
    let _written = writeln!(
        text,
        "\n{:<24}{:>13}{:>14}{:>12}{:>13}",
        format!("a month of {DAYS} days"),
        "used",
        "included",
        "price",
        "dollars"
    );
    for (name, unit, meter) in [
        ("memory", "GiB-s", estimate.memory),
        ("processors", "vCPU-s", estimate.cpu),
        ("disk", "GB-s", estimate.disk),
    ] {
        text.push_str(&row(name, unit, meter));
    }
    let _written = writeln!(
        text,
        "{:<63}{:>13.2}",
        "Workers Paid", estimate.plan_dollars
    );
    let _written = writeln!(text, "{:<63}{:>13.2}", "together", estimate.dollars);
    text + "\n\
        awake: an instance stays awake for a while after each request, so with requests at any time it sleeps\n\
        for the share exp(-(time awake after a request) × (requests a second)) and that share of requests wakes\n\
        it; each waking adds the time until Lean is ready. memory and disk: what the instance type has, for each\n\
        second awake. processors: all of them while a request or an import runs, which is the most it can be.\n\
        Not counted: requests to the Worker beyond those included, traffic, logs, and `/cold`.\n"
}

/// One thing that is paid for.
fn row(name: &str, unit: &str, meter: Meter) -> String {
    let label = format!("{name} ({unit})");
    format!(
        "{label:<24}{:>13.0}{:>14.0}{:>12}{:>13.2}\n",
        meter.used,
        meter.included,
        format!("{:.8}", meter.price).trim_end_matches('0'),
        meter.dollars
    )
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;

    use super::*;
    use crate::deploy::cloudflare::cost::{Load, estimate};
    use crate::deploy::cloudflare::instance::InstanceType;

    #[test]
    fn the_numbers_of_a_month_can_be_followed() {
        let load = |name: &str, kind: &str, requests| Load {
            name: name.to_owned(),
            instance: InstanceType::named(kind).unwrap(),
            spread: 1,
            requests,
            request_seconds: 2.0,
            wake_seconds: 40.0,
            sleep_after_seconds: 600.0,
        };
        let loads = [
            load("mathlib-4-27-0", "standard-3", 200),
            load("core-4-28-0", "standard-1", 10),
        ];
        assert_snapshot!(screen(&estimate(&loads)), @"
        a day of                on                 requests       wakes        awake
        mathlib-4-27-0          standard-3              200        49.6      18.59 h
        core-4-28-0             standard-1               10         9.3       1.72 h

        a month of 30 days               used      included       price      dollars
        memory (GiB-s)               16808437         90000   0.0000025        41.80
        processors (vCPU-s)            149032         22500     0.00002         2.53
        disk (GB-s)                  33616874        720000  0.00000007         2.30
        Workers Paid                                                            5.00
        together                                                               51.63

        awake: an instance stays awake for a while after each request, so with requests at any time it sleeps
        for the share exp(-(time awake after a request) × (requests a second)) and that share of requests wakes
        it; each waking adds the time until Lean is ready. memory and disk: what the instance type has, for each
        second awake. processors: all of them while a request or an import runs, which is the most it can be.
        Not counted: requests to the Worker beyond those included, traffic, logs, and `/cold`.
        ");
    }

    #[test]
    fn a_finding_says_where_what_and_what_next() {
        let finding = Finding {
            file: "wrangler.jsonc".to_owned(),
            line: Some(7),
            problem: "the image `x` has no tag".to_owned(),
            hint: "write one".to_owned(),
        };
        let unplaced = Finding {
            line: None,
            ..finding.clone()
        };
        assert_snapshot!(listed(&[finding, unplaced], Paint::new(false)), @"
        wrangler.jsonc:7: the image `x` has no tag
          hint: write one
        wrangler.jsonc: the image `x` has no tag
          hint: write one
        ");
    }
}
