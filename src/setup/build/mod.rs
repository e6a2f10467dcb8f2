//! REPLs built from source, one for each toolchain: which of them are there, and how a new one comes
//! about. Never guesses a tag in silence, and never puts a REPL in its place that has not answered.

mod built;
mod git;
mod handshake;
mod job;
mod patch;
pub(crate) mod record;
mod shelf;
mod wanted;

pub(crate) use built::Built;
pub(crate) use shelf::{Old, Shelf};
pub(crate) use wanted::{COMMUNITY, For, Wanted};
