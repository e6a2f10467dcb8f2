//! `leanrepl build-image` with a real Docker Engine. `.ci/run` starts one; `cargo xtask test` runs these
//! where one answers.

#![expect(
    clippy::disallowed_methods,
    reason = "the binary and Docker are driven from outside"
)]
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a broken set-up fails the test"
)]

mod chain;
mod container;
mod core;
mod failing;
mod project;
mod registry;
mod rig;
mod server;
