//! elan for a machine that has none: what the user is offered, and what leanrepl runs if asked to.

use std::path::Path;

use crate::digest;
use crate::elan::Elan;
use crate::event::{Event, Observer, step};
use crate::failure::{Failure, Kind};
use crate::limits::{CancelFlag, Deadline};
use crate::process::run::Run;

/// The command that elan's own site gives.
const COMMAND: &str =
    "curl -sSf https://elan.lean-lang.org/elan-init.sh | sh -s -- -y --default-toolchain none";

/// The installer that was read before it was trusted: the script of a release, by its digest. It
/// fetches the newest elan from the same place as the command above.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Installer {
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

impl Elan {
    /// Fetches an installer into `folder`, checks it and runs it: elan comes into the user's home and
    /// on the `PATH` of new shells, and no toolchain yet.
    ///
    /// # Errors
    /// No network, another script than the known one, and an installer that fails or leaves no elan.
    pub(crate) fn install(
        &self,
        installer: Installer,
        folder: &Path,
        deadline: Deadline,
        observer: &dyn Observer,
        interrupt: &CancelFlag,
    ) -> Result<(), Failure> {
        let script = folder.join("elan-init.sh");
        let work = || {
            // Whole, before any of it is run.
            self.tool("curl", "fetching the installer of elan", deadline)
                .args(["--proto", "=https", "--tlsv1.2", "-sSfL", "-o"])
                .arg(&script)
                .arg(installer.url)
                .hint("check the network, or install elan by the means of your system")
                .finish(observer, interrupt)?;
            installer.check(&script)?;
            let told = format!(
                "running `{}` with `-y --default-toolchain none`",
                installer.url
            );
            observer.tell(Event::Noted { text: &told });
            self.tool("sh", "installing elan", deadline)
                .arg(&script)
                .args(["-y", "--default-toolchain", "none"])
                .hint(format!("run it yourself to see more: `{COMMAND}`"))
                .finish(observer, interrupt)
        };
        step(observer, "installing elan", work)?;
        if self.program().is_some() {
            return Ok(());
        }
        Err(Failure::new(
            Kind::Build,
            "the installer of elan ended well, and yet there is no `elan`",
            "look where it went, and put its folder on `PATH`",
        ))
    }

    /// A run with the user's way to the network.
    fn tool(&self, program: &str, purpose: &str, deadline: Deadline) -> Run {
        Run::new(program)
            .environment(self.variables.clone())
            .purpose(purpose)
            .deadline(deadline)
    }
}

impl Installer {
    /// Fails for another script than the known one.
    fn check(self, script: &Path) -> Result<(), Failure> {
        let unexpected = || {
            Failure::new(
                Kind::Build,
                format!(
                    "`{}` is not the installer that leanrepl knows, so it was not run",
                    self.url
                ),
                format!("look at it, and install elan yourself: `{COMMAND}`"),
            )
        };
        match digest::of_file(script) {
            Ok((found, _)) if found == self.digest => Ok(()),
            Ok((found, _)) => Err(unexpected().caused_by(format!("its SHA-256 is {found}"))),
            Err(err) => Err(unexpected().caused_by(err)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Unobserved;
    use crate::limits::Wait;
    use std::ffi::OsString;
    use std::fs;
    use std::path::PathBuf;

    /// The script that stands for the installer: it does what its arguments say.
    const SCRIPT: &str = "mkdir -p \"$HOME/.elan/bin\" && echo \"$*\" > \"$HOME/.elan/bin/elan\"\n";

    /// The SHA-256 of another script.
    const OTHER: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    /// Installs with a `curl` that gives the script, and tells what lies where elan should be.
    fn install(digest: &'static str) -> (Result<(), Failure>, Option<String>) {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let curl = "while [ \"$1\" != -o ]; do shift; done\ncp \"$HOME/script\" \"$2\"\n";
        fs::write(path("script"), SCRIPT).unwrap();
        fs::write(path("curl.sh"), format!("#!/bin/sh\n{curl}")).unwrap();
        let around = |run: Run| run.finish(&Unobserved, &CancelFlag::default());
        // Copied by a child: a file that this process had open for writing may be held by another
        // test's fork, and then it cannot be run.
        let copy = Run::new("install")
            .args(["-m", "755"])
            .arg(path("curl.sh"))
            .arg(path("curl"));
        around(copy).unwrap();
        let paths = [
            folder.path().to_owned(),
            PathBuf::from("/usr/bin"),
            PathBuf::from("/bin"),
        ];
        let home: OsString = folder.path().into();
        let elan = Elan {
            home: Some(path(".elan")),
            variables: vec![
                ("PATH".into(), std::env::join_paths(paths).unwrap()),
                ("HOME".into(), home),
            ],
            toolchain_variable: None,
        };
        let installer = Installer {
            url: "https://example.org/elan-init.sh",
            digest,
        };
        let done = elan.install(
            installer,
            folder.path(),
            Deadline::after(Wait::secs(60).get()),
            &Unobserved,
            &CancelFlag::default(),
        );
        (done, fs::read_to_string(path(".elan/bin/elan")).ok())
    }

    #[test]
    fn the_known_installer_is_run_without_questions_and_without_a_toolchain() {
        let digest: &'static str = Box::leak(digest::of_bytes(SCRIPT.as_bytes()).into_boxed_str());
        let (done, elan) = install(digest);
        done.unwrap();
        assert_eq!(elan.as_deref(), Some("-y --default-toolchain none\n"));
    }

    #[test]
    fn another_one_is_not_run() {
        let (done, elan) = install(OTHER);
        let failure = done.unwrap_err();
        assert!(
            failure.problem().ends_with("so it was not run"),
            "{failure}"
        );
        assert_eq!(elan, None);
    }
}
