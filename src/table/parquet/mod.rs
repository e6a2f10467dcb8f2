//! Rows of JSON as Parquet files. Only with the feature `extract`.
//!
//! The files are those of Lean Scout's writer, key by key: the same shards, row groups, encodings and types.
//! Nothing in them depends on the time, on the machine or on the number of threads.

mod columns;
mod error;
mod file;
mod key;
mod writer;

pub use error::WriteError;
pub use file::Shard;
pub use writer::{ShardOptions, ShardWriter};
