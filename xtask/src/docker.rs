//! What the tests on a real Docker Engine need of the machine: an engine, and tools that make small systems
//! and a registry.

use std::process::{Command, Stdio};

use crate::programs::answers;

/// What this machine lacks for tests on Docker; none if nothing.
pub(crate) fn lack() -> Option<String> {
    let daemon = Command::new("docker")
        .arg("info")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    if !daemon.is_ok_and(|status| status.success()) {
        return Some(
            "no daemon answers `docker info`; on Debian: apt-get install docker.io".to_owned(),
        );
    }
    ["debootstrap", "docker-registry"]
        .into_iter()
        .find(|program| !answers(program))
        .map(|program| format!("no {program}; on Debian: apt-get install {program}"))
}
