//! What was made: an image, and how. Makes nothing.

use std::time::Duration;

use crate::deploy::docker::gather::Gathered;
use crate::deploy::docker::image::Image;
use crate::deploy::docker::smoke::Smoke;
use crate::deploy::docker::steps::Step;
use crate::limits::Bytes;

/// An image that was made, and how.
#[derive(Debug, Clone)]
pub(crate) struct Made {
    pub(crate) image: Image,
    pub(crate) base_size: Option<Bytes>,
    pub(crate) names: Vec<String>,
    /// Its digest in a registry, if it was pushed and the registry told.
    pub(crate) digest: Option<String>,
    pub(crate) steps: Vec<Step>,
    /// What is in it of the project, and what was left out.
    pub(crate) gathered: Option<Gathered>,
    /// How the trial went, if there was one.
    pub(crate) smoke: Option<Smoke>,
    pub(crate) elapsed: Duration,
}
