//! What a user is told when something goes wrong: the problem, the next step and the exit code.
//!
//! Never prints: `ui::report` renders a [`Failure`].

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use serde::de::Deserializer;
use serde::ser::Serializer;
use serde::{Deserialize, Serialize};

/// The class of a failure; decides the exit code and, over HTTP, the status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// The command line or an input file cannot be used as it is.
    Usage,
    /// The project or its toolchain is missing, broken or does not fit.
    Project,
    /// Something could not be built, installed or pickled.
    Build,
    /// A session ran out of time or memory, died, or talked nonsense.
    Session,
    /// Something on the remote side failed: a daemon, a registry, a port.
    Remote,
    /// A state that leanrepl's own logic rules out.
    Bug,
    /// The user asked to stop.
    Interrupted,
}

/// Every kind, in the order of the README's table.
pub const KINDS: [Kind; 7] = [
    Kind::Usage,
    Kind::Project,
    Kind::Build,
    Kind::Session,
    Kind::Remote,
    Kind::Bug,
    Kind::Interrupted,
];

impl Kind {
    /// The process exit code; a larger one outranks a smaller one when several files fail.
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Usage => 2,
            Self::Project => 3,
            Self::Build => 4,
            Self::Session => 5,
            Self::Remote => 6,
            Self::Bug => 70,
            Self::Interrupted => 130,
        }
    }
}

/// An error as a user should meet it. It sits inside the error chain, so that
/// `err.chain()` finds it by one downcast.
#[derive(Debug, Clone)]
pub struct Failure {
    kind: Kind,
    /// What is wrong: lower-case, no full stop, the object in backticks.
    problem: String,
    /// What to do next: an imperative that names a flag or a command.
    hint: String,
    /// What caused it, if something else did. Shared, so that a failure can be reported twice.
    source: Option<Arc<dyn Error + Send + Sync>>,
}

impl Failure {
    /// A failure without a deeper cause.
    pub fn new(kind: Kind, problem: impl Into<String>, hint: impl Into<String>) -> Self {
        Self {
            kind,
            problem: problem.into(),
            hint: hint.into(),
            source: None,
        }
    }

    /// A state that our own logic rules out (exit code 70).
    pub(crate) fn bug(problem: impl Into<String>) -> Self {
        Self::new(
            Kind::Bug,
            problem,
            "this is a bug in leanrepl: please report it together with the command you ran",
        )
    }

    /// Adds the error that led here.
    #[must_use]
    pub fn caused_by(mut self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.source = Some(Arc::from(source.into()));
        self
    }

    /// The class of the failure.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// What is wrong.
    pub fn problem(&self) -> &str {
        &self.problem
    }

    /// What to do next.
    pub fn hint(&self) -> &str {
        &self.hint
    }

    /// The texts of the causes, nearest first.
    pub fn causes(&self) -> Vec<String> {
        let mut causes = Vec::new();
        let mut next = self.source();
        while let Some(error) = next {
            causes.push(error.to_string());
            next = error.source();
        }
        causes
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.problem)
    }
}

/// What a failure consists of in JSON.
#[derive(Serialize, Deserialize)]
struct FailureFields {
    kind: Kind,
    problem: String,
    hint: String,
    /// The texts of the causes, nearest first.
    causes: Vec<String>,
}

/// A cause of which only the text is known.
#[derive(Debug, thiserror::Error)]
#[error("{text}")]
struct TextCause {
    text: String,
    source: Option<Box<Self>>,
}

impl Serialize for Failure {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        FailureFields {
            kind: self.kind,
            problem: self.problem.clone(),
            hint: self.hint.clone(),
            causes: self.causes(),
        }
        .serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Failure {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let fields = FailureFields::deserialize(deserializer)?;
        let causes = fields.causes.into_iter().rev();
        let source = causes.fold(None, |source, text| {
            Some(Box::new(TextCause { text, source }))
        });
        let failure = Self::new(fields.kind, fields.problem, fields.hint);
        Ok(match source {
            Some(source) => failure.caused_by(source),
            None => failure,
        })
    }
}

impl Error for Failure {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match &self.source {
            Some(source) => Some(source.as_ref()),
            None => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_is_found_inside_an_error_chain() {
        let failure = Failure::new(Kind::Session, "the REPL died", "try again")
            .caused_by(std::io::Error::other("broken pipe"));
        assert_eq!(failure.causes(), ["broken pipe"]);
        let error = anyhow::Error::from(failure);
        let found = error
            .chain()
            .find_map(|cause| cause.downcast_ref::<Failure>())
            .unwrap();
        assert_eq!(found.kind().exit_code(), 5);
    }

    #[test]
    fn exit_codes_rise_with_rank_so_the_worst_file_decides() {
        let codes: Vec<u8> = KINDS.iter().map(|kind| kind.exit_code()).collect();
        assert!(codes.is_sorted());
        assert!(codes.iter().all(|code| *code > 1));
    }
}
