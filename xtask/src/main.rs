//! The project's own chores: `cargo xtask check | test | bench | conformance`.

fn main() {}
