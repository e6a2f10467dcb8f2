//! What a client of `leanrepl serve` sees: one module for each part of the surface.

#![expect(
    clippy::disallowed_methods,
    reason = "the binary is driven from outside, without the code that it is made of"
)]
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a broken set-up fails the test"
)]

mod bodies;
mod cache;
mod confined;
mod isolation;
mod kimina;
mod levels;
mod life;
#[path = "../cli/mount.rs"]
mod mount;
mod options;
mod outcomes;
mod own;
mod page;
#[path = "../clients/python.rs"]
mod python;
mod raw;
mod real_clients;
mod records;
#[path = "../cli/running.rs"]
#[expect(dead_code, reason = "tests of commands use more of it")]
mod running;
mod served;
mod sessions;
mod verdicts;
mod who;
#[path = "../cli/world.rs"]
#[expect(dead_code, reason = "tests of commands use more of it")]
mod world;
