//! Parts that several compatibility shapes share: what Lean reported, with objections of ours where their
//! clients look for them.

use serde_json::Value;

use crate::engine::judge::Verdict;
use crate::engine::report;
use crate::lean::message::{Extra, Message, Severity, Sorry};
use crate::lean::position::Position;
use crate::service::evaluations::Evaluated;

/// Messages as the REPL writes them, with an error of ours in front: many clients read nothing but the
/// messages.
pub(crate) fn messages_of(messages: &[Message], error: Option<String>) -> Vec<Value> {
    let error: Vec<Message> = error.into_iter().map(error_at_start).collect();
    let mut values = report::messages(&error);
    values.extend(report::messages(messages));
    values
}

/// An error of ours about a whole source, at its beginning.
pub(crate) fn error_at_start(data: String) -> Message {
    Message {
        severity: Severity::Error,
        pos: Position { line: 1, column: 0 },
        end_pos: None,
        data,
        extra: Extra::new(),
    }
}

/// Why a source is rejected whose messages hold no error.
pub(crate) fn objection(evaluated: &Evaluated) -> Option<String> {
    let Evaluated {
        record, judgement, ..
    } = evaluated;
    if judgement.verdict != Verdict::Rejected || record.has_errors() {
        return None;
    }
    if judgement.reasons.is_empty() {
        return Some("the source is rejected".to_owned());
    }
    Some(judgement.reasons.join("; "))
}

/// Sorries as the REPL writes them, without the proof state.
pub(crate) fn sorries(sorries: &[Sorry]) -> Vec<Value> {
    let mut values: Vec<Value> = sorries.iter().cloned().map(Sorry::into_value).collect();
    report::without_proof_states(&mut values);
    values
}

/// The number of the environment after a source. Clients expect a number and can do nothing with it: no
/// source is ever run on the environment of another one.
pub(crate) const ENV: u64 = 0;
