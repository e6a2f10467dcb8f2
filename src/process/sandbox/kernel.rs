//! The rules of one start, and the kernel's part in them. What is prepared before the fork may
//! allocate; what is put in force after it may not.

use std::io;
use std::path::PathBuf;

use landlock::{
    ABI, Access, AccessFs, AccessNet, CompatLevel, Compatible, PathBeneath, PathFd, Ruleset,
    RulesetAttr, RulesetCreated, RulesetCreatedAttr, RulesetError, RulesetStatus, Scope,
    path_beneath_rules,
};
use rustix::fs::{Mode as FileMode, OFlags};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use rustix::thread::{CapabilitySet, CapabilitySets, capabilities, set_capabilities};

use crate::limits::Bytes;
use crate::process::sandbox::offer::Offer;
use crate::process::sandbox::system_calls::Filter;

/// The newest Landlock that the rules were tried on. An older kernel leaves out what it does not
/// know; the filter of system calls closes the same doors, so nothing is lost but the second lock.
const NEWEST: ABI = ABI::V7;

/// Devices that may be read and written. Without `/dev/zero`: mapped, it is memory without a name.
const DEVICES: [&str; 2] = ["/dev/null", "/dev/full"];

/// How many files a session may have open. What pipes and pairs of sockets hold is memory that no
/// process is charged with, some 200 KiB each. It is what systems allow a program that asks for nothing.
const MOST_OPEN: u64 = 1024;

/// Rights to what a session reads.
fn reading() -> landlock::BitFlags<AccessFs> {
    AccessFs::from_read(NEWEST)
}

/// Rights to a folder in which it writes: everything but to run what is in it.
fn owning() -> landlock::BitFlags<AccessFs> {
    AccessFs::from_all(NEWEST) & !AccessFs::Execute
}

/// What is put in force in one child.
#[derive(Debug)]
pub(crate) struct Rules {
    /// The open file system rules; taken by [`Rules::apply`].
    files: Option<RulesetCreated>,
    calls: Option<Filter>,
    /// What is kept of root's privileges; nothing for other users.
    privileges: CapabilitySets,
    /// Bounds of the process.
    bounds: [(Resource, Rlimit); 3],
}

impl Rules {
    /// Opens all that a session may read, the folders in which it may write, and the filter.
    ///
    /// # Errors
    /// What the system says; a path that does not exist or cannot be opened is no error.
    pub(crate) fn prepare(
        offer: Offer,
        reads: &[PathBuf],
        writes: &[PathBuf],
        max_file: Bytes,
    ) -> io::Result<Self> {
        let files = if offer.files {
            Some(ruleset(reads, writes)?)
        } else {
            None
        };
        let calls = if offer.calls {
            Some(Filter::new().map_err(io::Error::other)?)
        } else {
            None
        };
        Ok(Self {
            files,
            calls,
            privileges: fewer(capabilities(None)?),
            bounds: [
                (Resource::Core, at_most(Resource::Core, 0)),
                (Resource::Fsize, at_most(Resource::Fsize, max_file.get())),
                (Resource::Nofile, at_most(Resource::Nofile, MOST_OPEN)),
            ],
        })
    }

    /// Bounds this process. To be called between fork and exec: makes system calls and nothing
    /// else.
    pub(crate) fn bound(&self) -> io::Result<()> {
        for (resource, limit) in self.bounds {
            setrlimit(resource, limit)?;
        }
        Ok(())
    }

    /// Puts the rules in force for the calling thread and all it starts, for good. Fails rather
    /// than leaving one out.
    ///
    /// Runs between fork and exec, so it allocates nothing, takes no lock and keeps its errors
    /// to their number: `landlock` makes a handful of system calls, `seccompiler` two, `rustix`
    /// one each. A test counts the allocations.
    pub(crate) fn apply(&mut self) -> io::Result<()> {
        rustix::thread::set_no_new_privs(true)?;
        if let Some(ruleset) = self.files.take() {
            let ruleset = with_own_map(ruleset)?;
            let status = ruleset.restrict_self().map_err(|_refused| refused())?;
            if status.ruleset == RulesetStatus::NotEnforced {
                return Err(refused());
            }
        }
        set_capabilities(None, self.privileges)?;
        match &mut self.calls {
            Some(filter) => filter.apply(),
            None => Ok(()),
        }
    }
}

/// Lets the process read the map of its memory, by which the C library finds the end of the main
/// thread's stack, and Lean tells a stack overflow from other crashes. A map has to be there first:
/// so this rule alone is added after the fork. Without `/proc` there is none.
fn with_own_map(ruleset: RulesetCreated) -> io::Result<RulesetCreated> {
    let flags = OFlags::PATH | OFlags::CLOEXEC;
    match rustix::fs::open(c"/proc/self/maps", flags, FileMode::empty()) {
        Ok(map) => ruleset
            .add_rule(PathBeneath::new(map, AccessFs::ReadFile))
            .map_err(|_refused| refused()),
        Err(_) => Ok(ruleset),
    }
}

/// The error of a rule that the kernel does not take after all.
fn refused() -> io::Error {
    rustix::io::Errno::PERM.into()
}

/// The rules for the file system, and as a second lock for TCP, signals and abstract sockets.
fn ruleset(reads: &[PathBuf], writes: &[PathBuf]) -> io::Result<RulesetCreated> {
    let write_devices = AccessFs::ReadFile | AccessFs::WriteFile;
    let mut rules = handled(CompatLevel::BestEffort)
        .and_then(Ruleset::create)
        .and_then(|rules| rules.add_rules(path_beneath_rules(reads, reading())))
        .and_then(|rules| rules.add_rules(path_beneath_rules(DEVICES, write_devices)))
        .map_err(io::Error::other)?;
    for folder in writes {
        // One that cannot be opened is an error: the session would fail for a reason that nothing names.
        let folder = PathFd::new(folder).map_err(io::Error::other)?;
        rules = rules
            .add_rule(PathBeneath::new(folder, owning()))
            .map_err(io::Error::other)?;
    }
    Ok(rules)
}

fn handled(level: CompatLevel) -> Result<Ruleset, RulesetError> {
    Ruleset::default()
        .set_compatibility(level)
        .handle_access(AccessFs::from_all(NEWEST))?
        .handle_access(AccessNet::from_all(NEWEST))?
        .scope(Scope::from_all(NEWEST))
}

/// Of root's privileges the one that lets it read the files of others, which its owner may rely on
/// where a container runs as root; Landlock bounds what that reaches.
fn fewer(now: CapabilitySets) -> CapabilitySets {
    let kept = now.permitted & CapabilitySet::DAC_READ_SEARCH;
    CapabilitySets {
        effective: now.effective & kept,
        permitted: kept,
        inheritable: CapabilitySet::empty(),
    }
}

/// The limit lowered to `bound`, or the one that holds if it is lower.
fn at_most(resource: Resource, bound: u64) -> Rlimit {
    let hard = getrlimit(resource).maximum;
    let bound = Some(hard.map_or(bound, |hard| hard.min(bound)));
    Rlimit {
        current: bound,
        maximum: bound,
    }
}

impl Offer {
    /// What this kernel lets us do, each tried in a thread of its own that ends with its rules. A
    /// version number would not do: a container can take either away.
    pub fn of_this_kernel() -> Self {
        let works = |attempt: fn() -> io::Result<()>| {
            std::thread::spawn(attempt)
                .join()
                .is_ok_and(|tried| tried.is_ok())
        };
        Self {
            files: works(|| {
                let status = handled(CompatLevel::BestEffort)
                    .and_then(Ruleset::create)
                    .and_then(RulesetCreated::restrict_self)
                    .map_err(io::Error::other)?;
                match status.ruleset {
                    RulesetStatus::NotEnforced => Err(refused()),
                    RulesetStatus::FullyEnforced | RulesetStatus::PartiallyEnforced => Ok(()),
                }
            }),
            calls: works(|| Filter::new().map_err(io::Error::other)?.apply()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::alloc::{GlobalAlloc, Layout, System};
    use std::cell::Cell;
    use std::fs;
    use std::net::{TcpListener, TcpStream, UdpSocket};

    use rustix::process::{Signal, getpid, getppid, kill_process};

    use super::*;

    thread_local! {
        /// How often this thread has asked for memory or given some back.
        static REQUESTS: Cell<usize> = const { Cell::new(0) };
    }

    /// The system's memory, with requests counted.
    struct Counting;

    fn count() {
        REQUESTS.set(REQUESTS.get() + 1);
    }

    #[expect(unsafe_code, reason = "an allocator cannot be replaced otherwise")]
    // SAFETY: every call goes to the system's allocator unchanged.
    unsafe impl GlobalAlloc for Counting {
        unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
            count();
            // SAFETY: the caller keeps to the contract of `GlobalAlloc`.
            unsafe { System.alloc(layout) }
        }

        unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
            count();
            // SAFETY: the caller keeps to the contract of `GlobalAlloc`.
            unsafe { System.dealloc(memory, layout) }
        }
    }

    #[global_allocator]
    static ALLOCATOR: Counting = Counting;

    /// Does something under these rules, in a thread that ends with them.
    fn under<T: Send>(files: bool, calls: bool, work: impl Fn() -> T + Send) -> T {
        let folder = tempfile::tempdir().unwrap();
        let offer = Offer { files, calls };
        let path = folder.path();
        std::thread::scope(|scope| {
            let thread = scope.spawn(move || {
                let reads = ["/usr".into()];
                let mut rules =
                    Rules::prepare(offer, &reads, &[path.to_owned()], Bytes::mib(1)).unwrap();
                rules.apply().unwrap();
                fs::write(path.join("own"), "").unwrap();
                work()
            });
            thread.join().unwrap()
        })
    }

    fn reason<T>(outcome: io::Result<T>) -> Option<io::ErrorKind> {
        outcome.err().map(|err| err.kind())
    }

    /// What a closed door says.
    const CLOSED: Option<io::ErrorKind> = Some(io::ErrorKind::PermissionDenied);

    #[test]
    #[ignore = "needs a kernel with Landlock and seccomp; run cargo xtask test"]
    fn nothing_is_allocated_between_fork_and_exec() {
        let folder = tempfile::tempdir().unwrap();
        let reads = ["/usr".into(), "/lib".into()];
        let offer = Offer {
            files: true,
            calls: true,
        };
        let mut rules =
            Rules::prepare(offer, &reads, &[folder.path().to_owned()], Bytes::mib(1)).unwrap();
        let requests = std::thread::spawn(move || {
            let before = REQUESTS.get();
            let applied = rules.apply();
            let after = REQUESTS.get();
            applied.unwrap();
            // A rule that is refused must not allocate either.
            let again = rules.apply();
            (before, after, REQUESTS.get(), again.is_ok())
        });
        let (before, after, last, _) = requests.join().unwrap();
        assert!(before > 0 || REQUESTS.get() > 0, "nothing is counted");
        assert_eq!((after - before, last - after), (0, 0));
    }

    #[test]
    #[ignore = "needs a kernel with Landlock and seccomp; run cargo xtask test"]
    fn landlock_alone_closes_the_file_system() {
        let other = tempfile::NamedTempFile::new().unwrap();
        let path = other.path();
        under(true, false, || {
            assert_eq!(reason(fs::read(path)), CLOSED);
            assert_eq!(reason(fs::write(path, "x")), CLOSED);
            assert_eq!(reason(fs::write("/usr/x", "x")), CLOSED);
            assert_eq!(reason(fs::remove_file(path)), CLOSED);
            assert_eq!(reason(fs::read_dir("/")), CLOSED);
            assert_eq!(reason(fs::read("/proc/self/environ")), CLOSED);
            assert_eq!(reason(fs::read_dir("/usr")), None);
        });
    }

    #[test]
    #[ignore = "needs a kernel with Landlock and seccomp; run cargo xtask test"]
    fn landlock_alone_closes_tcp_and_signals_where_it_knows_them() {
        let strictly = || Ruleset::default().set_compatibility(CompatLevel::HardRequirement);
        let knows_tcp = strictly().handle_access(AccessNet::ConnectTcp).is_ok();
        let knows_signals = strictly().scope(Scope::Signal).is_ok();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let parent = getppid().unwrap();
        under(true, false, || {
            assert_eq!(TcpStream::connect(address).is_err(), knows_tcp);
            let signalled = kill_process(parent, Signal::CONT);
            assert_eq!(signalled.is_err(), knows_signals);
        });
        TcpStream::connect(address).unwrap();
        kill_process(parent, Signal::CONT).unwrap();
    }

    #[test]
    #[ignore = "needs a kernel with Landlock and seccomp; run cargo xtask test"]
    fn the_filter_alone_closes_sockets_and_signals() {
        let parent = getppid().unwrap();
        under(false, true, || {
            assert_eq!(reason(TcpStream::connect("127.0.0.1:1")), CLOSED);
            assert_eq!(reason(UdpSocket::bind("127.0.0.1:0")), CLOSED);
            assert!(kill_process(parent, Signal::CONT).is_err());
            kill_process(getpid(), Signal::CONT).unwrap();
            assert_eq!(reason(fs::read_dir("/")), None);
            let pair = std::os::unix::net::UnixStream::pair;
            assert_eq!(reason(pair()), None);
            let datagrams = std::os::unix::net::UnixDatagram::pair;
            assert_eq!(reason(datagrams()), CLOSED);
            // A thread is no process.
            std::thread::spawn(|| ()).join().unwrap();
        });
    }
}
