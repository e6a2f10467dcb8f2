//! Memory and disk: what there is, and whether it is enough.

use std::path::{Path, PathBuf};

use crate::data_dir::DataDir;
use crate::limits::Bytes;
use crate::machine;
use crate::setup::doctor::fact::Fact;

/// What one session needs: `import Mathlib` held 5.4 GB at its peak, core Lean 2.5 GB, and a Lean
/// without a large library less than that.
const MATHLIB_SESSION: Bytes = Bytes::mib(6 * 1024);
const CORE_SESSION: Bytes = Bytes::mib(2560);
const PLAIN_SESSION: Bytes = Bytes::mib(2 * 1024);

/// What is written: Mathlib's modules are 5.4 GB and come as an archive that is unpacked beside them;
/// core Lean is downloaded and unpacked; else a REPL is built and pickles are kept.
const MATHLIB_MODULES: Bytes = Bytes::mib(9 * 1024);
const CORE_INSTALLATION: Bytes = Bytes::mib(1024);
const REPL_AND_PICKLES: Bytes = Bytes::mib(1024);

/// What a user wants to do.
#[derive(Debug, Clone)]
pub(super) struct Wants {
    /// For what, as in "a session with Mathlib".
    session: &'static str,
    memory: Bytes,
    disk: Bytes,
    /// Where; the cache if absent.
    folder: Option<PathBuf>,
}

impl Wants {
    /// To install core Lean and run it.
    pub(super) fn core() -> Self {
        Self {
            session: "a session of core Lean",
            memory: CORE_SESSION,
            disk: CORE_INSTALLATION,
            folder: None,
        }
    }

    /// To run core Lean, which is there.
    pub(super) fn with_core_installed(self) -> Self {
        Self {
            disk: Bytes::mib(1),
            ..self
        }
    }

    /// To run a project's Lean; Mathlib's modules may have to be fetched into its folder before.
    pub(super) fn project(root: &Path, uses_mathlib: bool, has_modules: bool) -> Self {
        let fetches = uses_mathlib && !has_modules;
        Self {
            session: if uses_mathlib {
                "a session with Mathlib"
            } else {
                "a session"
            },
            memory: if uses_mathlib {
                MATHLIB_SESSION
            } else {
                PLAIN_SESSION
            },
            disk: if fetches {
                MATHLIB_MODULES
            } else {
                REPL_AND_PICKLES
            },
            folder: fetches.then(|| root.to_owned()),
        }
    }
}

/// Looks at memory and disk.
pub(super) fn look(wants: &Wants, cache: &DataDir) -> [Fact; 2] {
    let folder = wants.folder.as_deref().unwrap_or(cache.root());
    // The folder may not be there yet; the one that it will be made in is on the same disk.
    let there = folder.ancestors().find(|folder| folder.is_dir());
    let free = there.and_then(|folder| DataDir::at(folder).free_bytes());
    [
        memory(wants, machine::memory().map(|memory| memory.available)),
        disk(wants, folder, free),
    ]
}

/// Whether the memory is enough for one session.
fn memory(wants: &Wants, available: Option<Bytes>) -> Fact {
    const NAME: &str = "memory";
    let needs = format!("{} needs about {}", wants.session, wants.memory);
    let Some(available) = available else {
        return Fact::not_needed(NAME, "this system does not tell how much is free").from(needs);
    };
    let found = format!("{available} free");
    if available < wants.memory {
        let hint = "end other programs, or raise the memory of this machine or container";
        return Fact::missing(NAME, found, hint).from(needs);
    }
    Fact::ok(NAME, found).from(needs)
}

/// Whether the disk is large enough.
fn disk(wants: &Wants, folder: &Path, free: Option<Bytes>) -> Fact {
    const NAME: &str = "disk";
    let place = folder.display();
    let Some(free) = free else {
        return Fact::not_needed(NAME, "this disk does not tell how much is free").from(place);
    };
    let found = format!("{free} free");
    if free < wants.disk {
        let hint = if wants.folder.is_some() {
            "make room on the disk of the project"
        } else {
            "make room, or name another folder with the variable `LEANREPL_CACHE_DIR`"
        };
        let found = format!("{found}, {} needed", wants.disk);
        return Fact::missing(NAME, found, hint).from(place);
    }
    Fact::ok(NAME, found).from(place)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::setup::doctor::fact::State;

    #[test]
    fn mathlib_needs_more_than_other_sessions() {
        let with = Wants::project(Path::new("/p"), true, true);
        let without = Wants::project(Path::new("/p"), false, true);
        let five = Some(Bytes::mib(5 * 1024));
        assert_eq!(memory(&with, five).state, State::Missing);
        assert_eq!(memory(&without, five).state, State::Ok);
        assert_eq!(memory(&with, Some(MATHLIB_SESSION)).state, State::Ok);
        assert_eq!(memory(&with, None).state, State::NotNeeded);
        let fact = memory(&with, five);
        assert_eq!(fact.found, "5.0 GiB free");
        let origin = "a session with Mathlib needs about 6.0 GiB";
        assert_eq!(fact.origin.as_deref(), Some(origin));
    }

    #[test]
    fn modules_that_are_still_to_be_fetched_need_room_in_the_project() {
        let path = Path::new("/p");
        let two = Some(Bytes::mib(2 * 1024));
        let fetched = Wants::project(path, true, true);
        assert_eq!(disk(&fetched, path, two).state, State::Ok);
        let unfetched = Wants::project(path, true, false);
        let fact = disk(&unfetched, path, two);
        assert_eq!(fact.state, State::Missing);
        assert_eq!(fact.found, "2.0 GiB free, 9.0 GiB needed");
        assert_eq!(unfetched.folder.as_deref(), Some(path));
    }

    #[test]
    fn core_lean_needs_room_only_until_it_is_installed() {
        let little = Some(Bytes::mib(100));
        let path = Path::new("/c");
        assert_eq!(disk(&Wants::core(), path, little).state, State::Missing);
        let installed = Wants::core().with_core_installed();
        assert_eq!(disk(&installed, path, little).state, State::Ok);
        assert_eq!(disk(&installed, path, None).state, State::NotNeeded);
    }
}
