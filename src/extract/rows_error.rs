//! Why a worker gives no rows. Does nothing.

use crate::failure::{Failure, Kind};
use crate::session::error::SessionError;
use crate::session::opening::EnvError;

/// Why there are no rows.
#[derive(Debug)]
pub(crate) enum RowsError {
    /// The session failed, and is over.
    Session(SessionError),
    /// Lean refuses: a source with an error, an import that fails, an extractor that throws.
    Lean {
        /// Line from 1 and column from 0, if Lean says where.
        position: Option<(u64, u64)>,
        problem: String,
    },
    /// What came does not fit; the session lives.
    Reply(String),
}

impl From<SessionError> for RowsError {
    fn from(error: SessionError) -> Self {
        Self::Session(error)
    }
}

impl From<EnvError> for RowsError {
    fn from(error: EnvError) -> Self {
        match error {
            EnvError::Session(error) => Self::Session(error),
            EnvError::Refused(failure) => {
                let causes = failure.causes().join("; ");
                let problem = [failure.problem(), &causes].map(str::trim);
                let parts: Vec<&str> = problem
                    .into_iter()
                    .filter(|part| !part.is_empty())
                    .collect();
                Self::Lean {
                    position: None,
                    problem: parts.join(": "),
                }
            }
        }
    }
}

impl RowsError {
    /// What a user reads about a unit without rows.
    pub(crate) fn into_failure(self, unit: &str) -> Failure {
        match self {
            Self::Session(error) => {
                let inner = error.into_failure();
                if inner.kind() == Kind::Interrupted {
                    return inner;
                }
                let problem = format!("`{unit}` gave no rows: {}", inner.problem());
                let hint = inner.hint().to_owned();
                let outer = Failure::new(inner.kind(), problem, hint);
                match inner.causes().as_slice() {
                    [] => outer,
                    causes => outer.caused_by(causes.join("\n")),
                }
            }
            Self::Lean { position, problem } => {
                let place =
                    position.map_or_else(String::new, |(line, column)| format!(":{line}:{column}"));
                let hint = "correct it, or go on without it with `--keep-going`";
                Failure::new(Kind::Project, format!("Lean refuses `{unit}`{place}"), hint)
                    .caused_by(problem)
            }
            Self::Reply(problem) => Failure::new(
                Kind::Session,
                format!("the rows of `{unit}` cannot be used"),
                "run again with `-v` to see what was asked; a plugin prints nothing but its rows",
            )
            .caused_by(problem),
        }
    }

    /// Whether Lean itself refuses, so that trying again changes nothing.
    pub(crate) fn is_refusal(&self) -> bool {
        matches!(self, Self::Lean { .. })
    }
}
