//! `leanrepl eval`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::cli::cache::CacheArgs;
use crate::cli::shared::{IsolationArgs, LeanArgs, LimitArgs, SandboxArgs};

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
    #[arg(short, long, value_name = "N", default_value_t = 1, allow_hyphen_values = true, value_parser = clap::value_parser!(u16).range(1..=256))]
    pub(crate) jobs: u16,
    /// Evaluate only the files of share I of N, counted from 0. The share of a file depends on its name as it is
    /// written here and on nothing else: the first eight bytes of its SHA-256, as a big-endian number, modulo N.
    /// A single number is N. Default of I, and in a Slurm array of both: `SLURM_ARRAY_TASK_ID` or
    /// `JOB_COMPLETION_INDEX`.
    #[arg(long, value_name = "I/N", allow_hyphen_values = true)]
    pub(crate) shard: Option<String>,
    /// Append each verdict to FILE as a line of JSON, and take from it those that an earlier run left there: a file
    /// is evaluated again only if it was undecided, or if the file, the options or Lean are other ones. Compiled
    /// modules that it imports are not looked at.
    #[arg(long, value_name = "FILE")]
    pub(crate) resume: Option<PathBuf>,
    /// How long things may take, and how large they may get.
    #[command(flatten)]
    pub(crate) limits: LimitArgs,
    /// Reject a file that leaves a hole (`sorry`), or names what hides one.
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
    /// What files start from: the pickle that `leanrepl pickle` made, their imports, or the pickle
    /// if it fits the file and has no prelude. With `pickle`, a file without imports starts from
    /// the pickle too, and one with other imports is undecided. Default: auto, or pickle with
    /// `--pickle`.
    #[arg(long, value_enum)]
    pub(crate) base: Option<BaseArg>,
    /// The pickle to start from.
    #[arg(long, value_name = "FILE")]
    pub(crate) pickle: Option<PathBuf>,
    /// Which Lean.
    #[command(flatten)]
    pub(crate) lean: LeanArgs,
    /// Read the compiled modules that the files import into memory before the first session starts:
    /// several at once, and as many as fit. Helps after a start of the machine or on a slow disk.
    #[arg(long)]
    pub(crate) prefault: bool,
    /// How sessions are confined.
    #[command(flatten)]
    pub(crate) sandbox: SandboxArgs,
    /// What sources share.
    #[command(flatten)]
    pub(crate) isolation: IsolationArgs,
    /// Where results are kept.
    #[command(flatten)]
    pub(crate) cache: CacheArgs,
    /// Write one JSON object a file as it finishes, and a last `summary`.
    #[arg(long, conflicts_with = "format")]
    pub(crate) json: bool,
    /// How to write what Lean says.
    #[arg(long, value_enum, default_value_t = FormatArg::Human)]
    pub(crate) format: FormatArg,
}

/// What files start from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum BaseArg {
    /// The pickle.
    Pickle,
    /// Their imports.
    Import,
    /// The pickle if there is one that fits, else their imports.
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
