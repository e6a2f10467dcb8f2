//! `leanrepl serve`: joins the port, the pool and the user.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::cli::RunCommand;
use crate::cli::serve::ServeArgs;
use crate::cli::shared::SandboxArgs;
use crate::commands::RunContext;
use crate::commands::cache::{CachePlan, Front};
use crate::commands::exit_code::DONE;
use crate::commands::lean;
use crate::commands::options::ProjectOptions;
use crate::commands::session::Plan;
use crate::data_dir::DataDir;
use crate::engine::cache::lookup::Audience;
use crate::engine::pool::Pool;
use crate::event::{Event, Observer};
use crate::failure::Failure;
use crate::http::listener::Listener;
use crate::http::serve;
use crate::lean::header;
use crate::limits::{CancelFlag, Deadline};
use crate::process::sandbox;
use crate::service::lifecycle::MakePool;
use crate::service::logs::{self, LogObserver};
use crate::service::options::ToolchainChoice;
use crate::service::server::StartedPool;
use crate::session::base::BaseChoice;
use crate::session::exchange::SessionLimits;
use crate::session::spec::SessionSpec;
use crate::settings::serve::{self as settings, Machine, Size};
use crate::settings::{Source, choose_toolchain, isolation, keys, pickle};
use crate::setup::core_lean::CoreLean;
use crate::setup::prefault;
use crate::ui::Ui;

impl RunCommand<RunContext> for ServeArgs {
    /// Serves until the user wants to stop.
    ///
    /// # Errors
    /// What keeps the server from starting.
    fn run(self, context: &RunContext) -> Result<u8, Failure> {
        let RunContext {
            ui,
            interrupt,
            output,
        } = context;
        settings::refuse_queue(&self)?;
        let listen = settings::listen(&self)?;
        let choice = pickle::choice(self.base, self.pickle.as_deref())?;
        let chosen = choose_toolchain(&self.lean, Path::new("."))?;
        let size = Size::choose(&self, Machine::here(), chosen.source == Source::Core);
        let toolchain = ToolchainChoice {
            source: chosen.source.name(),
            why: chosen.why.clone(),
        };
        let listener = Listener::bind(&listen)?;
        let mut options = settings::options(&self, size, toolchain, listener.address())?;
        keys::keep_from_sessions(&self, &keys::foreseen(&chosen, core_folder().as_deref()))?;
        options.outcome_file = settings::outcome_file(&self)?;
        let (format, level) = settings::logs(&self, output);
        logs::start(format, level);
        // A reader that only wanted the address may be gone after it.
        let _written = ui.data_line(&format!("http://{}", listener.address()))?;
        LogObserver.tell(Event::Chosen { text: &chosen.why });
        let make_pool: MakePool = {
            let (ui, interrupt) = (Arc::clone(ui), interrupt.clone());
            Box::new(move || {
                let spec = prepare(&self, choice, &chosen, &ui, &interrupt)?;
                let identity = spec.lean.identity.clone();
                let pickle = spec.base.digest().map(str::to_owned);
                let confinement = sandbox::in_force(&spec.lean.launch);
                let lean_options = ProjectOptions::read(&chosen, &LogObserver, &interrupt)?
                    .of_no_file("each source", &LogObserver);
                let audience = if self.cache_shared {
                    Audience::All
                } else {
                    Audience::EachClient
                };
                let settings = settings::pool(&self, size, spec);
                let log = Arc::new(LogObserver);
                let cache = CachePlan::new(&self.cache, audience, &settings.spec, log)?;
                let pool = Pool::start(settings, Arc::new(LogObserver));
                let front = Front::new(cache, &pool);
                Ok(StartedPool {
                    evaluate: front.evaluate,
                    cache: front.cached,
                    pool: Some(pool),
                    identity,
                    pickle,
                    confinement,
                    lean_options,
                })
            })
        };
        serve::run(listener, options, make_pool, interrupt)?;
        Ok(DONE)
    }
}

/// The specification of the sessions; the modules of their header are read ahead if that is asked for.
///
/// # Errors
/// A Lean that is not there, a pickle that does not fit, a file of keys that sources could read, or a
/// sandbox that this kernel lacks.
fn prepare(
    args: &ServeArgs,
    choice: BaseChoice,
    chosen: &crate::settings::Toolchain,
    ui: &Arc<Ui>,
    interrupt: &CancelFlag,
) -> Result<SessionSpec, Failure> {
    let lean = lean::prepare(chosen, ui, interrupt)?;
    let named = args.pickle.as_deref();
    let plan = Plan {
        toolchain: chosen,
        sandbox: SandboxArgs {
            sandbox: Some(args.sandbox),
        },
        limits: SessionLimits {
            memory: Some(args.session.memory),
            reply: args.max_reply,
        },
        import_timeout: args.session.import_timeout,
        base: lean::base(choice, named, chosen, &lean.identity, &LogObserver)?,
        isolation: isolation(args.isolation),
    };
    let spec = plan.spec(lean, &LogObserver)?;
    // Now all is known that sessions read; nothing of a client has run yet.
    keys::keep_from_sessions(args, &spec.lean.launch)?;
    keys::warn_if_open(args, &spec.lean.launch, &LogObserver);
    if args.prefault {
        let headers = [header::split(&args.header)];
        let deadline = Deadline::after(spec.import_timeout.get());
        let launch = &spec.lean.launch;
        prefault::before_import(&headers, launch, deadline, &LogObserver, interrupt);
    }
    Ok(spec)
}

/// The folder of core Lean, if there is a place for one.
fn core_folder() -> Option<PathBuf> {
    Some(CoreLean::new(DataDir::locate().ok()?).folder())
}
