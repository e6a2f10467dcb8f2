//! Parts that several answers share: what Lean said, in the REPL's own shapes.

use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::failure::Failure;
use crate::lean::message::{Message, Sorry, Tactic};
use crate::repl::evaluated::Evaluated;

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
    let with_end = |message: &Message| {
        let mut value = message.clone().into_value();
        if let Value::Object(object) = &mut value {
            object.entry("endPos").or_insert(Value::Null);
        }
        value
    };
    messages.iter().map(with_end).collect()
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

/// A text's result in the shape of a REPL's reply: lists that are empty are left out.
pub(crate) fn repl_reply(evaluated: &Evaluated) -> Map<String, Value> {
    let mut reply = Map::new();
    reply.insert("env".to_owned(), Value::from(ENV));
    let lists = [
        ("messages", messages(&evaluated.messages)),
        ("sorries", sorries(&evaluated.sorries)),
        ("tactics", tactics(&evaluated.tactics)),
    ];
    for (name, list) in lists {
        if !list.is_empty() {
            reply.insert(name.to_owned(), Value::Array(list));
        }
    }
    if let Some(infotree) = &evaluated.infotree {
        reply.insert("infotree".to_owned(), infotree.clone());
    }
    reply
}

/// The number of the environment after a text. Clients expect a number and can do nothing with it:
/// no text is ever run on the environment of another one.
pub(crate) const ENV: u64 = 0;
