//! `leanrepl build`: joins the builder to the user.

use std::sync::Arc;

use crate::cli::RunCommand;
use crate::cli::build::BuildArgs;
use crate::commands::RunContext;
use crate::commands::exit_code::DONE;
use crate::data_dir::DataDir;
use crate::elan::{Elan, install};
use crate::event::{Event, Observer};
use crate::failure::Failure;
use crate::limits::Deadline;
use crate::settings;
use crate::setup::build::{Built, For, Old, Shelf};
use crate::ui::Ui;
use crate::work::WorkContext;

impl RunCommand<RunContext> for BuildArgs {
    /// Builds the REPL for a project, or finds it.
    ///
    /// # Errors
    /// What keeps it from being built.
    fn run(self, context: &RunContext) -> Result<u8, Failure> {
        let RunContext { ui, interrupt, .. } = context;
        let project = settings::build::project(&self)?;
        let wanted = settings::build::source(&self);
        let observer: Arc<dyn Observer> = Arc::<Ui>::clone(ui);
        let work = WorkContext {
            deadline: Deadline::after(self.timeout.get()),
            observer: &observer,
            cancel: interrupt,
        };
        let cache = DataDir::locate()?;
        let elan = Elan::locate();
        if self.install_elan && elan.program().is_none() {
            install_elan(&cache, &elan, work)?;
        }
        let active = elan.active(&project.root)?;
        let why = format!("using `{}` because {}", active.toolchain, active.origin);
        ui.tell(Event::Chosen { text: &why });
        let lake = elan.lake(&active.toolchain);
        let whose = For::of(&active.toolchain, &lake, work)?;
        let shelf = Shelf::new(cache);
        let origin = active.origin.to_string();
        let built = if self.offline {
            shelf.ensure_offline(&whose, &wanted)?
        } else if self.force {
            shelf.build(&whose, &wanted, &origin, &lake, work, Old::Replace)?
        } else {
            shelf.ensure(&whose, &wanted, &origin, &lake, work)?
        };
        // A reader that went away has seen enough: either way it is done.
        let _written = ui.data_line(&told(&built))?;
        Ok(DONE)
    }
}

/// One sentence about a built REPL.
fn told(built: &Built) -> String {
    format!(
        "the REPL {} for {} (Lean {}) is in {}",
        built.name(),
        built.record.toolchain,
        built.record.lean,
        built.dir.display()
    )
}

/// Installs elan, in a folder that is gone afterwards.
fn install_elan(cache: &DataDir, elan: &Elan, work: WorkContext<'_>) -> Result<(), Failure> {
    let (deadline, observer) = (work.deadline, work.observer.as_ref());
    let name = "elan-init";
    let lock = cache.lock(name, "installing elan", deadline, observer, work.cancel)?;
    // Never published: the installer is not needed again.
    let stage = lock.stage(&cache.root().join(name))?;
    let folder = stage.dir();
    elan.install(install::INSTALLER, folder, deadline, observer, work.cancel)
}
