//! The REPL's wire: framing, a bounded JSON reader, and the types of requests and replies. Pure: never
//! reads from a process.

pub mod compare;
pub mod frame;
pub(crate) mod object;
pub mod wire;
