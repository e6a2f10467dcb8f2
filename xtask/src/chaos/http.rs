//! A client for HTTP/1.1 on one connection that is kept, sharing no code with the server. Its user
//! may stop in the middle and sees bytes that nobody asked for. Never tries anything twice.

use std::fmt::Write as _;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

/// The longest head of a response.
const MAX_HEAD: usize = 64 * 1024;

/// Why there is no response.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// It did not come in time.
    Late,
    /// The connection was closed or broke.
    Closed(io::Error),
    /// It is not HTTP.
    Malformed(&'static str),
}

impl From<io::Error> for Trouble {
    fn from(err: io::Error) -> Self {
        match err.kind() {
            io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => Self::Late,
            _ => Self::Closed(err),
        }
    }
}

/// A response.
#[derive(Debug)]
pub(crate) struct Response {
    /// The status.
    pub(crate) status: u16,
    /// The headers, names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    /// The body.
    pub(crate) body: String,
}

impl Response {
    /// The value of a header.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        let found = headers.find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }
}

/// A request.
#[derive(Debug, Default)]
pub(crate) struct Message {
    /// The method.
    pub(crate) method: &'static str,
    /// The path.
    pub(crate) path: String,
    /// The headers but for the length and the host.
    pub(crate) headers: Vec<(&'static str, String)>,
    /// The body.
    pub(crate) body: Vec<u8>,
}

impl Message {
    /// As it is sent.
    fn bytes(&self) -> Vec<u8> {
        let mut head = format!(
            "{} {} HTTP/1.1\r\nhost: localhost\r\n",
            self.method, self.path
        );
        for (name, value) in &self.headers {
            // Writing to a string does not fail.
            let _ = write!(head, "{name}: {value}\r\n");
        }
        let _ = write!(head, "content-length: {}\r\n\r\n", self.body.len());
        let mut bytes = head.into_bytes();
        bytes.extend_from_slice(&self.body);
        bytes
    }
}

/// A connection.
#[derive(Debug)]
pub(crate) struct Connection {
    /// The socket.
    stream: TcpStream,
    /// What was read and not used yet.
    buffer: Vec<u8>,
}

impl Connection {
    /// Connects.
    pub(crate) fn open(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect_timeout(&address, Duration::from_secs(10))?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            buffer: Vec::new(),
        })
    }

    /// Sends a request.
    pub(crate) fn send(&mut self, message: &Message) -> io::Result<()> {
        self.stream.write_all(&message.bytes())
    }

    /// Sends the first half of a request.
    pub(crate) fn send_half(&mut self, message: &Message) -> io::Result<()> {
        let bytes = message.bytes();
        let half = bytes.len() - message.body.len().div_ceil(2).max(1);
        self.stream.write_all(bytes.get(..half).unwrap_or_default())
    }

    /// Reads the response to a request.
    pub(crate) fn receive(&mut self, until: Instant) -> Result<Response, Trouble> {
        let head = self.read_until(b"\r\n\r\n", MAX_HEAD, until)?;
        let head = String::from_utf8(head).map_err(|_bytes| Trouble::Malformed("the head"))?;
        let mut lines = head.split("\r\n").filter(|line| !line.is_empty());
        let status = lines
            .next()
            .and_then(|line| line.strip_prefix("HTTP/1.1 ")?.get(..3)?.parse().ok())
            .ok_or(Trouble::Malformed("the status"))?;
        let headers = lines.filter_map(|line| {
            let (name, value) = line.split_once(':')?;
            Some((name.to_ascii_lowercase(), value.trim().to_owned()))
        });
        let mut response = Response {
            status,
            headers: headers.collect(),
            body: String::new(),
        };
        let body = if response.header("transfer-encoding") == Some("chunked") {
            self.read_chunks(until)?
        } else {
            let length = response.header("content-length");
            let length = length.and_then(|length| length.parse().ok());
            self.read_exactly(length.unwrap_or_default(), until)?
        };
        response.body = String::from_utf8(body).map_err(|_bytes| Trouble::Malformed("the body"))?;
        Ok(response)
    }

    /// Whether bytes came that answer nothing.
    pub(crate) fn has_strays(&mut self) -> bool {
        if !self.buffer.is_empty() {
            return true;
        }
        let mut space = [0];
        let is_there = self.stream.set_nonblocking(true).is_ok()
            && matches!(self.stream.peek(&mut space), Ok(count) if count > 0);
        // Reading sets a deadline of its own; one that fails is seen there.
        let _ = self.stream.set_nonblocking(false);
        is_there
    }

    /// Reads up to and with some bytes.
    fn read_until(&mut self, end: &[u8], most: usize, until: Instant) -> Result<Vec<u8>, Trouble> {
        loop {
            let mut windows = self.buffer.windows(end.len());
            if let Some(at) = windows.position(|window| window == end) {
                return Ok(self.buffer.drain(..at + end.len()).collect());
            }
            if self.buffer.len() > most {
                return Err(Trouble::Malformed("a line without an end"));
            }
            self.read_more(until)?;
        }
    }

    /// Reads so many bytes.
    fn read_exactly(&mut self, count: usize, until: Instant) -> Result<Vec<u8>, Trouble> {
        while self.buffer.len() < count {
            self.read_more(until)?;
        }
        Ok(self.buffer.drain(..count).collect())
    }

    /// Reads a body in chunks.
    fn read_chunks(&mut self, until: Instant) -> Result<Vec<u8>, Trouble> {
        let mut body = Vec::new();
        loop {
            let line = self.read_until(b"\r\n", MAX_HEAD, until)?;
            let line = String::from_utf8_lossy(&line);
            let size = usize::from_str_radix(line.trim(), 16)
                .map_err(|_no_number| Trouble::Malformed("the size of a chunk"))?;
            let mut chunk = self.read_exactly(size.saturating_add(2), until)?;
            chunk.truncate(size);
            body.append(&mut chunk);
            if size == 0 {
                return Ok(body);
            }
        }
    }

    /// Reads what is there.
    fn read_more(&mut self, until: Instant) -> Result<(), Trouble> {
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(Trouble::Late);
        }
        self.stream.set_read_timeout(Some(left))?;
        let mut space = [0; 16 * 1024];
        match self.stream.read(&mut space)? {
            0 => Err(Trouble::Closed(io::ErrorKind::UnexpectedEof.into())),
            count => {
                let read = space.get(..count).unwrap_or_default();
                self.buffer.extend_from_slice(read);
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::thread;

    use super::*;

    /// What a client reads of these bytes, and whether more came.
    fn read(bytes: &'static [u8]) -> (Result<Response, Trouble>, bool) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let server = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            stream.write_all(bytes).unwrap();
        });
        let mut connection = Connection::open(address).unwrap();
        server.join().unwrap();
        let until = Instant::now() + Duration::from_secs(10);
        let response = connection.receive(until);
        (response, connection.has_strays())
    }

    #[test]
    fn a_body_of_a_length_and_one_in_chunks_are_read_to_their_end() {
        let (response, strays) = read(b"HTTP/1.1 400 Bad\r\nX-A: b\r\ncontent-length: 2\r\n\r\n{}");
        let response = response.unwrap();
        assert_eq!((response.status, response.body.as_str()), (400, "{}"));
        assert_eq!(response.header("x-a"), Some("b"));
        assert!(!strays);
        let (response, strays) = read(
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n",
        );
        assert_eq!(response.unwrap().body, "abc");
        assert!(!strays);
    }

    #[test]
    fn a_second_response_that_nobody_asked_for_is_seen() {
        let (response, strays) = read(b"HTTP/1.1 204 Gone\r\n\r\nHTTP/1.1 204 Gone\r\n\r\n");
        assert_eq!(response.unwrap().status, 204);
        assert!(strays);
    }

    #[test]
    fn a_response_that_breaks_off_is_none() {
        let (response, _) = read(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf");
        assert!(matches!(response, Err(Trouble::Closed(_))));
    }
}
