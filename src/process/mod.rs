//! The only door to other processes: one-shot commands and long-lived children, each with an owner,
//! a group of its own and an end. Never knows JSON or Lean.

pub(crate) mod child;
pub(crate) mod ending;
pub(crate) mod launch;
pub(crate) mod tree;
