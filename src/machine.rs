//! How much memory this machine, or the container around this process, has. Never decides what is
//! enough.

use std::fs;
use std::path::Path;

use crate::limits::Bytes;

/// Memory of the machine or of the container, whichever has less.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Memory {
    /// All of it.
    pub total: Bytes,
    /// What a new process can take without another one losing its own; what the system only keeps
    /// of files counts as free.
    pub available: Bytes,
}

/// Looks at the memory; none on a system that does not tell (Linux does).
pub fn memory() -> Option<Memory> {
    let read = |path: &Path| fs::read_to_string(path).ok();
    let machine = of_machine(&read(Path::new("/proc/meminfo"))?)?;
    let group = read(Path::new("/proc/self/cgroup")).unwrap_or_default();
    Some(within_groups(machine, &group, &read))
}

/// The memory that `/proc/meminfo` tells of.
fn of_machine(text: &str) -> Option<Memory> {
    let kib = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name))?;
        let number: u64 = line.split_whitespace().next()?.parse().ok()?;
        Some(Bytes::new(number.saturating_mul(1024)))
    };
    Some(Memory {
        total: kib("MemTotal:")?,
        available: kib("MemAvailable:")?,
    })
}

/// `machine` cut down by the limits of the control groups around this process. In a container the
/// own group is often shown as the root, so the root is looked at too.
fn within_groups(machine: Memory, groups: &str, read: &dyn Fn(&Path) -> Option<String>) -> Memory {
    let unified = Path::new("/sys/fs/cgroup");
    let mut memory = machine;
    for line in groups.lines() {
        let mut fields = line.splitn(3, ':').skip(1);
        let (Some(controllers), Some(path)) = (fields.next(), fields.next()) else {
            continue;
        };
        let (root, names) = match controllers {
            "" => (unified.to_owned(), &UNIFIED),
            _ if controllers.split(',').any(|name| name == "memory") => {
                (unified.join("memory"), &SPLIT)
            }
            _ => continue,
        };
        let own = root.join(path.trim_start_matches('/'));
        for group in own.ancestors().take_while(|group| group.starts_with(&root)) {
            if let Some(limit) = limit(group, names, read) {
                memory.total = memory.total.min(limit.total);
                memory.available = memory.available.min(limit.available);
            }
        }
    }
    memory
}

/// How a kind of control group names its files: limit, use, and the fields of `memory.stat` that
/// count pages of files.
struct Names {
    /// The most that the group may hold.
    limit: &'static str,
    usage: &'static str,
    /// What of that are pages of files, which make room for processes.
    files: [&'static str; 2],
}

/// Version 2.
const UNIFIED: Names = Names {
    limit: "memory.max",
    usage: "memory.current",
    files: ["inactive_file", "active_file"],
};

/// Version 1.
const SPLIT: Names = Names {
    limit: "memory.limit_in_bytes",
    usage: "memory.usage_in_bytes",
    files: ["total_inactive_file", "total_active_file"],
};

/// What one group allows; none without a limit.
fn limit(group: &Path, names: &Names, read: &dyn Fn(&Path) -> Option<String>) -> Option<Memory> {
    let number = |name: &str| read(&group.join(name))?.trim().parse::<u64>().ok();
    let total = number(names.limit)?;
    let usage = number(names.usage)?;
    let stat = read(&group.join("memory.stat")).unwrap_or_default();
    let files = stat.lines().filter_map(|line| {
        let (name, count) = line.split_once(' ')?;
        let count: u64 = count.trim().parse().ok()?;
        names.files.contains(&name).then_some(count)
    });
    let held = usage.saturating_sub(files.sum());
    Some(Memory {
        total: Bytes::new(total),
        available: Bytes::new(total.saturating_sub(held)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A machine with 1000 KiB, 800 of them free.
    const MEMINFO: &str = "MemTotal:        1000 kB\nMemFree:  5 kB\nMemAvailable:     800 kB\n";

    /// What is left of that machine in a process of those groups.
    fn within(groups: &str, files: &[(&str, &str)]) -> (u64, u64) {
        let read = |path: &Path| {
            let found = files.iter().find(|(name, _)| Path::new(name) == path);
            found.map(|(_, text)| (*text).to_owned())
        };
        let memory = within_groups(of_machine(MEMINFO).unwrap(), groups, &read);
        (memory.total.get(), memory.available.get())
    }

    #[test]
    fn a_machine_without_limits_has_what_the_system_says() {
        let all = (1_024_000, 819_200);
        assert_eq!(within("", &[]), all);
        let files = [("/sys/fs/cgroup/a/memory.max", "max\n")];
        assert_eq!(within("0::/a\n", &files), all);
        assert_eq!(of_machine("MemTotal: 5 kB\n"), None);
    }

    #[test]
    fn a_container_has_what_its_limit_leaves_and_pages_of_files_make_room() {
        let files = [
            ("/sys/fs/cgroup/a/memory.max", "500000\n"),
            ("/sys/fs/cgroup/a/memory.current", "300000\n"),
            (
                "/sys/fs/cgroup/a/memory.stat",
                "anon 5\ninactive_file 100000\nactive_file 50000\n",
            ),
        ];
        assert_eq!(within("0::/a/b\n", &files), (500_000, 350_000));
        let files = [
            ("/sys/fs/cgroup/memory/memory.limit_in_bytes", "500000\n"),
            ("/sys/fs/cgroup/memory/memory.usage_in_bytes", "300000\n"),
        ];
        assert_eq!(
            within("4:cpu,memory:/x\n2:pids:/x\n", &files),
            (500_000, 200_000)
        );
    }

    #[test]
    fn a_limit_above_the_memory_of_the_machine_changes_nothing() {
        let files = [
            ("/sys/fs/cgroup/memory.max", "9000000000\n"),
            ("/sys/fs/cgroup/memory.current", "1\n"),
        ];
        assert_eq!(within("0::/\n", &files), (1_024_000, 819_200));
    }
}
