//! What Linux says of a process in `/proc/PID/status`. Never looks at more than one process.

use std::fs;

/// What it said at one moment.
#[derive(Debug)]
pub(crate) struct Status(String);

impl Status {
    /// What it says now; none if the process is not there.
    pub(crate) fn of(pid: u32) -> Option<Self> {
        fs::read_to_string(format!("/proc/{pid}/status"))
            .ok()
            .map(Self)
    }

    /// The number in a line, such as the KiB of `VmRSS`; none if there is no such line.
    pub(crate) fn number(&self, name: &str) -> Option<u64> {
        let mut lines = self.0.lines().filter_map(|line| line.split_once(':'));
        let (_, rest) = lines.find(|(key, _)| *key == name)?;
        rest.split_whitespace().next()?.parse().ok()
    }
}
