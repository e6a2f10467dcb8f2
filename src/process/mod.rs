//! The only door to other processes: one-shot commands and long-lived children, each with an owner,
//! a group of its own and an end. Never knows JSON or Lean.

pub(crate) mod allocator;
pub(crate) mod before_exec;
pub(crate) mod child;
pub(crate) mod ending;
pub(crate) mod init;
pub mod launch;
pub(crate) mod orphans;
mod output;
mod quote;
pub mod run;
mod running;
pub mod sandbox;
pub(crate) mod signals;
pub(crate) mod tree;
