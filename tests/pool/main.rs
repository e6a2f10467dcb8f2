//! The pool over the fake REPL: what its clients see when sessions wear, hang, die, flood and lie.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a broken set-up fails the test"
)]

mod alone;
mod chaos;
mod leases;
mod levels;
mod lives;
mod restored;
mod rig;
mod single;
mod strays;
mod turns;
