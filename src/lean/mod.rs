//! Lean's own notions: texts, places, messages. Never network, disk or processes.

pub mod message;
pub mod position;
