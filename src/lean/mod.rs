//! Lean's own notions: texts, places, messages. Never network, disk or processes.

pub(crate) mod message;
pub(crate) mod position;
