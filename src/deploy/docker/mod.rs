//! Images: what is in one, how Docker's daemon builds, tries and pushes it. Nothing outside
//! sees that it is async. Never runs the program `docker`.

pub(crate) mod binary;
mod build;
pub(crate) mod context;
mod credentials;
mod daemon;
mod elf;
mod endpoint;
mod files;
mod finish;
pub(crate) mod gather;
mod image;
mod made;
mod pull;
mod push;
pub(crate) mod recipe;
mod smoke;
mod steps;

pub(crate) use build::BuildOptions;
pub(crate) use daemon::Daemon;
#[cfg(test)]
pub(crate) use image::{Image, Layer};
pub(crate) use made::Made;
pub(crate) use smoke::Smoke;
#[cfg(test)]
pub(crate) use steps::Step;
