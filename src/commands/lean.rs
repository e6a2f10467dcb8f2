//! From the choice of a Lean to a REPL that can be started.

use std::path::Path;
use std::sync::Arc;

use crate::cli::shared::SandboxArgs;
use crate::commands::core;
use crate::data_dir::DataDir;
use crate::digest;
use crate::elan::{Active, Elan};
use crate::env_vars;
use crate::event::{Event, Observer};
use crate::failure::{Failure, Kind};
use crate::limits::{CancelFlag, Deadline, Wait};
use crate::process::launch::Launch;
use crate::process::run::find_program;
use crate::process::sandbox::{self, Mode};
use crate::project::Project;
use crate::session::base::{BaseChoice, BaseEnv};
use crate::session::identity::{Identity, LeanRepl};
use crate::settings::{self, Source, Toolchain};
use crate::setup::build::{For, Shelf};
use crate::ui::Ui;
use crate::work::WorkContext;

/// Longest wait for Lake to say where a project's modules are. It may have to run the Lake file.
const LAKE: Wait = Wait::secs(300);

/// The REPL of the chosen Lean: core Lean is installed if need be, that of a project must have been
/// built.
///
/// # Errors
/// A project whose REPL was not built, one that Lake cannot load, and what the installer of core Lean
/// says.
pub(crate) fn prepare(
    chosen: &Toolchain,
    ui: &Arc<Ui>,
    interrupt: &CancelFlag,
) -> Result<LeanRepl, Failure> {
    let manifest = match &chosen.project {
        Some(project) => project.manifest_digest()?,
        None => None,
    };
    let (launch, toolchain, repl) = match &chosen.source {
        Source::Core => {
            let installed = core::ensure(ui, interrupt)?;
            let (toolchain, repl) = installed.identity();
            (installed.launch(), toolchain, repl)
        }
        Source::Binary(path) => {
            let launch = Launch {
                vars: env_vars::cleaned(),
                ..Launch::new(path)
            };
            (launch, path.display().to_string(), binary_digest(path))
        }
        Source::Project(active) => {
            let project = chosen.project.as_ref().ok_or_else(|| {
                Failure::bug("a project's toolchain was chosen without a project")
            })?;
            return of_project(project, active, manifest, ui, interrupt);
        }
    };
    Ok(LeanRepl {
        launch,
        identity: Identity {
            toolchain,
            repl,
            manifest,
        },
        expected_lean: chosen.expected_lean.clone(),
    })
}

/// The REPL that was built for a project's toolchain, with the project's modules.
fn of_project(
    project: &Project,
    active: &Active,
    manifest: Option<String>,
    ui: &Arc<Ui>,
    interrupt: &CancelFlag,
) -> Result<LeanRepl, Failure> {
    let observer: Arc<dyn Observer> = Arc::<Ui>::clone(ui);
    let work = WorkContext {
        deadline: Deadline::after(LAKE.get()),
        observer: &observer,
        cancel: interrupt,
    };
    let lake = Elan::locate().lake(&active.toolchain);
    let whose = For::of(&active.toolchain, &lake, work)?;
    let built = Shelf::new(DataDir::locate()?)
        .selected(&whose)
        .ok_or_else(|| not_built(project, active))?;
    ui.tell(Event::Chosen {
        text: &format!("the REPL is {}, in `{}`", built.name(), built.dir.display()),
    });
    let vars =
        lake.session_variables(&project.root, work.deadline, observer.as_ref(), interrupt)?;
    Ok(LeanRepl {
        launch: Launch {
            vars,
            ..Launch::new(built.binary())
        },
        identity: built.identity(manifest),
        expected_lean: Some(built.record.lean.clone()),
    })
}

/// The failure before the first build.
fn not_built(project: &Project, active: &Active) -> Failure {
    Failure::new(
        Kind::Project,
        format!(
            "no REPL was built yet for `{}`, the toolchain of the project `{}`",
            active.toolchain,
            project.root.display()
        ),
        "run `leanrepl build` in the project, or use core Lean with `--toolchain core`",
    )
}

/// The digest of a binary of the user's. One that cannot be read cannot be started either, which says
/// more about it.
fn binary_digest(path: &Path) -> String {
    let paths = env_vars::read(env_vars::PATH);
    let found = find_program(path.as_os_str(), paths.as_deref());
    let digest = found.and_then(|path| digest::of_file(&path).ok());
    digest.map_or_else(|| "unreadable".to_owned(), |(digest, _)| digest)
}

/// The launch of the chosen Lean with the confinement that is asked for: core Lean is confined by
/// default, and another REPL is not, which is noted.
///
/// # Errors
/// As [`sandbox::confine`].
pub(crate) fn confine(
    args: SandboxArgs,
    chosen: &Toolchain,
    launch: Launch,
    observer: &dyn Observer,
) -> Result<Launch, Failure> {
    let mode = match args.sandbox {
        Some(arg) => settings::sandbox_mode(arg),
        None if chosen.source == Source::Core => Mode::Auto,
        None => {
            observer.tell(Event::Noted {
                text: "sessions of this REPL are not confined: the code in a source can do what you can; confine it with `--sandbox auto`",
            });
            Mode::Off
        }
    };
    sandbox::confine(mode, launch, observer)
}

/// What sources start from.
///
/// # Errors
/// A choice of a pickle that is not there or does not fit.
pub(crate) fn base(
    choice: BaseChoice,
    named: Option<&Path>,
    toolchain: &Toolchain,
    identity: &Identity,
    observer: &dyn Observer,
) -> Result<BaseEnv, Failure> {
    match settings::pickle::place(named, toolchain, identity) {
        Ok(place) => BaseEnv::choose(choice, &place, identity, observer),
        // Without a cache folder there is no pickle to be found, which matters only if one is chosen.
        Err(failure) if choice == BaseChoice::Pickle => Err(failure),
        Err(_) => Ok(BaseEnv::Import),
    }
}
