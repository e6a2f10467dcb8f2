//! What Lean says about a text. Never matches on the wording of a message: it differs between
//! toolchains.

use serde_json::{Map, Value};

use crate::lean::position::Position;

/// Fields of a newer REPL that this version does not know, kept as they came.
pub type Extra = Map<String, Value>;

/// How grave a message is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Severity {
    /// Output of `#eval`, `#check` and the like.
    Info,
    /// Something to mend, such as a hole.
    Warning,
    /// Lean did not accept something.
    Error,
    /// Output of a trace class.
    Trace,
    /// A severity that this version does not know, as it came.
    Other(String),
}

/// One message of Lean.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    /// How grave it is.
    pub severity: Severity,
    /// Where it begins.
    pub pos: Position,
    /// Where it ends; parse errors have none.
    pub end_pos: Option<Position>,
    /// The text, possibly of several lines.
    pub data: String,
    /// Unknown fields.
    pub extra: Extra,
}

/// Names a proof state held by one session; means nothing to any other session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProofStateId(pub u64);

/// Names an environment held by one session; means nothing to any other session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EnvId(pub u64);

/// A hole that Lean found in the text.
#[derive(Debug, Clone, PartialEq)]
pub struct Sorry {
    /// Where it begins; absent in tactic mode.
    pub pos: Option<Position>,
    /// Where it ends; absent in tactic mode.
    pub end_pos: Option<Position>,
    /// The goal that is left open, pretty-printed.
    pub goal: String,
    /// The proof state to go on from, if the session keeps one.
    pub proof_state: Option<ProofStateId>,
    /// Unknown fields.
    pub extra: Extra,
}

/// One tactic of a proof, from a request with `allTactics`.
#[derive(Debug, Clone, PartialEq)]
pub struct Tactic {
    /// The source of the tactic.
    pub tactic: String,
    /// The goals before it, as one text.
    pub goals: String,
    /// The proof state before it.
    pub proof_state: Option<ProofStateId>,
    /// Where it begins.
    pub pos: Option<Position>,
    /// Where it ends.
    pub end_pos: Option<Position>,
    /// Names of the constants it used (REPL v4.14 and later).
    pub used_constants: Option<Vec<String>>,
    /// Unknown fields.
    pub extra: Extra,
}
