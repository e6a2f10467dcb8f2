//! `leanrepl core`: joins the installer to the user.

use crate::cli::RunCommand;
use crate::cli::core::{CoreAction, CoreArgs};
use crate::commands::RunContext;
use crate::commands::exit_code::DONE;
use crate::data_dir::DataDir;
use crate::failure::Failure;
use crate::limits::{CancelFlag, Deadline, Wait};
use crate::setup::core_lean::{CoreLean, Installed};
use crate::ui::Ui;

/// Longest wait for an installation: a slow line takes minutes for 120 MB.
const INSTALL: Wait = Wait::secs(1800);

impl RunCommand<RunContext> for CoreArgs {
    /// Installs or removes core Lean.
    ///
    /// # Errors
    /// What the installer says.
    fn run(self, context: &RunContext) -> Result<u8, Failure> {
        let RunContext { ui, interrupt, .. } = context;
        let core = CoreLean::new(DataDir::locate()?);
        let deadline = Deadline::after(INSTALL.get());
        match self.action {
            CoreAction::Install => {
                let installed = core.install(deadline, ui.as_ref(), interrupt)?;
                let (node, version) = installed.node();
                // A reader that went away has seen enough: either way it is done.
                let _written = ui.data_line(&format!(
                    "Lean {} is in {} ({}), run by Node {version} ({})",
                    installed.lean_version(),
                    installed.dir().display(),
                    installed.size(),
                    node.display()
                ))?;
            }
            CoreAction::Remove => {
                let removed = core.remove(deadline, ui.as_ref(), interrupt)?;
                let folder = core.folder();
                let _written = ui.data_line(&if removed {
                    format!("core Lean was removed from {}", folder.display())
                } else {
                    format!("core Lean was not installed in {}", folder.display())
                })?;
            }
        }
        Ok(DONE)
    }
}

/// Core Lean, installed if need be.
///
/// # Errors
/// What the installer says.
pub(crate) fn ensure(ui: &Ui, interrupt: &CancelFlag) -> Result<Installed, Failure> {
    CoreLean::new(DataDir::locate()?).ensure(Deadline::after(INSTALL.get()), ui, interrupt)
}
