//! Options that every command takes.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// How leanrepl itself talks.
#[derive(Debug, Clone, Args)]
pub(crate) struct OutputArgs {
    /// Say nothing but what Lean reports as an error, and failures.
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub(crate) quiet: bool,
    /// Echo each command that is run and each request that is sent, on stderr.
    #[arg(short, long, global = true)]
    pub(crate) verbose: bool,
    /// When to use colour; the variable `NO_COLOR` turns it off where this says `auto`.
    #[arg(long, global = true, value_enum, default_value_t = Color::Auto)]
    pub(crate) color: Color,
}

/// Which Lean is run.
#[derive(Debug, Clone, Args)]
pub(crate) struct LeanArgs {
    /// A REPL binary of your own. It gets your `LEAN_PATH` and `LEAN_SYSROOT`.
    #[arg(long, value_name = "PATH", conflicts_with = "toolchain")]
    pub(crate) repl: Option<PathBuf>,
    /// Which Lean: the project's, core Lean, or the project's if there is one.
    #[arg(long, value_enum, default_value_t = ToolchainArg::Auto)]
    pub(crate) toolchain: ToolchainArg,
    /// The folder of the Lake project; found from the first file, or from the working directory if
    /// there is none.
    #[arg(long, value_name = "DIR")]
    pub(crate) project: Option<PathBuf>,
}

/// Which Lean is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ToolchainArg {
    /// The Lean from the npm registry.
    Core,
    /// The one that the project's `lean-toolchain` names.
    Project,
    /// The project's if there is one, else core Lean.
    Auto,
}

/// How sessions are confined.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum SandboxArg {
    /// As far as the kernel can; what it cannot is said.
    Auto,
    /// All of it, or nothing is started.
    Strict,
    /// Not at all.
    Off,
}

/// When to use colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    /// On a terminal.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}
