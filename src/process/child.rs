//! A long-lived child with pipes on all three streams, in a process group of its own, killed and
//! reaped on drop. Never knows JSON.

use std::io::{self, Read, Write};
use std::os::unix::process::CommandExt;
use std::process::{ChildStderr, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::process::{Pid, Signal};

use crate::env_vars;
use crate::limits::Deadline;
use crate::process::before_exec::{bind, confine};
use crate::process::ending::{Ending, How, Tail};
use crate::process::launch::Launch;
use crate::process::orphans::{self, Mark};
use crate::process::sandbox::{self, folder::Folder};
use crate::process::tree;

/// How long a child may take to end after it was killed, or after it closed its stdout.
const GRACE: Duration = Duration::from_secs(1);

/// How far pipes are widened, so that a large reply needs few wake-ups. The kernel's default cap
/// for an unprivileged process (`/proc/sys/fs/pipe-max-size`).
const PIPE_BYTES: usize = 1024 * 1024;

/// A running child. Its stderr is drained on every turn and only its tail is kept.
#[derive(Debug)]
pub struct Child {
    inner: std::process::Child,
    /// Its number, which is also its group's.
    pid: Pid,
    /// By which those are known that it leaves behind.
    mark: Mark,
    /// Where requests go; gone once the child has closed it.
    stdin: Option<ChildStdin>,
    stdout: ChildStdout,
    /// Gone once the child has closed it.
    stderr: Option<ChildStderr>,
    /// The last words.
    tail: Tail,
    /// Set once it was reaped.
    ended: Option<ExitStatus>,
    /// Set once the group was killed: its number may belong to strangers afterwards.
    stopped: bool,
    /// The temporary folder of a confined child; goes after the child.
    folder: Option<Folder>,
}

/// What one [`Child::turn`] brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// Nothing on stdout yet.
    Nothing,
    /// This many bytes of stdout were read.
    Read(usize),
    /// The child closed its stdout, most likely by ending.
    Closed,
}

impl Child {
    /// Starts the child. The thread that calls this must live as long as the child: on Linux the
    /// child gets SIGKILL when its parent *thread* ends (see `bind`).
    ///
    /// # Errors
    /// What the system says if the program cannot be started.
    pub fn start(launch: &Launch) -> io::Result<Self> {
        let mut command = command(launch);
        let mark = Mark::new();
        command.envs([mark.variable()]);
        orphans::adopt();
        bind(&mut command);
        let folder = match &launch.sandbox {
            Some(sandbox) => {
                let cell = sandbox.cell(launch)?;
                command.env(env_vars::TMPDIR.name, cell.folder.path());
                confine(&mut command, cell.rules);
                Some(cell.folder)
            }
            None => None,
        };
        let mut inner = command.spawn().map_err(|err| match folder {
            Some(_) => sandbox::not_started(err),
            None => err,
        })?;
        let pid = Pid::from_child(&inner);
        let streams = (inner.stdin.take(), inner.stdout.take(), inner.stderr.take());
        let (Some(stdin), Some(stdout), Some(stderr)) = streams else {
            return Err(io::Error::other("a pipe is missing"));
        };
        let child = Self {
            inner,
            pid,
            mark,
            stdin: Some(stdin),
            stdout,
            stderr: Some(stderr),
            tail: Tail::default(),
            ended: None,
            stopped: false,
            folder,
        };
        child.prepare_pipes()?;
        Ok(child)
    }

    /// Makes our end of stdin non-blocking, so that a child which writes before it reads cannot
    /// lock us, and widens stdout where the system allows it.
    fn prepare_pipes(&self) -> io::Result<()> {
        if let Some(stdin) = &self.stdin {
            rustix::io::ioctl_fionbio(stdin, true)?;
        }
        #[cfg(target_os = "linux")]
        if rustix::pipe::fcntl_setpipe_size(&self.stdout, PIPE_BYTES).is_err() {
            // A narrower pipe is slower and no less right.
        }
        Ok(())
    }

    /// The number of the process and of its group.
    pub fn pid(&self) -> Pid {
        self.pid
    }

    /// Writes what the child takes of `outgoing` (and shortens it by that), drains stderr, and
    /// reads stdout into `space` if something is there. Waits at most `wait` for any of these.
    ///
    /// # Errors
    /// What the system says if a pipe fails in another way than by being closed.
    pub fn turn(
        &mut self,
        outgoing: &mut &[u8],
        space: &mut [u8],
        wait: Duration,
    ) -> io::Result<Turn> {
        self.write_some(outgoing)?;
        let ready = self.poll(!outgoing.is_empty(), wait)?;
        if ready.stderr {
            self.drain_stderr()?;
        }
        if !ready.stdout {
            return Ok(Turn::Nothing);
        }
        match self.stdout.read(space) {
            Ok(0) => Ok(Turn::Closed),
            Ok(count) => Ok(Turn::Read(count)),
            Err(err) if err.kind() == io::ErrorKind::Interrupted => Ok(Turn::Nothing),
            Err(err) => Err(err),
        }
    }

    /// Writes until the pipe is full. A closed stdin is not an error here: the child has ended or
    /// soon will, and its stdout tells.
    fn write_some(&mut self, outgoing: &mut &[u8]) -> io::Result<()> {
        while let (Some(stdin), false) = (&mut self.stdin, outgoing.is_empty()) {
            match stdin.write(outgoing) {
                Ok(count) => *outgoing = outgoing.get(count..).unwrap_or_default(),
                Err(err) => match err.kind() {
                    io::ErrorKind::WouldBlock => break,
                    io::ErrorKind::Interrupted => {}
                    io::ErrorKind::BrokenPipe => self.stdin = None,
                    _ => return Err(err),
                },
            }
        }
        Ok(())
    }

    /// Waits until a stream is ready.
    fn poll(&self, wants_stdin: bool, wait: Duration) -> io::Result<Ready> {
        let mut fds = Vec::with_capacity(3);
        fds.push(PollFd::new(&self.stdout, PollFlags::IN));
        if let Some(stderr) = &self.stderr {
            fds.push(PollFd::new(stderr, PollFlags::IN));
        }
        if let (Some(stdin), true) = (&self.stdin, wants_stdin) {
            fds.push(PollFd::new(stdin, PollFlags::OUT));
        }
        let timeout = Timespec {
            tv_sec: i64::try_from(wait.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: wait.subsec_nanos().into(),
        };
        match rustix::event::poll(&mut fds, Some(&timeout)) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(errno) => return Err(errno.into()),
        }
        let has = |index: usize| fds.get(index).is_some_and(|fd| !fd.revents().is_empty());
        Ok(Ready {
            stdout: has(0),
            stderr: self.stderr.is_some() && has(1),
        })
    }

    /// Reads what stderr holds now; called only when it is ready.
    fn drain_stderr(&mut self) -> io::Result<()> {
        let Some(stderr) = &mut self.stderr else {
            return Ok(());
        };
        let mut chunk = [0; 8192];
        match stderr.read(&mut chunk) {
            Ok(0) => self.stderr = None,
            Ok(count) => self.tail.push(chunk.get(..count).unwrap_or_default()),
            Err(err) if err.kind() == io::ErrorKind::Interrupted => {}
            Err(err) => return Err(err),
        }
        Ok(())
    }

    /// Bytes of memory of the child and its descendants, and of its files if they are in memory;
    /// `None` where the system does not tell.
    pub fn resident_bytes(&mut self) -> Option<u64> {
        let resident = tree::resident_bytes(self.pid)?;
        let folder = self.folder.as_mut();
        let files = folder.map_or(0, |folder| folder.bytes_in_memory(self.pid));
        Some(resident.saturating_add(files))
    }

    /// Kills every process that the child started and left running; says whether there were any.
    pub fn sweep(&mut self) -> bool {
        self.kill_members(|child| tree::descendants(child.pid))
    }

    /// Whether the process has ended. Its stdout may be held open by others all the same.
    pub fn has_ended(&mut self) -> bool {
        if self.ended.is_none() {
            // A status that cannot be had is asked for again the next time.
            self.ended = self.inner.try_wait().unwrap_or_default();
        }
        self.ended.is_some()
    }

    /// How it ended, once its stdout is closed: waits a moment for the exit, then kills.
    pub fn ending(&mut self) -> Ending {
        let status = self.wait(GRACE);
        self.stop();
        match status {
            Some(status) => Ending::new(status, self.tail.text()),
            None => Ending {
                how: How::ClosedStdout,
                stderr: self.tail.text(),
            },
        }
    }

    /// The last lines of stderr so far.
    pub fn stderr_tail(&self) -> String {
        self.tail.text()
    }

    /// Forgets what was written on stderr so far, also what nobody has read yet.
    pub fn forget_stderr(&mut self) {
        self.drain_rest();
        self.tail = Tail::default();
    }

    /// Kills the whole group and every descendant that has left it, and reaps the child.
    /// Does nothing the second time.
    pub fn stop(&mut self) {
        if std::mem::replace(&mut self.stopped, true) {
            return;
        }
        // The child is killed last: as long as it is there, whoever below it loses a parent comes to
        // it and is found. It is held still meanwhile, and with it all that has not left the group.
        self.signal_group(Signal::STOP);
        self.sweep();
        self.signal_group(Signal::KILL);
        if self.ended.is_none() {
            self.wait(GRACE);
        }
        // If it ended by itself, what was left below it has come to us.
        self.kill_members(|child| child.mark.orphans());
        orphans::reap();
        self.drain_rest();
    }

    /// Signals the group. It may outlive the child: a grandchild keeps it. The number cannot have
    /// been taken by a stranger as long as a member lives, and if none does the call fails.
    fn signal_group(&self, signal: Signal) {
        if rustix::process::kill_process_group(self.pid, signal).is_err() {
            // Nobody is left in the group.
        }
    }

    /// Kills processes until there are none, or one cannot be killed for a while, so that whoever
    /// looks afterwards finds none; says whether there were any.
    fn kill_members(&mut self, find: impl Fn(&Self) -> Vec<tree::Member>) -> bool {
        let deadline = Deadline::after(GRACE);
        let mut pause = Duration::from_micros(200);
        let mut were_any = false;
        let mut dying: Vec<tree::Member> = Vec::new();
        loop {
            // Some may have started others before they were killed.
            let found = find(self);
            kill(&found);
            were_any |= !found.is_empty();
            dying.retain(|member| member.is_alive() && !found.contains(member));
            dying.extend(found);
            if dying.is_empty() || deadline.is_over() {
                return were_any;
            }
            self.pause(pause.min(deadline.left()));
            pause = (pause * 2).min(Duration::from_millis(10));
        }
    }

    /// Takes in the last words that are still in the pipe, without waiting for more.
    fn drain_rest(&mut self) {
        for _ in 0..64 {
            match self.poll(false, Duration::ZERO) {
                Ok(ready) if ready.stderr && self.stderr.is_some() => {
                    if self.drain_stderr().is_err() {
                        return;
                    }
                }
                _ => return,
            }
        }
    }

    /// Waits for the exit for at most `wait`, draining stderr meanwhile.
    fn wait(&mut self, wait: Duration) -> Option<ExitStatus> {
        let deadline = Deadline::after(wait);
        let mut pause = Duration::from_micros(200);
        while self.ended.is_none() {
            match self.inner.try_wait() {
                Ok(Some(status)) => self.ended = Some(status),
                Ok(None) if deadline.is_over() => break,
                Ok(None) => {
                    self.pause(pause.min(deadline.left()));
                    pause = (pause * 2).min(Duration::from_millis(10));
                }
                Err(_) => break,
            }
        }
        self.ended
    }

    /// Waits a little for the child to end, taking in its stderr.
    fn pause(&mut self, span: Duration) {
        let timeout = Timespec {
            tv_sec: 0,
            tv_nsec: span.subsec_nanos().into(),
        };
        let Some(stderr) = &self.stderr else {
            // Without a stream to watch this is a plain wait; an error only makes it shorter.
            rustix::event::poll(&mut [], Some(&timeout)).ok();
            return;
        };
        let mut fds = [PollFd::new(stderr, PollFlags::IN)];
        if rustix::event::poll(&mut fds, Some(&timeout)).is_ok_and(|count| count > 0)
            && self.drain_stderr().is_err()
        {
            self.stderr = None;
        }
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        self.stop();
    }
}

/// The program of a launch with its variables, in a group of its own, all streams piped.
fn command(launch: &Launch) -> Command {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the door for long-lived children"
    )]
    let mut command = Command::new(&launch.program);
    command
        .args(&launch.args)
        .env_clear()
        .envs(launch.vars.iter().map(|(key, value)| (key, value)))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0);
    if let Some(dir) = &launch.dir {
        command.current_dir(dir);
    }
    command
}

/// Which streams have something to say.
struct Ready {
    stdout: bool,
    stderr: bool,
}

/// Kills processes that may have left their group; those that ended meanwhile are passed over.
fn kill(members: &[tree::Member]) {
    for member in members.iter().filter(|member| member.is_alive()) {
        if rustix::process::kill_process(member.pid, Signal::KILL).is_err() {
            // It ended by itself.
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Child {
        Child::start(&Launch {
            program: "/bin/sh".into(),
            args: vec!["-c".into(), script.into()],
            vars: vec![("PATH".into(), "/usr/bin:/bin".into())],
            ..Launch::new("")
        })
        .unwrap()
    }

    /// Everything the child writes until it closes its stdout.
    fn read_all(child: &mut Child, mut outgoing: &[u8]) -> Vec<u8> {
        let mut all = Vec::new();
        let mut space = [0; 4096];
        let deadline = Deadline::after(Duration::from_secs(20));
        while !deadline.is_over() {
            match child
                .turn(&mut outgoing, &mut space, Duration::from_millis(50))
                .unwrap()
            {
                Turn::Nothing => {}
                Turn::Read(count) => all.extend_from_slice(&space[..count]),
                Turn::Closed => return all,
            }
        }
        panic!("the child did not end: {} bytes so far", all.len());
    }

    #[test]
    fn a_child_that_answers_before_it_has_read_all_does_not_lock_us() {
        let mut child = shell("head -c 3000000");
        let request = vec![b'x'; 3_000_000];
        assert_eq!(read_all(&mut child, &request).len(), 3_000_000);
        assert_eq!(child.ending().how, How::Exit(0));
    }

    #[test]
    fn a_flood_on_stderr_is_drained_and_its_tail_kept() {
        let mut child = shell("seq 200000 >&2; echo done; exit 3");
        assert_eq!(read_all(&mut child, b""), b"done\n");
        let ending = child.ending();
        assert_eq!(ending.how, How::Exit(3));
        assert!(ending.stderr.ends_with("200000"), "{}", ending.stderr);
    }

    #[test]
    fn stopping_kills_grandchildren_in_and_out_of_the_group() {
        let mut child = shell("sleep 600 & echo $!; setsid sleep 600 & echo $!; wait");
        let mut space = [0; 4096];
        let mut text = String::new();
        while text.lines().count() < 2 {
            if let Turn::Read(count) = child
                .turn(&mut &b""[..], &mut space, Duration::from_secs(5))
                .unwrap()
            {
                text.push_str(std::str::from_utf8(&space[..count]).unwrap());
            }
        }
        // The second number may be a shell that has not run `setsid` yet: let it.
        child
            .turn(&mut &b""[..], &mut space, Duration::from_millis(300))
            .unwrap();
        let members = tree::descendants(child.pid());
        assert_eq!(members.len(), 2, "{text}");
        assert!(child.resident_bytes().unwrap() > 100_000);
        child.stop();
        let deadline = Deadline::after(Duration::from_secs(5));
        while members.iter().any(|member| member.is_alive()) {
            assert!(!deadline.is_over(), "a grandchild lives on");
        }
    }

    #[test]
    fn the_environment_is_only_what_was_given() {
        let mut child = shell("env | sort");
        let text = String::from_utf8(read_all(&mut child, b"")).unwrap();
        let names: Vec<&str> = text
            .lines()
            .filter_map(|line| line.split('=').next())
            .collect();
        assert!(
            names.iter().all(
                |name| ["PATH", "PWD", "SHLVL", "_", "OLDPWD", "LEANREPL_SESSION"].contains(name)
            ),
            "{text}"
        );
    }

    #[test]
    fn a_program_that_is_not_there_is_an_error() {
        assert_eq!(
            Child::start(&Launch::new("/no/such/program"))
                .unwrap_err()
                .kind(),
            io::ErrorKind::NotFound
        );
    }
}
