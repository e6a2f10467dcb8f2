//! What a child does between fork and exec; besides `allocator` the only place of unsafe code. Nothing
//! here may allocate or take a lock in the child: other threads of ours may have held it when we forked.

#[cfg(target_os = "linux")]
use std::os::unix::process::CommandExt;
use std::process::Command;

#[cfg(target_os = "linux")]
use rustix::process::Signal;

use crate::process::sandbox::kernel::Rules;

/// Lets the child die with us even if we get SIGKILL. The kernel sends the signal when the
/// *thread* that forked ends (prctl(2), `PR_SET_PDEATHSIG`). And makes it the one to whom processes
/// below it come when they lose their parents (`PR_SET_CHILD_SUBREAPER`, which exec keeps), so that
/// as long as it lives all that it started is found below it, in whatever group or session.
#[cfg(target_os = "linux")]
#[expect(
    unsafe_code,
    reason = "`pre_exec` is the only way to set what holds for a child between fork and exec"
)]
pub(crate) fn bind(command: &mut Command) {
    let parent = rustix::process::getpid();
    // SAFETY: between fork and exec the closure makes four system calls; it allocates nothing,
    // takes no lock and touches no memory of other threads.
    unsafe {
        command.pre_exec(move || {
            rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
            rustix::process::set_child_subreaper(Some(rustix::process::getpid()))?;
            // We may have died before the call took effect.
            if rustix::process::getppid() == Some(parent) {
                Ok(())
            } else {
                Err(rustix::io::Errno::SRCH.into())
            }
        });
    }
}

/// Confines the child between fork and exec, after its death signal was set: no later call of its
/// own can take that back.
#[cfg(target_os = "linux")]
#[expect(
    unsafe_code,
    reason = "`pre_exec` is the only place in which a child can be confined before its program runs"
)]
pub(crate) fn confine(command: &mut Command, mut rules: Rules) {
    // SAFETY: the closure makes system calls on what was prepared before the fork; as is said at
    // `Rules::apply`, it allocates nothing, takes no lock and writes only to memory that it owns.
    // `close_range` touches no memory; it is called by its number because C libraries before 2021
    // do not have it. The files that it marks stay open until exec, so that the report of a
    // failed exec gets through.
    unsafe {
        command.pre_exec(move || {
            rules.bound()?;
            // Files that we inherited without the mark would go on to the child, rules or not. A
            // kernel that lacks the call (before Linux 5.11) has no Landlock either.
            libc::syscall(
                libc::SYS_close_range,
                libc::c_ulong::from(3_u32),
                libc::c_ulong::from(u32::MAX),
                libc::c_ulong::from(libc::CLOSE_RANGE_CLOEXEC),
            );
            rules.apply()
        });
    }
}

/// Elsewhere nothing is offered, and `auto` says so.
#[cfg(not(target_os = "linux"))]
pub(crate) fn confine(_command: &mut Command, _rules: Rules) {}

/// Elsewhere a child sees its stdin close when we die; the REPL ends by that.
#[cfg(not(target_os = "linux"))]
pub(crate) fn bind(_command: &mut Command) {}
