//! `leanrepl pickle`: joins the order, the sessions and the user.

use std::path::Path;
use std::sync::Arc;

use crate::cli::pickle::PickleArgs;
use crate::cli::{DataFormat, RunCommand};
use crate::commands::RunContext;
use crate::commands::exit_code::DONE;
use crate::commands::lean;
use crate::commands::session;
use crate::data_dir::DataDir;
use crate::event::{Event, Observer};
use crate::failure::Failure;
use crate::limits::{Bytes, CancelFlag, Deadline};
use crate::project::input;
use crate::session::base::BaseEnv;
use crate::session::exchange::SessionLimits;
use crate::session::factory::SessionFactory;
use crate::session::pickle::imports::checked_header;
use crate::session::pickle::place::Place;
use crate::session::pickle::prelude::Prelude;
use crate::settings;
use crate::setup::pickle::compare::{self, Plan};
use crate::setup::pickle::write::{self, Order};
use crate::setup::prefault;
use crate::ui::Ui;

/// Longest reply that is taken: ours are short, but Lean may have much to object.
const REPLY: Bytes = Bytes::mib(64);

impl RunCommand<RunContext> for PickleArgs {
    /// Makes a pickle, or compares the one that is there with an import.
    ///
    /// # Errors
    /// What keeps the pickle from being made, or from being measured.
    fn run(self, context: &RunContext) -> Result<u8, Failure> {
        let RunContext { ui, interrupt, .. } = context;
        let toolchain = settings::choose_toolchain(&self.lean, Path::new("."))?;
        ui.tell(Event::Chosen {
            text: &toolchain.why,
        });
        // What is wrong with the order is said before a Lean is installed for it.
        let wanted = if self.compare {
            None
        } else {
            let imports = settings::pickle::imports(&self, &toolchain)?;
            checked_header(&imports)?;
            Some((imports, prelude(self.prelude.as_deref(), ui, interrupt)?))
        };
        let mut lean = lean::prepare(&toolchain, ui, interrupt)?;
        let place = settings::pickle::place(self.output.as_deref(), &toolchain, &lean.identity)?;
        lean.launch.reads.push(place.pickle().to_owned());
        let sessions = session::Plan {
            toolchain: &toolchain,
            sandbox: self.sandbox,
            limits: SessionLimits {
                memory: Some(self.session.memory),
                reply: REPLY,
            },
            import_timeout: self.session.import_timeout,
            base: BaseEnv::Import,
            isolation: None,
        };
        let factory = SessionFactory {
            spec: Arc::new(sessions.spec(lean, ui.as_ref())?),
            cancel: interrupt.clone(),
            observer: Arc::<Ui>::clone(ui),
        };
        match wanted {
            Some((imports, prelude)) => {
                if self.prefault {
                    let headers = [checked_header(&imports)?];
                    let launch = &factory.spec.lean.launch;
                    let deadline = Deadline::after(self.session.import_timeout.get());
                    prefault::before_import(&headers, launch, deadline, ui.as_ref(), interrupt);
                }
                make(&self, imports, prelude, place, &factory, ui)
            }
            None => compare(&self, &place, &factory, ui),
        }
    }

    fn format(&self) -> DataFormat {
        DataFormat::json_if(self.json)
    }
}

/// The prelude that the user named; none if there is no command in it.
fn prelude(
    path: Option<&Path>,
    ui: &Ui,
    interrupt: &CancelFlag,
) -> Result<Option<Prelude>, Failure> {
    let Some(path) = path else {
        return Ok(None);
    };
    let text = input::read(path, ui, interrupt).map_err(|failure| {
        let problem = format!("cannot use the prelude `{}`", input::display_name(path));
        Failure::new(failure.kind(), problem, failure.hint()).caused_by(failure)
    })?;
    Prelude::parse(path, &text)
}

/// Makes a pickle and tells of it.
fn make(
    args: &PickleArgs,
    imports: Vec<String>,
    prelude: Option<Prelude>,
    place: Place,
    factory: &SessionFactory,
    ui: &Ui,
) -> Result<u8, Failure> {
    let order = Order {
        imports,
        prelude,
        probes: args.probes.clone(),
        place,
    };
    let sidecar = write::run(&order, factory, &DataDir::locate()?)?;
    // A reader that went away has seen enough: the pickle is made.
    let _written = ui.pickled(order.place.pickle(), &sidecar)?;
    Ok(DONE)
}

/// Measures both ways and tells of it.
fn compare(
    args: &PickleArgs,
    place: &Place,
    factory: &SessionFactory,
    ui: &Ui,
) -> Result<u8, Failure> {
    let plan = Plan {
        runs: args.runs,
        cold: !args.warm_only,
    };
    let sidecar = compare::run(place, plan, factory, &DataDir::locate()?)?;
    let _written = ui.compared(place.pickle(), &sidecar)?;
    Ok(DONE)
}
