//! What Lean says about a text. Never matches on the wording of a message: it differs between
//! toolchains.

use serde_json::Value;

pub use crate::lean::fields::{DecodeError, Extra};
use crate::lean::fields::{Fields, Object, list, natural, string};
use crate::lean::position::Position;

/// How grave a message is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Severity {
    /// Output of `#eval`, `#check` and the like.
    Info,
    /// A problem, such as a `sorry`.
    Warning,
    /// Lean did not accept something.
    Error,
    /// Output of a trace class.
    Trace,
    /// A severity that this version does not know, as it came.
    Other(String),
}

impl Severity {
    /// The severity that a word stands for.
    pub fn from_name(name: String) -> Self {
        match name.as_str() {
            "info" => Self::Info,
            "warning" => Self::Warning,
            "error" => Self::Error,
            "trace" => Self::Trace,
            _ => Self::Other(name),
        }
    }

    /// The word for it.
    pub fn name(&self) -> &str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
            Self::Trace => "trace",
            Self::Other(name) => name,
        }
    }
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

impl Message {
    /// Reads a message as the REPL writes it.
    pub fn from_value(value: Value) -> Result<Self, DecodeError> {
        let mut fields = Fields::of(value, "a message")?;
        Ok(Self {
            severity: Severity::from_name(fields.required("severity", string)?),
            pos: fields.required_position("pos")?,
            end_pos: fields.position("endPos")?,
            data: fields.required("data", string)?,
            extra: fields.rest(),
        })
    }

    /// Writes it as the REPL does.
    pub fn into_value(self) -> Value {
        Object::with(self.extra)
            .put("severity", self.severity.name())
            .put_position("pos", Some(self.pos))
            .put_position("endPos", self.end_pos)
            .put("data", self.data)
            .into_value()
    }
}

/// Names a proof state held by one session; means nothing to any other session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProofStateId(pub u64);

impl ProofStateId {
    /// Reads the number of a proof state.
    pub(crate) fn from_value(value: Value) -> Result<Self, DecodeError> {
        natural(value).map(Self)
    }
}

impl From<ProofStateId> for Value {
    fn from(id: ProofStateId) -> Self {
        Self::from(id.0)
    }
}

/// Names an environment held by one session; means nothing to any other session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct EnvId(pub u64);

impl EnvId {
    /// Reads the number of an environment.
    pub(crate) fn from_value(value: Value) -> Result<Self, DecodeError> {
        natural(value).map(Self)
    }
}

impl From<EnvId> for Value {
    fn from(id: EnvId) -> Self {
        Self::from(id.0)
    }
}

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

impl Sorry {
    /// Reads a hole as the REPL writes it.
    pub fn from_value(value: Value) -> Result<Self, DecodeError> {
        let mut fields = Fields::of(value, "a sorry")?;
        Ok(Self {
            pos: fields.position("pos")?,
            end_pos: fields.position("endPos")?,
            goal: fields.required("goal", string)?,
            proof_state: fields.optional("proofState", ProofStateId::from_value)?,
            extra: fields.rest(),
        })
    }

    /// Writes it as the REPL does.
    pub fn into_value(self) -> Value {
        Object::with(self.extra)
            .put_position("pos", self.pos)
            .put_position("endPos", self.end_pos)
            .put("goal", self.goal)
            .put_some("proofState", self.proof_state)
            .into_value()
    }
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

impl Tactic {
    /// Reads a tactic as the REPL writes it.
    pub fn from_value(value: Value) -> Result<Self, DecodeError> {
        let mut fields = Fields::of(value, "a tactic")?;
        Ok(Self {
            tactic: fields.required("tactic", string)?,
            goals: fields.required("goals", string)?,
            proof_state: fields.optional("proofState", ProofStateId::from_value)?,
            pos: fields.position("pos")?,
            end_pos: fields.position("endPos")?,
            used_constants: fields.optional("usedConstants", |value| list(value, string))?,
            extra: fields.rest(),
        })
    }

    /// Writes it as the REPL does.
    pub fn into_value(self) -> Value {
        Object::with(self.extra)
            .put("tactic", self.tactic)
            .put("goals", self.goals)
            .put_some("proofState", self.proof_state)
            .put_position("pos", self.pos)
            .put_position("endPos", self.end_pos)
            .put_some("usedConstants", self.used_constants)
            .into_value()
    }
}
