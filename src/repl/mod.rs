//! The talk with one REPL process. Never knows about the command line.

pub mod frame;
mod object;
//! The REPL: what is asked, what it answers and what that means for a file.

pub mod evaluated;
pub mod wire;
