//! One connection: a socket of ours with the commands and replies of the crate `redis`. Each exchange has one
//! deadline as a whole, however its bytes trickle in, and each reply a bound.

use std::io::{self, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream, ToSocketAddrs as _};
use std::os::unix::net::UnixStream;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use ::redis::{Cmd, Parser, Value, cmd};

use crate::limits::Deadline;
use crate::redis::address::{Place, Reach, RedisUrl};
use crate::redis::error::AskError;
use crate::redis::secret::Secret;

/// The longest time until a connection stands and its user is let in, name resolution included.
const CONNECT: Duration = Duration::from_secs(2);

/// The most bytes of replies that are not one string: in memory each of their parts takes many times its bytes.
const MOST_LIST_BYTES: usize = 1 << 20;

/// The bytes in front of a string that say how long it is, and the line end after it.
const STRING_FRAME_BYTES: usize = 32;

/// A connection that has passed `AUTH` and `SELECT`. After an error it is of no more use: what comes next on it
/// may be the rest of another reply.
pub(crate) struct Connection {
    socket: Socket,
    parser: Parser,
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connection").finish_non_exhaustive()
    }
}

impl Connection {
    /// Connects as the user of the address, to its database.
    ///
    /// # Errors
    /// A server that does not answer in time, is out of reach, or refuses the user.
    pub(crate) fn open(
        url: &RedisUrl,
        password: Option<&Secret>,
        reach: Reach,
    ) -> Result<Self, AskError> {
        let deadline = Deadline::after(CONNECT);
        let mut connection = Self {
            socket: Socket::open(&url.place, reach, deadline)?,
            parser: Parser::new(),
        };
        let mut commands = Vec::new();
        if let Some(password) = password {
            let mut auth = cmd("AUTH");
            if let Some(user) = &url.user {
                auth.arg(user);
            }
            auth.arg(password.bytes());
            commands.push(auth);
        }
        if url.db > 0 {
            let mut select = cmd("SELECT");
            select.arg(url.db);
            commands.push(select);
        }
        let _accepted = connection.ask(&commands, 0, deadline)?;
        Ok(connection)
    }

    /// Sends commands and gives their replies, in order. A string in a reply has at most `most` bytes.
    ///
    /// # Errors
    /// The first reply that is an error, and all that keeps replies from being read.
    pub(crate) fn ask(
        &mut self,
        commands: &[Cmd],
        most: usize,
        deadline: Deadline,
    ) -> Result<Vec<Value>, AskError> {
        let bytes: Vec<u8> = commands.iter().flat_map(Cmd::get_packed_command).collect();
        self.socket.send(&bytes, deadline)?;
        let mut replies = Vec::with_capacity(commands.len());
        let mut reader = Bounded {
            socket: &mut self.socket,
            deadline,
            left: MOST_LIST_BYTES,
            most_of_string: most.saturating_add(STRING_FRAME_BYTES),
            failed: None,
            is_begun: false,
        };
        for _command in commands {
            let parsed = self.parser.parse_value(&mut reader);
            match (parsed, reader.failed.take()) {
                (Ok(value), _) => replies.push(value),
                (Err(_), Some(failed)) => return Err(failed),
                (Err(_), None) => return Err(AskError::NotRedis),
            }
        }
        // All are read, so that the connection can be used on after an error.
        for reply in &mut replies {
            if let Value::ServerError(error) = reply {
                return Err(AskError::Refused {
                    code: error.code().to_owned(),
                    detail: error.details().unwrap_or_default().to_owned(),
                });
            }
        }
        Ok(replies)
    }
}

/// Where the bytes go.
#[derive(Debug)]
enum Socket {
    Tcp(TcpStream),
    Unix(UnixStream),
}

impl Socket {
    /// Connects to the first address that takes it.
    fn open(place: &Place, reach: Reach, deadline: Deadline) -> Result<Self, AskError> {
        match place {
            Place::Unix(path) => {
                let path = path.clone();
                // A server that accepts nothing keeps a caller waiting here without an end.
                let socket = within(deadline, move || UnixStream::connect(path));
                socket.map(Self::Unix).map_err(AskError::Away)
            }
            Place::Tcp { host, port } => {
                let mut last = io::Error::new(io::ErrorKind::NotFound, "its name has no address");
                for address in addresses(host, *port, deadline).map_err(AskError::Away)? {
                    if reach == Reach::Loopback && !address.ip().to_canonical().is_loopback() {
                        return Err(AskError::NotLoopback);
                    }
                    match TcpStream::connect_timeout(
                        &address,
                        left(deadline).map_err(AskError::Away)?,
                    ) {
                        Ok(socket) => {
                            socket.set_nodelay(true).map_err(AskError::Away)?;
                            return Ok(Self::Tcp(socket));
                        }
                        Err(err) => last = err,
                    }
                }
                Err(AskError::Away(last))
            }
        }
    }

    /// Writes all bytes.
    fn send(&mut self, mut bytes: &[u8], deadline: Deadline) -> Result<(), AskError> {
        while !bytes.is_empty() {
            let count = self.write_some(bytes, deadline).map_err(AskError::Away)?;
            bytes = bytes.get(count..).unwrap_or_default();
        }
        Ok(())
    }

    fn write_some(&mut self, bytes: &[u8], deadline: Deadline) -> io::Result<usize> {
        let wait = Some(left(deadline)?);
        let written = match self {
            Self::Tcp(socket) => socket
                .set_write_timeout(wait)
                .and_then(|()| socket.write(bytes)),
            Self::Unix(socket) => socket
                .set_write_timeout(wait)
                .and_then(|()| socket.write(bytes)),
        };
        match written {
            Ok(0) => Err(io::ErrorKind::WriteZero.into()),
            Err(err) if err.kind() == io::ErrorKind::Interrupted => Ok(0),
            Err(err) => Err(slow(err)),
            count => count,
        }
    }

    fn read_some(&mut self, buffer: &mut [u8], deadline: Deadline) -> io::Result<usize> {
        let wait = Some(left(deadline)?);
        let read = match self {
            Self::Tcp(socket) => socket
                .set_read_timeout(wait)
                .and_then(|()| socket.read(buffer)),
            Self::Unix(socket) => socket
                .set_read_timeout(wait)
                .and_then(|()| socket.read(buffer)),
        };
        match read {
            Ok(0) if !buffer.is_empty() => Err(io::Error::new(
                io::ErrorKind::UnexpectedEof,
                "it closed the connection",
            )),
            Err(err) => Err(slow(err)),
            count => count,
        }
    }
}

/// Reads replies until a deadline, and no more than their bound.
struct Bounded<'a> {
    socket: &'a mut Socket,
    deadline: Deadline,
    /// The bytes that may still come.
    left: usize,
    /// The bytes that may come if the first reply is a string.
    most_of_string: usize,
    /// Why a read failed: the parser keeps no more of that than its kind.
    failed: Option<AskError>,
    is_begun: bool,
}

impl Read for Bounded<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        // One byte more than may come tells a reply that is too long from one that is just as long.
        let room = buffer.len().min(self.left.saturating_add(1));
        let buffer = buffer.get_mut(..room).unwrap_or_default();
        let count = match self.socket.read_some(buffer, self.deadline) {
            Ok(count) => count,
            Err(err) if err.kind() == io::ErrorKind::Interrupted => return Err(err),
            Err(err) => {
                let kind = err.kind();
                self.failed = Some(AskError::Away(err));
                return Err(kind.into());
            }
        };
        if !self.is_begun {
            self.is_begun = true;
            if buffer.first() == Some(&b'$') {
                self.left = self.left.max(self.most_of_string);
            }
        }
        let Some(left) = self.left.checked_sub(count) else {
            self.failed = Some(AskError::TooLong);
            return Err(io::ErrorKind::FileTooLarge.into());
        };
        self.left = left;
        Ok(count)
    }
}

/// What is left until the deadline.
fn left(deadline: Deadline) -> io::Result<Duration> {
    let left = deadline.left();
    if left.is_zero() {
        return Err(late());
    }
    Ok(left)
}

/// The error of a wait that is over, which is another kind on each system.
fn slow(err: io::Error) -> io::Error {
    if matches!(
        err.kind(),
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut
    ) {
        return late();
    }
    err
}

fn late() -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, "it did not answer in time")
}

/// The addresses of a host.
fn addresses(host: &str, port: u16, deadline: Deadline) -> io::Result<Vec<SocketAddr>> {
    if let Ok(address) = host.parse::<IpAddr>() {
        return Ok(vec![SocketAddr::new(address, port)]);
    }
    let host = host.to_owned();
    // The resolver of the system has deadlines of its own, which are longer.
    within(deadline, move || {
        Ok((host.as_str(), port).to_socket_addrs()?.collect())
    })
}

/// What `work` gives, if it ends before the deadline; else its thread ends when the system lets it.
fn within<T: Send + 'static>(
    deadline: Deadline,
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    let (sender, receiver) = mpsc::sync_channel(1);
    let named = thread::Builder::new().name("redis connect".to_owned());
    let _detached = named.spawn(move || {
        // The caller may not wait any more.
        let _ = sender.send(work());
    })?;
    receiver
        .recv_timeout(deadline.left())
        .unwrap_or_else(|_| Err(late()))
}
