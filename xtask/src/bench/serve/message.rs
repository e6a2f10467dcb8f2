//! As much of HTTP/1.1 as the benchmark speaks. Neither side is ours alone, so nothing is shared with
//! the server.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context, Result, bail};

/// The longest wait of a single exchange.
const PATIENCE: Duration = Duration::from_secs(120);

/// A request with a body, on a connection that stays open.
pub(crate) fn request(method: &str, path: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n"
    );
    [head.as_bytes(), body.as_bytes()].concat()
}

/// The head of an answer.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Head {
    /// The status.
    pub(crate) status: u16,
    /// The length of the head with its blank line.
    pub(crate) bytes: usize,
    /// The length of the body.
    pub(crate) body_bytes: usize,
}

impl Head {
    /// Reads it; none if it is not there as a whole.
    ///
    /// # Errors
    /// A head without status or length.
    pub(crate) fn read(bytes: &[u8]) -> Result<Option<Self>> {
        let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else {
            return Ok(None);
        };
        let head = std::str::from_utf8(bytes.get(..end).unwrap_or_default())?;
        let mut lines = head.split("\r\n");
        let status = lines.next().and_then(|line| line.split(' ').nth(1));
        let status = status.and_then(|status| status.parse().ok());
        let length = lines.find_map(|line| {
            let (name, value) = line.split_once(':')?;
            let is_length = name.eq_ignore_ascii_case("content-length");
            is_length.then(|| value.trim().parse().ok())?
        });
        Ok(Some(Self {
            status: status.context("an answer has no status")?,
            bytes: end + 4,
            body_bytes: length.context("an answer has no length")?,
        }))
    }
}

/// One exchange on a connection of its own; the body of the answer.
///
/// # Errors
/// A server that does not answer with 200.
pub(crate) fn ask(address: SocketAddr, method: &str, path: &str, body: &str) -> Result<String> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.write_all(&request(method, path, body))?;
    let mut bytes = Vec::new();
    let mut chunk = [0; 16 * 1024];
    loop {
        let count = stream.read(&mut chunk)?;
        bytes.extend_from_slice(chunk.get(..count).unwrap_or_default());
        if let Some(head) = Head::read(&bytes)?
            && let Some(body) = bytes.get(head.bytes..head.bytes + head.body_bytes)
        {
            let text = String::from_utf8_lossy(body).into_owned();
            if head.status != 200 {
                bail!("`{path}` answers {}: {text}", head.status);
            }
            return Ok(text);
        }
        if count == 0 {
            bail!("`{path}` breaks off");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_read_once_it_is_whole() {
        let answer = b"HTTP/1.1 200 OK\r\nX: y\r\nContent-Length: 3\r\n\r\nabc";
        for end in 0..answer.len() - 3 {
            let head = Head::read(&answer[..end]).unwrap();
            assert_eq!(head.is_some(), end >= answer.len() - 3, "{end}");
        }
        let head = Head::read(answer).unwrap().unwrap();
        assert_eq!((head.status, head.body_bytes), (200, 3));
        assert_eq!(&answer[head.bytes..], b"abc");
        assert!(Head::read(b"HTTP/1.1 200 OK\r\n\r\n").is_err());
    }
}
