//! Tables of rows: their schema, the check of a row, the shard that a row belongs to and, with the feature
//! `extract`, Parquet files. Knows nothing of Lean and of where the rows come from.

mod fault;
#[cfg(feature = "extract")]
pub mod parquet;
pub mod row;
pub mod schema;
pub mod shard;
mod walk;
