//! Files that are taken out of an image. Never runs anything of it.

use std::io::Read;

use bollard::errors::Error;
use bollard::models::ContainerCreateBody;
use bollard::query_parameters::{DownloadFromContainerOptions, RemoveContainerOptions};
use futures_util::StreamExt;

use crate::deploy::docker::daemon::{Daemon, afterwards, worded};
use crate::deploy::docker::finish::finish;
use crate::deploy::docker::gather::{Gathered, REPORT};
use crate::deploy::docker::image::LABEL;
use crate::failure::{Failure, Kind};
use crate::limits::CancelFlag;
use crate::work::WorkContext;

/// Longest file that is taken, in bytes.
const LONGEST: usize = 1024 * 1024;

impl Daemon {
    /// What was gathered for an image; none if it is of a kind for which nothing is.
    ///
    /// # Errors
    /// A daemon that went away.
    pub(crate) fn gathered(
        &self,
        image: &str,
        work: WorkContext<'_>,
    ) -> Result<Option<Gathered>, Failure> {
        let body = ContainerCreateBody {
            image: Some(image.to_owned()),
            labels: Some([(LABEL.to_owned(), "look".to_owned())].into()),
            ..ContainerCreateBody::default()
        };
        let doing = "looking into the image";
        let id = finish(work, doing, async {
            let created = self.docker.create_container(None, body).await;
            created.map(|created| created.id).map_err(|err| lost(&err))
        })?;
        let archive = finish(work, doing, self.archive(&id));
        // A container that never ran goes at once.
        finish(afterwards(work, &CancelFlag::default()), doing, async {
            let options = None::<RemoveContainerOptions>;
            let removed = self.docker.remove_container(&id, options).await;
            removed.map_err(|err| lost(&err))
        })?;
        Ok(only_file(&archive?).and_then(|text| serde_json::from_slice(&text).ok()))
    }

    /// The report of an image as an archive; empty if there is none.
    async fn archive(&self, id: &str) -> Result<Vec<u8>, Failure> {
        let options = DownloadFromContainerOptions {
            path: format!("/opt/leanrepl/{REPORT}"),
        };
        let mut pieces = self.docker.download_from_container(id, Some(options));
        let mut archive = Vec::new();
        while let Some(Ok(piece)) = pieces.next().await {
            archive.extend_from_slice(&piece);
            if archive.len() > LONGEST {
                return Ok(Vec::new());
            }
        }
        Ok(archive)
    }
}

/// The contents of the first file of an archive.
fn only_file(archive: &[u8]) -> Option<Vec<u8>> {
    let mut archive = tar::Archive::new(archive);
    let mut entry = archive.entries().ok()?.next()?.ok()?;
    let mut text = Vec::new();
    entry.read_to_end(&mut text).ok()?;
    Some(text)
}

/// What a user is told about an image that cannot be looked into.
fn lost(err: &Error) -> Failure {
    Failure::new(
        Kind::Remote,
        "Docker does not let the image be looked into",
        "see that Docker can make containers here (`docker create`)",
    )
    .caused_by(worded(err))
}
