//! What an image is: its size and layers, its names. Never builds.

use bollard::errors::Error;
use bollard::query_parameters::TagImageOptions;

use crate::deploy::docker::daemon::{Daemon, worded};
use crate::deploy::docker::finish::finish;
use crate::failure::{Failure, Kind};
use crate::limits::Bytes;
use crate::work::WorkContext;

/// Names what leanrepl made, on images and containers.
pub(crate) const LABEL: &str = "org.leanprover-community.leanrepl";

/// An image that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Image {
    /// Its identity, `sha256:…`.
    pub(crate) id: String,
    /// What it takes on the disk, its base included.
    pub(crate) size: Bytes,
    /// Its layers that hold something, the lowest first.
    pub(crate) layers: Vec<Layer>,
}

/// One layer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Layer {
    pub(crate) size: Bytes,
    pub(crate) made_by: String,
}

impl Daemon {
    /// What an image is.
    ///
    /// # Errors
    /// One that is not there, and a daemon that went away.
    pub(crate) fn image(&self, id: &str, work: WorkContext<'_>) -> Result<Image, Failure> {
        finish(work, "looking at the image", async {
            let lost = |err: Error| lost(id, &err);
            let inspected = self.docker.inspect_image(id).await.map_err(lost)?;
            let history = self.docker.image_history(id).await.map_err(lost)?;
            let bytes = |count: i64| Bytes::new(u64::try_from(count).unwrap_or(0));
            let layers = history.iter().rev().filter(|layer| layer.size > 0);
            let layers = layers.map(|layer| Layer {
                size: bytes(layer.size),
                made_by: layer.created_by.clone(),
            });
            Ok(Image {
                id: inspected.id.unwrap_or_else(|| id.to_owned()),
                size: bytes(inspected.size.unwrap_or(0)),
                layers: layers.collect(),
            })
        })
    }

    /// Gives an image a name; one that had it before loses it.
    ///
    /// # Errors
    /// A name that Docker does not take, and a daemon that went away.
    pub(crate) fn tag(&self, id: &str, name: &str, work: WorkContext<'_>) -> Result<(), Failure> {
        let (repository, tag) = split(name);
        let options = TagImageOptions {
            repo: Some(repository.to_owned()),
            tag: Some(tag.to_owned()),
        };
        finish(work, "naming the image", async {
            let named = self.docker.tag_image(id, Some(options)).await;
            named.map_err(|err| {
                Failure::new(
                    Kind::Usage,
                    format!("the image cannot be named `{name}`"),
                    "give a name of lower-case letters, such as `me/lean-core:v4.28.0`, with `--tag NAME`",
                )
                .caused_by(worded(&err))
            })
        })
    }
}

/// Repository and tag of a name. A colon before the last slash belongs to a port.
pub(crate) fn split(name: &str) -> (&str, &str) {
    match name.rsplit_once(':') {
        Some((repository, tag)) if !tag.contains('/') => (repository, tag),
        _ => (name, "latest"),
    }
}

/// What a user is told about an image that cannot be looked at.
fn lost(id: &str, err: &Error) -> Failure {
    Failure::new(
        Kind::Remote,
        format!("Docker does not tell about the image `{id}`"),
        "see that nothing removes images meanwhile, and run the same command again",
    )
    .caused_by(worded(err))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_is_no_tag() {
        assert_eq!(split("lean"), ("lean", "latest"));
        assert_eq!(split("me/lean:v1"), ("me/lean", "v1"));
        assert_eq!(split("h:5000/lean"), ("h:5000/lean", "latest"));
        assert_eq!(split("h:5000/lean:v1"), ("h:5000/lean", "v1"));
    }
}
