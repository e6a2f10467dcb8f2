//! A judged record as programs read it: the JSON that the command line and HTTP share.

use std::time::Duration;

use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::engine::judge::{Judgement, Verdict};
use crate::engine::record::{BaseKind, EvalRecord, LeanIdentity, Times};
use crate::engine::undecided::UndecidedReason;
use crate::failure::Failure;
use crate::isolation::Isolation;
use crate::lean::message::{Message, Sorry, Tactic};
use crate::lean::options::ModuleOptions;

/// The parts of a source's time, in seconds.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
pub(crate) struct Seconds {
    /// The wait for a session.
    queue: f64,
    /// The imports; zero if the session had them.
    header: f64,
    /// Everything after them; all of the time if the source is undecided.
    body: f64,
}

/// What was found out about one source, and the verdict on it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Report<'a> {
    /// `accepted`, `rejected` or `undecided`.
    verdict: &'static str,
    /// What Lean reported, placed in the source: lines from 1, columns from 0 in codepoints.
    #[schema(value_type = Vec<Object>)]
    messages: Vec<Value>,
    /// The sorries that Lean found.
    #[schema(value_type = Vec<Object>)]
    sorries: Vec<Value>,
    /// The tactics, if asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Vec<Object>)]
    tactics: Vec<Value>,
    /// The infotree, if asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<Object>>)]
    infotree: Option<&'a Value>,
    /// Why it is rejected beyond Lean's errors.
    reasons: &'a [String],
    /// What helps with Lean's errors, if anything does.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    hints: &'a [String],
    /// Why it is undecided: `timeout`, `memory`, `crash`, `import`, `reply_too_large`, `protocol_error`,
    /// `unsupported`, `cancelled`, `queue_timeout`, `unavailable` or `skipped`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    reason: Option<UndecidedReason>,
    /// Why it is undecided, in full: `kind`, `problem`, `hint`, `causes`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    failure: Option<&'a Failure>,
    /// The proven environment that it started from, `import` or `pickle`; absent if there was none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    base: Option<BaseKind>,
    /// The options of Lean that held, as the Lake file of the project sets them.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    options: Option<&'a ModuleOptions>,
    /// Which Lean evaluated it: `version`, `toolchain`, `repl`, `manifest`, `pickle`; absent if none did.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    lean: Option<&'a LeanIdentity>,
    /// What it could find of sources before it: `source` (nothing), `client` (what sources of the same client
    /// left) or `none` (what any source left); absent if it was not evaluated.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    isolation: Option<Isolation>,
    /// The number of the session that evaluated it; absent if none did.
    #[serde(skip_serializing_if = "Option::is_none")]
    session: Option<u64>,
    /// Whether this was found by an earlier evaluation of the same source, or by another request for it at the
    /// same time; `seconds` are those of that evaluation then.
    cached: bool,
    /// How long it took.
    seconds: Seconds,
}

impl<'a> Report<'a> {
    /// The report on a judged record.
    pub(crate) fn new(record: &'a EvalRecord, judgement: &'a Judgement) -> Self {
        Self {
            verdict: judgement.verdict.as_str(),
            messages: messages(&record.messages),
            sorries: record
                .sorries
                .iter()
                .cloned()
                .map(Sorry::into_value)
                .collect(),
            tactics: record
                .tactics
                .iter()
                .cloned()
                .map(Tactic::into_value)
                .collect(),
            infotree: record.infotree.as_ref(),
            reasons: &judgement.reasons,
            hints: &record.hints,
            reason: judgement.reason(),
            failure: judgement.failure(),
            base: record.base,
            options: record.options.as_deref(),
            lean: record.lean.as_deref(),
            isolation: record.isolation,
            session: record.session,
            cached: record.cached,
            seconds: Seconds::from(record.times),
        }
    }
}

impl Report<'_> {
    /// The same for a client that does not hold the session.
    #[must_use]
    pub(crate) fn without_proof_states(mut self) -> Self {
        without_proof_states(&mut self.sorries);
        without_proof_states(&mut self.tactics);
        self
    }
}

impl From<Times> for Seconds {
    fn from(times: Times) -> Self {
        Self {
            queue: seconds(times.queue),
            header: seconds(times.header),
            body: seconds(times.body),
        }
    }
}

/// Messages as the REPL writes them; an end that is not known is null.
pub(crate) fn messages(messages: &[Message]) -> Vec<Value> {
    let with_end = |message: &Message| {
        let mut value = message.clone().into_value();
        if let Value::Object(object) = &mut value {
            object.entry("endPos").or_insert(Value::Null);
        }
        value
    };
    messages.iter().map(with_end).collect()
}

/// Takes the numbers of proof states out of sorries or tactics: they mean nothing to a client that does not
/// hold the session.
pub(crate) fn without_proof_states(values: &mut [Value]) {
    for value in values {
        if let Value::Object(object) = value {
            object.remove("proofState");
        }
    }
}

/// Seconds to the microsecond.
pub(crate) fn seconds(span: Duration) -> f64 {
    (span.as_secs_f64() * 1e6).round() / 1e6
}

/// How many sources had which verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Sources that Lean accepted.
    pub accepted: usize,
    /// Sources that were rejected.
    pub rejected: usize,
    /// Sources that are undecided.
    pub undecided: usize,
    /// Of the accepted, those that leave a sorry.
    pub with_sorry: usize,
    /// Sources that were not evaluated, since the user stopped the run; in no other count.
    pub unfinished: usize,
    /// Of those with a verdict, those that were not evaluated, since their results were kept.
    pub kept: usize,
}

impl Counts {
    /// Counts one more source.
    pub fn add(&mut self, verdict: Verdict, has_sorry: bool) {
        match verdict {
            Verdict::Accepted => {
                self.accepted += 1;
                self.with_sorry += usize::from(has_sorry);
            }
            Verdict::Rejected => self.rejected += 1,
            Verdict::Undecided => self.undecided += 1,
        }
    }

    /// All sources with a verdict so far.
    pub fn total(&self) -> usize {
        self.accepted + self.rejected + self.undecided
    }
}
