//! An image is tried before it gets its name: its server has to come up in a container without a
//! network, accept what is true, reject what is false and end what loops. The container is always
//! removed.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use bollard::container::LogOutput;
use bollard::errors::Error;
use bollard::exec::StartExecResults;
use bollard::models::{ContainerCreateBody, ExecConfig, HostConfig};
use bollard::query_parameters::{LogsOptions, RemoveContainerOptions, StartContainerOptions};
use futures_util::StreamExt;

use crate::deploy::docker::daemon::{Daemon, afterwards, worded};
use crate::deploy::docker::finish::finish;
use crate::deploy::docker::image::LABEL;
use crate::event::Step;
use crate::failure::{Failure, Kind};
use crate::lean::trial::{LOOP_SECONDS, Trial};
use crate::limits::{CancelFlag, Deadline, Wait};
use crate::probe::Answer;
use crate::work::WorkContext;

/// How often the server is asked whether it is ready.
const GLANCE: Duration = Duration::from_millis(250);

/// Longest output that is taken of a probe, in bytes.
const OUTPUT: usize = 1024 * 1024;

/// What the trial measured.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Smoke {
    /// From the start of the container until the server was ready.
    pub(crate) ready: Duration,
    pub(crate) accepted: Duration,
    pub(crate) rejected: Duration,
    /// The text without end.
    pub(crate) looped: Duration,
}

impl Daemon {
    /// Tries an image.
    ///
    /// # Errors
    /// A server that does not come up within `patience`, dies or answers wrongly, with what it logged.
    pub(crate) fn smoke(
        &self,
        image: &str,
        trial: &Trial,
        patience: Wait,
        work: WorkContext<'_>,
    ) -> Result<Smoke, Failure> {
        let _step = Step::begin(work.observer.as_ref(), "trying the image");
        let created = finish(work, "creating a container", self.create(image));
        created.and_then(|id| {
            let tried = finish(
                work,
                "trying the image",
                self.run(&id, image, trial, patience),
            );
            // Also after an interrupt: nothing else would ever remove it.
            let removed = finish(
                afterwards(work, &CancelFlag::default()),
                "removing the container",
                self.remove(&id),
            );
            tried.and_then(|smoke| removed.map(|()| smoke))
        })
    }

    /// A container of the image that does not run yet.
    async fn create(&self, image: &str) -> Result<String, Failure> {
        let body = ContainerCreateBody {
            image: Some(image.to_owned()),
            labels: Some(HashMap::from([(LABEL.to_owned(), "smoke".to_owned())])),
            host_config: Some(HostConfig {
                // The image needs no network to answer, and nobody shall reach it meanwhile.
                network_mode: Some("none".to_owned()),
                ..HostConfig::default()
            }),
            ..ContainerCreateBody::default()
        };
        let created = self.docker.create_container(None, body).await;
        created
            .map(|created| created.id)
            .map_err(|err| trouble("no container of the image can be made", &err))
    }

    /// Removes a container, running or not.
    async fn remove(&self, id: &str) -> Result<(), Failure> {
        let options = RemoveContainerOptions {
            force: true,
            v: true,
            ..RemoveContainerOptions::default()
        };
        let removed = self.docker.remove_container(id, Some(options)).await;
        removed.map_err(|err| {
            Failure::new(
                Kind::Remote,
                "the container in which the image was tried is left over",
                format!("remove it with `docker rm --force {id}`"),
            )
            .caused_by(worded(&err))
        })
    }

    /// Starts a container and asks its server.
    async fn run(
        &self,
        id: &str,
        image: &str,
        trial: &Trial,
        patience: Wait,
    ) -> Result<Smoke, Failure> {
        let start = Instant::now();
        self.docker
            .start_container(id, None::<StartContainerOptions>)
            .await
            .map_err(|err| trouble("the container of the image does not start", &err))?;
        self.until_ready(id, image, patience).await?;
        let ready = start.elapsed();
        let mut times = Vec::new();
        for (text, statuses, what) in [
            (trial.accepted, &[200_u16][..], "a true text as accepted"),
            (trial.rejected, &[400], "a false text as rejected"),
            (trial.looping, &[408], "a text without end as timed out"),
        ] {
            let run = LOOP_SECONDS.to_string();
            let words = if statuses == [408] {
                vec!["--post", text, "--run-seconds", &run]
            } else {
                vec!["--post", text]
            };
            let answer = self.probe(id, &words).await?;
            let is_right = answer
                .as_ref()
                .is_some_and(|answer| statuses.contains(&answer.status));
            match answer {
                Some(answer) if is_right => times.push(Duration::from_secs_f64(answer.seconds)),
                other => {
                    let said = other.map_or_else(
                        || "it gave no answer".to_owned(),
                        |answer| format!("it answered {}: {}", answer.status, answer.body),
                    );
                    return Err(self
                        .wrong(id, image, &format!("did not report {what}"), said)
                        .await);
                }
            }
        }
        let [accepted, rejected, looped] = times.as_slice() else {
            return Err(Failure::bug("not all texts of a trial were asked"));
        };
        Ok(Smoke {
            ready,
            accepted: *accepted,
            rejected: *rejected,
            looped: *looped,
        })
    }

    /// Waits until the server says that it is ready.
    async fn until_ready(&self, id: &str, image: &str, patience: Wait) -> Result<(), Failure> {
        let deadline = Deadline::after(patience.get());
        loop {
            let answer = self.probe(id, &["--path", "/ready"]).await?;
            if answer.as_ref().is_some_and(Answer::is_good) {
                return Ok(());
            }
            let state = self.docker.inspect_container(id, None).await;
            let state = state
                .map_err(|err| trouble("the container of the image is lost", &err))?
                .state
                .unwrap_or_default();
            if state.running != Some(true) {
                let code = state.exit_code.unwrap_or(-1);
                let problem = format!("ended with exit code {code} before it was ready");
                return Err(self.wrong(id, image, &problem, String::new()).await);
            }
            if deadline.is_over() {
                let last = answer.map_or_else(String::new, |answer| answer.body);
                let problem = format!("was not ready within {patience}");
                return Err(self.wrong(id, image, &problem, last).await);
            }
            tokio::time::sleep(GLANCE).await;
        }
    }

    /// Runs `leanrepl probe` in the container; none if it has no answer, as before the server listens.
    async fn probe(&self, id: &str, words: &[&str]) -> Result<Option<Answer>, Failure> {
        let mut command = vec!["leanrepl".to_owned(), "probe".to_owned()];
        command.extend(words.iter().map(|word| (*word).to_owned()));
        let config = ExecConfig {
            cmd: Some(command),
            attach_stdout: Some(true),
            ..ExecConfig::default()
        };
        // A container that has just ended takes no command; the caller looks why it ended.
        let Ok(exec) = self.docker.create_exec(id, config).await else {
            return Ok(None);
        };
        let Ok(StartExecResults::Attached { mut output, .. }) =
            self.docker.start_exec(&exec.id, None).await
        else {
            return Ok(None);
        };
        let mut stdout = Vec::new();
        while let Some(Ok(piece)) = output.next().await {
            if let LogOutput::StdOut { message } = piece {
                stdout.extend_from_slice(&message);
            }
            if stdout.len() > OUTPUT {
                return Err(Failure::new(
                    Kind::Remote,
                    "the server of the image gave an answer without end",
                    "look at it in a container of your own: `docker run IMAGE`",
                ));
            }
        }
        Ok(serde_json::from_slice(&stdout).ok())
    }

    /// What a user is told about a server that is not as it should be.
    async fn wrong(&self, id: &str, image: &str, problem: &str, said: String) -> Failure {
        let options = LogsOptions {
            stdout: true,
            stderr: true,
            tail: "20".to_owned(),
            ..LogsOptions::default()
        };
        let mut logs = self.docker.logs(id, Some(options));
        let mut text = String::new();
        while let Some(Ok(piece)) = logs.next().await {
            text.push_str(&piece.to_string());
        }
        let mut cause = said;
        if !text.trim().is_empty() {
            cause.push_str("\nit logged last:\n");
            cause.push_str(text.trim_end());
        }
        Failure::new(
            Kind::Build,
            format!("the image was built, but its server {problem}"),
            format!(
                "the image has no name yet; look at it with `docker run {image}`, remove it with \
                 `docker image rm {image}`, or name it untried with `--no-smoke`"
            ),
        )
        .caused_by(cause.trim_start().to_owned())
    }
}

/// What a user is told about a container that Docker does not handle.
fn trouble(problem: &str, err: &Error) -> Failure {
    Failure::new(
        Kind::Remote,
        problem,
        "see that Docker can run containers here (`docker run`), or leave the trial out with `--no-smoke`",
    )
    .caused_by(worded(err))
}
