//! What the tests on a real Docker Engine need: an engine, tools that make small systems, and a static
//! leanrepl.

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::Context;

use crate::dist;
use crate::programs::answers;

/// Whether there is a Docker Engine to test with.
pub(crate) enum Docker {
    /// All is there.
    Ready {
        /// The path of a static leanrepl.
        binary: String,
    },
    /// This machine lacks something for it.
    Unavailable(String),
}

/// Looks for an engine and builds what the tests put into images.
pub(crate) fn set_up(root: &Path) -> anyhow::Result<Docker> {
    let missing = |what: &str| Ok(Docker::Unavailable(what.to_owned()));
    let daemon = Command::new("docker")
        .arg("info")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    if !daemon.is_ok_and(|status| status.success()) {
        return missing("no daemon answers `docker info`; on Debian: apt-get install docker.io");
    }
    for (program, package) in [
        ("debootstrap", "debootstrap"),
        ("docker-registry", "docker-registry"),
    ] {
        if !answers(program) {
            let text = format!("no {program}; on Debian: apt-get install {package}");
            return Ok(Docker::Unavailable(text));
        }
    }
    let binary = dist::binary(root, &root.join("target/dist"))?;
    let binary = binary.canonicalize().context("the binary is lost")?;
    Ok(Docker::Ready {
        binary: binary.display().to_string(),
    })
}
