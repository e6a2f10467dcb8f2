//! What becomes of kept records on a real Redis server that is slow, full, away or hostile.

#![expect(
    clippy::disallowed_methods,
    reason = "servers are started from outside, without the code that is tested"
)]
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a broken set-up fails the test"
)]

mod commands;
mod false_server;
mod flights;
mod forgotten;
mod life;
mod rig;
#[path = "../cli/running.rs"]
#[expect(dead_code, reason = "tests of commands use more of it")]
mod running;
#[path = "../serve/served.rs"]
#[expect(dead_code, reason = "tests of servers use more of it")]
mod served;
mod start;
mod values;
#[path = "../cli/world.rs"]
#[expect(
    dead_code,
    unused_macros,
    unused_imports,
    reason = "tests of commands use more of it"
)]
mod world;
