//! The user's Docker for a trial on this machine: which images are here, what a trial's containers took,
//! and the removal of all that bears its mark. Never builds; wrangler does.

use std::time::Duration;

use crate::deploy::cloudflare::tools::docker;
use crate::env_vars;
use crate::event::Unobserved;
use crate::failure::{Failure, Kind};
use crate::limits::{Bytes, CancelFlag, Deadline};
use crate::work::WorkContext;

/// Longest wait for Docker to say what it knows.
const LOOK: Duration = Duration::from_secs(30);

/// Longest wait for the removal of what a trial left.
const REMOVAL: Duration = Duration::from_secs(60);

/// How often the removal is tried: what was being made when wrangler was ended may come up after the
/// first look.
const TRIES: usize = 3;

/// The label that a trial's images and containers bear, with the trial's name as its value.
const MARK: &str = "org.leanprover-community.leanrepl.try";

/// The label that says for which of the Worker's containers an image is.
const NAME: &str = "org.leanprover-community.leanrepl.try.name";

/// Where the kernel says the most memory that a container ever had: groups of version 2 and of 1.
const PEAKS: [&str; 2] = [
    "/sys/fs/cgroup/memory.peak",
    "/sys/fs/cgroup/memory/memory.max_usage_in_bytes",
];

/// What the daemon can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Engine {
    /// Whether it builds as wrangler wants it to.
    pub(super) has_buildx: bool,
}

/// The Dockerfile by which wrangler takes an image of this machine, marked for a trial.
pub(super) fn dockerfile(image: &str, name: &str, trial: &str) -> String {
    format!("FROM {image}\nLABEL {MARK}=\"{trial}\" {NAME}=\"{name}\"\nEXPOSE 8000\n")
}

/// Asks the daemon what it can do.
///
/// # Errors
/// No Docker, and none that answers.
pub(super) fn engine(work: WorkContext<'_>) -> Result<Engine, Failure> {
    docker(brief(work))
        .args(["version", "--format", "{{.Server.Version}}"])
        .purpose("asking Docker's daemon for its version")
        .hint("start the daemon, and see that `docker version` works; another one is named by `DOCKER_HOST`")
        .hint_if_missing("install Docker (on Debian: apt-get install docker.io) and put it on `PATH`")
        .finish(work.observer.as_ref(), work.cancel)?;
    let has_buildx = docker(brief(work))
        .args(["buildx", "version"])
        .purpose("asking for Docker's builder")
        .finish(&Unobserved, work.cancel);
    match has_buildx {
        Err(failure) if failure.kind() == Kind::Interrupted => Err(failure),
        has_buildx => Ok(Engine {
            has_buildx: has_buildx.is_ok(),
        }),
    }
}

/// The size of an image of this machine; none if it is not here, or if no daemon answers.
///
/// # Errors
/// The interrupt of the user.
pub(crate) fn size(image: &str, work: WorkContext<'_>) -> Result<Option<Bytes>, Failure> {
    let asked = docker(brief(work))
        .args(["image", "inspect", "--format", "{{.Size}}", image])
        .purpose("looking at an image")
        .finish(work.observer.as_ref(), work.cancel);
    match asked {
        Ok(output) => {
            let text = String::from_utf8_lossy(&output.stdout);
            Ok(text.trim().parse().ok().map(Bytes::new))
        }
        Err(failure) if failure.kind() == Kind::Interrupted => Err(failure),
        Err(_) => Ok(None),
    }
}

/// The most memory that any container of a trial had that is for this name; none where the kernel does
/// not tell.
pub(super) fn peak(trial: &str, name: &str, work: WorkContext<'_>) -> Option<Bytes> {
    let filters = [format!("{MARK}={trial}"), format!("{NAME}={name}")];
    let containers = listed(&["ps", "--quiet"], &filters, brief(work)).ok()?;
    let peaks = containers.iter().flat_map(|id| {
        PEAKS.iter().filter_map(|path| {
            let run = docker(brief(work))
                .args(["exec", id.as_str(), "cat", path])
                .purpose("asking for the memory of a container");
            let output = run.finish(&Unobserved, work.cancel).ok()?;
            let text = String::from_utf8_lossy(&output.stdout);
            text.trim().parse().ok().map(Bytes::new)
        })
    });
    peaks.max()
}

/// Removes the containers and images of a trial, also after an interrupt or a deadline: nothing else
/// ever would.
///
/// # Errors
/// What Docker does not remove.
pub(super) fn clear(trial: &str, work: WorkContext<'_>) -> Result<(), Failure> {
    let interrupt = CancelFlag::default();
    let work = WorkContext {
        deadline: Deadline::after(REMOVAL),
        cancel: &interrupt,
        ..work
    };
    let filters = [format!("{MARK}={trial}")];
    let mut result = Ok(());
    for _ in 0..TRIES {
        result = remove(
            &["ps", "--all", "--quiet"],
            &["rm", "--force", "--volumes"],
            &filters,
            work,
        )
        .and_then(|()| {
            remove(
                &["image", "ls", "--quiet"],
                &["image", "rm", "--force"],
                &filters,
                work,
            )
        });
        if result.is_ok() {
            break;
        }
    }
    result.map_err(|failure| {
        Failure::new(
            Kind::Remote,
            "containers or images of the trial are left over",
            format!(
                "look at them with `docker ps --all --filter label={MARK}={trial}`, and remove them"
            ),
        )
        .caused_by(failure)
    })
}

/// Removes what a list names.
fn remove(
    list: &[&str],
    verb: &[&str],
    filters: &[String],
    work: WorkContext<'_>,
) -> Result<(), Failure> {
    let ids = listed(list, filters, work)?;
    if ids.is_empty() {
        return Ok(());
    }
    docker(work)
        .args(verb.iter().copied())
        .args(ids)
        .purpose("removing what the trial made")
        .finish(&Unobserved, work.cancel)
        .map(drop)
}

/// What a list of Docker's names, each once.
fn listed(
    list: &[&str],
    filters: &[String],
    work: WorkContext<'_>,
) -> Result<Vec<String>, Failure> {
    let filters = filters
        .iter()
        .flat_map(|filter| ["--filter".to_owned(), format!("label={filter}")]);
    let output = docker(work)
        .args(list.iter().copied())
        .args(filters)
        .purpose("looking for what the trial made")
        .finish(&Unobserved, work.cancel)?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let mut ids: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
    ids.sort_unstable();
    ids.dedup();
    Ok(ids)
}

/// The same with no more time than such a question takes.
fn brief(work: WorkContext<'_>) -> WorkContext<'_> {
    WorkContext {
        deadline: Deadline::after(LOOK.min(work.deadline.left())),
        ..work
    }
}

/// Whether the user names a program for Docker, which then knows what wrangler wants.
pub(super) fn is_named() -> bool {
    env_vars::read(env_vars::WRANGLER_DOCKER_BIN).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_for_a_trial_is_that_of_the_folder_with_a_mark_and_a_port() {
        let text = dockerfile("localhost/lean:1", "core-4-28-0", "0a");
        assert_eq!(
            text,
            "FROM localhost/lean:1\n\
             LABEL org.leanprover-community.leanrepl.try=\"0a\" org.leanprover-community.leanrepl.try.name=\"core-4-28-0\"\n\
             EXPOSE 8000\n"
        );
    }
}
