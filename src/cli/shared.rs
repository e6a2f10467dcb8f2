//! Options that every command takes.

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
