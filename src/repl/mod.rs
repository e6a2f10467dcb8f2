//! The talk with one REPL process. Never knows about the command line.

mod axioms;
pub mod base;
pub(crate) mod build;
pub mod compare;
pub(crate) mod eval;
pub mod evaluated;
pub mod frame;
pub(crate) mod hints;
pub mod identity;
pub(crate) mod import;
pub(crate) mod input;
pub(crate) mod judge;
mod object;
pub(crate) mod opening;
mod optioned;
pub mod pickle;
pub(crate) mod schedule;
pub(crate) mod session;
pub(crate) mod session_error;
pub(crate) mod undecided;
pub mod wire;
