//! A blocking client of one Redis or Valkey server. Every call has a deadline and every reply a bound; never
//! decides what keys and values mean.

mod address;
mod client;
mod connection;
mod error;
pub(crate) mod secret;
mod server;

pub(crate) use address::Reach;
pub use address::RedisUrl;
pub(crate) use client::Client;
pub(crate) use error::AskError;
pub use error::OpenError;
