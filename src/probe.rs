//! One request to a server of leanrepl on this machine, for images that hold no other client. Never
//! judges the answer.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::limits::{Bytes, Deadline};

/// The most that is taken of an answer.
const ANSWER: Bytes = Bytes::mib(64);

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Question {
    /// The port of the server.
    pub(crate) port: u16,
    /// The path, such as `/ready`.
    pub(crate) path: String,
    /// A text to be evaluated; without one, the path is only looked at.
    pub(crate) text: Option<String>,
    /// How long the text may run, in whole seconds; the server's default if absent.
    pub(crate) run_seconds: Option<u64>,
}

/// What the server answered, in the form in which it is written as JSON.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Answer {
    /// Always `probe`.
    pub(crate) r#type: String,
    /// Of this format.
    pub(crate) version: u32,
    /// The status of HTTP.
    pub(crate) status: u16,
    /// From the first byte of the question to the last one of the answer.
    pub(crate) seconds: f64,
    /// The body.
    pub(crate) body: String,
}

impl Answer {
    /// Whether the server says yes.
    pub(crate) fn is_good(&self) -> bool {
        (200..300).contains(&self.status)
    }
}

/// Asks the server.
///
/// # Errors
/// Nobody listens, the deadline passes, or what answers does not speak HTTP.
pub(crate) fn ask(question: &Question, deadline: Deadline) -> io::Result<Answer> {
    let start = Instant::now();
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, question.port));
    let mut stream = TcpStream::connect_timeout(&address, left(deadline)?)?;
    stream.set_write_timeout(Some(left(deadline)?))?;
    stream.write_all(request(question).as_bytes())?;
    let mut bytes = Vec::new();
    let mut piece = vec![0; 64 * 1024];
    loop {
        stream.set_read_timeout(Some(left(deadline)?))?;
        match stream.read(&mut piece) {
            Ok(0) => break,
            Ok(count) => bytes.extend_from_slice(piece.get(..count).unwrap_or_default()),
            Err(err) if err.kind() == io::ErrorKind::Interrupted => {}
            Err(err) => return Err(err),
        }
        if bytes.len() > ANSWER.to_usize() {
            return Err(io::Error::other("the answer is too long"));
        }
    }
    let (status, body) = read(&bytes)
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "what answers speaks no HTTP"))?;
    Ok(Answer {
        r#type: "probe".to_owned(),
        version: 1,
        status,
        seconds: start.elapsed().as_secs_f64(),
        body,
    })
}

/// What is left of a deadline, in the form that sockets take.
fn left(deadline: Deadline) -> io::Result<Duration> {
    match deadline.left() {
        Duration::ZERO => Err(io::ErrorKind::TimedOut.into()),
        left => Ok(left),
    }
}

/// The text of the request. It is HTTP/1.0, whose answers come in one piece and end with the
/// connection.
fn request(question: &Question) -> String {
    let path = &question.path;
    match &question.text {
        None => format!("GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n"),
        Some(text) => {
            let run = question.run_seconds.map_or_else(String::new, |seconds| {
                format!("X-Lean-Timeout: {seconds}\r\n")
            });
            format!(
                "POST {path} HTTP/1.0\r\nHost: localhost\r\nContent-Type: text/plain\r\n{run}Content-Length: {}\r\n\r\n{text}",
                text.len()
            )
        }
    }
}

/// Status and body of an answer.
fn read(bytes: &[u8]) -> Option<(u16, String)> {
    let head_bytes = memchr::memmem::find(bytes, b"\r\n\r\n")?;
    let (head, body) = bytes.split_at_checked(head_bytes)?;
    let head = std::str::from_utf8(head).ok()?;
    let mut words = head.lines().next()?.split(' ');
    if !words.next()?.starts_with("HTTP/1.") {
        return None;
    }
    let status = words.next()?.parse().ok()?;
    let body = String::from_utf8_lossy(body.strip_prefix(b"\r\n\r\n")?).into_owned();
    Some((status, body))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;
    use std::thread::{self, JoinHandle};

    /// A server that gives one answer and tells what it was asked.
    fn server(answer: &'static str) -> (u16, JoinHandle<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let heard = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut bytes = vec![0; 4096];
            let count = stream.read(&mut bytes).unwrap();
            stream.write_all(answer.as_bytes()).unwrap();
            String::from_utf8_lossy(&bytes[..count]).into_owned()
        });
        (port, heard)
    }

    /// A question with a text.
    fn question(port: u16) -> Question {
        Question {
            port,
            path: "/".to_owned(),
            text: Some("#eval 1".to_owned()),
            run_seconds: Some(3),
        }
    }

    #[test]
    fn a_text_is_posted_and_the_answer_read_whole() {
        let (port, heard) = server("HTTP/1.0 408 Late\r\nA: b\r\n\r\n{\"ok\":\r\n\r\nfalse}");
        let answer = ask(&question(port), Deadline::after(Duration::from_secs(20))).unwrap();
        assert_eq!((answer.status, answer.is_good()), (408, false));
        assert_eq!(answer.body, "{\"ok\":\r\n\r\nfalse}");
        let heard = heard.join().unwrap();
        assert!(heard.contains("X-Lean-Timeout: 3\r\n"), "{heard}");
        assert!(
            heard.ends_with("Content-Length: 7\r\n\r\n#eval 1"),
            "{heard}"
        );
    }

    #[test]
    fn nobody_silence_and_nonsense_are_errors() {
        let soon = || Deadline::after(Duration::from_millis(200));
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        assert!(ask(&question(port), soon()).is_err());
        drop(listener);
        assert!(ask(&question(port), soon()).is_err());
        let (port, _heard) = server("SSH-2.0-x\r\n\r\n");
        let patient = Deadline::after(Duration::from_secs(20));
        let err = ask(&question(port), patient).unwrap_err();
        assert_eq!(err.kind(), io::ErrorKind::InvalidData);
    }
}
