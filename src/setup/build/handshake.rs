//! The proof that a built REPL is one: it answers a command, with the right Lean.

use std::path::Path;

use crate::env_vars::Variables;
use crate::failure::{Failure, Kind};
use crate::limits::Bytes;
use crate::process::launch::Launch;
use crate::session::exchange::{Session, SessionLimits};
use crate::session::opening::OpenSession;
use crate::setup::build::wanted::For;
use crate::work::WorkContext;

/// What a REPL may take that has imported nothing but `Init`.
const LIMITS: SessionLimits = SessionLimits {
    memory: Some(Bytes::mib(8 * 1024)),
    reply: Bytes::mib(16),
};

/// Starts the binary and gives the version that its Lean says it has.
///
/// # Errors
/// A REPL that does not start, does not answer or has another version than the toolchain's.
pub(crate) fn shake(
    binary: &Path,
    variables: Variables,
    whose: &For,
    work: WorkContext<'_>,
) -> Result<String, Failure> {
    let launch = Launch {
        vars: variables,
        ..Launch::new(binary)
    };
    let broken = |failure: Failure| {
        if failure.kind() == Kind::Interrupted {
            return failure;
        }
        Failure::new(
            Kind::Build,
            "the REPL was built, but it does not answer as it should",
            "run again with `-v` to see the talk with it, or try another commit with `--repl-ref`",
        )
        .caused_by(failure)
    };
    let session = Session::start(&launch, LIMITS, work.cancel, work.observer)
        .map_err(|error| broken(error.into_failure()))?;
    let open = OpenSession::open(session, work.deadline.left())
        .map_err(|trouble| broken(trouble.into_failure()))?;
    // A Lean that is no release may name itself in two ways.
    if whose.release().is_some() && open.lean_version != whose.lean {
        return Err(Failure::new(
            Kind::Project,
            format!(
                "the REPL was built with Lean {}, but the toolchain `{}` stands for Lean {}",
                open.lean_version, whose.toolchain, whose.lean
            ),
            "check what the toolchain is with `elan show`; a linked folder may be another version than its name",
        ));
    }
    Ok(open.lean_version)
}
