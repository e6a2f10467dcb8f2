//! What goes wrong around a reply. Nothing here knows the wire.

use std::io::{self, Read, Write};
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use rustix::process::{Signal, getpid, kill_process, setsid};

use crate::frame::write_raw;

/// The longest that a hanging process lives, so that a broken test leaves nothing for ever.
const LONGEST_HANG: Duration = Duration::from_secs(600);

/// Exit code of a process that nobody stopped.
const LEFT_HANGING: u8 = 98;

/// Something that happens before a reply, or in its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Misdeed {
    /// Waits.
    Slow(Duration),
    /// Writes a text and a line break on stdout.
    Noise(String),
    /// Writes a line that is not UTF-8 on stdout.
    NoiseBytes,
    /// Writes a text on stderr.
    Stderr(String),
    /// Writes a line of so many bytes on stdout, or one that never ends.
    FloodStdout(Option<usize>),
    /// Has a child write a reply later.
    LateReply {
        /// How much later, in milliseconds.
        after_millis: u64,
        /// The reply.
        json: String,
    },
    /// Never goes on.
    Hang,
    /// Uses so many bytes of memory and never goes on.
    Grow(usize),
    /// Uses so many bytes of memory from now on.
    Leak(usize),
    /// Leaves a thread that uses a processor.
    Spin,
    /// Leaves a child in the group that holds stdout, and never goes on.
    SpawnAndHang,
    /// Leaves a child in a session of its own that holds stdout.
    SpawnSession,
    /// Leaves a process in a session of its own, whose parent has ended, and which holds so many bytes.
    SpawnOrphan(usize),
    /// Exits.
    Die(u8),
    /// Writes half of the reply and exits with 1.
    DieMidReply,
    /// SIGABRT.
    Abort,
    /// SIGSEGV.
    Segv,
    /// What Lean does when its stack is used up.
    StackOverflow,
}

impl Misdeed {
    /// Does it; gives the exit code if that is the end of the process.
    pub(crate) fn commit(&self, reply: &str) -> io::Result<Option<ExitCode>> {
        match self {
            Self::Slow(span) => idle(*span),
            Self::Noise(text) => write_raw(format!("{text}\n").as_bytes())?,
            Self::NoiseBytes => write_raw(b"\xff\xfe noise\n")?,
            Self::Stderr(text) => io::stderr().write_all(text.as_bytes())?,
            Self::FloodStdout(bytes) => flood(*bytes)?,
            Self::LateReply { after_millis, json } => {
                Role::LateReply.spawn(&[&after_millis.to_string(), json])?;
            }
            Self::Hang => return Ok(Some(hang())),
            Self::Grow(bytes) => {
                let memory = vec![1_u8; *bytes];
                let code = hang();
                // The memory has to be in use until then.
                std::hint::black_box(&memory);
                return Ok(Some(code));
            }
            Self::Leak(bytes) => leak(*bytes),
            Self::Spin => drop(std::thread::spawn(spin)),
            Self::SpawnAndHang => {
                announce(Role::Sleep.spawn(&[])?)?;
                return Ok(Some(hang()));
            }
            Self::SpawnSession => announce(Role::SleepInSession.spawn(&[])?)?,
            Self::SpawnOrphan(bytes) => {
                // By the end of the parent the orphan is there and has said so.
                Role::OrphanParent.start(&[&bytes.to_string()])?.wait()?;
            }
            Self::Die(code) => return Ok(Some(ExitCode::from(*code))),
            Self::DieMidReply => {
                let half = reply.as_bytes().iter().take(reply.len() / 2);
                write_raw(&half.copied().collect::<Vec<u8>>())?;
                return Ok(Some(ExitCode::from(1)));
            }
            Self::Abort => std::process::abort(),
            Self::Segv => {
                // The first only takes down the handler that Rust's runtime sets up.
                kill_process(getpid(), Signal::SEGV)?;
                kill_process(getpid(), Signal::SEGV)?;
                return Ok(Some(hang()));
            }
            Self::StackOverflow => {
                writeln!(io::stderr(), "\nStack overflow detected. Aborting.")?;
                std::process::abort();
            }
        }
        Ok(None)
    }
}

/// What a child of this process is there for; its arguments come after the role's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// Holds the pipes it inherited.
    Sleep,
    /// The same in a session of its own.
    SleepInSession,
    /// Leaves a child that holds so many bytes, in a session of its own, and ends: BYTES.
    OrphanParent,
    /// That child: BYTES. Writes a byte on stdout once it is all that.
    Orphan,
    /// Writes a forged reply after a while: MILLIS JSON.
    LateReply,
    /// Ends at once.
    Nothing,
}

impl Role {
    /// The first argument of a child that plays it.
    fn name(self) -> &'static str {
        match self {
            Self::Sleep => "--role-sleep",
            Self::SleepInSession => "--role-sleep-in-session",
            Self::OrphanParent => "--role-orphan-parent",
            Self::Orphan => "--role-orphan",
            Self::LateReply => "--role-late-reply",
            Self::Nothing => "--role-nothing",
        }
    }

    /// The role that the arguments ask for.
    pub(crate) fn from_args(words: &[String]) -> Option<Self> {
        let roles = [
            Self::Sleep,
            Self::SleepInSession,
            Self::OrphanParent,
            Self::Orphan,
            Self::LateReply,
            Self::Nothing,
        ];
        let name = words.first()?;
        roles.into_iter().find(|role| role.name() == name)
    }

    /// Starts a child in this role that inherits stdout and stderr; gives its pid.
    fn spawn(self, args: &[&str]) -> io::Result<u32> {
        Ok(self.start(args)?.id())
    }

    /// Starts a child in this role that can be waited for.
    pub(crate) fn start(self, args: &[&str]) -> io::Result<Child> {
        Command::new(std::env::current_exe()?)
            .arg(self.name())
            .args(args)
            .stdin(Stdio::null())
            .spawn()
    }

    /// Plays it in this process.
    pub(crate) fn play(self) -> ExitCode {
        match self {
            Self::Nothing => ExitCode::SUCCESS,
            Self::Sleep => hang(),
            Self::SleepInSession => match setsid() {
                Ok(_) => hang(),
                Err(_) => ExitCode::FAILURE,
            },
            Self::OrphanParent => exit_code(&leave_orphan()),
            Self::Orphan => match orphan() {
                Ok(code) => code,
                Err(_) => ExitCode::FAILURE,
            },
            Self::LateReply => {
                let mut args = std::env::args().skip(2);
                let millis = args.next().and_then(|word| word.parse().ok());
                idle(Duration::from_millis(millis.unwrap_or_default()));
                let reply = args.next().unwrap_or_default();
                exit_code(&write_raw(format!("{reply}\n\n").as_bytes()))
            }
        }
    }
}

/// The code for what came of it.
fn exit_code(result: &io::Result<()>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

/// Starts an orphan and waits until it is all that it is to be.
fn leave_orphan() -> io::Result<()> {
    let bytes = std::env::args().nth(2).unwrap_or_default();
    let mut child = Command::new(std::env::current_exe()?)
        .arg(Role::Orphan.name())
        .arg(bytes)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()?;
    let mut ready = [0];
    match &mut child.stdout {
        Some(stdout) => stdout.read_exact(&mut ready),
        None => Ok(()),
    }
}

/// Leaves the group and the session, takes its memory, says so and stays.
fn orphan() -> io::Result<ExitCode> {
    setsid()?;
    let bytes = std::env::args().nth(2).and_then(|word| word.parse().ok());
    let memory = vec![1_u8; bytes.unwrap_or_default()];
    write_raw(b"\n")?;
    let code = hang();
    // The memory has to be in use until then.
    std::hint::black_box(&memory);
    Ok(code)
}

/// Says on stderr which process was left.
fn announce(pid: u32) -> io::Result<()> {
    writeln!(io::stderr(), "grandchild {pid}")
}

/// Writes a line of so many bytes on stdout, line break included; without a number it never ends.
fn flood(bytes: Option<usize>) -> io::Result<()> {
    let chunk = vec![b'x'; 64 * 1024];
    let mut left = bytes.map_or(usize::MAX, |bytes| bytes.saturating_sub(1));
    while left > 0 {
        let part = chunk.get(..left).unwrap_or(&chunk);
        write_raw(part)?;
        if bytes.is_some() {
            left -= part.len();
        }
    }
    write_raw(b"\n")
}

/// Uses so many bytes of memory until the process ends.
fn leak(bytes: usize) {
    Box::leak(vec![1_u8; bytes].into_boxed_slice());
}

/// Uses a processor for ever, as far as a test can tell.
fn spin() {
    let start = Instant::now();
    let mut work = 0_u64;
    while start.elapsed() < LONGEST_HANG {
        work = std::hint::black_box(work.wrapping_add(1));
    }
}

/// Waits for ever, as far as a test can tell.
fn hang() -> ExitCode {
    idle(LONGEST_HANG);
    ExitCode::from(LEFT_HANGING)
}

/// Does nothing for a while.
fn idle(span: Duration) {
    let (never, silence) = mpsc::channel::<()>();
    // Nothing is ever sent, so this ends by its time alone.
    let _ = silence.recv_timeout(span);
    drop(never);
}
