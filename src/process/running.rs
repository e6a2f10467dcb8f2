//! A one-shot command while it runs: its group, its pipes, its end. Never decides what an end means.

use std::io::{self, PipeReader, Read};
use std::process::ExitStatus;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};

use crate::event::Observer;
use crate::limits::{Bytes, CancelFlag, Deadline, TICK};
use crate::process::output::{Lines, Tail};

/// How long the pipes of an ended command are read for what is still in them, and how long a killed
/// one is waited for.
const GRACE: Duration = Duration::from_millis(900);

/// How a command ended, or why it was ended.
pub(crate) enum End {
    /// By itself.
    Status(ExitStatus),
    /// The deadline came.
    Late,
    /// The user wished so.
    Interrupted,
    /// The system does not tell.
    Lost(io::Error),
}

/// One output of a running command.
struct Stream {
    /// Our end, until the other is closed.
    pipe: Option<PipeReader>,
    is_stdout: bool,
    lines: Lines,
}

impl Stream {
    /// An output of which nothing was read yet.
    fn new(pipe: PipeReader, is_stdout: bool) -> Self {
        Self {
            pipe: Some(pipe),
            is_stdout,
            lines: Lines::default(),
        }
    }
}

/// A command that runs; dropping it ends its whole group.
pub(crate) struct Running {
    handle: duct::Handle,
    group: Pid,
    /// Its stdout and stderr.
    streams: [Stream; 2],
    /// The last lines of both.
    tail: Tail,
    stdout: Vec<u8>,
    /// How much of the stdout is kept.
    max_stdout: usize,
    /// Whether the stdout was longer than that.
    is_cut: bool,
    /// Whether the leader is gone, so that its id may be another's by now.
    is_reaped: bool,
}

impl Running {
    /// Takes over a command that was just started in a group of its own.
    pub(crate) fn new(
        handle: duct::Handle,
        stdout: PipeReader,
        stderr: PipeReader,
        max_stdout: Bytes,
    ) -> io::Result<Self> {
        let group = handle
            .pids()
            .first()
            .and_then(|pid| i32::try_from(*pid).ok())
            .and_then(Pid::from_raw)
            .ok_or_else(|| io::Error::other("the new process has no id"))?;
        Ok(Self {
            handle,
            group,
            streams: [Stream::new(stdout, true), Stream::new(stderr, false)],
            tail: Tail::default(),
            stdout: Vec::new(),
            max_stdout: max_stdout.to_usize(),
            is_cut: false,
            is_reaped: false,
        })
    }

    /// The start of its stdout, whether there was more, and its last lines.
    pub(crate) fn take_output(&mut self) -> (Vec<u8>, bool, Vec<String>) {
        let tail = std::mem::take(&mut self.tail);
        let stdout = std::mem::take(&mut self.stdout);
        (stdout, self.is_cut, tail.into_lines())
    }

    /// Reads what it writes until it ends or has to.
    pub(crate) fn follow(
        &mut self,
        deadline: Deadline,
        observer: &dyn Observer,
        interrupt: &CancelFlag,
        watch: &mut dyn FnMut(),
    ) -> End {
        loop {
            if interrupt.is_set() {
                return End::Interrupted;
            }
            if deadline.is_over() {
                return End::Late;
            }
            // The leader is left unreaped here: as long as it is, no other process can get its id,
            // which is the one that the group is killed by.
            let state = waitid(
                WaitId::Pid(self.group),
                WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT,
            );
            match state {
                Ok(Some(_)) => return self.status(),
                Ok(None) | Err(Errno::INTR) => {}
                Err(err) => return End::Lost(err.into()),
            }
            if let Err(err) = self.read(TICK.min(deadline.left()), observer) {
                return End::Lost(err);
            }
            watch();
        }
    }

    /// Reaps the leader after the group, which cannot outlive it.
    fn status(&mut self) -> End {
        self.kill();
        match self.handle.wait() {
            Ok(output) => {
                self.is_reaped = true;
                End::Status(output.status)
            }
            Err(err) => End::Lost(err),
        }
    }

    /// Reads what is there of both outputs, or waits for some at most so long.
    fn read(&mut self, wait: Duration, observer: &dyn Observer) -> io::Result<()> {
        let timeout = Timespec::try_from(wait).map_err(io::Error::other)?;
        let mut polled: Vec<_> = self
            .streams
            .iter()
            .filter_map(|stream| stream.pipe.as_ref())
            .map(|pipe| PollFd::new(pipe, PollFlags::IN))
            .collect();
        match poll(&mut polled, Some(&timeout)) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(err) => return Err(err.into()),
        }
        let ready: Vec<bool> = polled
            .iter()
            .map(|polled| !polled.revents().is_empty())
            .collect();
        let open = self
            .streams
            .iter_mut()
            .filter(|stream| stream.pipe.is_some());
        let mut buffer = vec![0; 1 << 16];
        for (stream, _) in open.zip(ready).filter(|(_, is_ready)| *is_ready) {
            let count = match &mut stream.pipe {
                Some(pipe) => pipe.read(&mut buffer)?,
                None => 0,
            };
            if count == 0 {
                stream.pipe = None;
                continue;
            }
            let bytes = buffer.get(..count).unwrap_or_default();
            stream.lines.take(bytes, &mut self.tail, observer);
            if stream.is_stdout {
                let room = self.max_stdout.saturating_sub(self.stdout.len());
                self.is_cut |= count > room;
                self.stdout.extend(bytes.iter().take(room));
            }
        }
        Ok(())
    }

    /// Ends what is left of the group and reads what it wrote last.
    pub(crate) fn end(&mut self, observer: &dyn Observer) {
        self.reap();
        let grace = Deadline::after(GRACE);
        while self.streams.iter().any(|stream| stream.pipe.is_some()) && !grace.is_over() {
            if self.read(grace.left().min(TICK), observer).is_err() {
                break;
            }
        }
        for stream in &mut self.streams {
            stream.lines.finish(&mut self.tail, observer);
        }
    }

    /// Kills the group; one that is gone already is no error.
    fn kill(&self) {
        let _gone = kill_process_group(self.group, Signal::KILL);
    }

    /// Kills the group and reaps the leader, unless that was done.
    fn reap(&mut self) {
        let grace = Deadline::after(GRACE);
        while !self.is_reaped && !grace.is_over() {
            self.kill();
            self.is_reaped = !matches!(self.handle.try_wait(), Ok(None));
            std::thread::park_timeout(Duration::from_millis(1));
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.reap();
    }
}
