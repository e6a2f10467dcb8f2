//! Confinement of sessions: elaborating a text runs any program that the text is made of, so a
//! session gets no more of the machine than it needs. Decides what a kernel without the means is
//! good for; never starts a process.
//!
//! What holds in a confined session: the file system is closed but for the `roots` it reads and
//! the temporary `folder` of its own, and folders that its launch names; no sockets; no new processes; no signals to others; no more
//! privileges, also none of root's; no core dumps and no file above a bound. The rules are made
//! before the fork by the `landlock` and `seccompiler` crates, and put in force between fork and
//! exec by `process::before_exec`. A launcher of our own between us and the REPL
//! was the other way; it would have cost each start an exec and a second program that has to be
//! found, and nothing that `kernel::Rules::apply` does needs one.

pub(crate) mod folder;
mod in_memory;
#[cfg_attr(
    not(all(
        target_os = "linux",
        any(
            target_arch = "x86_64",
            target_arch = "aarch64",
            target_arch = "riscv64"
        )
    )),
    path = "no_kernel.rs"
)]
pub(crate) mod kernel;
pub(crate) mod offer;
mod roots;
#[cfg(all(
    target_os = "linux",
    any(
        target_arch = "x86_64",
        target_arch = "aarch64",
        target_arch = "riscv64"
    )
))]
mod system_calls;

use std::io;
use std::path::{Path, PathBuf};

use crate::env_vars;
use crate::event::{Event, Observer};
use crate::failure::{Failure, Kind};
use crate::process::launch::{Launch, Sandbox};

use folder::Folder;
use kernel::Rules;

pub use in_memory::MAX_FILE;
pub use offer::Offer;

/// How much confinement is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// As much as the kernel offers; what it does not is said.
    Auto,
    /// All of it, or nothing is started.
    Strict,
    /// None.
    Off,
}

impl Mode {
    /// The word for it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Strict => "strict",
            Self::Off => "off",
        }
    }
}

/// What one start of a confined session needs.
pub(crate) struct Cell {
    pub(crate) rules: Rules,
    pub(crate) folder: Folder,
}

impl Sandbox {
    /// Makes the temporary folder and the rules of one start.
    ///
    /// # Errors
    /// What the system says if the folder cannot be made or the kernel refuses a rule.
    pub(crate) fn cell(&self, launch: &Launch) -> io::Result<Cell> {
        let folder = Folder::new(&self.temporary)?;
        let reads = roots::of(launch);
        let mut writes = launch.writes.clone();
        writes.push(folder.path().to_owned());
        let rules = Rules::prepare(self.offer, &reads, &writes, MAX_FILE)?;
        Ok(Cell { rules, folder })
    }
}

/// The launch with the confinement that is asked for. Tells the observer what the kernel does not
/// offer, so it is called once for all sessions of a run. Removes the temporary folders of runs that
/// were killed.
///
/// # Errors
/// With [`Mode::Strict`], a kernel that does not offer all of it ([`Kind::Session`]).
pub fn confine(mode: Mode, launch: Launch, observer: &dyn Observer) -> Result<Launch, Failure> {
    if mode == Mode::Off {
        return Ok(launch);
    }
    let temporary = env_vars::temporary_folder();
    folder::sweep(&temporary);
    confine_with(mode, Offer::of_this_kernel(), temporary, launch, observer)
}

/// The same with an offer that is known.
fn confine_with(
    mode: Mode,
    offer: Offer,
    temporary: PathBuf,
    launch: Launch,
    observer: &dyn Observer,
) -> Result<Launch, Failure> {
    let lacks = offer.lacks();
    if mode == Mode::Strict && !lacks.is_empty() {
        return Err(Failure::new(
            Kind::Session,
            format!(
                "`--sandbox strict` needs what this kernel does not offer: {}",
                lacks.join("; ")
            ),
            "run on a kernel (or in a container) that offers it, or take less with `--sandbox auto`",
        ));
    }
    for lack in lacks {
        observer.tell(Event::Noted {
            text: &format!("the sandbox lacks {lack}"),
        });
    }
    Ok(Launch {
        sandbox: Some(Sandbox { offer, temporary }),
        ..launch
    })
}

/// The place through which a confined session of this launch could read a file, if there is one: a
/// file of keys must not lie there. A file that is not there is not read.
pub fn exposing(launch: &Launch, file: &Path) -> Option<PathBuf> {
    let file = file.canonicalize().ok()?;
    let mut roots = roots::of(launch).into_iter();
    roots.find(|root| {
        let root = root.canonicalize();
        root.is_ok_and(|root| file.starts_with(root))
    })
}

/// What is put in force for the sessions of this launch.
pub fn in_force(launch: &Launch) -> Offer {
    launch
        .sandbox
        .as_ref()
        .map_or(Offer::NOTHING, |sandbox| sandbox.offer)
}

/// The error of a confined program that the system did not start, with what may be the reason.
pub(crate) fn not_started(err: io::Error) -> io::Error {
    if err.kind() != io::ErrorKind::PermissionDenied {
        return err;
    }
    io::Error::new(
        err.kind(),
        format!(
            "{err} (with `--sandbox`, a session runs its own program and those of the system; a script around it must not need others)"
        ),
    )
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    /// Keeps the notes.
    #[derive(Default)]
    struct Notes(Mutex<Vec<String>>);

    impl Observer for Notes {
        fn tell(&self, event: Event<'_>) {
            if let Event::Noted { text } = event {
                self.0.lock().unwrap().push(text.to_owned());
            }
        }
    }

    /// What comes of a mode on a kernel: whether it is confined, and the notes.
    fn outcome(mode: Mode, files: bool, calls: bool) -> (Result<bool, Failure>, Vec<String>) {
        let launch = Launch::new("/bin/true");
        let notes = Notes::default();
        let offer = Offer { files, calls };
        let confined = confine_with(mode, offer, "/tmp".into(), launch, &notes)
            .map(|launch| launch.sandbox.is_some());
        (confined, notes.0.into_inner().unwrap())
    }

    #[test]
    fn auto_says_what_is_missing_and_strict_refuses_for_it() {
        let (confined, notes) = outcome(Mode::Auto, true, true);
        assert!(confined.unwrap() && notes.is_empty());
        let (confined, notes) = outcome(Mode::Auto, false, true);
        assert!(confined.unwrap());
        assert_eq!(notes.len(), 1);
        assert!(notes[0].starts_with("the sandbox lacks Landlock"));
        let (_, notes) = outcome(Mode::Auto, false, false);
        assert_eq!(notes.len(), 2);
        assert!(outcome(Mode::Strict, true, true).0.unwrap());
        for (files, calls, named) in [(false, true, "Landlock"), (true, false, "seccomp")] {
            let (confined, notes) = outcome(Mode::Strict, files, calls);
            let failure = confined.unwrap_err();
            assert!(failure.problem().contains(named), "{failure}");
            assert_eq!(failure.kind(), Kind::Session);
            assert!(notes.is_empty());
        }
    }

    #[test]
    fn a_file_of_keys_among_the_modules_is_noticed() {
        let home = tempfile::tempdir().unwrap();
        let folder = |name: &str| {
            let folder = home.path().join(name);
            std::fs::create_dir(&folder).unwrap();
            std::fs::write(folder.join("keys"), "").unwrap();
            folder
        };
        let (modules, other) = (folder("modules"), folder("other"));
        let mut launch = Launch::new("/bin/true");
        launch.vars = vec![("LEAN_PATH".into(), modules.clone().into())];
        let exposes = |file: &Path| exposing(&launch, file);
        assert_eq!(exposes(&modules.join("keys")), Some(modules.clone()));
        assert_eq!(exposes(&other.join("keys")), None);
        assert_eq!(exposes(&modules.join("none")), None);
        std::os::unix::fs::symlink(modules.join("keys"), other.join("link")).unwrap();
        assert_eq!(exposes(&other.join("link")), Some(modules));
    }

    #[test]
    fn off_leaves_a_launch_as_it_is() {
        let launch = Launch::new("/bin/true");
        let confined = confine(Mode::Off, launch.clone(), &Notes::default()).unwrap();
        assert_eq!(confined, launch);
    }
}
