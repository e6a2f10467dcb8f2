//! A connection to Docker's daemon, and what a user is told when there is none. Never builds.

use std::error::Error;
use std::io;
use std::iter;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use bollard::errors::Error as DockerError;
use bollard::{API_DEFAULT_VERSION, Docker};

use crate::deploy::docker::endpoint::{Endpoint, Place};
use crate::deploy::docker::finish::finish;
use crate::failure::{Failure, Kind};
use crate::limits::{Bytes, CancelFlag, Deadline};
use crate::work::WorkContext;

/// Longest wait for the first byte of an answer, in seconds. Not the bound of a build: that is the
/// deadline of the whole work, which is looked at all the while.
const ANSWER: u64 = 86_400;

/// Longest wait for a daemon to say who it is.
const HELLO: Duration = Duration::from_secs(20);

/// How little room on the daemon's disk counts as none.
const FULL: Bytes = Bytes::mib(512);

/// A daemon that has answered.
pub(crate) struct Daemon {
    pub(super) docker: Docker,
    endpoint: Endpoint,
    pub(crate) version: String,
    /// The architecture of what it runs, such as `amd64`.
    pub(crate) architecture: String,
}

impl Daemon {
    /// Connects to the user's daemon and agrees on a version of the API.
    ///
    /// # Errors
    /// No daemon, no right to use it, an address that cannot be used, and one that does not answer.
    pub(crate) fn connect(work: WorkContext<'_>) -> Result<Self, Failure> {
        let endpoint = Endpoint::locate()?;
        let docker = open(&endpoint)?;
        finish(work, "talking to Docker's daemon", async {
            let silent = |err| no_answer(&endpoint, &err);
            let hello = async {
                let docker = docker.negotiate_version().await.map_err(bollard_cause)?;
                let version = docker.version().await.map_err(bollard_cause)?;
                Ok::<_, Cause>((docker, version))
            };
            let (docker, version) = tokio::time::timeout(HELLO, hello)
                .await
                .unwrap_or_else(|_late| Err("it did not answer within 20 s".into()))
                .map_err(silent)?;
            Ok(Self {
                docker,
                version: version.version.unwrap_or_else(|| "unknown".to_owned()),
                architecture: version.arch.unwrap_or_else(|| "amd64".to_owned()),
                endpoint: endpoint.clone(),
            })
        })
    }

    /// Where it is and why, one sentence.
    pub(crate) fn choice(&self) -> String {
        let place = place(&self.endpoint);
        format!(
            "using Docker {} at `{place}` because {}",
            self.version, self.endpoint.why
        )
    }

    /// What is to be said about an error in the middle of the work: that the daemon is gone or its
    /// disk is full, if so. Asks the daemon, since the texts of its errors say this and that.
    pub(super) async fn diagnosed(&self, failure: Failure) -> Failure {
        let info = tokio::time::timeout(HELLO, self.docker.info()).await;
        let Ok(Ok(info)) = info else {
            return Failure::new(
                Kind::Remote,
                format!(
                    "Docker's daemon at `{}` went away in the middle of the work",
                    place(&self.endpoint)
                ),
                "start it again, see what it logged (`journalctl -u docker`), and run the same command again",
            )
            .caused_by(failure);
        };
        let folder = info.docker_root_dir.unwrap_or_default();
        match room(Path::new(&folder)) {
            Some(free) if free < FULL => Failure::new(
                Kind::Remote,
                format!("the disk of Docker's folder `{folder}` is full"),
                "make room with `docker system prune`, and run the same command again",
            )
            .caused_by(failure),
            _ => failure,
        }
    }
}

/// The error behind a failure.
type Cause = Box<dyn Error + Send + Sync>;

/// An error of the connection, as a cause.
fn bollard_cause(err: DockerError) -> Cause {
    Box::new(err)
}

/// How much can be written in a folder of this machine; none if it is another machine's.
fn room(folder: &Path) -> Option<Bytes> {
    let stat = rustix::fs::statvfs(folder).ok()?;
    (stat.f_blocks > 0).then(|| Bytes::new(stat.f_bavail.saturating_mul(stat.f_frsize)))
}

/// Opens the connection; for a socket it is tried before, since only then is it known what lacks.
fn open(endpoint: &Endpoint) -> Result<Docker, Failure> {
    let opened = match &endpoint.place {
        Place::Socket(path) => {
            UnixStream::connect(path).map_err(|err| refused(endpoint, path, &err))?;
            let path = path.to_string_lossy();
            Docker::connect_with_unix(&path, ANSWER, API_DEFAULT_VERSION)
        }
        Place::Tcp(host) => Docker::connect_with_http(host, ANSWER, API_DEFAULT_VERSION),
    };
    opened.map_err(|err| no_answer(endpoint, &bollard_cause(err)))
}

/// Where an endpoint is, as a user writes it.
fn place(endpoint: &Endpoint) -> String {
    match &endpoint.place {
        Place::Socket(path) => path.display().to_string(),
        Place::Tcp(host) => format!("tcp://{host}"),
    }
}

/// What a user is told if a socket cannot be opened.
fn refused(endpoint: &Endpoint, path: &Path, err: &io::Error) -> Failure {
    let shown = path.display();
    let (problem, hint) = match err.kind() {
        io::ErrorKind::PermissionDenied => (
            format!("you may not use Docker's socket `{shown}`"),
            "join the group `docker` and log in again, or run it as root",
        ),
        io::ErrorKind::NotFound => (
            format!("no Docker daemon is at `{shown}`, which does not exist"),
            "install Docker and start its daemon, or name another one with `DOCKER_HOST`; \
             `--print` and `--context DIR` need none",
        ),
        io::ErrorKind::ConnectionRefused => (
            format!("no Docker daemon listens at `{shown}`"),
            "start it, for example with `systemctl start docker`",
        ),
        _ => (
            format!("Docker's socket `{shown}` cannot be opened"),
            "look at the socket, or name another one with `DOCKER_HOST`",
        ),
    };
    Failure::new(Kind::Remote, problem, hint)
        .caused_by(format!("{err}; this socket because {}", endpoint.why))
}

/// What a user is told about a place where no daemon answers.
fn no_answer(endpoint: &Endpoint, err: &Cause) -> Failure {
    let err: &(dyn Error + 'static) = err.as_ref();
    // What is around it names libraries.
    let innermost = iter::successors(Some(err), |&err| err.source()).last();
    let innermost = innermost.unwrap_or(err);
    let is_refused = innermost
        .downcast_ref::<io::Error>()
        .is_some_and(|err| err.kind() == io::ErrorKind::ConnectionRefused);
    let is_unreached = matches!(
        err.downcast_ref(),
        Some(DockerError::HyperLegacyError { err }) if err.is_connect()
    );
    let shown = place(endpoint);
    let (problem, hint) = if is_refused {
        (
            format!("no Docker daemon listens at `{shown}`"),
            "start it there, or name another one with `DOCKER_HOST`",
        )
    } else if is_unreached {
        (
            format!("`{shown}`, where Docker's daemon should be, cannot be reached"),
            "see that host and port are right, or name another one with `DOCKER_HOST`",
        )
    } else {
        (
            format!("what listens at `{shown}` does not answer as Docker's daemon does"),
            "see that `docker version` works, or name another daemon with `DOCKER_HOST`",
        )
    };
    Failure::new(Kind::Remote, problem, hint).caused_by(format!(
        "{innermost}; this address because {}",
        endpoint.why
    ))
}

/// An error without bollard's own words around it.
pub(super) fn worded(err: &DockerError) -> String {
    match err {
        DockerError::DockerStreamError { error } => error.clone(),
        DockerError::DockerResponseServerError { message, .. } => message.clone(),
        other => other.to_string(),
    }
}

/// The context for putting things in order after an interrupt, which is short. `never` is a flag that is not
/// set.
pub(super) fn afterwards<'a>(work: WorkContext<'a>, never: &'a CancelFlag) -> WorkContext<'a> {
    WorkContext {
        deadline: Deadline::after(Duration::from_secs(30)),
        observer: work.observer,
        cancel: never,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;

    #[test]
    fn a_socket_that_may_not_be_used_is_no_missing_daemon() {
        let path = Path::new("/run/docker.sock");
        let endpoint = Endpoint {
            place: Place::Socket(PathBuf::from(path)),
            why: "nothing names another one".to_owned(),
        };
        let err = io::ErrorKind::PermissionDenied.into();
        let failure = refused(&endpoint, path, &err);
        assert_eq!(
            failure.problem(),
            "you may not use Docker's socket `/run/docker.sock`"
        );
        assert!(failure.hint().contains("group `docker`"), "{failure}");
    }
}
