//! The processes of a server as the system tells of them: which there are, which are left over, what
//! they hold; and kills from outside.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use rustix::process::{Pid, Signal, kill_process};

use crate::chaos::dice::Dice;
use crate::status::Status;

/// The name of the variable that marks a server and all that it starts. REPLs are handed what begins
/// with `LEAN_`.
pub(crate) const MARK: &str = "LEAN_CHAOS";

/// What a process holds.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Holdings {
    /// Resident memory in bytes.
    pub(crate) resident: u64,
    /// The most that it ever was.
    pub(crate) peak: u64,
    /// Threads.
    pub(crate) threads: u64,
    /// Open files.
    pub(crate) files: usize,
}

/// What a process holds now; nothing if it is gone.
pub(crate) fn holdings(pid: Pid) -> Option<Holdings> {
    let status = Status::of(pid.as_raw_nonzero().get().unsigned_abs())?;
    Some(Holdings {
        resident: status.number("VmRSS")? * 1024,
        peak: status.number("VmHWM")? * 1024,
        threads: status.number("Threads")?,
        files: fs::read_dir(folder(pid).join("fd")).ok()?.count(),
    })
}

/// All processes below a process, without those that have ended and wait to be reaped.
pub(crate) fn below(root: Pid) -> BTreeSet<i32> {
    let mut found = BTreeSet::new();
    let mut open = vec![root];
    while let Some(pid) = open.pop() {
        for child in children(pid) {
            if is_alive(child) && found.insert(child.as_raw_nonzero().get()) {
                open.push(child);
            }
        }
    }
    found
}

/// The processes that bear a mark, wherever they are.
pub(crate) fn marked(mark: &Path) -> Vec<Pid> {
    let pair = format!("{MARK}={}", mark.display());
    let is_marked = |pid: &Pid| {
        let variables = fs::read(folder(*pid).join("environ")).unwrap_or_default();
        let mut variables = variables.split(|byte| *byte == 0);
        variables.any(|variable| variable == pair.as_bytes()) && is_alive(*pid)
    };
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries
        .filter_map(|entry| Pid::from_raw(entry.file_name().to_str()?.parse().ok()?))
        .filter(is_marked)
        .collect()
}

/// The command line of a process, for the report.
pub(crate) fn command_line(pid: Pid) -> String {
    let line = fs::read(folder(pid).join("cmdline")).unwrap_or_default();
    let line = String::from_utf8_lossy(&line).replace('\0', " ");
    format!("{pid} {}", line.trim())
}

/// Kills one of the processes that a server started, as the kernel or an operator might; says whether
/// there was one.
pub(crate) fn kill_one(server: Pid, dice: &mut Dice) -> bool {
    let sessions = children(server);
    let picked = dice.pick(&sessions, |_| 1);
    picked.is_some_and(|pid| kill_process(*pid, Signal::KILL).is_ok())
}

/// The children of all threads of a process.
fn children(pid: Pid) -> Vec<Pid> {
    let threads = fs::read_dir(folder(pid).join("task"));
    let threads = threads.into_iter().flatten().flatten();
    let lists =
        threads.filter_map(|thread| fs::read_to_string(thread.path().join("children")).ok());
    lists
        .flat_map(|list| {
            let words = list.split_whitespace();
            words
                .filter_map(|word| Pid::from_raw(word.parse().ok()?))
                .collect::<Vec<_>>()
        })
        .collect()
}

/// Whether a process is there and has not ended.
fn is_alive(pid: Pid) -> bool {
    let stat = fs::read_to_string(folder(pid).join("stat")).unwrap_or_default();
    // The name in brackets may hold anything.
    let state = stat.rsplit_once(") ").map(|(_, state)| state);
    state.is_some_and(|state| !state.starts_with(['Z', 'X']))
}

/// What the system tells of a process.
fn folder(pid: Pid) -> PathBuf {
    Path::new("/proc").join(pid.as_raw_nonzero().to_string())
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    fn a_child_that_left_its_group_and_lost_its_parent_is_found_by_its_mark() {
        let mark = std::env::temp_dir().join(format!("chaos-mark-{}", std::process::id()));
        let status = Command::new("/bin/sh")
            .args(["-c", "setsid sleep 300 > /dev/null 2>&1 &"])
            .env(MARK, &mark)
            .stdin(Stdio::null())
            .status()
            .unwrap();
        assert!(status.success());
        // While it becomes another program, its variables cannot be read.
        let found = loop {
            if let Some(found) = marked(&mark).first() {
                break *found;
            }
        };
        kill_process(found, Signal::KILL).unwrap();
        while !marked(&mark).is_empty() {}
    }

    #[test]
    fn children_are_below_their_parent_until_they_end() {
        let own = rustix::process::getpid();
        let mut child = Command::new("sleep").arg("300").spawn().unwrap();
        let pid = Pid::from_child(&child);
        assert!(below(own).contains(&pid.as_raw_nonzero().get()));
        assert!(holdings(pid).unwrap().resident > 0);
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(!below(own).contains(&pid.as_raw_nonzero().get()));
    }
}
