//! A Worker for Cloudflare in front of containers: the folder that wrangler takes, what it costs, what is
//! wrong with it, and how it is deployed. Never reaches the network by itself: `npm`'s wrangler and the
//! user's Docker do.

pub(crate) mod check;
pub(crate) mod config;
pub(crate) mod container;
pub(crate) mod cost;
pub(crate) mod dev;
mod export;
pub(crate) mod files;
pub(crate) mod folder;
pub(crate) mod image;
pub(crate) mod instance;
pub(crate) mod jsonc;
pub(crate) mod local;
pub(crate) mod name;
pub(crate) mod plan;
pub(crate) mod scoped;
pub(crate) mod stage;
pub(crate) mod tools;
pub(crate) mod trial;
