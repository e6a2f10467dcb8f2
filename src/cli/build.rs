//! `leanrepl build`.

use std::path::PathBuf;

use clap::Args;

use crate::limits::Wait;

/// Builds the REPL for a project's toolchain and keeps it in the cache.
///
/// The toolchain is the one that elan would run in the project. The REPL is built at the tag of that
/// Lean release, and has to answer before it is kept. It is used by `leanrepl eval` from then on.
/// A second run finds it and needs no network.
#[derive(Debug, Args)]
pub(crate) struct BuildArgs {
    /// The folder of the Lake project; found from the working folder if absent.
    #[arg(long, value_name = "DIR")]
    pub(crate) project: Option<PathBuf>,
    /// The repository of the REPL, as an address or a folder; the one of the community if absent.
    #[arg(long, value_name = "URL|PATH")]
    pub(crate) repl_repo: Option<String>,
    /// The tag, branch or whole commit to build; chosen by the Lean release if absent.
    #[arg(long, value_name = "REF")]
    pub(crate) repl_ref: Option<String>,
    /// Build again, even if it was built before.
    #[arg(long)]
    pub(crate) force: bool,
    /// Use only what was built before.
    #[arg(long, conflicts_with_all = ["force", "install_elan"])]
    pub(crate) offline: bool,
    /// Install elan first if it is missing, with its own installer.
    #[arg(long)]
    pub(crate) install_elan: bool,
    /// Longest wait for all of it, for example 30m or 2h.
    #[arg(long, value_name = "TIME", default_value = "30m")]
    pub(crate) timeout: Wait,
}
