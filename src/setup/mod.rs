//! What has to be there before a source is evaluated: the REPL of a project, core Lean, pickles, and what
//! finds out why one of them does not work. Never evaluates a source of a client.

pub(crate) mod build;
pub(crate) mod core_lean;
pub(crate) mod doctor;
pub(crate) mod pickle;
pub(crate) mod prefault;
