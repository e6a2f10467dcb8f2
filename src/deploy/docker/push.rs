//! Sends an image to the registry of its name. Never builds and never logs in.

use bollard::query_parameters::PushImageOptions;
use futures_util::StreamExt;

use crate::deploy::docker::credentials;
use crate::deploy::docker::daemon::{Daemon, worded};
use crate::deploy::docker::finish::finish;
use crate::deploy::docker::image::split;
use crate::event::Event;
use crate::failure::{Failure, Kind};
use crate::work::WorkContext;

impl Daemon {
    /// Pushes an image by its name; the answer is its digest in the registry, if that is told.
    ///
    /// # Errors
    /// A registry that refuses it or cannot be reached.
    pub(crate) fn push(
        &self,
        name: &str,
        work: WorkContext<'_>,
    ) -> Result<Option<String>, Failure> {
        let observer = work.observer.as_ref();
        let credentials = credentials::for_image(name, work)?;
        let (repository, tag) = split(name);
        let failed = |text: String| {
            Failure::new(
                Kind::Remote,
                format!("`{name}` could not be pushed"),
                "log in with `docker login`, see that you may write there, and run \
                 `docker push` or the same command again",
            )
            .caused_by(text)
        };
        let label = format!("pushing `{name}`");
        finish(work, &label, async {
            observer.tell(Event::StepStarted {
                label: &label,
                total_bytes: None,
            });
            let options = PushImageOptions {
                tag: Some(tag.to_owned()),
                ..PushImageOptions::default()
            };
            let mut answers = self
                .docker
                .push_image(repository, Some(options), credentials);
            let mut outcome = Ok(());
            while let Some(answer) = answers.next().await {
                let text = match answer {
                    Ok(info) => info.error_detail.and_then(|detail| detail.message),
                    Err(err) => Some(worded(&err)),
                };
                if let Some(text) = text {
                    outcome = Err(self.diagnosed(failed(text)).await);
                    break;
                }
            }
            observer.tell(Event::StepFinished);
            outcome?;
            let inspected = self.docker.inspect_image(name).await;
            let inspected = inspected.map_err(|err| failed(worded(&err)))?;
            let digests = inspected.repo_digests.unwrap_or_default();
            let ours = digests.iter().find_map(|digest| {
                let (of, digest) = digest.split_once('@')?;
                (of == repository).then(|| digest.to_owned())
            });
            Ok(ours)
        })
    }
}
