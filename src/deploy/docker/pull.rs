//! The bases of an image: each is there, or is fetched before the build begins, so that one that does
//! not exist is known by its name. Never builds.

use bollard::errors::Error;
use bollard::query_parameters::CreateImageOptions;
use futures_util::StreamExt;

use crate::deploy::docker::credentials;
use crate::deploy::docker::daemon::{Daemon, worded};
use crate::deploy::docker::finish::finish;
use crate::deploy::docker::image::split;
use crate::event::Event;
use crate::failure::{Failure, Kind};
use crate::work::WorkContext;

/// The status with which Docker says that it has no such image.
const ABSENT: u16 = 404;

impl Daemon {
    /// Sees that a base is there.
    ///
    /// # Errors
    /// One that is neither here nor in its registry, or in a registry that cannot be reached.
    pub(crate) fn need(
        &self,
        base: &str,
        platform: Option<&str>,
        work: WorkContext<'_>,
    ) -> Result<(), Failure> {
        let doing = format!("fetching the base `{base}`");
        let is_here = finish(work, &doing, async {
            match self.docker.inspect_image(base).await {
                Ok(_) => Ok(true),
                Err(Error::DockerResponseServerError {
                    status_code: ABSENT,
                    ..
                }) => Ok(false),
                Err(err) => Err(self.diagnosed(absent(base, &err)).await),
            }
        });
        if is_here? {
            return Ok(());
        }
        // Not before: a helper that is missing or opens a window is no obstacle for a base that is here.
        let credentials = credentials::for_image(base, work)?;
        let observer = work.observer.as_ref();
        finish(work, &doing, async {
            observer.tell(Event::StepStarted {
                label: &doing,
                total_bytes: None,
            });
            let (repository, tag) = split(base);
            let options = CreateImageOptions {
                from_image: Some(repository.to_owned()),
                tag: Some(tag.to_owned()),
                platform: platform.unwrap_or_default().to_owned(),
                ..CreateImageOptions::default()
            };
            let mut answers = self.docker.create_image(Some(options), None, credentials);
            let mut outcome = Ok(());
            while let Some(answer) = answers.next().await {
                if let Err(err) = answer {
                    outcome = Err(self.diagnosed(absent(base, &err)).await);
                    break;
                }
            }
            observer.tell(Event::StepFinished);
            outcome
        })
    }
}

/// What a user is told about a base that cannot be had.
fn absent(base: &str, err: &Error) -> Failure {
    Failure::new(
        Kind::Remote,
        format!("the base `{base}` is not on this machine and cannot be fetched"),
        "see that the name is right and its registry can be reached (`docker pull`), log in with \
         `docker login` if it is private, or name another base with `--base IMAGE`",
    )
    .caused_by(worded(err))
}
