//! `leanrepl repl`.

use std::path::PathBuf;

use clap::Args;

use crate::cli::shared::LeanArgs;
use crate::limits::{Bytes, Wait};

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
    /// Longest wait for the answer to a text or tactic, for example 90s or 5m; a session that takes
    /// longer is replaced.
    #[arg(
        long,
        value_name = "TIME",
        default_value = "2m",
        allow_hyphen_values = true
    )]
    pub(crate) timeout: Wait,
    /// Longest wait for Lean to start, and for imports.
    #[arg(
        long,
        value_name = "TIME",
        default_value = "5m",
        allow_hyphen_values = true
    )]
    pub(crate) import_timeout: Wait,
    /// Most memory that a session and the processes it starts may hold (resident), for example
    /// 12GiB; one that takes more is replaced.
    #[arg(
        long,
        value_name = "SIZE",
        default_value = "8GiB",
        allow_hyphen_values = true
    )]
    pub(crate) memory: Bytes,
    /// Longest reply that is taken from a REPL.
    #[arg(
        long,
        value_name = "SIZE",
        default_value = "512MiB",
        allow_hyphen_values = true
    )]
    pub(crate) max_reply: Bytes,
    /// Which Lean.
    #[command(flatten)]
    pub(crate) lean: LeanArgs,
}
