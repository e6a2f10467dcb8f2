//! Lean's data as rows of tables: declarations, what they use, and steps of tactic proofs. From modules or
//! sources to a directory of Parquet shards, or to JSON lines.
//!
//! The way of a row: an extractor in `preamble.lean` prints it in a session (`worker`), it is checked against
//! the schema (`bundle`), spooled with its unit (`spool`), and packed in the order of units (`pack`).
//! Units depend on nothing but their digests, so a result does not depend on which worker made which unit.
//!
//! Never judges a source, and never writes to stdout.

mod bundle;
mod card;
mod crew;
mod disk;
pub(crate) mod extraction;
pub(crate) mod extractor;
mod identity;
mod inputs;
mod job;
mod lines;
mod literal;
mod loading;
mod manifest;
pub(crate) mod order;
pub(crate) mod output;
pub(crate) mod pack;
pub(crate) mod packing;
mod place;
mod plan;
mod reply;
mod report;
mod rows_error;
pub(crate) mod run_file;
mod site;
mod spool;
pub(crate) mod summary;
mod unit;
mod worker;
