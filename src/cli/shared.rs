//! Options that every command takes.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::limits::{Bytes, Wait};

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

/// What a session may take.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct SessionArgs {
    /// Longest wait for a session to start, and for an import or an unpickle.
    #[arg(
        long,
        value_name = "TIME",
        default_value = "5m",
        allow_hyphen_values = true
    )]
    pub(crate) import_timeout: Wait,
    /// Most memory that a session and the processes it starts may hold (resident), for example
    /// 12GiB; one that takes more is stopped, and what it was at is undecided.
    #[arg(
        long,
        value_name = "SIZE",
        default_value = "8GiB",
        allow_hyphen_values = true
    )]
    pub(crate) memory: Bytes,
}

/// What the answer to a text may take, and the session that gives it.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct LimitArgs {
    /// Longest wait for the answer to a file or text, for example 90s or 5m; a session that takes
    /// longer is stopped and replaced, and the text is undecided.
    #[arg(
        long,
        value_name = "TIME",
        default_value = "2m",
        allow_hyphen_values = true
    )]
    pub(crate) timeout: Wait,
    /// What each session may take.
    #[command(flatten)]
    pub(crate) session: SessionArgs,
    /// Longest reply that is taken from a REPL.
    #[arg(
        long,
        value_name = "SIZE",
        default_value = "512MiB",
        allow_hyphen_values = true
    )]
    pub(crate) max_reply: Bytes,
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

/// How the sessions of a command are confined whose default depends on the Lean.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct SandboxArgs {
    /// Keep sessions from your files, the network and other processes (Linux). A confined session
    /// reads Lean and its modules, and writes to a temporary folder of its own. Default: `auto` for
    /// core Lean, `off` for another REPL.
    #[arg(long, value_enum, value_name = "WHEN")]
    pub(crate) sandbox: Option<SandboxArg>,
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

/// What a source may find of those before it.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct IsolationArgs {
    /// What a source may find of those that ran before it. Default: `source` if the REPL can put its memory
    /// back, else `client`.
    #[arg(long, value_enum, value_name = "LEVEL")]
    pub(crate) isolation: Option<IsolationArg>,
}

/// What a source may find of those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum IsolationArg {
    /// Nothing: each runs in memory that was put back, or else in a process of its own, which costs a start.
    Source,
    /// What sources of the same client left: a process serves one client until it is replaced.
    Client,
    /// What any source left: fastest, for sources that you trust.
    None,
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
