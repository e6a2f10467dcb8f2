//! What is asked of the REPL.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::lean::fields::{DecodeError, Fields, Object, boolean, string};
use crate::lean::message::{EnvId, Extra, ProofStateId};

/// One request.
#[derive(Debug, Clone, PartialEq)]
pub enum Request {
    /// Runs a source.
    Command(Command),
    /// Runs a file that the REPL reads itself.
    File(File),
    /// Runs a tactic.
    Tactic(TacticStep),
    /// Writes an environment to a file.
    PickleEnvironment(PickleEnvironment),
    /// Loads an environment from a file; a bad file ends the session.
    UnpickleEnvironment(UnpickleEnvironment),
    /// Writes a proof state to a file.
    PickleProofState(PickleProofState),
    /// Loads a proof state from a file; a bad file ends the session.
    UnpickleProofState(UnpickleProofState),
}

/// Runs a source.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Command {
    /// The source.
    pub cmd: String,
    /// The environment to build on; without one the source begins with its own imports.
    pub env: Option<EnvId>,
    /// What to report besides messages.
    pub options: Options,
    /// Unknown fields.
    pub extra: Extra,
}

/// Runs a file that the REPL reads itself.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct File {
    /// Its path, relative to the session's directory.
    pub path: String,
    /// The environment to build on; ignored before REPL v4.22.
    pub env: Option<EnvId>,
    /// What to report besides messages.
    pub options: Options,
    /// Unknown fields.
    pub extra: Extra,
}

/// What a source or file is to report besides messages.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Options {
    /// Every tactic with its goals.
    pub all_tactics: Option<bool>,
    /// The goal of each theorem as a sorry (REPL v4.19 and later).
    pub root_goals: Option<bool>,
    /// What the elaborator did.
    pub infotree: Option<InfoTreeKind>,
}

/// How much of the infotree to report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum InfoTreeKind {
    /// Everything.
    Full,
    /// Tactics that change goals.
    Tactics,
    /// Steps that stand in the source.
    Original,
    /// Tactics that stand in the source, without combinators.
    Substantive,
    /// Another word; the REPL ignores those it does not know.
    Other(String),
}

/// Runs a tactic.
#[derive(Debug, Clone, PartialEq)]
pub struct TacticStep {
    /// The text of the tactic.
    pub tactic: String,
    /// The proof state to run it in.
    pub proof_state: ProofStateId,
    /// Unknown fields.
    pub extra: Extra,
}

/// Writes an environment to a file.
#[derive(Debug, Clone, PartialEq)]
pub struct PickleEnvironment {
    /// The path of the file.
    pub pickle_to: String,
    /// The environment.
    pub env: EnvId,
    /// Unknown fields.
    pub extra: Extra,
}

/// Loads an environment from a file.
#[derive(Debug, Clone, PartialEq)]
pub struct UnpickleEnvironment {
    /// The path of the file.
    pub unpickle_env_from: String,
    /// Unknown fields.
    pub extra: Extra,
}

/// Writes a proof state to a file.
#[derive(Debug, Clone, PartialEq)]
pub struct PickleProofState {
    /// The path of the file.
    pub pickle_to: String,
    /// The proof state.
    pub proof_state: ProofStateId,
    /// Unknown fields.
    pub extra: Extra,
}

/// Loads a proof state from a file.
#[derive(Debug, Clone, PartialEq)]
pub struct UnpickleProofState {
    /// The path of the file.
    pub unpickle_proof_state_from: String,
    /// The environment to build on; without one the REPL imports again.
    pub env: Option<EnvId>,
    /// Unknown fields.
    pub extra: Extra,
}

impl Request {
    /// Reads a request. The shapes are tried in the order of `parse` in REPL/Main.lean.
    pub fn from_value(value: Value) -> Result<Self, DecodeError> {
        let Value::Object(object) = value else {
            return Err(DecodeError::new("a request", &value));
        };
        let fields = Fields::new(object);
        if fields.has("tactic") && fields.has("proofState") {
            TacticStep::from_fields(fields).map(Self::Tactic)
        } else if fields.has("pickleTo") && fields.has("env") {
            PickleEnvironment::from_fields(fields).map(Self::PickleEnvironment)
        } else if fields.has("unpickleEnvFrom") {
            UnpickleEnvironment::from_fields(fields).map(Self::UnpickleEnvironment)
        } else if fields.has("pickleTo") && fields.has("proofState") {
            PickleProofState::from_fields(fields).map(Self::PickleProofState)
        } else if fields.has("unpickleProofStateFrom") {
            UnpickleProofState::from_fields(fields).map(Self::UnpickleProofState)
        } else if fields.has("cmd") {
            Command::from_fields(fields).map(Self::Command)
        } else if fields.has("path") {
            File::from_fields(fields).map(Self::File)
        } else {
            Err(DecodeError::new(
                "a request with `cmd`, `path`, `tactic` and `proofState`, `pickleTo` and `env` or \
                 `proofState`, `unpickleEnvFrom` or `unpickleProofStateFrom`",
                &Value::Object(fields.rest()),
            ))
        }
    }

    /// Writes it as JSON.
    pub fn into_value(self) -> Value {
        match self {
            Self::Command(it) => it
                .options
                .put(Object::with(it.extra))
                .put("cmd", it.cmd)
                .put_some("env", it.env),
            Self::File(it) => it
                .options
                .put(Object::with(it.extra))
                .put("path", it.path)
                .put_some("env", it.env),
            Self::Tactic(it) => Object::with(it.extra)
                .put("tactic", it.tactic)
                .put("proofState", it.proof_state),
            Self::PickleEnvironment(it) => Object::with(it.extra)
                .put("pickleTo", it.pickle_to)
                .put("env", it.env),
            Self::UnpickleEnvironment(it) => {
                Object::with(it.extra).put("unpickleEnvFrom", it.unpickle_env_from)
            }
            Self::PickleProofState(it) => Object::with(it.extra)
                .put("pickleTo", it.pickle_to)
                .put("proofState", it.proof_state),
            Self::UnpickleProofState(it) => Object::with(it.extra)
                .put("unpickleProofStateFrom", it.unpickle_proof_state_from)
                .put_some("env", it.env),
        }
        .into_value()
    }

    /// One line of JSON with its fields in alphabetical order. Characters outside ASCII stay as
    /// they are: Lean before v4.20 reads escaped pairs of surrogates wrongly.
    pub fn to_line(&self) -> String {
        self.clone().into_value().to_string()
    }
}

impl Command {
    /// Reads a request to run a source.
    fn from_fields(mut fields: Fields) -> Result<Self, DecodeError> {
        Ok(Self {
            cmd: fields.required("cmd", string)?,
            env: fields.optional("env", EnvId::from_value)?,
            options: Options::from_fields(&mut fields)?,
            extra: fields.rest(),
        })
    }
}

impl File {
    /// Reads a request to run a file.
    fn from_fields(mut fields: Fields) -> Result<Self, DecodeError> {
        Ok(Self {
            path: fields.required("path", string)?,
            env: fields.optional("env", EnvId::from_value)?,
            options: Options::from_fields(&mut fields)?,
            extra: fields.rest(),
        })
    }
}

impl Options {
    /// Takes the options out of a request.
    fn from_fields(fields: &mut Fields) -> Result<Self, DecodeError> {
        Ok(Self {
            all_tactics: fields.optional("allTactics", boolean)?,
            root_goals: fields.optional("rootGoals", boolean)?,
            infotree: fields
                .optional("infotree", string)?
                .map(InfoTreeKind::from_name),
        })
    }

    /// Adds the options to a request.
    fn put(self, object: Object) -> Object {
        let infotree = self.infotree.as_ref().map(InfoTreeKind::name);
        object
            .put_some("allTactics", self.all_tactics)
            .put_some("rootGoals", self.root_goals)
            .put_some("infotree", infotree)
    }
}

impl InfoTreeKind {
    /// The kind that a word stands for.
    pub fn from_name(name: String) -> Self {
        match name.as_str() {
            "full" => Self::Full,
            "tactics" => Self::Tactics,
            "original" => Self::Original,
            "substantive" => Self::Substantive,
            _ => Self::Other(name),
        }
    }

    /// The word for it.
    pub fn name(&self) -> &str {
        match self {
            Self::Full => "full",
            Self::Tactics => "tactics",
            Self::Original => "original",
            Self::Substantive => "substantive",
            Self::Other(name) => name,
        }
    }
}

impl From<String> for InfoTreeKind {
    fn from(name: String) -> Self {
        Self::from_name(name)
    }
}

impl From<InfoTreeKind> for String {
    fn from(kind: InfoTreeKind) -> Self {
        kind.name().to_owned()
    }
}

impl TacticStep {
    /// Reads a request to run a tactic.
    fn from_fields(mut fields: Fields) -> Result<Self, DecodeError> {
        Ok(Self {
            tactic: fields.required("tactic", string)?,
            proof_state: fields.required("proofState", ProofStateId::from_value)?,
            extra: fields.rest(),
        })
    }
}

impl PickleEnvironment {
    /// Reads a request to write an environment.
    fn from_fields(mut fields: Fields) -> Result<Self, DecodeError> {
        Ok(Self {
            pickle_to: fields.required("pickleTo", string)?,
            env: fields.required("env", EnvId::from_value)?,
            extra: fields.rest(),
        })
    }
}

impl UnpickleEnvironment {
    /// Reads a request to load an environment.
    fn from_fields(mut fields: Fields) -> Result<Self, DecodeError> {
        Ok(Self {
            unpickle_env_from: fields.required("unpickleEnvFrom", string)?,
            extra: fields.rest(),
        })
    }
}

impl PickleProofState {
    /// Reads a request to write a proof state.
    fn from_fields(mut fields: Fields) -> Result<Self, DecodeError> {
        Ok(Self {
            pickle_to: fields.required("pickleTo", string)?,
            proof_state: fields.required("proofState", ProofStateId::from_value)?,
            extra: fields.rest(),
        })
    }
}

impl UnpickleProofState {
    /// Reads a request to load a proof state.
    fn from_fields(mut fields: Fields) -> Result<Self, DecodeError> {
        Ok(Self {
            unpickle_proof_state_from: fields.required("unpickleProofStateFrom", string)?,
            env: fields.optional("env", EnvId::from_value)?,
            extra: fields.rest(),
        })
    }
}
