//! Parts that several answers share: what Lean said, in the REPL's own shapes.

use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::engine::evaluated::{Evaluated, Verdict};
use crate::failure::Failure;
use crate::lean::message::{Extra, Message, Severity, Sorry, Tactic};
use crate::lean::position::Position;

/// Why something could not be done.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FailureReply {
    /// Its class: `usage`, `project`, `build`, `session`, `remote`, `bug` or `interrupted`.
    kind: &'static str,
    /// What is wrong.
    problem: String,
    /// What to do about it.
    hint: String,
    /// What led to it, nearest first.
    causes: Vec<String>,
}

impl FailureReply {
    /// The fields of a failure.
    pub(crate) fn new(failure: &Failure) -> Self {
        Self {
            kind: failure.kind().name(),
            problem: failure.problem().to_owned(),
            hint: failure.hint().to_owned(),
            causes: failure.causes(),
        }
    }
}

/// Messages as the REPL writes them; an end that is not known is null.
pub(crate) fn messages(messages: &[Message]) -> Vec<Value> {
    messages_of(messages, None)
}

/// The same with an error of ours in front: many clients read nothing but the messages.
pub(crate) fn messages_of(messages: &[Message], error: Option<String>) -> Vec<Value> {
    let with_end = |message: Message| {
        let mut value = message.into_value();
        if let Value::Object(object) = &mut value {
            object.entry("endPos").or_insert(Value::Null);
        }
        value
    };
    let error = error.map(error_at_start);
    let messages = error.into_iter().chain(messages.iter().cloned());
    messages.map(with_end).collect()
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
    let is_error = |message: &Message| message.severity == Severity::Error;
    if evaluated.verdict != Verdict::Rejected || evaluated.messages.iter().any(is_error) {
        return None;
    }
    if evaluated.reasons.is_empty() {
        return Some("the source is rejected".to_owned());
    }
    Some(evaluated.reasons.join("; "))
}

/// Sorries as the REPL writes them, without the proof state: the session that holds it serves
/// others by now.
pub(crate) fn sorries(sorries: &[Sorry]) -> Vec<Value> {
    let sorries = sorries.iter().cloned();
    sorries
        .map(|sorry| without_state(sorry.into_value()))
        .collect()
}

/// Tactics as the REPL writes them, without the proof state.
pub(crate) fn tactics(tactics: &[Tactic]) -> Vec<Value> {
    let tactics = tactics.iter().cloned();
    tactics
        .map(|tactic| without_state(tactic.into_value()))
        .collect()
}

/// Takes the number of the proof state out.
fn without_state(mut value: Value) -> Value {
    if let Value::Object(object) = &mut value {
        object.remove("proofState");
    }
    value
}

/// The number of the environment after a text. Clients expect a number and can do nothing with it:
/// no text is ever run on the environment of another one.
pub(crate) const ENV: u64 = 0;
