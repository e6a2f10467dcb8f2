//! The doors over HTTP on a fake engine.

mod doors;
pub(crate) mod fake_engine;
mod leaving;
mod unread;
