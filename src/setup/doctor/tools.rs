//! Programs on this machine: elan, Node, Docker, wrangler. Never lets one fetch anything.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use crate::elan::Elan;
use crate::env_vars;
use crate::failure::Failure;
use crate::limits::Bytes;
use crate::process::run::{Run, find_program};
use crate::setup::doctor::fact::Fact;
use crate::work::WorkContext;

/// The most that is taken of what a program says about its version.
const ANSWER: Bytes = Bytes::mib(1);

/// The first line that a command writes.
pub(super) fn first_line(run: Run, work: WorkContext<'_>) -> Result<String, Failure> {
    let output = run
        .deadline(work.renewed().deadline)
        .max_stdout(ANSWER)
        .finish(work.observer.as_ref(), work.cancel)?;
    let text = String::from_utf8_lossy(&output.stdout);
    let line = text.lines().map(str::trim).find(|line| !line.is_empty());
    Ok(line.unwrap_or("an unnamed version").to_owned())
}

/// Where a program is on the PATH.
pub(super) fn on_path(name: &str) -> Option<PathBuf> {
    find_program(OsStr::new(name), env_vars::read(env_vars::PATH).as_deref())
}

/// Asks a program for its version, in a folder where no file makes elan choose a toolchain.
fn version(program: &Path, work: WorkContext<'_>) -> Result<String, Failure> {
    let run = Run::new(program)
        .arg("--version")
        .dir("/")
        .var(env_vars::WRANGLER_SEND_METRICS.name, "false")
        .purpose("asking for its version")
        .hint("install it anew");
    first_line(run, work)
}

/// elan, which a project needs unless there is a Lake without it.
pub(super) fn elan(elan: &Elan, in_project: bool, work: WorkContext<'_>) -> Fact {
    const NAME: &str = "elan";
    match (elan.program(), on_path("lake")) {
        (Some(program), _) => match version(&program, work) {
            Ok(version) => Fact::ok(NAME, version).from(program.display()),
            Err(failure) => Fact::failed(NAME, &failure, in_project),
        },
        (None, Some(lake)) => {
            Fact::not_needed(NAME, "not found; there is a Lake without it").from(lake.display())
        }
        (None, None) if in_project => {
            Fact::missing(NAME, "not found", "leanrepl build --install-elan")
        }
        (None, None) => Fact::not_needed(NAME, "not found"),
    }
}

/// Node, as far as it is on the PATH.
pub(super) fn node(work: WorkContext<'_>) -> Fact {
    const NAME: &str = "node";
    match on_path("node") {
        Some(program) => match version(&program, work) {
            Ok(version) => Fact::ok(NAME, version).from(program.display()),
            Err(failure) => Fact::failed(NAME, &failure, false),
        },
        None => Fact::not_needed(NAME, "not found"),
    }
}

pub(super) fn docker(work: WorkContext<'_>) -> Fact {
    const NAME: &str = "docker";
    let Some(program) = on_path("docker") else {
        return Fact::not_needed(NAME, "not found");
    };
    let mut run = Run::new(&program)
        .args(["version", "--format", "{{.Server.Version}}"])
        .purpose("asking its daemon for the version")
        .hint("start the daemon of Docker, or join the group that may use it");
    if let Some(host) = env_vars::read(env_vars::DOCKER_HOST) {
        run = run.var(env_vars::DOCKER_HOST.name, host);
    }
    match first_line(run, work) {
        Ok(version) => Fact::ok(NAME, version).from(program.display()),
        Err(failure) => Fact::failed(NAME, &failure, false),
    }
}

/// wrangler. One that `npx` would have to fetch does not count.
pub(super) fn wrangler(work: WorkContext<'_>) -> Fact {
    const NAME: &str = "wrangler";
    let Some(program) = on_path(NAME) else {
        return Fact::not_needed(NAME, "not found");
    };
    match version(&program, work) {
        Ok(version) => Fact::ok(NAME, version).from(program.display()),
        Err(failure) => Fact::failed(NAME, &failure, false),
    }
}
