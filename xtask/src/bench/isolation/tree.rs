//! Processor time and resident memory of a server together with the processes below it.

use std::fs;
use std::iter;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use rustix::process::Pid;

use crate::chaos::processes::below;
use crate::status::Status;

/// How long the processor time is watched to see whether it stands still.
const WATCH: Duration = Duration::from_millis(400);

/// How much of it may pass meanwhile, in hundredths of a second: a server that rests looks at its sessions.
const REST_TICKS: u64 = 1;

/// The longest wait until it stands still.
const PATIENCE: Duration = Duration::from_secs(60);

/// The processor time of all, in hundredths of a second, once they have nothing left to do: a session is
/// prepared for the next source after the answer to the last one.
///
/// # Errors
/// Processes that do not come to rest.
pub(super) fn ticks_at_rest(root: Pid) -> Result<u64> {
    let start = Instant::now();
    let mut before = ticks(root);
    while start.elapsed() < PATIENCE {
        thread::sleep(WATCH);
        let now = ticks(root);
        // A process that has ended and is not reaped yet is missing in the sum.
        if now >= before && now - before <= REST_TICKS {
            return Ok(now);
        }
        before = now;
    }
    bail!("the processes of the server do not come to rest");
}

/// Resident memory of all, in MB.
pub(super) fn resident_mb(root: Pid) -> f64 {
    let kib = all(root).filter_map(|pid| Status::of(pid)?.number("VmRSS"));
    let kib = u32::try_from(kib.sum::<u64>()).unwrap_or(u32::MAX);
    f64::from(kib) * 1024.0 / 1e6
}

/// The processor time of all, user and system, that of reaped children included.
fn ticks(root: Pid) -> u64 {
    all(root).filter_map(ticks_of).sum()
}

/// The processor time of a process and the children it has reaped; none if it is gone.
fn ticks_of(pid: u32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name of the program, in brackets, is the second word; the times are the 14th to the 17th.
    let (_, rest) = stat.rsplit_once(')')?;
    let times = rest.split_whitespace().skip(11).take(4);
    times.map(|word| word.parse::<u64>().ok()).sum()
}

/// A process and those below it.
fn all(root: Pid) -> impl Iterator<Item = u32> {
    let below = below(root).into_iter();
    iter::once(root.as_raw_nonzero().get())
        .chain(below)
        .map(i32::unsigned_abs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_process_works_is_in_its_processor_time() {
        let own = rustix::process::getpid();
        let before = ticks(own);
        let mut sum = 0_u64;
        while ticks(own) < before + 2 {
            sum = std::hint::black_box(sum + 1);
        }
        assert!(resident_mb(own) > 1.0);
    }
}
