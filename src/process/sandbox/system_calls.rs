//! The filter of system calls: what a REPL never needs and what reaches beyond its process is
//! answered with "operation not permitted". Never kills for a call of the own architecture.
//!
//! A list of what is closed, not of what is open: Lean and Node meet with new C libraries and
//! kernels, and what is too new to be known here is answered as by an older kernel.

use std::collections::BTreeMap;
use std::io;

use seccompiler::SeccompCmpOp::{self, Eq, MaskedEq, Ne};
use seccompiler::{
    BackendError, BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCondition, SeccompFilter,
    SeccompRule, apply_filter, sock_filter,
};

/// The last call that the lists below were made from (Linux 6.10, `mseal`). Later ones, and those of
/// the x32 architecture with their high numbers, do not exist for a session.
const LAST: u32 = 462;

/// Stands for the process's own number, which is known only after the fork. No number is as high.
const OWN: u64 = 0x4000_0001;

/// `SYS_quotactl_fd`, which `libc` does not have for all architectures; younger calls have the same
/// number on each.
const QUOTACTL_FD: libc::c_long = 443;

/// `SYS_memfd_secret`.
const MEMFD_SECRET: libc::c_long = 447;

/// `SYS_process_mrelease`.
const PROCESS_MRELEASE: libc::c_long = 448;

/// `SYS_fchmodat2`.
const FCHMODAT2: libc::c_long = 452;

/// Calls that are closed whatever their arguments are.
const CLOSED: &[libc::c_long] = &[
    // The network, and sockets of other programs on this machine.
    libc::SYS_socket,
    libc::SYS_connect,
    libc::SYS_bind,
    libc::SYS_listen,
    libc::SYS_accept,
    libc::SYS_accept4,
    // The memory, files, signals and time of other processes of the user.
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_process_madvise,
    PROCESS_MRELEASE,
    libc::SYS_kcmp,
    libc::SYS_pidfd_open,
    libc::SYS_pidfd_getfd,
    libc::SYS_pidfd_send_signal,
    libc::SYS_tkill,
    libc::SYS_rt_sigqueueinfo,
    libc::SYS_rt_tgsigqueueinfo,
    libc::SYS_ioprio_set,
    libc::SYS_migrate_pages,
    libc::SYS_move_pages,
    libc::SYS_setpgid,
    libc::SYS_setsid,
    // Memory that belongs to a file without a name: nothing that is resident tells of it, so the
    // limit on memory would not see it. Neither Lean nor Node needs it.
    libc::SYS_memfd_create,
    MEMFD_SECRET,
    // Memory and queues that are shared by name.
    libc::SYS_shmget,
    libc::SYS_shmat,
    libc::SYS_shmctl,
    libc::SYS_semget,
    libc::SYS_semop,
    libc::SYS_semtimedop,
    libc::SYS_semctl,
    libc::SYS_msgget,
    libc::SYS_msgsnd,
    libc::SYS_msgrcv,
    libc::SYS_msgctl,
    libc::SYS_mq_open,
    libc::SYS_mq_unlink,
    // What Landlock does not watch: rights, owners, times and marks of files, and the length of
    // files by their name, which it learned late.
    libc::SYS_fchmod,
    libc::SYS_fchmodat,
    FCHMODAT2,
    libc::SYS_fchown,
    libc::SYS_fchownat,
    libc::SYS_utimensat,
    libc::SYS_truncate,
    libc::SYS_setxattr,
    libc::SYS_lsetxattr,
    libc::SYS_fsetxattr,
    libc::SYS_removexattr,
    libc::SYS_lremovexattr,
    libc::SYS_fremovexattr,
    libc::SYS_inotify_init1,
    libc::SYS_fanotify_init,
    libc::SYS_fanotify_mark,
    libc::SYS_name_to_handle_at,
    libc::SYS_open_by_handle_at,
    // Large and young parts of the kernel, by which others have been broken out of.
    libc::SYS_io_uring_setup,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
    libc::SYS_userfaultfd,
    libc::SYS_add_key,
    libc::SYS_request_key,
    libc::SYS_keyctl,
    // The machine: mounts, namespaces, clocks, modules.
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_pivot_root,
    libc::SYS_chroot,
    libc::SYS_open_tree,
    libc::SYS_move_mount,
    libc::SYS_fsopen,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fspick,
    libc::SYS_mount_setattr,
    libc::SYS_unshare,
    libc::SYS_setns,
    libc::SYS_swapon,
    libc::SYS_swapoff,
    libc::SYS_quotactl,
    QUOTACTL_FD,
    libc::SYS_acct,
    libc::SYS_reboot,
    libc::SYS_kexec_load,
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_syslog,
    libc::SYS_settimeofday,
    libc::SYS_clock_settime,
    libc::SYS_clock_adjtime,
    libc::SYS_adjtimex,
    libc::SYS_sethostname,
    libc::SYS_setdomainname,
    libc::SYS_vhangup,
];

/// The older forms of some of them, which younger architectures never had.
#[cfg(target_arch = "x86_64")]
const CLOSED_HERE: &[libc::c_long] = &[
    libc::SYS_fork,
    libc::SYS_vfork,
    libc::SYS_chmod,
    libc::SYS_chown,
    libc::SYS_lchown,
    libc::SYS_utime,
    libc::SYS_utimes,
    libc::SYS_futimesat,
    libc::SYS_inotify_init,
    libc::SYS_kexec_file_load,
    libc::SYS_iopl,
    libc::SYS_ioperm,
    libc::SYS_modify_ldt,
];

/// There are none.
#[cfg(not(target_arch = "x86_64"))]
const CLOSED_HERE: &[libc::c_long] = &[];

/// Calls that are answered as by a kernel that does not know them, so that the C library takes the
/// older ones: their arguments lie in memory, where a filter does not see them.
const UNKNOWN: [libc::c_long; 2] = [libc::SYS_clone3, libc::SYS_openat2];

/// Let a file signal a process of one's choice, `F_SETOWN`, `F_SETSIG`, `F_SETOWN_EX`; or keep others
/// from writing it, `F_SETLEASE`.
const FCNTLS: [u64; 4] = [8, 10, 15, 1024];

/// The same for sockets, `FIOSETOWN` and `SIOCSPGRP`; and input put into a terminal, `TIOCSTI` and
/// `TIOCLINUX`.
const IOCTLS: [u64; 4] = [0x8901, 0x8902, 0x5412, 0x541c];

/// A condition on an argument: its place, the comparison and the value compared with.
type Condition = (u8, SeccompCmpOp, u64);

/// Calls that are closed where all conditions of a line hold.
fn closed_if() -> Vec<(libc::c_long, Vec<Condition>)> {
    let flags = |list: i32| u64::from(list.cast_unsigned());
    // Either kind of shared mapping has this bit, and no other kind.
    let shared_memory = flags(libc::MAP_SHARED | libc::MAP_ANONYMOUS);
    let to_others = || vec![(0, Ne, 0)];
    let mut closed = vec![
        // A new process instead of a thread.
        (
            libc::SYS_clone,
            vec![(0, MaskedEq(flags(libc::CLONE_THREAD)), 0)],
        ),
        (libc::SYS_kill, vec![(0, Ne, OWN)]),
        (libc::SYS_tgkill, vec![(0, Ne, OWN)]),
        // Only a pair of streams cannot reach any other socket: from one of datagrams (which a raw one is
        // too) messages go to those of others by their path.
        (libc::SYS_socketpair, not_a_stream()),
        (libc::SYS_socketpair, vec![(0, Ne, flags(libc::AF_UNIX))]),
        // Shared memory without a file stays when it is no longer mapped but for a page, and then
        // nothing that is resident tells of it.
        (
            libc::SYS_mmap,
            vec![(3, MaskedEq(shared_memory), shared_memory)],
        ),
        (libc::SYS_prlimit64, to_others()),
        (libc::SYS_sched_setaffinity, to_others()),
        (libc::SYS_sched_setattr, to_others()),
        (libc::SYS_sched_setparam, to_others()),
        (libc::SYS_sched_setscheduler, to_others()),
        (libc::SYS_setpriority, to_others()),
        (libc::SYS_setpriority, vec![(1, Ne, 0)]),
        // It would outlive us.
        (
            libc::SYS_prctl,
            vec![(0, Eq, flags(libc::PR_SET_PDEATHSIG))],
        ),
    ];
    closed.extend(closed_opens());
    closed.extend(FCNTLS.map(|command| (libc::SYS_fcntl, vec![(1, Eq, command)])));
    closed.extend(IOCTLS.map(|command| (libc::SYS_ioctl, vec![(1, Eq, command)])));
    closed
}

/// Ways to open a file that are closed, for each call that opens one.
fn closed_opens() -> Vec<(libc::c_long, Vec<Condition>)> {
    let flags = |list: i32| u64::from(list.cast_unsigned());
    // A reader that empties what it opens: Landlock before Linux 6.2 sees the reader only.
    let emptying = (flags(libc::O_ACCMODE | libc::O_TRUNC), flags(libc::O_TRUNC));
    // A file without a name is in no folder, where its size would be seen.
    let without_name = flags(libc::O_TMPFILE & !libc::O_DIRECTORY);
    let ways = [emptying, (without_name, without_name)];
    let calls = [
        (libc::SYS_openat, 2),
        #[cfg(target_arch = "x86_64")]
        (libc::SYS_open, 1),
    ];
    let closed = calls.map(|(call, place)| {
        ways.map(|(mask, value)| (call, vec![(place, MaskedEq(mask), value)]))
    });
    closed.into_iter().flatten().collect()
}

/// That the type of a pair of sockets is none of those that streams have.
fn not_a_stream() -> Vec<Condition> {
    let options = [
        0,
        libc::SOCK_CLOEXEC,
        libc::SOCK_NONBLOCK,
        libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK,
    ];
    let kinds = options.map(|option| (libc::SOCK_STREAM | option).cast_unsigned());
    kinds.map(|kind| (1, Ne, kind.into())).to_vec()
}

/// A compiled filter.
#[derive(Debug)]
pub(crate) struct Filter {
    /// What the kernel runs on each call.
    program: BpfProgram,
    /// Where in it the own process number belongs.
    own: Vec<usize>,
}

impl Filter {
    /// Compiles it.
    ///
    /// # Errors
    /// Never, as the tests show: the lists are fixed.
    pub(crate) fn new() -> Result<Self, BackendError> {
        let mut rules: BTreeMap<i64, Vec<SeccompRule>> = BTreeMap::new();
        for (call, conditions) in closed_if() {
            let conditions = conditions
                .into_iter()
                .map(|(place, compare, value)| {
                    SeccompCondition::new(place, SeccompCmpArgLen::Dword, compare, value)
                })
                .collect::<Result<Vec<_>, _>>()?;
            rules
                .entry(call)
                .or_default()
                .push(SeccompRule::new(conditions)?);
        }
        // No rule means whatever the arguments are.
        rules.extend(
            CLOSED
                .iter()
                .chain(CLOSED_HERE)
                .map(|call| (*call, Vec::new())),
        );
        let filter = SeccompFilter::new(
            rules,
            SeccompAction::Allow,
            SeccompAction::Errno(libc::EPERM.cast_unsigned()),
            std::env::consts::ARCH.try_into()?,
        )?;
        let mut program = unknown_calls();
        program.extend(BpfProgram::try_from(filter)?);
        let own = program
            .iter()
            .enumerate()
            .filter(|(_, step)| u64::from(step.k) == OWN)
            .map(|(place, _)| place)
            .collect();
        Ok(Self { program, own })
    }

    /// Puts it in force for the calling thread, for good. Allocates nothing.
    pub(crate) fn apply(&mut self) -> io::Result<()> {
        let own = rustix::process::getpid().as_raw_pid().cast_unsigned();
        for place in &self.own {
            if let Some(step) = self.program.get_mut(*place) {
                step.k = own;
            }
        }
        apply_filter(&self.program).map_err(|_refused| rustix::io::Errno::PERM.into())
    }
}

/// The start of the program: answers calls that are to be unknown.
fn unknown_calls() -> BpfProgram {
    /// Loads the number of the call (`BPF_LD | BPF_W | BPF_ABS`, at 0).
    const LOAD: u16 = 0x20;
    /// Goes `jt` steps on if it is the one given (`BPF_JMP | BPF_JEQ | BPF_K`), else `jf`.
    const IS: u16 = 0x15;
    /// The same if it is greater (`BPF_JMP | BPF_JGT | BPF_K`).
    const IS_GREATER: u16 = 0x25;
    /// Ends with an answer (`BPF_RET | BPF_K`).
    const ANSWER: u16 = 0x06;
    let step = |code, k, jt, jf| sock_filter { code, k, jt, jf };
    let no_such_call = u32::from(SeccompAction::Errno(libc::ENOSYS.cast_unsigned()));
    let mut program = vec![
        step(LOAD, 0, 0, 0),
        step(IS_GREATER, LAST, 0, 1),
        step(ANSWER, no_such_call, 0, 0),
    ];
    for call in UNKNOWN {
        // Numbers of calls are small.
        let number = u32::try_from(call).unwrap_or(u32::MAX);
        program.push(step(IS, number, 0, 1));
        program.push(step(ANSWER, no_such_call, 0, 0));
    }
    program
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lists_make_a_filter_that_knows_its_own_process() {
        let filter = Filter::new().unwrap();
        // One place for `kill` and one for `tgkill`.
        assert_eq!(filter.own.len(), 2);
        // The kernel takes at most 4096 steps, and each call that is not closed costs all of them.
        assert!(filter.program.len() < 1000, "{}", filter.program.len());
    }

    #[test]
    #[cfg(target_arch = "x86_64")]
    fn the_numbers_given_here_are_those_of_libc() {
        let ours = [
            QUOTACTL_FD,
            MEMFD_SECRET,
            PROCESS_MRELEASE,
            FCHMODAT2,
            i64::from(LAST),
        ];
        let theirs = [
            libc::SYS_quotactl_fd,
            libc::SYS_memfd_secret,
            libc::SYS_process_mrelease,
            libc::SYS_fchmodat2,
            libc::SYS_mseal,
        ];
        assert_eq!(ours, theirs);
    }

    #[test]
    fn every_closed_call_is_one_that_the_filter_knows() {
        let last = i64::from(LAST);
        let conditional = closed_if().into_iter().map(|(call, _)| call);
        let all = CLOSED.iter().chain(CLOSED_HERE).copied();
        for call in all.chain(conditional).chain(UNKNOWN) {
            assert!((0..=last).contains(&call), "{call}");
        }
    }
}
