//! What the REPL answers.

use serde_json::{Map, Value};

use crate::lean::fields::{DecodeError, Fields, Object, string};
use crate::lean::infotree::{InfoTree, forest};
use crate::lean::message::{EnvId, Extra, Message, ProofStateId, Sorry, Tactic};

/// One reply.
#[derive(Debug, Clone, PartialEq)]
pub enum Reply {
    /// To a source or file, and to pickling and unpickling of an environment.
    Command(CommandReply),
    /// To a tactic, and to pickling and unpickling of a proof state.
    ProofStep(ProofStepReply),
    /// To a request that the REPL could not do; the session lives on.
    Error {
        /// Why.
        message: String,
        /// Unknown fields.
        extra: Extra,
    },
}

/// The result of a source or file.
#[derive(Debug, Clone, PartialEq)]
pub struct CommandReply {
    /// The environment after it.
    pub env: EnvId,
    /// What Lean says.
    pub messages: Vec<Message>,
    /// The holes.
    pub sorries: Vec<Sorry>,
    /// Every tactic, if asked for.
    pub tactics: Vec<Tactic>,
    /// What the elaborator did, if asked for.
    pub infotree: Option<Vec<InfoTree>>,
    /// Unknown fields.
    pub extra: Extra,
}

/// The result of a tactic.
#[derive(Debug, Clone, PartialEq)]
pub struct ProofStepReply {
    /// The proof state after it.
    pub proof_state: ProofStateId,
    /// The goals that are left, each pretty-printed.
    pub goals: Vec<String>,
    /// What Lean says; without places.
    pub messages: Vec<Message>,
    /// New holes.
    pub sorries: Vec<Sorry>,
    /// Output of trace classes.
    pub traces: Vec<String>,
    /// What the REPL thinks of the proof (v4.19 and later).
    pub proof_status: Option<ProofStatus>,
    /// Unknown fields.
    pub extra: Extra,
}

/// What the REPL thinks of a proof.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProofStatus {
    /// The kernel accepted it.
    Completed,
    /// Goals are left.
    OpenGoals,
    /// It has a hole.
    ContainsSorry,
    /// It has metavariables.
    ContainsMetavariables,
    /// Anything else, as it came.
    Other(String),
}

impl ProofStatus {
    /// The status that a text stands for.
    pub fn from_text(text: String) -> Self {
        match text.as_str() {
            "Completed" => Self::Completed,
            "Incomplete: open goals remain" => Self::OpenGoals,
            "Incomplete: contains sorry" => Self::ContainsSorry,
            "Incomplete: contains metavariable(s)" => Self::ContainsMetavariables,
            _ => Self::Other(text),
        }
    }

    /// The text for it.
    pub fn text(&self) -> &str {
        match self {
            Self::Completed => "Completed",
            Self::OpenGoals => "Incomplete: open goals remain",
            Self::ContainsSorry => "Incomplete: contains sorry",
            Self::ContainsMetavariables => "Incomplete: contains metavariable(s)",
            Self::Other(text) => text,
        }
    }
}

impl Reply {
    /// Reads a reply.
    ///
    /// # Errors
    /// An object that is no reply, or that reports a failure and a result at once: which of the two
    /// holds cannot be known.
    pub fn from_object(object: Map<String, Value>) -> Result<Self, DecodeError> {
        let mut fields = Fields::new(object);
        let (has_env, has_proof_state) = (fields.has("env"), fields.has("proofState"));
        if has_env && has_proof_state {
            return Err(fields.contradicts("a reply with either `env` or `proofState`"));
        }
        if has_env || has_proof_state {
            if fields.any_name(reports_failure) {
                return Err(fields.contradicts("a result without fields that report a failure"));
            }
            return if has_env {
                CommandReply::from_fields(fields).map(Self::Command)
            } else {
                ProofStepReply::from_fields(fields).map(Self::ProofStep)
            };
        }
        if fields.has("message") {
            return Ok(Self::Error {
                message: fields.required("message", string)?,
                extra: fields.rest(),
            });
        }
        Err(fields.contradicts("a reply with `env`, `proofState` or `message`"))
    }

    /// Writes it as the REPL does.
    pub fn into_value(self) -> Value {
        match self {
            Self::Command(it) => Object::with(it.extra)
                .put("env", it.env)
                .put_list("messages", it.messages, Message::into_value)
                .put_list("sorries", it.sorries, Sorry::into_value)
                .put_list("tactics", it.tactics, Tactic::into_value)
                .put_some("infotree", it.infotree.map(forest_into_value)),
            Self::ProofStep(it) => Object::with(it.extra)
                .put("proofState", it.proof_state)
                .put("goals", it.goals)
                .put_list("messages", it.messages, Message::into_value)
                .put_list("sorries", it.sorries, Sorry::into_value)
                .put_list("traces", it.traces, Value::String)
                .put_some(
                    "proofStatus",
                    it.proof_status.as_ref().map(ProofStatus::text),
                ),
            Self::Error { message, extra } => Object::with(extra).put("message", message),
        }
        .into_value()
    }
}

/// Whether a field of that name, beside a result, says that something failed. The REPL writes `message`
/// alone (`Error` in REPL/JSON.lean); a constructor in its reply, which begins with a capital letter, is
/// what Lean derives for an error, and no result of any release has one.
fn reports_failure(name: &str) -> bool {
    let is_failure = |word: &&str| name.eq_ignore_ascii_case(word);
    ["message", "error", "exception", "failure"]
        .iter()
        .any(is_failure)
        || name.starts_with(|letter: char| letter.is_uppercase())
}

/// Writes the trees of a reply.
fn forest_into_value(trees: Vec<InfoTree>) -> Value {
    trees.into_iter().map(InfoTree::into_value).collect()
}

impl CommandReply {
    /// Reads the result of a source or file.
    fn from_fields(mut fields: Fields) -> Result<Self, DecodeError> {
        Ok(Self {
            env: fields.required("env", EnvId::from_value)?,
            messages: fields.list("messages", Message::from_value)?,
            sorries: fields.list("sorries", Sorry::from_value)?,
            tactics: fields.list("tactics", Tactic::from_value)?,
            infotree: fields.optional("infotree", forest)?,
            extra: fields.rest(),
        })
    }
}

impl ProofStepReply {
    /// Reads the result of a tactic.
    fn from_fields(mut fields: Fields) -> Result<Self, DecodeError> {
        Ok(Self {
            proof_state: fields.required("proofState", ProofStateId::from_value)?,
            goals: fields.required_list("goals", string)?,
            messages: fields.list("messages", Message::from_value)?,
            sorries: fields.list("sorries", Sorry::from_value)?,
            traces: fields.list("traces", string)?,
            proof_status: fields
                .optional("proofStatus", string)?
                .map(ProofStatus::from_text),
            extra: fields.rest(),
        })
    }
}
