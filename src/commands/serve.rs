//! `leanrepl serve`: joins the port, the pool and the user.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::cli::serve::ServeArgs;
use crate::cli::shared::OutputArgs;
use crate::commands::exit_code::DONE;
use crate::commands::lean;
use crate::commands::options::ProjectOptions;
use crate::data_dir::DataDir;
use crate::engine::pool::{Pool, PoolSettings};
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
use crate::session::base::{BaseEnv, Wish};
use crate::session::identity::LeanRepl;
use crate::settings::serve::{self as settings, Machine, Size};
use crate::settings::{Source, choose_toolchain, keys, pickle, sandbox_mode};
use crate::setup::core_lean::CoreLean;
use crate::setup::prefault;
use crate::ui::Ui;

/// Serves until the user wants to stop.
///
/// # Errors
/// What keeps the server from starting.
pub(crate) fn run(
    args: ServeArgs,
    output: &OutputArgs,
    ui: &Arc<Ui>,
    interrupt: &CancelFlag,
) -> Result<u8, Failure> {
    settings::refuse_queue(&args)?;
    let listen = settings::listen(&args)?;
    let wish = pickle::wish(args.base, args.pickle.as_deref())?;
    let chosen = choose_toolchain(&args.lean, Path::new("."))?;
    let size = Size::choose(&args, Machine::here(), chosen.source == Source::Core);
    let toolchain = ToolchainChoice {
        source: chosen.source.name(),
        why: chosen.why.clone(),
    };
    let options = settings::options(&args, size, toolchain)?;
    keys::keep_from_sessions(&args, &keys::foreseen(&chosen, core_folder().as_deref()))?;
    let (format, level) = settings::logs(&args, output);
    logs::start(format, level);
    let listener = Listener::bind(&listen)?;
    // A reader that only wanted the address may be gone after it.
    let _written = ui.data_line(&format!("http://{}", listener.address()))?;
    LogObserver.tell(Event::Chosen { text: &chosen.why });
    let make_pool: MakePool = {
        let (ui, interrupt) = (Arc::clone(ui), interrupt.clone());
        Box::new(move || {
            let lean = prepare(&args, wish, &chosen, &ui, &interrupt)?;
            let identity = lean.0.identity.clone();
            let pickle = lean.1.digest().map(str::to_owned);
            let confinement = sandbox::in_force(&lean.0.launch);
            let lean_options = ProjectOptions::read(&chosen, &LogObserver, &interrupt)?
                .of_no_file("each source", &LogObserver);
            let settings = PoolSettings {
                base: lean.1,
                lean_options: lean_options.clone(),
                ..settings::pool(&args, size, lean.0)
            };
            let pool = Pool::start(settings, Arc::new(LogObserver));
            Ok(StartedPool {
                pool,
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

/// The REPL, confined, with the modules of its header read ahead on wish; and what texts start from.
///
/// # Errors
/// A Lean that is not there, a pickle that does not fit, a file of keys that texts could read, or a
/// sandbox that this kernel lacks.
fn prepare(
    args: &ServeArgs,
    wish: Wish,
    chosen: &crate::settings::Toolchain,
    ui: &Arc<Ui>,
    interrupt: &CancelFlag,
) -> Result<(LeanRepl, BaseEnv), Failure> {
    let mut lean = lean::prepare(chosen, ui, interrupt)?;
    let named = args.pickle.as_deref();
    let base = lean::base(wish, named, chosen, &lean.identity, &LogObserver)?;
    lean.launch.reads.extend(base.file().map(Path::to_owned));
    if args.prefault {
        let headers = [header::split(&args.header)];
        let deadline = Deadline::after(args.session.import_timeout.get());
        prefault::before_import(&headers, &lean.launch, deadline, &LogObserver, interrupt);
    }
    // Now all is known that sessions read; nothing of a client has run yet.
    keys::keep_from_sessions(args, &lean.launch)?;
    lean.launch = sandbox::confine(sandbox_mode(args.sandbox), lean.launch, &LogObserver)?;
    keys::warn_if_open(args, &lean.launch, &LogObserver);
    Ok((lean, base))
}

/// The folder of core Lean, if there is a place for one.
fn core_folder() -> Option<PathBuf> {
    Some(CoreLean::new(DataDir::locate().ok()?).folder())
}
