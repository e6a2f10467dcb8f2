//! What a process and its descendants are and hold, read from `/proc`. Never kills.

use std::fs;
use std::time::Duration;

use rustix::process::Pid;

/// A process below another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Member {
    pub(crate) pid: Pid,
    /// When it started, in clock ticks since boot: tells it from a later process of the same number.
    started: u64,
}

impl Member {
    /// Whether the number still means the same process.
    pub(crate) fn is_alive(self) -> bool {
        member(self.pid) == Some(self)
    }
}

/// What `/proc/PID/stat` says of a process.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stat {
    /// Whether it has ended and waits to be reaped.
    pub(crate) has_ended: bool,
    pub(crate) group: i32,
    /// Its session in the kernel's sense, which only `setsid` leaves.
    pub(crate) session: i32,
    /// When it started, in clock ticks since boot.
    started: u64,
    /// Clock ticks that it and those of its children that it has reaped were on a processor.
    ran: u64,
}

impl Stat {
    /// Reads it; none for a process that is gone.
    pub(crate) fn read(pid: Pid) -> Option<Self> {
        Self::parse(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
    }

    /// Understands it. The name in field 2 may hold spaces and brackets.
    fn parse(stat: &str) -> Option<Self> {
        let (_, after_name) = stat.rsplit_once(") ")?;
        // Field 3 of proc_pid_stat(5) comes first here.
        let fields: Vec<&str> = after_name.split(' ').collect();
        Some(Self {
            has_ended: matches!(fields.first()?, &"Z" | &"X"),
            group: fields.get(2)?.parse().ok()?,
            session: fields.get(3)?.parse().ok()?,
            started: fields.get(19)?.parse().ok()?,
            ran: fields
                .get(11..15)?
                .iter()
                .filter_map(|ticks| ticks.parse::<u64>().ok())
                .sum(),
        })
    }
}

/// A process that has not ended.
pub(crate) fn member(pid: Pid) -> Option<Member> {
    let stat = Stat::read(pid).filter(|stat| !stat.has_ended)?;
    Some(Member {
        pid,
        started: stat.started,
    })
}

/// A bound on how many descendants are looked at: a fork bomb must not hold us up.
const MEMBERS: usize = 4096;

/// All descendants of `root`, without itself. Empty where `/proc` does not tell.
pub(crate) fn descendants(root: Pid) -> Vec<Member> {
    let mut found: Vec<Member> = Vec::new();
    let mut open = vec![root];
    while let Some(pid) = open.pop() {
        for child in children(pid) {
            if found.len() >= MEMBERS {
                return found;
            }
            if let Some(member) = member(child) {
                found.push(member);
                open.push(child);
            }
        }
    }
    found
}

/// The direct children of all threads of a process.
pub(crate) fn children(pid: Pid) -> Vec<Pid> {
    let Ok(threads) = fs::read_dir(format!("/proc/{pid}/task")) else {
        return Vec::new();
    };
    threads
        .flatten()
        .filter_map(|thread| fs::read_to_string(thread.path().join("children")).ok())
        .flat_map(|list| {
            list.split_whitespace()
                .filter_map(|word| Pid::from_raw(word.parse().ok()?))
                .collect::<Vec<_>>()
        })
        .collect()
}

/// Resident bytes of a process and all its descendants; `None` where `/proc` does not tell.
/// Pages that they share are counted once for each.
pub(crate) fn resident_bytes(root: Pid) -> Option<u64> {
    let own = resident_of(root)?;
    let below: u64 = descendants(root)
        .into_iter()
        .filter_map(|member| resident_of(member.pid))
        .sum();
    Some(own.saturating_add(below))
}

/// How long a process and all its descendants were on a processor; `None` where `/proc` does not tell.
pub(crate) fn processor_time(root: Pid) -> Option<Duration> {
    let ran = |pid| Stat::read(pid).map(|stat| stat.ran);
    let below = descendants(root);
    let below = below.iter().filter_map(|member| ran(member.pid));
    let ticks = ran(root)?.saturating_add(below.sum());
    let seconds = rustix::param::clock_ticks_per_second().max(1);
    Some(Duration::from_millis(ticks.saturating_mul(1000) / seconds))
}

/// What a process holds by `/proc/PID/status`, in bytes. What was moved to the swap and pages of the
/// kernel's reserve of huge ones are memory too, and are not counted as resident there.
fn resident_of(pid: Pid) -> Option<u64> {
    held_by(&fs::read_to_string(format!("/proc/{pid}/status")).ok()?)
}

/// The sum of the fields that are memory; none for a process that has ended, which has no such fields.
fn held_by(status: &str) -> Option<u64> {
    let kib = |name: &str| -> Option<u64> {
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        line.split_whitespace().next()?.parse().ok()
    };
    let resident = kib("VmRSS:")?;
    let elsewhere = ["VmSwap:", "HugetlbPages:"].into_iter().filter_map(kib);
    Some(
        resident
            .saturating_add(elsewhere.sum())
            .saturating_mul(1024),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_is_alive_and_resident() {
        let own = rustix::process::getpid();
        assert!(resident_bytes(own).unwrap() > 100_000);
        let member = member(own).unwrap();
        assert!(member.is_alive());
        let later = Member {
            started: member.started + 1,
            ..member
        };
        assert!(!later.is_alive());
        assert!(!Stat::read(own).unwrap().has_ended);
    }

    #[test]
    fn the_time_on_a_processor_is_the_processs_own_and_that_of_children_it_reaped() {
        let line = "7 (a) b) S 1 2 3 0 -1 4194304 100 0 0 0 10 20 300 4000 20 0 1 0 99 1 1";
        let stat = Stat::parse(line).unwrap();
        assert_eq!((stat.group, stat.session, stat.started), (2, 3, 99));
        assert_eq!(stat.ran, 4330);
        assert!(!stat.has_ended);
        assert!(processor_time(rustix::process::getpid()).is_some());
    }

    #[test]
    fn memory_counts_wherever_the_kernel_has_put_it() {
        let status = "Name:\ta\nVmHWM:\t 900 kB\nVmRSS:\t 100 kB\nRssShmem:\t 60 kB\nVmSwap:\t 20 kB\nHugetlbPages:\t 4 kB\n";
        assert_eq!(held_by(status), Some(124 * 1024));
        assert_eq!(held_by("VmRSS:\t 100 kB\n"), Some(100 * 1024));
        assert_eq!(held_by("Name:\ta\nState:\tZ (zombie)\n"), None);
    }
}
