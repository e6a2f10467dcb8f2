//! Starts sessions from a specification. Never evaluates a source.

use std::sync::Arc;

use crate::event::Observer;
use crate::failure::{Failure, Kind};
use crate::limits::CancelFlag;
use crate::session::error::SessionError;
use crate::session::exchange::Session;
use crate::session::opening::{EnvError, OpenSession};
use crate::session::spec::SessionSpec;

/// Starts sessions that are all alike.
#[derive(Clone)]
pub(crate) struct SessionFactory {
    pub(crate) spec: Arc<SessionSpec>,
    pub(crate) cancel: CancelFlag,
    pub(crate) observer: Arc<dyn Observer>,
}

impl SessionFactory {
    /// Starts and proves a session. The calling thread must outlive it.
    pub(crate) fn open(&self) -> Result<OpenSession, Failure> {
        let launch = &self.spec.lean.launch;
        let session = Session::start(launch, self.spec.limits, &self.cancel, &self.observer)
            .map_err(SessionError::into_failure)?;
        let open = OpenSession::open(session, self.spec.import_timeout.get())
            .map_err(|error| self.no_opening(error))?;
        match &self.spec.lean.expected_lean {
            Some(expected) if *expected != open.lean_version => Err(Failure::new(
                Kind::Project,
                format!(
                    "the REPL `{}` runs Lean {}, but the project's `lean-toolchain` asks for Lean {expected}",
                    launch.program.display(),
                    open.lean_version
                ),
                "name a REPL that was built with the project's toolchain with `--repl PATH`",
            )),
            _ => Ok(open),
        }
    }

    /// A REPL that did not come up: says so, with what happened as the cause.
    fn no_opening(&self, error: EnvError) -> Failure {
        let is_limit = matches!(&error, EnvError::Session(error) if error.is_limit());
        let failure = error.into_failure();
        if failure.kind() != Kind::Session || is_limit {
            return failure;
        }
        Failure::new(
            Kind::Session,
            format!("`{}` did not start up as a Lean REPL", self.spec.lean.launch.program.display()),
            "check that it is the `repl` binary of leanprover-community/repl, built for this machine, \
             and that LEAN_SYSROOT and LEAN_PATH fit it",
        )
        .caused_by(failure)
    }
}
