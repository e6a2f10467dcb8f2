//! What a user sees: one module for each command. `world` says how such a test is written.

#![expect(
    clippy::disallowed_methods,
    reason = "the binary is driven from outside, without the code that it is made of"
)]
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a broken set-up fails the test"
)]

mod build;
mod build_elan;
mod build_image;
mod cache;
mod cloudflare;
mod confinement;
mod doctor;
mod engine;
mod eval;
mod eval_ends;
mod extract;
mod hints;
mod init;
mod lab;
mod mount;
#[path = "../olean_file.rs"]
mod olean_file;
mod options;
mod pickle;
mod prefault;
mod repl;
mod resume;
mod running;
mod shards;
mod world;
mod world_itself;
