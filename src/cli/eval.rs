//! `leanrepl eval`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::cli::shared::SandboxArg;
use crate::limits::{Bytes, Wait};

/// Evaluates files in a Lean REPL and prints what Lean says.
///
/// The leading imports of a file are run once per session and reused. Each file is evaluated on
/// its own: it never sees the definitions of another one.
#[derive(Debug, Args)]
pub(crate) struct EvalArgs {
    /// Files to evaluate; `-` is stdin, which is also read when no file is named.
    #[arg(value_name = "FILES|-")]
    pub(crate) files: Vec<PathBuf>,
    /// How many REPLs run side by side. Each holds a Lean of its own in memory.
    #[arg(short, long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=256))]
    pub(crate) jobs: u16,
    /// Longest wait for the answer to a file, for example 90s or 5m; a session that takes longer
    /// is stopped and the file is undecided.
    #[arg(long, value_name = "TIME", default_value = "2m")]
    pub(crate) timeout: Wait,
    /// Longest wait for a REPL to start, and for the imports of a file.
    #[arg(long, value_name = "TIME", default_value = "5m")]
    pub(crate) import_timeout: Wait,
    /// Most memory that a session and the processes it starts may hold (resident), for example
    /// 12GiB; one that takes more is stopped and the file is undecided.
    #[arg(long, value_name = "SIZE", default_value = "8GiB")]
    pub(crate) memory: Bytes,
    /// Longest reply that is taken from a REPL.
    #[arg(long, value_name = "SIZE", default_value = "512MiB")]
    pub(crate) max_reply: Bytes,
    /// Reject a file that leaves a hole (`sorry`).
    #[arg(long)]
    pub(crate) fail_on_sorry: bool,
    /// Reject a file that Lean warns about.
    #[arg(long)]
    pub(crate) fail_on_warning: bool,
    /// Show every tactic with the goals before it.
    #[arg(long)]
    pub(crate) tactics: bool,
    /// Show the info tree.
    #[arg(long, value_name = "KIND", value_enum)]
    pub(crate) infotree: Option<InfotreeArg>,
    /// A REPL binary of your own. It gets your `LEAN_PATH` and `LEAN_SYSROOT`.
    #[arg(long, value_name = "PATH", conflicts_with = "toolchain")]
    pub(crate) repl: Option<PathBuf>,
    /// Which Lean: the project's, core Lean, or the project's if there is one.
    #[arg(long, value_enum, default_value_t = ToolchainArg::Auto)]
    pub(crate) toolchain: ToolchainArg,
    /// The folder of the Lake project; found from the first file if absent.
    #[arg(long, value_name = "DIR")]
    pub(crate) project: Option<PathBuf>,
    /// Keep sessions from your files, the network and other processes (Linux). A confined session
    /// reads Lean and its modules, and writes to a temporary folder of its own.
    #[arg(long, value_enum, value_name = "WHEN", default_value_t = SandboxArg::Off)]
    pub(crate) sandbox: SandboxArg,
    /// Write one JSON object a file as it finishes, and a last `summary`.
    #[arg(long, conflicts_with = "format")]
    pub(crate) json: bool,
    /// How to write what Lean says.
    #[arg(long, value_enum, default_value_t = FormatArg::Human)]
    pub(crate) format: FormatArg,
}

/// Which Lean evaluates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ToolchainArg {
    /// The Lean from the npm registry.
    Core,
    /// The one that the project's `lean-toolchain` names.
    Project,
    /// The project's if there is one, else core Lean.
    Auto,
}

/// How messages are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum FormatArg {
    /// Like a compiler, for people.
    Human,
    /// Annotations of a GitHub workflow.
    Github,
}

/// Which parts of the info tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum InfotreeArg {
    /// Everything.
    Full,
    /// Tactic nodes.
    Tactics,
    /// Nodes that stand in the text.
    Original,
    /// Nodes that are more than structure.
    Substantive,
}
