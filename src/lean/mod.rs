//! Lean's own notions: texts, places, messages, releases. Never network, disk or processes.

pub mod abbreviations;
pub(crate) mod fields;
pub mod header;
pub mod infotree;
pub mod message;
pub mod module_name;
pub mod olean;
pub mod options;
pub mod position;
pub mod release;
pub mod repl_tag;
pub mod toolchain;
pub(crate) mod trial;
