//! `leanrepl doctor`.

use std::path::PathBuf;

use clap::Args;

use crate::limits::Wait;

/// Looks at all that an evaluation depends on, and says how to fix each problem.
///
/// In a Lake project it looks at what the project's own Lean needs, elsewhere at core Lean. Nothing is
/// installed, fetched or changed. Exit code 0 means that all that is needed is there, 3 that something
/// is missing.
#[derive(Debug, Args)]
pub(crate) struct DoctorArgs {
    /// The folder of the Lake project; found from the working folder if absent.
    #[arg(long, value_name = "DIR")]
    pub(crate) project: Option<PathBuf>,
    /// Longest wait for each single look, for example 5s or 2m: a program that hangs is reported.
    #[arg(long, value_name = "TIME", default_value = "30s")]
    pub(crate) timeout: Wait,
    /// Write one JSON object for each fact, and a last `summary`.
    #[arg(long)]
    pub(crate) json: bool,
}
