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

mod false_server;
mod flights;
mod forgotten;
mod life;
mod rig;
mod start;
mod values;
