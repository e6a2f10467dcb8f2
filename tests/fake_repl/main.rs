//! A REPL that misbehaves on demand.

fn main() {}
