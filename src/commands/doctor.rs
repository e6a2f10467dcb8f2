//! `leanrepl doctor`: joins the looks to the user.

use std::path::Path;
use std::sync::Arc;

use crate::cli::doctor::DoctorArgs;
use crate::commands::exit_code::DONE;
use crate::data_dir::DataDir;
use crate::event::Observer;
use crate::failure::{Failure, Kind};
use crate::limits::CancelFlag;
use crate::settings;
use crate::setup::doctor::fact::State;
use crate::setup::doctor::{self, Looks};
use crate::ui::Ui;

/// Looks at everything and shows it; the exit code says whether something that is needed is missing.
///
/// # Errors
/// A project that was named and is none, no place for a cache, and the user's wish to stop.
pub(crate) fn run(args: &DoctorArgs, ui: &Arc<Ui>, interrupt: &CancelFlag) -> Result<u8, Failure> {
    let project = settings::find_project(args.project.as_deref(), Path::new("."))?;
    let observer: Arc<dyn Observer> = Arc::<Ui>::clone(ui);
    let looks = Looks {
        patience: args.timeout.get(),
        observer: &observer,
        interrupt,
    };
    let facts = doctor::examine(project.as_ref(), &DataDir::locate()?, looks)?;
    let code = if facts.iter().any(|fact| fact.state == State::Missing) {
        Kind::Project.exit_code()
    } else {
        DONE
    };
    // A reader that went away has seen enough.
    let _written = ui.facts(&facts, code)?;
    Ok(code)
}
