//! One REPL process and our protocol state with it: start, ask, fence, proven header environments, the
//! base environment. Never decides a verdict.

pub(crate) mod axioms;
pub mod base;
pub(crate) mod error;
pub(crate) mod exchange;
pub(crate) mod factory;
pub mod identity;
pub(crate) mod import;
pub(crate) mod opening;
mod optioned;
pub(crate) mod pickle;
mod snapshots;
pub mod spec;
pub(crate) mod states;
