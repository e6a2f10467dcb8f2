//! The ways in which talking to a session fails, and what a user reads about each. None of them
//! is a verdict on a source.

use std::io;
use std::time::Duration;

use signal_hook::consts::SIGKILL;

use crate::failure::{Failure, Kind};
use crate::limits::Bytes;
use crate::process::ending::{Ending, How};

/// Why a session gave no reply. The session is over after any of these.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    /// The program could not be started.
    #[error("cannot start `{program}`")]
    Start {
        /// The program as it was given.
        program: String,
        /// What the system said.
        source: io::Error,
    },
    /// No reply came in time.
    #[error("no reply within {waited:?}")]
    Timeout {
        /// How long it was waited for.
        waited: Duration,
    },
    /// The process tree held more memory than it may.
    #[error("{resident} resident, {limit} allowed")]
    Memory {
        /// What it may hold.
        limit: Bytes,
        /// What it held.
        resident: Bytes,
    },
    /// A reply was longer than it may be.
    #[error("a reply of more than {limit}")]
    ReplyTooLarge {
        /// The longest reply that is taken.
        limit: Bytes,
    },
    /// The process ended.
    #[error("the process ended: {}", .0.how)]
    Died(Ending),
    /// What came was no reply to what was asked.
    #[error("{problem}")]
    Protocol {
        /// What is wrong with it.
        problem: String,
        /// The beginning of what came, and the last lines of stderr.
        seen: String,
    },
    /// The user interrupted.
    #[error("interrupted")]
    Interrupted,
    /// A pipe failed in a way that has nothing to do with the REPL.
    #[error("cannot talk to the process")]
    Pipe(#[source] io::Error),
}

impl SessionError {
    /// Whether the session was stopped at a limit that the user can raise.
    pub(crate) fn is_limit(&self) -> bool {
        matches!(
            self,
            Self::Timeout { .. } | Self::Memory { .. } | Self::ReplyTooLarge { .. }
        )
    }

    /// What the user reads about it.
    pub(crate) fn into_failure(self) -> Failure {
        match self {
            Self::Start { program, source } => Failure::new(
                Kind::Session,
                format!("cannot start the REPL `{program}`"),
                "give the path of a REPL binary with `--repl PATH`, or use `--toolchain core`",
            )
            .caused_by(source),
            Self::Timeout { waited } => Failure::new(
                Kind::Session,
                format!(
                    "the REPL did not answer within {} and was stopped",
                    humantime::format_duration(waited)
                ),
                "raise `--timeout` (`--import-timeout` for a start or an import), or look for a command or tactic that does not end",
            ),
            Self::Memory { limit, resident } => Failure::new(
                Kind::Session,
                format!("the REPL held {resident} of memory, over the limit of {limit}, and was stopped"),
                "raise `--memory`, or split the file",
            ),
            Self::ReplyTooLarge { limit } => Failure::new(
                Kind::Session,
                format!("the REPL sent a reply longer than {limit} and was stopped"),
                "raise `--max-reply`, or ask for less (no `--infotree`)",
            ),
            Self::Died(ending) => died(&ending),
            Self::Protocol { problem, seen } => {
                let failure = Failure::new(
                    Kind::Session,
                    problem,
                    "check that the program is a Lean REPL; if it is, run again with `-v` to see what was asked",
                );
                if seen.is_empty() { failure } else { failure.caused_by(seen) }
            }
            Self::Interrupted => Failure::new(Kind::Interrupted, "stopped by the user", "run it again to start over"),
            Self::Pipe(err) => Failure::new(
                Kind::Session,
                "cannot talk to the REPL over its pipes",
                "run it again; if that does not help, look at the limits on open files (`ulimit -n`)",
            )
            .caused_by(err),
        }
    }
}

/// The words for a process that ended by itself.
fn died(ending: &Ending) -> Failure {
    let (problem, hint) = match ending.how {
        How::StackOverflow => (
            "the REPL died of a stack overflow".to_owned(),
            "look for a recursion without end in the file",
        ),
        How::OutOfMemory => (
            "the REPL ran out of memory".to_owned(),
            "split the file, or give the machine or container more memory",
        ),
        How::Signal(SIGKILL) => (
            format!(
                "the REPL was killed (signal {SIGKILL}), by the system for lack of memory or by hand"
            ),
            "run it again; if it ends the same way, split the file, or give the machine or container more memory",
        ),
        how => (
            format!("the REPL died without an answer ({how})"),
            "run again with `-v` to see the request it died of",
        ),
    };
    let failure = Failure::new(Kind::Session, problem, hint);
    if ending.stderr.is_empty() {
        failure
    } else {
        failure.caused_by(format!("its last lines on stderr:\n{}", ending.stderr))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kill_from_outside_is_not_said_to_be_a_lack_of_memory() {
        let problem = |how| {
            let ending = Ending {
                how,
                stderr: String::new(),
            };
            SessionError::Died(ending)
                .into_failure()
                .problem()
                .to_owned()
        };
        assert_eq!(
            problem(How::Signal(9)),
            "the REPL was killed (signal 9), by the system for lack of memory or by hand"
        );
        assert_eq!(problem(How::OutOfMemory), "the REPL ran out of memory");
    }
}
