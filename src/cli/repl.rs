//! `leanrepl repl`.

use std::path::PathBuf;

use clap::Args;

use crate::cli::shared::{LeanArgs, LimitArgs, SandboxArgs};

/// Opens a shell in which texts build on each other, and proofs are made tactic by tactic.
///
/// What is typed is Lean, or a command that begins with a colon: `:help` lists them. Ctrl-C stops
/// what runs, Ctrl-D ends. Without a terminal stdin is a script: the exit code is then the largest
/// of all that happened, as with `eval`.
#[derive(Debug, Args)]
pub(crate) struct ReplArgs {
    /// A file to run first, as `:load` does.
    #[arg(value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,
    /// A module to import first; may be repeated.
    #[arg(long = "import", value_name = "MODULE")]
    pub(crate) imports: Vec<String>,
    /// How long things may take, and how large they may get.
    #[command(flatten)]
    pub(crate) limits: LimitArgs,
    /// How sessions are confined.
    #[command(flatten)]
    pub(crate) sandbox: SandboxArgs,
    /// Which Lean.
    #[command(flatten)]
    pub(crate) lean: LeanArgs,
}
