//! The result of one source, as `/v1/eval` tells it. Never decides a verdict.

use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::engine::evaluated::Verdict;
use crate::engine::pool::job::Refusal;
use crate::engine::undecided::UndecidedReason;
use crate::http::problem::seconds;
use crate::http::replies::{self, FailureReply};
use crate::http::verdict;
use crate::http::work::Outcome;

/// The parts of a source's time.
#[derive(Debug, Clone, Copy, Default, Serialize, ToSchema)]
pub(crate) struct Seconds {
    /// The wait for a session.
    queue: f64,
    /// The imports; zero if the session had them.
    header: f64,
    /// Everything after them.
    body: f64,
}

/// The result of one source.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct EvalResult {
    /// Its place in the request, from 0.
    pub(crate) index: usize,
    /// The client's name for it; the index if it has none.
    id: String,
    /// `accepted`, `rejected` or `undecided`.
    verdict: &'static str,
    /// Why it is undecided: `timeout`, `memory`, `crash`, `import`, `reply_too_large`, `protocol_error`,
    /// `unsupported`, `cancelled`, `queue_timeout`, `unavailable` or `skipped`.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
    /// Why it is rejected beyond Lean's errors.
    reasons: Vec<String>,
    /// What helps with what Lean said, if anything does.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    hints: Vec<&'static str>,
    /// What Lean said, placed in the source: lines from 1, columns from 0 in codepoints.
    #[schema(value_type = Vec<Object>)]
    messages: Vec<Value>,
    /// The holes that Lean found.
    #[schema(value_type = Vec<Object>)]
    sorries: Vec<Value>,
    /// The tactics, if asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Vec<Object>)]
    tactics: Vec<Value>,
    /// The infotree, if asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<Object>>)]
    infotree: Option<Value>,
    /// What keeps it undecided, in full.
    #[serde(skip_serializing_if = "Option::is_none")]
    failure: Option<FailureReply>,
    /// How long it took.
    seconds: Seconds,
}

impl EvalResult {
    /// A source that nothing is known about.
    fn unknown(index: usize, id: String, reason: Option<UndecidedReason>) -> Self {
        Self {
            index,
            id,
            verdict: Verdict::Undecided.as_str(),
            reason: reason.map(UndecidedReason::as_str),
            reasons: Vec::new(),
            hints: Vec::new(),
            messages: Vec::new(),
            sorries: Vec::new(),
            tactics: Vec::new(),
            infotree: None,
            failure: None,
            seconds: Seconds::default(),
        }
    }

    /// A source that was not run, because another one was accepted.
    pub(crate) fn skipped(index: usize, id: String) -> Self {
        Self::unknown(index, id, Some(UndecidedReason::Skipped))
    }

    /// The result of a source.
    pub(crate) fn new(index: usize, id: String, outcome: &Outcome) -> Self {
        let unknown = Self::unknown(index, id, verdict::reason(outcome));
        match outcome {
            Ok(answer) => {
                let evaluated = &answer.evaluated;
                Self {
                    verdict: evaluated.verdict.as_str(),
                    reasons: evaluated.reasons.clone(),
                    hints: evaluated.hints.clone(),
                    messages: replies::messages(&evaluated.messages),
                    sorries: replies::sorries(&evaluated.sorries),
                    tactics: replies::tactics(&evaluated.tactics),
                    infotree: evaluated.infotree.clone(),
                    failure: evaluated.failure.as_ref().map(FailureReply::new),
                    seconds: Seconds {
                        queue: seconds(answer.queue),
                        header: seconds(evaluated.times.header),
                        body: seconds(evaluated.times.body),
                    },
                    ..unknown
                }
            }
            Err(Refusal::NoSession(failure)) => Self {
                failure: Some(FailureReply::new(failure)),
                ..unknown
            },
            Err(refusal) => Self {
                reasons: vec![verdict::refused(refusal)],
                ..unknown
            },
        }
    }
}
