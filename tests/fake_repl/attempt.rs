//! What a text might do to the machine that it is elaborated on. Each attempt is made for real and
//! says what came of it; nothing here knows of any confinement.

use std::fs::{self, OpenOptions};
use std::io;
use std::net::{TcpStream, UdpSocket};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::process::{Pid, Signal, getppid, kill_process};

use crate::flags::number;
use crate::hidden;
use crate::misdeed::Role;

/// One attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Attempt {
    /// Writes a file.
    Write(PathBuf),
    /// Writes a file to the temporary folder, reads and removes it; leaves another there.
    WriteTemporary,
    /// Writes a file of so many bytes, most of them a hole, to the temporary folder.
    WriteLarge(u64),
    /// Reads a file.
    Read(PathBuf),
    /// Lists a folder.
    List(PathBuf),
    /// Reads the variables of the process that started this one.
    ReadParent,
    /// Cuts a file to nothing by opening it for reading.
    Empty(PathBuf),
    /// Takes all rights away from a file.
    Close(PathBuf),
    /// Connects over TCP.
    Connect(String),
    /// Sends a datagram.
    Send(String),
    /// Starts so many processes.
    Spawn(usize),
    /// Signals the process that started this one, with a signal that does nothing.
    SignalParent,
    /// Signals the process group that this one is made a member of.
    SignalGroup,
    /// Signals itself.
    SignalSelf,
    /// Says which files are open besides its streams.
    OpenFiles,
    /// Makes a pair of sockets of a type.
    SocketPair(String),
    /// Keeps so many bytes in a file that is in memory and has no name.
    Memfd(usize),
    /// Keeps so many bytes in shared memory.
    Shared(usize),
    /// Keeps so many bytes in files of the temporary folder.
    Files(usize),
    /// The same, and removes their names.
    RemovedFiles(usize),
    /// The same, and closes them after a page of each was mapped.
    MappedFiles(usize),
    /// Makes a file without a name in the temporary folder.
    FileWithoutName,
}

impl Attempt {
    /// Reads `NAME [ARGUMENT]`.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let (name, rest) = text.split_once(' ').unwrap_or((text, ""));
        let path = || PathBuf::from(rest);
        Ok(match name {
            "write" => Self::Write(path()),
            "write-temporary" => Self::WriteTemporary,
            "write-large" => Self::WriteLarge(number(rest)?),
            "read" => Self::Read(path()),
            "list" => Self::List(path()),
            "read-parent" => Self::ReadParent,
            "empty" => Self::Empty(path()),
            "close" => Self::Close(path()),
            "connect" => Self::Connect(rest.to_owned()),
            "send" => Self::Send(rest.to_owned()),
            "spawn" => Self::Spawn(number(rest)?),
            "signal-parent" => Self::SignalParent,
            "signal-group" => Self::SignalGroup,
            "signal-self" => Self::SignalSelf,
            "open-files" => Self::OpenFiles,
            "socket-pair" => Self::SocketPair(rest.to_owned()),
            "memfd" => Self::Memfd(number(rest)?),
            "shared" => Self::Shared(number(rest)?),
            "files" => Self::Files(number(rest)?),
            "removed-files" => Self::RemovedFiles(number(rest)?),
            "mapped-files" => Self::MappedFiles(number(rest)?),
            "file-without-name" => Self::FileWithoutName,
            other => return Err(format!("nothing to try is called `{other}`")),
        })
    }

    /// Makes it; says what came of it.
    pub(crate) fn make(&self) -> String {
        match self.outcome() {
            Ok(text) => format!("done: {text}"),
            Err(err) => format!("failed: {err}"),
        }
    }

    /// Makes it.
    fn outcome(&self) -> io::Result<String> {
        let none = String::new();
        match self {
            Self::Write(path) => fs::write(path, "written").map(|()| none),
            Self::WriteTemporary => write_temporary(),
            Self::WriteLarge(bytes) => {
                let file = fs::File::create(temporary("large"))?;
                file.set_len(*bytes).map(|()| none)
            }
            Self::Read(path) => fs::read(path).map(|bytes| text(&bytes)),
            Self::List(path) => names(path),
            Self::ReadParent => fs::read(format!("/proc/{}/environ", parent()?)).map(|b| text(&b)),
            Self::Empty(path) => {
                let mut options = OpenOptions::new();
                let flags = rustix::fs::OFlags::TRUNC.bits().cast_signed();
                options.read(true).custom_flags(flags).open(path)?;
                Ok(none)
            }
            Self::Close(path) => {
                fs::set_permissions(path, fs::Permissions::from_mode(0o0)).map(|()| none)
            }
            Self::Connect(address) => TcpStream::connect(address).map(|_| none),
            Self::Send(address) => {
                let socket = UdpSocket::bind("127.0.0.1:0")?;
                socket.send_to(b"datagram", address).map(|_| none)
            }
            Self::Spawn(count) => spawn(*count),
            Self::SignalParent => Ok(kill_process(parent()?, Signal::CONT).map(|()| none)?),
            Self::SignalGroup => {
                let group = rustix::process::getpgid(Some(parent()?))?;
                rustix::process::setpgid(None, Some(group))?;
                Ok(rustix::process::kill_current_process_group(Signal::CONT).map(|()| none)?)
            }
            Self::SignalSelf => {
                Ok(kill_process(rustix::process::getpid(), Signal::CONT).map(|()| none)?)
            }
            Self::OpenFiles => Ok(open_files()),
            Self::SocketPair(kind) => hidden::socket_pair(kind).map(|()| none),
            Self::Memfd(bytes) => hidden::memfd(*bytes).map(|()| none),
            Self::Shared(bytes) => hidden::shared(*bytes).map(|()| none),
            Self::Files(bytes) => hidden::files(*bytes, &hidden::Files::Named).map(|()| none),
            Self::RemovedFiles(bytes) => {
                hidden::files(*bytes, &hidden::Files::Removed).map(|()| none)
            }
            Self::MappedFiles(bytes) => {
                hidden::files(*bytes, &hidden::Files::Mapped).map(|()| none)
            }
            Self::FileWithoutName => hidden::file_without_name().map(|()| none),
        }
    }
}

/// The process that started this one.
fn parent() -> io::Result<Pid> {
    getppid().ok_or_else(|| io::Error::other("the parent is in another container"))
}

/// A path in the temporary folder.
fn temporary(name: &str) -> PathBuf {
    std::env::temp_dir().join(name)
}

/// Uses the temporary folder; gives its path.
fn write_temporary() -> io::Result<String> {
    let (first, second) = (temporary("first"), temporary("folder/second"));
    fs::write(&first, "kept")?;
    fs::create_dir_all(temporary("folder"))?;
    fs::rename(&first, &second)?;
    let read = fs::read(&second)?;
    fs::remove_file(&second)?;
    fs::write(temporary("left"), read)?;
    Ok(std::env::temp_dir().display().to_string())
}

/// The names in a folder, sorted.
fn names(path: &Path) -> io::Result<String> {
    let mut names = Vec::new();
    for entry in fs::read_dir(path)? {
        names.push(entry?.file_name().display().to_string());
    }
    names.sort();
    Ok(names.join(" "))
}

/// Starts processes until one cannot be started; they end at once.
fn spawn(count: usize) -> io::Result<String> {
    let mut children = Vec::new();
    let mut outcome = Ok(());
    for _ in 0..count {
        match Role::Nothing.start(&[]) {
            Ok(child) => children.push(child),
            Err(err) => {
                outcome = Err(err);
                break;
            }
        }
    }
    for child in &mut children {
        child.wait()?;
    }
    outcome.map(|()| format!("{} started", children.len()))
}

/// The numbers of the files that are open besides the three streams, found without opening any.
fn open_files() -> String {
    let is_open = |number: &i32| {
        let path = format!("/proc/self/fd/{number}");
        fs::symlink_metadata(path).is_ok()
    };
    let open: Vec<String> = (3..256)
        .filter(is_open)
        .map(|file| file.to_string())
        .collect();
    open.join(" ")
}

/// Bytes as text, at most so much that a message stays readable.
fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).chars().take(4000).collect()
}
