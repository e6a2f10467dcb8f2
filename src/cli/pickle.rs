//! `leanrepl pickle`.

use std::path::PathBuf;

use clap::Args;

use crate::cli::shared::{LeanArgs, SandboxArgs, SessionArgs};

/// Pickles the environment of some imports, proves the pickle in a fresh process and publishes it.
///
/// A pickle keeps the imports and the `open`, `set_option`, `universe` and `variable` lines of
/// `--prelude`. Loading one imports again, so it saves little time; `--compare` measures it.
#[derive(Debug, Args)]
pub(crate) struct PickleArgs {
    /// A module to import; may be given several times. Default: `Lean` for core Lean without a
    /// project.
    #[arg(long = "import", value_name = "MODULE")]
    pub(crate) imports: Vec<String>,
    /// A file of `open`, `set_option`, `universe` and `variable` commands that are run after the
    /// imports and kept in the pickle.
    #[arg(long, value_name = "FILE")]
    pub(crate) prelude: Option<PathBuf>,
    /// A command that must run without an error in the unpickled environment, for example
    /// `#check Foo`; may be given several times. Others are found by themselves.
    #[arg(long = "probe", value_name = "TEXT")]
    pub(crate) probes: Vec<String>,
    /// Where the pickle goes; its sidecar has the same name with `.json`. Default:
    /// `.lake/leanrepl/mathlib_env.olean` of the project, or the cache folder without one.
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Measure the import against the pickle that is there, each in fresh processes, and note the
    /// faster one for `eval --base auto`.
    #[arg(long, conflicts_with_all = ["imports", "prelude", "probes"])]
    pub(crate) compare: bool,
    /// With `--compare`: how often each way is run; the median counts.
    #[arg(long, value_name = "N", default_value_t = 3, requires = "compare", value_parser = clap::value_parser!(u16).range(1..=100))]
    pub(crate) runs: u16,
    /// With `--compare`: do not drop the page cache of this machine for a cold run, which root may.
    #[arg(long, requires = "compare")]
    pub(crate) warm_only: bool,
    /// Read the compiled modules of the imports into memory before the REPL starts: several at once,
    /// and as many as fit.
    #[arg(long, conflicts_with = "compare")]
    pub(crate) prefault: bool,
    /// What each session may take.
    #[command(flatten)]
    pub(crate) session: SessionArgs,
    /// How sessions are confined.
    #[command(flatten)]
    pub(crate) sandbox: SandboxArgs,
    /// Which Lean.
    #[command(flatten)]
    pub(crate) lean: LeanArgs,
    /// Write one JSON object of type `pickle`.
    #[arg(long)]
    pub(crate) json: bool,
}
