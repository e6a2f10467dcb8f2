//! Processes that have lost their parents. Each session is the reaper of its own (`before_exec`), so
//! that none leaves its tree by a double fork; those of a session that has ended come to us, and are
//! known by a mark in their variables. Never touches a child that we started ourselves.

use std::ffi::OsStr;
use std::fs;
use std::hash::{BuildHasher, Hasher, RandomState};

use rustix::process::Pid;

use crate::env_vars;
use crate::process::tree::{self, Member};

/// What tells the processes of one session from those of all others. A process that clears its
/// variables, and whose session then dies of itself, is not known by it.
#[derive(Debug)]
pub(crate) struct Mark {
    /// The value of [`env_vars::SESSION`].
    value: String,
}

impl Mark {
    /// One that no other session has.
    pub(crate) fn new() -> Self {
        // Keys of a new state are random, which is all that is asked for here.
        let random = RandomState::new().build_hasher().finish();
        Self {
            value: format!("{}-{random:016x}", rustix::process::getpid()),
        }
    }

    /// The variable that a session and all that it starts get.
    pub(crate) fn variable(&self) -> (&'static str, &OsStr) {
        (env_vars::SESSION.name, OsStr::new(&self.value))
    }

    /// Whether a process bears it.
    fn is_on(&self, pid: Pid) -> bool {
        let pair = format!("{}={}", env_vars::SESSION.name, self.value);
        let variables = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        let mut pairs = variables.split(|byte| *byte == 0);
        pairs.any(|known| known == pair.as_bytes())
    }

    /// The living processes with this mark that have come to us, and all below them.
    pub(crate) fn orphans(&self) -> Vec<Member> {
        let own = tree::children(rustix::process::getpid()).into_iter();
        own.filter(|pid| self.is_on(*pid))
            .flat_map(|pid| tree::member(pid).into_iter().chain(tree::descendants(pid)))
            .collect()
    }
}

/// Has processes that lose their parents and their session come to us. Holds for the whole process,
/// and for good.
#[cfg(target_os = "linux")]
pub(crate) fn adopt() {
    if rustix::process::set_child_subreaper(Some(rustix::process::getpid())).is_err() {
        // A kernel before Linux 3.4: they go to the first process, as everywhere else.
    }
}

/// Elsewhere they go to the first process.
#[cfg(not(target_os = "linux"))]
pub(crate) fn adopt() {}

/// Reaps those that came to us and have ended.
#[cfg(target_os = "linux")]
pub(crate) fn reap() {
    use std::os::fd::AsFd;

    use rustix::process::{PidfdFlags, WaitId, WaitIdOptions, getpid, pidfd_open, waitid};

    for pid in tree::children(getpid()) {
        if !is_ended_orphan(pid) {
            continue;
        }
        // The number may be another's by now, but not once the process is held by a file.
        if let Ok(process) = pidfd_open(pid, PidfdFlags::empty())
            && is_ended_orphan(pid)
            && waitid(
                WaitId::PidFd(process.as_fd()),
                WaitIdOptions::EXITED | WaitIdOptions::NOHANG,
            )
            .is_err()
        {
            // Another thread of ours has reaped it.
        }
    }
}

/// Elsewhere none come to us.
#[cfg(not(target_os = "linux"))]
pub(crate) fn reap() {}

/// Whether a child of ours has ended and cannot be one that we started: those are in our session, and
/// in our group or in one of their own. Whoever started those waits for them.
#[cfg(target_os = "linux")]
fn is_ended_orphan(pid: Pid) -> bool {
    let own = tree::Stat::read(rustix::process::getpid());
    let (Some(own), Some(stat)) = (own, tree::Stat::read(pid)) else {
        return false;
    };
    let number = pid.as_raw_pid();
    let may_be_started_by_us =
        stat.session == own.session && (stat.group == number || stat.group == own.group);
    stat.has_ended && !may_be_started_by_us
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_unlike_all_others_and_not_on_us() {
        let mark = Mark::new();
        assert_ne!(mark.value, Mark::new().value);
        assert!(!mark.is_on(rustix::process::getpid()));
        assert!(mark.orphans().is_empty());
    }
}
