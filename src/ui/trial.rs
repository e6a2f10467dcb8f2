//! What came of a Worker's trial, as text and as JSON lines. Never asks and never judges.

use std::fmt::Write as _;
use std::time::Duration;

use serde::Serialize;

use crate::deploy::cloudflare::trial::{Check, Report, Tried};
use crate::failure::Failure;
use crate::limits::Bytes;
use crate::ui::json::{self, seconds};
use crate::ui::mode::Format;
use crate::ui::visible::visible_line;
use crate::ui::{Ui, Written};

/// A container as a JSON line.
#[derive(Debug, Serialize)]
struct ContainerLine<'a> {
    /// Always `container`.
    r#type: &'static str,
    version: u32,
    name: &'a str,
    image: &'a str,
    image_bytes: u64,
    /// From the first request, which starts the container, until it was ready, or null.
    ready_seconds: Option<f64>,
    checks: &'a [Check],
    /// Half of the later requests took no longer, or null.
    later_p50_seconds: Option<f64>,
    /// The most memory that it had, or null.
    memory_bytes: Option<u64>,
}

/// What the Worker answers by itself, as a JSON line.
#[derive(Debug, Serialize)]
struct RoutesLine<'a> {
    /// Always `routes`.
    r#type: &'static str,
    version: u32,
    /// From the start of wrangler until the Worker answered.
    open_seconds: f64,
    checks: &'a [Check],
}

/// The end as a JSON line.
#[derive(Debug, Serialize)]
struct TrialLine {
    /// Always `summary`.
    r#type: &'static str,
    version: u32,
    wrong: usize,
    seconds: f64,
    /// What the process is about to return.
    exit_code: u8,
}

impl Ui {
    /// Shows what came of a trial; `exit_code` is what the process is about to return.
    pub(crate) fn trial(
        &self,
        report: &Report,
        elapsed: Duration,
        exit_code: u8,
    ) -> Result<Written, Failure> {
        let data = if self.mode.format == Format::Json {
            lines(report, elapsed, exit_code)?
        } else {
            text(report, elapsed)
        };
        let mut state = self.state();
        state.meter.finished();
        Self::put(&mut state, &data)
    }
}

/// A report as JSON lines.
fn lines(report: &Report, elapsed: Duration, exit_code: u8) -> Result<String, Failure> {
    let mut lines = String::new();
    for tried in &report.containers {
        lines.push_str(&json::line(&ContainerLine {
            r#type: "container",
            version: json::VERSION,
            name: tried.part.name.as_str(),
            image: &tried.part.image,
            image_bytes: tried.part.size.get(),
            ready_seconds: tried.ready.map(seconds),
            checks: &tried.checks,
            later_p50_seconds: tried.later.map(seconds),
            memory_bytes: tried.memory.map(Bytes::get),
        })?);
    }
    lines.push_str(&json::line(&RoutesLine {
        r#type: "routes",
        version: json::VERSION,
        open_seconds: seconds(report.open),
        checks: &report.routes,
    })?);
    lines.push_str(&json::line(&TrialLine {
        r#type: "summary",
        version: json::VERSION,
        wrong: report.wrong(),
        seconds: seconds(elapsed),
        exit_code,
    })?);
    Ok(lines)
}

fn text(report: &Report, elapsed: Duration) -> String {
    let mut text: String = report.containers.iter().map(container).collect();
    // Writing to a string cannot fail, here and below.
    let _written = writeln!(
        text,
        "the Worker (answers {:.1} s after the start of wrangler)",
        report.open.as_secs_f64()
    );
    text.extend(report.routes.iter().map(check));
    let _written = match report.wrong() {
        0 => writeln!(
            text,
            "all answers are right, in {:.1} s",
            elapsed.as_secs_f64()
        ),
        1 => writeln!(text, "1 answer is wrong"),
        many => writeln!(text, "{many} answers are wrong"),
    };
    text
}

fn container(tried: &Tried) -> String {
    let part = &tried.part;
    let mut text = format!(
        "{} (image {}, {})\n",
        part.name,
        visible_line(&part.image),
        part.size
    );
    if let Some(ready) = tried.ready {
        text.push_str(&row(
            "ready",
            &format!("{:.2} s", ready.as_secs_f64()),
            "after the first request, which starts the container",
        ));
    }
    text.extend(tried.checks.iter().map(check));
    if let Some(later) = tried.later {
        text.push_str(&row(
            "accepted again",
            &format!("{:.3} s", later.as_secs_f64()),
            "p50 of later requests",
        ));
    }
    if let Some(memory) = tried.memory {
        text.push_str(&row(
            "memory",
            &memory.to_string(),
            "at its peak, on this machine",
        ));
    }
    text
}

fn check(check: &Check) -> String {
    let status = check
        .status
        .map_or_else(|| "no answer".to_owned(), |status| status.to_string());
    let said = match &check.said {
        _ if check.right => status,
        said => format!(
            "{status}: WRONG, not {}: {}",
            check.wanted,
            visible_line(said.as_deref().unwrap_or_default())
        ),
    };
    row(check.what, &format!("{:.3} s", check.seconds), &said)
}

/// One line of a table.
fn row(what: &str, amount: &str, more: &str) -> String {
    format!("  {what:<16}{amount:>10}  {more}\n")
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;

    use super::*;
    use crate::deploy::cloudflare::stage::Part;

    /// A request with its answer.
    fn asked(what: &'static str, wanted: u16, status: u16, said: Option<&str>) -> Check {
        Check {
            what,
            wanted,
            status: Some(status),
            seconds: 0.25,
            right: said.is_none(),
            said: said.map(str::to_owned),
        }
    }

    /// A trial of one container.
    fn report(said: Option<&str>) -> Report {
        Report {
            open: Duration::from_millis(2100),
            containers: vec![Tried {
                part: Part {
                    name: "core-4-28-0".parse().unwrap(),
                    image: "localhost/leanrepl:core-4.28.0".to_owned(),
                    size: Bytes::mib(600),
                },
                ready: Some(Duration::from_secs(9)),
                checks: vec![
                    asked("accepted", 200, 200, None),
                    asked(
                        "rejected",
                        400,
                        if said.is_some() { 200 } else { 400 },
                        said,
                    ),
                ],
                later: Some(Duration::from_millis(90)),
                memory: Some(Bytes::mib(2048)),
            }],
            routes: vec![asked("unknown path", 404, 404, None)],
        }
    }

    #[test]
    fn times_and_verdicts_stand_in_a_table() {
        assert_snapshot!(text(&report(None), Duration::from_secs(70)), @"
        core-4-28-0 (image localhost/leanrepl:core-4.28.0, 600.0 MiB)
          ready               9.00 s  after the first request, which starts the container
          accepted           0.250 s  200
          rejected           0.250 s  400
          accepted again     0.090 s  p50 of later requests
          memory             2.0 GiB  at its peak, on this machine
        the Worker (answers 2.1 s after the start of wrangler)
          unknown path       0.250 s  404
        all answers are right, in 70.0 s
        ");
    }

    #[test]
    fn a_wrong_answer_is_shown_and_counted() {
        let report = report(Some("{\"ok\":true}"));
        let text = text(&report, Duration::from_secs(70));
        assert!(
            text.contains("rejected           0.250 s  200: WRONG, not 400: {\"ok\":true}\n"),
            "{text}"
        );
        assert!(text.ends_with("1 answer is wrong\n"), "{text}");
        let lines = lines(&report, Duration::from_secs(70), 6).unwrap();
        let last = lines.lines().next_back().unwrap();
        assert_eq!(
            last,
            r#"{"type":"summary","version":2,"wrong":1,"seconds":70.0,"exit_code":6}"#
        );
    }
}
