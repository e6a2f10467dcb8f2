//! What the files of a session hold of the machine's memory, where its temporary folder is a file
//! system in memory. Only looks.

use std::collections::HashSet;
use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use rustix::process::Pid;

use crate::limits::Bytes;

/// The largest file that a confined session may write.
pub const MAX_FILE: Bytes = Bytes::mib(256);

/// How many files are looked at. A session with more is taken to hold more than any limit allows: each
/// look costs time, and nothing that evaluates a source makes so many.
const MOST_FILES: usize = 10_000;

/// Kinds of file systems that keep their files in memory: `TMPFS_MAGIC` and `RAMFS_MAGIC` of statfs(2).
const KINDS: [u64; 2] = [0x0102_1994, 0x8584_58f6];

/// From how much growth of the file system on also files are looked for that are only mapped: for that
/// the whole map of the process has to be read.
const GROWTH: u64 = 8 * 1024 * 1024;

/// A temporary folder in memory.
#[derive(Debug)]
pub(crate) struct InMemory {
    /// The device that its files are on.
    device: u64,
    /// The least that the file system was seen to hold, by all who use it.
    least: u64,
}

impl InMemory {
    /// Looks whether a folder is in memory; none if not, or if the system does not tell.
    pub(crate) fn of(folder: &Path) -> Option<Self> {
        let system = rustix::fs::statfs(folder).ok()?;
        // The type of the field differs from one architecture to the next, and its sign with it.
        let kind = u64::try_from(system.f_type).ok()? & 0xffff_ffff;
        let device = fs::metadata(folder).ok()?.dev();
        KINDS.contains(&kind).then_some(Self {
            device,
            least: u64::MAX,
        })
    }

    /// Bytes that the files of a process hold: those in its folder, and those that it removed and keeps
    /// open or mapped.
    pub(crate) fn bytes(&mut self, folder: &Path, process: Pid) -> u64 {
        let mut files = Files::default();
        files.add_folder(folder);
        files.add_open(self.device, process);
        if self.has_grown(folder) {
            files.add_mapped(self.device, process);
        }
        files.bytes()
    }

    /// Whether the file system holds noticeably more than it did.
    fn has_grown(&mut self, folder: &Path) -> bool {
        let Ok(system) = rustix::fs::statvfs(folder) else {
            return true;
        };
        let used = system.f_blocks.saturating_sub(system.f_bfree);
        let used = used.saturating_mul(system.f_frsize);
        self.least = self.least.min(used);
        used - self.least >= GROWTH
    }
}

/// Files that were found, each counted once however it was reached.
#[derive(Debug, Default)]
struct Files {
    /// Their numbers.
    seen: HashSet<u64>,
    bytes: u64,
}

impl Files {
    /// Counts what a file holds.
    fn add(&mut self, data: &Metadata) {
        if self.seen.insert(data.ino()) {
            // The unit of `st_blocks`, whatever the file system's own is.
            self.bytes = self.bytes.saturating_add(data.blocks().saturating_mul(512));
        }
    }

    /// The files in a folder and below it.
    fn add_folder(&mut self, folder: &Path) {
        let mut open = vec![folder.to_owned()];
        while let Some(folder) = open.pop() {
            let Ok(entries) = fs::read_dir(folder) else {
                continue;
            };
            for entry in entries.flatten() {
                if self.are_too_many() {
                    return;
                }
                // Does not follow links.
                let Ok(data) = entry.metadata() else {
                    continue;
                };
                self.add(&data);
                if data.is_dir() {
                    open.push(entry.path());
                }
            }
        }
    }

    /// The files that a process has open and that are in no folder any more.
    fn add_open(&mut self, device: u64, process: Pid) {
        let Ok(entries) = fs::read_dir(format!("/proc/{process}/fd")) else {
            return;
        };
        for entry in entries.flatten() {
            if self.are_too_many() {
                return;
            }
            // Follows the link to the file, whether that has a name or not.
            if let Ok(data) = fs::metadata(entry.path())
                && data.dev() == device
                && data.nlink() == 0
            {
                self.add(&data);
            }
        }
    }

    /// The files that a process has only mapped. What they hold cannot be asked for, so each counts as
    /// the largest file that there can be.
    fn add_mapped(&mut self, device: u64, process: Pid) {
        let map = fs::read_to_string(format!("/proc/{process}/maps")).unwrap_or_default();
        for file in map.lines().filter_map(|line| removed(line, device)) {
            if self.are_too_many() {
                return;
            }
            if self.seen.insert(file) {
                self.bytes = self.bytes.saturating_add(MAX_FILE.get());
            }
        }
    }

    fn are_too_many(&self) -> bool {
        self.seen.len() >= MOST_FILES
    }

    fn bytes(&self) -> u64 {
        if self.are_too_many() {
            return u64::MAX;
        }
        self.bytes
    }
}

/// The number of the file that a line of `/proc/PID/maps` is about, if that was on this device and was
/// removed.
fn removed(line: &str, device: u64) -> Option<u64> {
    let mut fields = line.split_whitespace().skip(3);
    let (major, minor) = fields.next()?.split_once(':')?;
    let number = |hex| u32::from_str_radix(hex, 16).ok();
    let is_there = rustix::fs::makedev(number(major)?, number(minor)?) == device;
    let file = fields.next()?.parse().ok()?;
    (is_there && line.ends_with(" (deleted)")).then_some(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_removed_file_is_known_by_its_line_in_the_map() {
        let device = rustix::fs::makedev(0, 0x1c);
        let line = "7f12a000-7f12b000 rw-s 00000000 00:1c 77        /tmp/a b (deleted)";
        assert_eq!(removed(line, device), Some(77));
        assert_eq!(removed(line, device + 1), None);
        assert_eq!(removed(line.trim_end_matches(" (deleted)"), device), None);
        for line in ["", "7f12a000-7f12b000 rw-p 00000000 00:00 0", "a b c d e"] {
            assert_eq!(removed(line, device), None, "{line}");
        }
    }

    #[test]
    fn files_of_a_folder_count_once_and_too_many_count_as_more_than_any_limit() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("below")).unwrap();
        let file = folder.path().join("below/file");
        fs::write(&file, vec![1; 300_000]).unwrap();
        fs::hard_link(&file, folder.path().join("same")).unwrap();
        let mut files = Files::default();
        files.add_folder(folder.path());
        files.add_folder(folder.path());
        assert!((300_000..400_000).contains(&files.bytes()), "{files:?}");
        files.seen.extend(1_000_000..1_000_000 + MOST_FILES as u64);
        assert_eq!(files.bytes(), u64::MAX);
    }
}
