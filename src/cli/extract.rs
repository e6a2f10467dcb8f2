//! `leanrepl extract`.

use std::num::{NonZeroU32, NonZeroUsize};
use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::cli::shared::{LeanArgs, SandboxArgs, SessionArgs};
use crate::limits::Wait;

/// Extracts Lean's data as tables: declarations, what they use, steps of tactic proofs.
///
/// Rows go to sharded Parquet in a directory (`--out`) or to JSON lines (`--jsonl`). The same rows give the same
/// bytes, whatever the number of workers; an extraction that was interrupted goes on with `--resume`.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(crate) struct ExtractArgs {
    /// What to do with spools instead of extracting.
    #[command(subcommand)]
    pub(crate) command: Option<ExtractCommand>,
    /// `types`, `const-dep`, `tactics`, `decls`, or the constant that the file of `--plugin` defines.
    #[arg(value_name = "EXTRACTOR", required_unless_present_any = ["list", "command_word"])]
    pub(crate) extractor: Option<String>,
    /// Lean Scout's spelling of the extractor.
    #[arg(
        long = "command",
        value_name = "EXTRACTOR",
        hide = true,
        conflicts_with = "extractor"
    )]
    pub(crate) command_word: Option<String>,
    /// List the extractors with their columns.
    #[arg(long)]
    pub(crate) list: bool,
    /// Write the schema of the extractor's rows as JSON.
    #[arg(long, alias = "list-schema")]
    pub(crate) schema: bool,
    /// Modules to extract from, with all that they import.
    #[arg(long, value_name = "MODULE", num_args = 1..)]
    pub(crate) imports: Vec<String>,
    /// Lean files to extract tactics from.
    #[arg(long, value_name = "FILE", num_args = 1..)]
    pub(crate) read: Vec<PathBuf>,
    /// A library of the Lake project, or the first part of names of modules in `LEAN_PATH`: its modules, without
    /// what they import.
    #[arg(long, value_name = "LIB")]
    pub(crate) library: Option<String>,
    /// Directory for the result: empty or new, or one to continue with `--resume`.
    #[arg(long, value_name = "DIR", alias = "dataDir")]
    pub(crate) out: Option<PathBuf>,
    /// Write JSON lines instead, to a file or to stdout.
    #[arg(long, value_name = "FILE|-", num_args = 0..=1, default_missing_value = "-", conflicts_with_all = ["out", "json"])]
    pub(crate) jsonl: Option<PathBuf>,
    /// How rows become shards.
    #[command(flatten)]
    pub(crate) packing: PackingArgs,
    /// How many workers extract side by side. Each holds a Lean of its own in memory.
    #[arg(short, long, value_name = "N", default_value_t = 1, alias = "parallel", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub(crate) jobs: u16,
    /// Most rows that a worker is asked for at once.
    #[arg(long, value_name = "N", default_value_t = 2000, value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    pub(crate) page_rows: u64,
    /// Extract only the part I of N of the modules or files, counted from 0, and leave it for `pack`. A single
    /// number is N. Default of I, and in a Slurm array of both: `SLURM_ARRAY_TASK_ID` or `JOB_COMPLETION_INDEX`.
    #[arg(long, value_name = "I/N")]
    pub(crate) shard: Option<String>,
    /// Longest wait for one answer of a worker, for example 90s or 5m.
    #[arg(
        long,
        value_name = "TIME",
        default_value = "10m",
        allow_hyphen_values = true
    )]
    pub(crate) timeout: Wait,
    /// What each session may take.
    #[command(flatten)]
    pub(crate) session: SessionArgs,
    /// Continue an extraction in its directory: units whose inputs have not changed are kept.
    #[arg(long)]
    pub(crate) resume: bool,
    /// Leave out modules and files that fail, list them, and exit with 1.
    #[arg(long)]
    pub(crate) keep_going: bool,
    /// The Lean file that defines the extractor.
    #[arg(long, value_name = "FILE.lean")]
    pub(crate) plugin: Option<PathBuf>,
    /// What a plugin is given.
    #[arg(long, value_name = "JSON", requires = "plugin")]
    pub(crate) config: Option<String>,
    /// How sessions are confined.
    #[command(flatten)]
    pub(crate) sandbox: SandboxArgs,
    /// Which Lean.
    #[command(flatten)]
    pub(crate) lean: LeanArgs,
    /// Write one JSON object of type `extract` at the end.
    #[arg(long)]
    pub(crate) json: bool,
    /// What Lean Scout's options say that have no meaning here.
    #[command(flatten)]
    pub(crate) ignored: IgnoredArgs,
}

/// What to do with spools.
#[derive(Debug, Subcommand)]
pub(crate) enum ExtractCommand {
    /// Packs the shares that `--shard` left in directories into one result.
    Pack(PackArgs),
}

/// `leanrepl extract pack`.
#[derive(Debug, Args)]
pub(crate) struct PackArgs {
    /// The directories of all shares.
    #[arg(value_name = "DIR", required = true)]
    pub(crate) dirs: Vec<PathBuf>,
    /// Directory for the result: empty or new, or one in which packing was interrupted.
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
    /// How rows become shards.
    #[command(flatten)]
    pub(crate) packing: PackingArgs,
    /// Write one JSON object of type `extract` at the end.
    #[arg(long)]
    pub(crate) json: bool,
}

/// How rows become shards.
#[derive(Debug, Clone, Args)]
pub(crate) struct PackingArgs {
    /// Number of shards.
    #[arg(long, value_name = "N", default_value = "128", alias = "numShards", value_parser = shards)]
    pub(crate) num_shards: NonZeroU32,
    /// Rows of a row group of a shard.
    #[arg(long, value_name = "N", default_value = "1024", alias = "batchRows", value_parser = batch_rows)]
    pub(crate) batch_rows: NonZeroUsize,
    /// Column whose value chooses the shard of a row. Default: the extractor's, `name` or `ppTac`.
    #[arg(long, value_name = "FIELD")]
    pub(crate) shard_key: Option<String>,
}

/// What is ignored, with a warning.
#[derive(Debug, Clone, Args)]
pub(crate) struct IgnoredArgs {
    /// Lean Scout's own folder.
    #[arg(long = "scoutPath", value_name = "DIR", hide = true)]
    pub(crate) scout_path: Option<PathBuf>,
    /// Lean Scout's own folder.
    #[arg(long = "scoutDir", value_name = "DIR", hide = true)]
    pub(crate) scout_dir: Option<PathBuf>,
    /// The folder that Lean Scout runs in.
    #[arg(long = "cmdRoot", value_name = "DIR", hide = true)]
    pub(crate) cmd_root: Option<PathBuf>,
    /// Lean Scout's choice of Parquet, which `--out` makes here.
    #[arg(long, hide = true)]
    pub(crate) parquet: bool,
}

/// The most shards; each has a file that is open while rows are written.
const MOST_SHARDS: u32 = 4096;

/// The most rows of a row group.
const MOST_BATCH_ROWS: usize = 1 << 20;

/// A number of shards.
fn shards(text: &str) -> Result<NonZeroU32, String> {
    let number = text
        .parse()
        .ok()
        .and_then(NonZeroU32::new)
        .filter(|number| number.get() <= MOST_SHARDS);
    number.ok_or_else(|| format!("expected a number of shards from 1 to {MOST_SHARDS}"))
}

/// A number of rows.
fn batch_rows(text: &str) -> Result<NonZeroUsize, String> {
    let number = text
        .parse()
        .ok()
        .and_then(NonZeroUsize::new)
        .filter(|number| number.get() <= MOST_BATCH_ROWS);
    number.ok_or_else(|| format!("expected a number of rows from 1 to {MOST_BATCH_ROWS}"))
}
