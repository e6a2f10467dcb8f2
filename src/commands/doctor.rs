//! `leanrepl doctor`: joins the looks to the user.

use std::path::Path;
use std::sync::Arc;

use crate::cli::doctor::DoctorArgs;
use crate::cli::{DataFormat, RunCommand};
use crate::commands::RunContext;
use crate::commands::exit_code::DONE;
use crate::data_dir::DataDir;
use crate::event::Observer;
use crate::failure::{Failure, Kind};
use crate::limits::Deadline;
use crate::settings;
use crate::setup::doctor;
use crate::setup::doctor::fact::State;
use crate::ui::Ui;
use crate::work::WorkContext;

impl RunCommand<RunContext> for DoctorArgs {
    /// Looks at everything and shows it; the exit code says whether something that is needed is missing.
    ///
    /// # Errors
    /// A project that was named and is none, no place for a cache, and an interrupt.
    fn run(self, context: &RunContext) -> Result<u8, Failure> {
        let RunContext { ui, interrupt, .. } = context;
        let project = settings::find_project(self.project.as_deref(), Path::new("."))?;
        let observer: Arc<dyn Observer> = Arc::<Ui>::clone(ui);
        let work = WorkContext {
            // Of each look.
            deadline: Deadline::after(self.timeout.get()),
            observer: &observer,
            cancel: interrupt,
        };
        let facts = doctor::examine(project.as_ref(), &DataDir::locate()?, work)?;
        let code = if facts.iter().any(|fact| fact.state == State::Missing) {
            Kind::Project.exit_code()
        } else {
            DONE
        };
        // A reader that went away has seen enough.
        let _written = ui.facts(&facts, code)?;
        Ok(code)
    }

    fn format(&self) -> DataFormat {
        DataFormat::json_if(self.json)
    }
}
