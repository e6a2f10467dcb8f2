//! `leanrepl toy`.

use clap::Args;

use crate::cli::shared::{LeanArgs, LimitArgs, SandboxArgs};

/// Reads one source a line and writes the verdict on each.
#[derive(Debug, Args)]
pub(crate) struct ToyArgs {
    /// Reject a source that contains `sorry`.
    #[arg(long)]
    pub(crate) fail_on_sorry: bool,
    /// How long a source may run, and how large its reply may be.
    #[command(flatten)]
    pub(crate) limits: LimitArgs,
    /// How sessions are confined.
    #[command(flatten)]
    pub(crate) sandbox: SandboxArgs,
    /// Which Lean.
    #[command(flatten)]
    pub(crate) lean: LeanArgs,
}
