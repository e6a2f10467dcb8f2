//! `--json`: one JSON object a line on stdout. Never text for people.
//!
//! Every line has a `type` and a `version`, now 2; a version changes when a field changes its
//! meaning or goes, not when one is added.
//!
//! | `type` | when | fields |
//! |---|---|---|
//! | `file` | as each file finishes | see below |
//! | `cache` | with `cache` | `place`, `results`, `environments`, `bytes`, `forgotten` (or null) |
//! | `pickle` | a pickle was made or compared | `path`, `sidecar` (as it is on the disk) |
//! | `extract` | an extraction has ended | `extractor`, `units`, `kept_units`, `failed` (`name`, `problem`), `rows`, `shards`, `bytes`, `directory` (or null), `is_share`, `is_up_to_date`, `limits`, `seconds`, `exit_code` |
//! | `fact` | for each thing that `doctor` looks at | `name`, `state` (`ok`, `missing`, `not_needed`), `found`, `origin` and `hint` (or null) |
//! | `cost` | with `cloudflare cost` | `days` (of the month), `estimate` (`containers`, then `memory`, `cpu`, `disk` with `used`, `included`, `price`, `dollars`; `plan_dollars`, `dollars`) |
//! | `finding` | with `cloudflare check`, for each thing that is wrong | `file`, `line` (or null), `problem`, `hint` |
//! | `container` | with `cloudflare try`, for each container | `name`, `image`, `image_bytes`, `ready_seconds`, `checks` (`what`, `wanted`, `status`, `seconds`, `right`, `said`), `later_p50_seconds`, `memory_bytes` (or null) |
//! | `routes` | with `cloudflare try`, after all containers | `open_seconds`, `checks` |
//! | `summary` | last, after all findings | `findings`, `exit_code` |
//! | `summary` | last, after a trial | `wrong` (answers), `seconds`, `exit_code` |
//! | `summary` | last, after all files | `accepted`, `rejected`, `undecided`, `with_sorry` (of the accepted), `unfinished` (files), `kept` (files that were not evaluated, since their results were; absent without one), `seconds`, `exit_code` |
//! | `summary` | last, after all facts | `ok`, `missing`, `not_needed` (facts), `exit_code` |
//! | `failure` | last, if the run itself failed | `kind`, `problem`, `hint`, `causes` (nearest first) |
//!
//! | field of `file` | what |
//! |---|---|
//! | `name` | the path as it was given, `<stdin>` for `-` |
//! | `verdict` | `accepted`, `rejected` or `undecided` |
//! | `messages` | as the REPL writes them: `severity`, `pos`, `endPos` (or null), `data` |
//! | `sorries` | as the REPL writes them: `pos`, `endPos`, `goal`, `proofState` |
//! | `tactics` | with `--tactics`, as the REPL writes them |
//! | `infotree` | with `--infotree`, as the REPL writes it |
//! | `reasons` | why it is rejected beyond Lean's errors |
//! | `reason` | why it is undecided, in a word (`UndecidedReason`); absent if it is not |
//! | `hints` | what helps with what Lean said; absent if there is nothing |
//! | `failure` | why it is undecided, in full: `kind`, `problem`, `hint`, `causes` |
//! | `base` | `import` or `pickle`: the proven environment it was evaluated on; absent if there was none |
//! | `options` | the options of Lean that held, as the Lake file of the project sets them; absent where there is none that could be read |
//! | `lean` | which Lean evaluated it: `version`, `toolchain`, `repl`, `manifest`, `pickle` (its SHA-256); absent if none did |
//! | `session` | the number of the session that evaluated it; absent if none did |
//! | `cached` | whether it was kept from an earlier evaluation of the same source (`--cache`), whose times `seconds` are |
//! | `seconds` | `queue`, `header` and `body` |
//! | `toolchain` | what evaluated it, and why that was chosen |
//! | `resumed` | `true` if it was not evaluated, since an earlier run left its verdict in the file of `--resume`; else absent |
//! | `resume` | in that file only: what the verdict was made of (`Basis` in `engine/resume.rs`) |
//!
//! Positions are those of the file: `line` from 1, `column` from 0 in codepoints.

use std::time::Duration;

use serde::Serialize;
use serde_json::Value;

use crate::engine::judge::Judged;
use crate::engine::report::{Counts, Report};
use crate::engine::resume::Basis;
use crate::failure::Failure;

/// Of the schema above.
pub(crate) const VERSION: u32 = 2;

/// One file.
#[derive(Debug, Serialize)]
pub(crate) struct FileLine<'a> {
    /// Always `file`.
    r#type: &'static str,
    version: u32,
    name: &'a str,
    /// What was found out about it.
    #[serde(flatten)]
    report: Report<'a>,
    /// What evaluated it, and why that was chosen.
    toolchain: &'a Value,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    resumed: bool,
    /// In the file of `--resume` only.
    #[serde(skip_serializing_if = "Option::is_none")]
    resume: Option<&'a Basis>,
}

/// How each begins.
pub(crate) const FILE_LINE_START: &[u8] = b"{\"type\":\"file\",";

impl<'a> FileLine<'a> {
    /// The line for a file.
    pub(crate) fn new(judged: &'a Judged, toolchain: &'a Value) -> Self {
        Self {
            r#type: "file",
            version: VERSION,
            name: &judged.name,
            report: Report::new(&judged.record, &judged.judgement),
            toolchain,
            resumed: judged.is_resumed,
            resume: None,
        }
    }

    /// The same with what the verdict was made of.
    pub(crate) fn with_basis(self, basis: &'a Basis) -> Self {
        Self {
            resume: Some(basis),
            ..self
        }
    }
}

/// A failure of the whole run as a JSON line.
#[derive(Debug, Serialize)]
pub(crate) struct FailureLine<'a> {
    /// Always `failure`.
    r#type: &'static str,
    version: u32,
    /// `kind`, `problem`, `hint` and `causes`.
    #[serde(flatten)]
    failure: &'a Failure,
}

impl<'a> FailureLine<'a> {
    /// The line for `failure`.
    pub(crate) fn new(failure: &'a Failure) -> Self {
        Self {
            r#type: "failure",
            version: VERSION,
            failure,
        }
    }
}

/// The whole run.
#[derive(Debug, Serialize)]
pub(crate) struct SummaryLine {
    /// Always `summary`.
    r#type: &'static str,
    version: u32,
    accepted: usize,
    rejected: usize,
    undecided: usize,
    /// Of the accepted, those with a sorry.
    with_sorry: usize,
    /// Files that were not evaluated, since the run was interrupted.
    unfinished: usize,
    /// Files that were not evaluated, since their results were kept; absent without one.
    #[serde(skip_serializing_if = "Option::is_none")]
    kept: Option<usize>,
    seconds: f64,
    /// What the process is about to return.
    exit_code: u8,
}

impl SummaryLine {
    /// The line for a run.
    pub(crate) fn new(counts: &Counts, elapsed: Duration, exit_code: u8) -> Self {
        Self {
            r#type: "summary",
            version: VERSION,
            accepted: counts.accepted,
            rejected: counts.rejected,
            undecided: counts.undecided,
            with_sorry: counts.with_sorry,
            unfinished: counts.unfinished,
            kept: (counts.kept > 0).then_some(counts.kept),
            seconds: seconds(elapsed),
            exit_code,
        }
    }
}

/// `value` as one line with its end.
pub(crate) fn line(value: &impl Serialize) -> Result<String, Failure> {
    match serde_json::to_string(value) {
        Ok(mut line) => {
            line.push('\n');
            Ok(line)
        }
        Err(err) => Err(Failure::bug("cannot write a result as JSON").caused_by(err)),
    }
}

/// Seconds to the millisecond.
pub(crate) fn seconds(span: Duration) -> f64 {
    (span.as_secs_f64() * 1000.0).round() / 1000.0
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;

    use super::*;
    use crate::failure::Kind;

    /// A failure with two causes, one of several lines.
    fn failure() -> Failure {
        let inner = Failure::new(Kind::Build, "no space left", "unused");
        let outer = Failure::new(
            Kind::Build,
            "exit code 1; it said\n\u{1b}[31mfull",
            "unused",
        );
        Failure::new(
            Kind::Session,
            "the REPL died",
            "try again with `--memory 4GB`",
        )
        .caused_by(outer.caused_by(inner))
    }

    #[test]
    fn a_failure_as_json_has_the_same_words() {
        assert_snapshot!(serde_json::to_string_pretty(&FailureLine::new(&failure())).unwrap(), @r#"
    {
      "type": "failure",
      "version": 2,
      "kind": "session",
      "problem": "the REPL died",
      "hint": "try again with `--memory 4GB`",
      "causes": [
        "exit code 1; it said\n\u001b[31mfull",
        "no space left"
      ]
    }
    "#);
    }
}
