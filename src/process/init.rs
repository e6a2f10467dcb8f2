//! What the first process of a container has to do: hand on signals, and reap all processes whose
//! parents have ended. Done by a process that does nothing else; the work runs in its child, which
//! would otherwise have to tell its own children from strangers.

use std::ffi::OsString;
use std::io::{self, IsTerminal};
use std::process::Command;

use rustix::process::{Pid, Signal, WaitOptions, getpid, kill_process, wait};
use signal_hook::consts::{SIGCHLD, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2};
use signal_hook::iterator::Signals;

use crate::failure::Failure;

/// Signals that are handed on.
const HANDED_ON: [i32; 6] = [SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2];

/// Whether this process is the first one of a container.
pub(crate) fn is_first() -> bool {
    getpid().as_raw_nonzero().get() == 1
}

/// Runs this program again as a child, with `args` (the program's name first), and is its init until it
/// ends; the answer is its exit code, 128 and the signal's number if one ended it.
///
/// # Errors
/// A program that cannot be started again.
pub(crate) fn run(args: &[OsString]) -> Result<u8, Failure> {
    // Before the child is there, so that no signal and no end of a process is missed.
    let mut signals =
        Signals::new(HANDED_ON.iter().chain([&SIGCHLD])).map_err(|err| stuck(&err))?;
    let child = start(args).map_err(|err| stuck(&err))?;
    // A terminal sends Ctrl-C to both, and a second one would end the child at once.
    let from_terminal = io::stdin().is_terminal();
    loop {
        for signal in signals.wait() {
            let is_known = signal == SIGCHLD || (signal == SIGINT && from_terminal);
            if !is_known && let Some(signal) = Signal::from_named_raw(signal) {
                // A child that has just ended is reaped below.
                let _gone = kill_process(child, signal);
            }
        }
        if let Some(code) = reap(child) {
            return Ok(code);
        }
    }
}

fn start(args: &[OsString]) -> io::Result<Pid> {
    #[expect(
        clippy::disallowed_methods,
        reason = "it has to share the group and the terminal, and is reaped with all others"
    )]
    let child = Command::new(std::env::current_exe()?)
        .args(args.iter().skip(1))
        .spawn()?;
    let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    pid.ok_or_else(|| io::Error::other("its number is none"))
}

/// Reaps all that have ended; the exit code of `child` if it is among them.
fn reap(child: Pid) -> Option<u8> {
    while let Ok(Some((pid, status))) = wait(WaitOptions::NOHANG) {
        if pid == child {
            let code = status
                .exit_status()
                .or_else(|| status.terminating_signal().map(|signal| 128 + signal));
            return Some(code.and_then(|code| u8::try_from(code).ok()).unwrap_or(1));
        }
    }
    None
}

/// What a user is told if this program cannot run itself.
fn stuck(err: &io::Error) -> Failure {
    Failure::bug(format!("cannot be the first process of a container: {err}"))
}
