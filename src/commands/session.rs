//! From a command line to the specification of the sessions that it runs, for every command that runs them.

use std::path::Path;

use crate::cli::shared::SandboxArgs;
use crate::commands::lean;
use crate::event::Observer;
use crate::failure::Failure;
use crate::isolation::Isolation;
use crate::limits::Wait;
use crate::session::base::BaseEnv;
use crate::session::exchange::SessionLimits;
use crate::session::identity::LeanRepl;
use crate::session::spec::SessionSpec;
use crate::settings::Toolchain;

/// What a command says about its sessions.
pub(crate) struct Plan<'a> {
    pub(crate) toolchain: &'a Toolchain,
    pub(crate) sandbox: SandboxArgs,
    pub(crate) limits: SessionLimits,
    /// The longest wait for a start or an import.
    pub(crate) import_timeout: Wait,
    pub(crate) base: BaseEnv,
    /// How much evaluations may share; none for the default, and where one user has the session.
    pub(crate) isolation: Option<Isolation>,
}

impl Plan<'_> {
    /// The specification of its sessions.
    ///
    /// # Errors
    /// A sandbox that this kernel lacks.
    pub(crate) fn spec(
        self,
        mut lean: LeanRepl,
        observer: &dyn Observer,
    ) -> Result<SessionSpec, Failure> {
        let file = self.base.file().map(Path::to_owned);
        lean.launch.reads.extend(file);
        lean.launch = lean::confine(self.sandbox, self.toolchain, lean.launch, observer)?;
        Ok(SessionSpec {
            base: self.base,
            limits: self.limits,
            import_timeout: self.import_timeout,
            isolation: self.isolation,
            ..SessionSpec::new(lean)
        })
    }
}
