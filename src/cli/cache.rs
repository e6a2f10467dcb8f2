//! Where results are kept, and `leanrepl cache`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::engine::cache::redis_store::PREFIX;
use crate::limits::{Bytes, Wait};

/// Where results are kept.
#[derive(Debug, Clone, Args)]
pub(crate) struct CacheArgs {
    /// Where results are kept, so that no source is evaluated twice: `off`, `auto` (the cache folder), a folder,
    /// or `redis://HOST`. Default: the variable `LEANREPL_CACHE`, else `off`.
    #[arg(long, value_name = "WHERE")]
    pub(crate) cache: Option<String>,
    /// The most that the results may take on the disk; those that were used longest ago go first.
    #[arg(long, value_name = "SIZE", default_value = "2GiB")]
    pub(crate) cache_size: Bytes,
    /// How long a result is kept.
    #[arg(long, value_name = "TIME", default_value = "30d")]
    pub(crate) cache_max_age: Wait,
    /// Keep results of sessions that are not confined too: a source could have changed what they say.
    #[arg(long)]
    pub(crate) cache_trust: bool,
    /// How a Redis server is used.
    #[command(flatten)]
    pub(crate) redis: RedisArgs,
}

/// How a Redis server is used.
#[derive(Debug, Clone, Args)]
pub(crate) struct RedisArgs {
    /// What the keys on a Redis server begin with.
    #[arg(long, global = true, value_name = "PREFIX", default_value = PREFIX)]
    pub(crate) redis_prefix: String,
    /// A file with the password of the Redis server, as its only line; else the variable `LEANREPL_REDIS_PASSWORD`.
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) redis_password_file: Option<PathBuf>,
    /// A file with a key of at least 32 bytes that results on a Redis server are sealed with; needed if the server is
    /// on another machine, and the same on all machines.
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) cache_key: Option<PathBuf>,
}

/// Looks at the results that are kept, and forgets some.
#[derive(Debug, Args)]
pub(crate) struct CacheCommandArgs {
    /// What to do.
    #[command(subcommand)]
    pub(crate) action: CacheAction,
    /// Where the results are: `auto` (the cache folder), a folder, or `redis://HOST`.
    #[arg(long, global = true, value_name = "WHERE")]
    pub(crate) cache: Option<String>,
    /// How a Redis server is used.
    #[command(flatten)]
    pub(crate) redis: RedisArgs,
    /// Write one JSON object.
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

/// What can be done with kept results.
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum CacheAction {
    /// Says how many there are and what they take.
    Stats,
    /// Forgets all of them.
    Clear,
    /// Forgets those of a module or of a class.
    Invalidate(InvalidateArgs),
}

/// Which results are forgotten.
#[derive(Debug, Clone, Args)]
#[group(required = true, multiple = false)]
pub(crate) struct InvalidateArgs {
    /// Those of sources that import this module, directly or not. Of the modules of Lean itself, those that
    /// name it or whose modules name it.
    #[arg(long, value_name = "MODULE")]
    pub(crate) module: Option<String>,
    /// Those of a class, such as `eval`.
    #[arg(long, value_name = "CLASS")]
    pub(crate) class: Option<String>,
}
