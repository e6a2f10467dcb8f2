//! The talk with one REPL process. Never knows about the command line.

pub mod frame;
mod object;
