//! elan for a machine that has none: what the user is offered, and what leanrepl runs if asked to.

use std::path::Path;

use crate::digest;
use crate::env_vars;
use crate::event::{Event, Observer};
use crate::failure::{Failure, Kind};
use crate::limits::{Bytes, Deadline, Interrupt};
use crate::process::run::Run;

/// The command that elan's own site gives.
const COMMAND: &str =
    "curl -sSf https://elan.lean-lang.org/elan-init.sh | sh -s -- -y --default-toolchain none";

/// The installer that was read before it was trusted: the script of a release, by its digest. It
/// fetches the newest elan from the same place as the command above.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Installer {
    /// Where it is.
    url: &'static str,
    /// Its SHA-256.
    digest: &'static str,
}

/// That of elan 4.2.3.
pub(crate) const INSTALLER: Installer = Installer {
    url: "https://raw.githubusercontent.com/leanprover/elan/v4.2.3/elan-init.sh",
    digest: "a620ff1641616222c8d37c54845492004bb84d6877cdbc944dd65c1aa685bf53",
};

/// What a user without elan is told.
pub(crate) fn missing() -> Failure {
    Failure::new(
        Kind::Project,
        "neither `elan` nor `lake` was found, so there is no Lean to build with",
        format!("run `leanrepl build --install-elan`, or install elan yourself: `{COMMAND}`"),
    )
}

impl Installer {
    /// Fetches the script into `folder`, checks it and runs it: elan comes into the user's home and
    /// on the `PATH` of new shells, and no toolchain yet.
    pub(crate) fn run(
        self,
        folder: &Path,
        deadline: Deadline,
        observer: &dyn Observer,
        interrupt: &Interrupt,
    ) -> Result<(), Failure> {
        let script = folder.join("elan-init.sh");
        observer.tell(Event::StepStarted {
            label: "installing elan",
            total_bytes: None,
        });
        let installed = self
            .fetch(&script, deadline, observer, interrupt)
            .and_then(|()| {
                tool("sh")
                    .arg(&script)
                    .args(["-y", "--default-toolchain", "none"])
                    .purpose("installing elan")
                    .hint(format!("run it yourself to see more: `{COMMAND}`"))
                    .deadline(deadline)
                    .finish(observer, interrupt)
                    .map(|_output| ())
            });
        observer.tell(Event::StepFinished);
        installed
    }

    /// Fetches the script whole before any of it is run.
    fn fetch(
        self,
        script: &Path,
        deadline: Deadline,
        observer: &dyn Observer,
        interrupt: &Interrupt,
    ) -> Result<(), Failure> {
        tool("curl")
            .args(["--proto", "=https", "--tlsv1.2", "-sSfL", "-o"])
            .arg(script)
            .arg(self.url)
            .purpose("fetching the installer of elan")
            .hint("check the network, or install elan by the means of your system")
            .deadline(deadline)
            .finish(observer, interrupt)?;
        let found = digest::of_file(script).map(|(digest, _)| digest);
        match found {
            Ok(found) if found == self.digest => Ok(()),
            Ok(found) => Err(unexpected(self).caused_by(format!("its SHA-256 is {found}"))),
            Err(err) => Err(unexpected(self).caused_by(err)),
        }
    }
}

/// A run with the user's way to the network.
fn tool(program: &str) -> Run {
    Run::new(program)
        .environment(env_vars::for_network())
        .max_stdout(Bytes::mib(1))
}

/// What a user is told about another script than the one that was read.
fn unexpected(installer: Installer) -> Failure {
    Failure::new(
        Kind::Build,
        format!(
            "`{}` is not the installer that leanrepl knows, so it was not run",
            installer.url
        ),
        format!("look at it, and install elan yourself: `{COMMAND}`"),
    )
}
