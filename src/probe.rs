//! One request to a server on this machine: that of leanrepl, for images that hold no other client, or a
//! Worker in front of it. Never judges the answer.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::limits::{Bytes, CancelFlag, Deadline, TICK};

/// The most that is taken of an answer.
const ANSWER: Bytes = Bytes::mib(64);

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Question {
    pub(crate) port: u16,
    /// The path, such as `/ready`.
    pub(crate) path: String,
    /// The value of the header `Authorization`, if there is one.
    pub(crate) authorization: Option<String>,
    /// What is to be done at the path.
    pub(crate) request: ProbeRequest,
}

/// What is to be done at a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ProbeRequest {
    /// It is looked at.
    Look,
    /// What a browser asks before it sends a request of another origin.
    Preflight,
    /// A text is evaluated.
    Evaluate {
        text: String,
        /// How long it may run, in whole seconds; the server's default if absent.
        run_seconds: Option<u64>,
    },
}

/// What the server answered, in the form in which it is written as JSON.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Answer {
    /// Always `probe`.
    pub(crate) r#type: String,
    pub(crate) version: u32,
    pub(crate) status: u16,
    /// From the first byte of the question to the last one of the answer.
    pub(crate) seconds: f64,
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
/// Nobody listens, the deadline passes, the user wants to stop, or what answers does not speak HTTP.
pub(crate) fn ask(
    question: &Question,
    deadline: Deadline,
    interrupt: &CancelFlag,
) -> io::Result<Answer> {
    let start = Instant::now();
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, question.port));
    let mut stream = TcpStream::connect_timeout(&address, left(deadline)?)?;
    stream.set_write_timeout(Some(left(deadline)?))?;
    stream.write_all(request(question).as_bytes())?;
    let mut bytes = Vec::new();
    let mut piece = vec![0; 64 * 1024];
    let reply = loop {
        stream.set_read_timeout(Some(left(deadline)?.min(TICK)))?;
        match stream.read(&mut piece) {
            Ok(0) => break read(&bytes, true),
            Ok(count) => bytes.extend_from_slice(piece.get(..count).unwrap_or_default()),
            Err(err) if is_brief(&err) && !interrupt.is_set() => continue,
            Err(err) => return Err(err),
        }
        if bytes.len() > ANSWER.to_usize() {
            return Err(io::Error::other("the answer is too long"));
        }
        // Not every server closes the connection that the reply says it closes.
        if let Some(reply) = read(&bytes, false) {
            break Some(reply);
        }
    };
    let (status, body) = reply
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "what answers speaks no HTTP"))?;
    Ok(Answer {
        r#type: "probe".to_owned(),
        version: 1,
        status,
        seconds: start.elapsed().as_secs_f64(),
        body,
    })
}

/// Whether a read only waited for its time, which is much shorter than that of the request.
fn is_brief(err: &io::Error) -> bool {
    matches!(
        err.kind(),
        io::ErrorKind::Interrupted | io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut
    )
}

/// What is left of a deadline, in the form that sockets take.
fn left(deadline: Deadline) -> io::Result<Duration> {
    match deadline.left() {
        Duration::ZERO => Err(io::ErrorKind::TimedOut.into()),
        left => Ok(left),
    }
}

/// The text of the request. It is HTTP/1.0, after whose answers the connection ends.
fn request(question: &Question) -> String {
    let path = &question.path;
    let key = question
        .authorization
        .as_ref()
        .map_or_else(String::new, |value| format!("Authorization: {value}\r\n"));
    let head = |method: &str| format!("{method} {path} HTTP/1.0\r\nHost: localhost\r\n{key}");
    match &question.request {
        ProbeRequest::Look => format!("{}\r\n", head("GET")),
        ProbeRequest::Preflight => format!("{}\r\n", head("OPTIONS")),
        ProbeRequest::Evaluate { text, run_seconds } => {
            let run = run_seconds.map_or_else(String::new, |seconds| {
                format!("X-Lean-Timeout: {seconds}\r\n")
            });
            format!(
                "{}Content-Type: text/plain\r\n{run}Content-Length: {}\r\n\r\n{text}",
                head("POST"),
                text.len()
            )
        }
    }
}

/// Status and body of an answer, once all of it is there: as long as it says, in pieces up to the last
/// one (workerd sends those to HTTP/1.0 too), or up to the end of the connection.
fn read(bytes: &[u8], has_ended: bool) -> Option<(u16, String)> {
    let head_bytes = memchr::memmem::find(bytes, b"\r\n\r\n")?;
    let (head, body) = bytes.split_at_checked(head_bytes)?;
    let body = body.strip_prefix(b"\r\n\r\n")?;
    let head = std::str::from_utf8(head).ok()?;
    let mut lines = head.lines();
    let mut words = lines.next()?.split(' ');
    if !words.next()?.starts_with("HTTP/1.") {
        return None;
    }
    let status = words.next()?.parse().ok()?;
    let header = |name: &str| {
        let mut pairs = lines.clone().filter_map(|line| line.split_once(':'));
        pairs.find_map(|(key, value)| key.eq_ignore_ascii_case(name).then(|| value.trim()))
    };
    let is_in_pieces =
        header("Transfer-Encoding").is_some_and(|how| how.eq_ignore_ascii_case("chunked"));
    let length = header("Content-Length").and_then(|length| length.parse::<usize>().ok());
    let body = match length {
        _ if is_in_pieces => joined(body)?,
        _ if status == 204 => Vec::new(),
        Some(length) => body.get(..length)?.to_vec(),
        None if has_ended => body.to_vec(),
        None => return None,
    };
    Some((status, String::from_utf8_lossy(&body).into_owned()))
}

/// The bytes of a body that came in pieces; none before the last of them.
fn joined(mut rest: &[u8]) -> Option<Vec<u8>> {
    let mut whole = Vec::new();
    loop {
        let line_bytes = memchr::memmem::find(rest, b"\r\n")?;
        let (line, after) = rest.split_at_checked(line_bytes)?;
        let line = std::str::from_utf8(line).ok()?;
        let size = line.split(';').next()?.trim();
        let size = usize::from_str_radix(size, 16).ok()?;
        let piece = after.strip_prefix(b"\r\n")?;
        if size == 0 {
            return Some(whole);
        }
        whole.extend_from_slice(piece.get(..size)?);
        rest = piece.get(size..)?.strip_prefix(b"\r\n")?;
    }
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
            authorization: None,
            request: ProbeRequest::Evaluate {
                text: "#eval 1".to_owned(),
                run_seconds: Some(3),
            },
        }
    }

    /// What a server answers to it.
    fn asked(port: u16, deadline: Deadline) -> io::Result<Answer> {
        ask(&question(port), deadline, &CancelFlag::default())
    }

    #[test]
    fn a_text_is_posted_and_the_answer_read_whole() {
        let (port, heard) = server("HTTP/1.0 408 Late\r\nA: b\r\n\r\n{\"ok\":\r\n\r\nfalse}");
        let answer = asked(port, Deadline::after(Duration::from_secs(20))).unwrap();
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
        assert!(asked(port, soon()).is_err());
        drop(listener);
        assert!(asked(port, soon()).is_err());
        let (port, _heard) = server("SSH-2.0-x\r\n\r\n");
        let patient = Deadline::after(Duration::from_secs(20));
        let err = asked(port, patient).unwrap_err();
        assert_eq!(err.kind(), io::ErrorKind::InvalidData);
    }

    #[test]
    fn an_answer_ends_where_it_says_and_not_before() {
        let pieces = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\n{\"ok\"\r\n6\r\n:true}\r\n0\r\n\r\n";
        assert_eq!(read(pieces, false), Some((200, "{\"ok\":true}".to_owned())));
        assert_eq!(read(&pieces[..pieces.len() - 6], true), None);
        let sized = b"HTTP/1.1 400 No\r\nContent-Length: 2\r\n\r\n{}";
        assert_eq!(read(sized, false), Some((400, "{}".to_owned())));
        assert_eq!(read(&sized[..sized.len() - 1], true), None);
        let bare = b"HTTP/1.1 204 No Content\r\nA: b\r\n\r\n";
        assert_eq!(read(bare, false), Some((204, String::new())));
        assert_eq!(read(b"HTTP/1.0 200 OK\r\n\r\n{", false), None);
    }

    #[test]
    fn a_key_and_the_question_of_a_browser_are_sent() {
        let mut question = question(1);
        question.authorization = Some("Bearer sesame".to_owned());
        question.request = ProbeRequest::Preflight;
        assert_eq!(
            request(&question),
            "OPTIONS / HTTP/1.0\r\nHost: localhost\r\nAuthorization: Bearer sesame\r\n\r\n"
        );
    }

    #[test]
    fn a_user_who_wants_to_stop_waits_no_longer() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let interrupt = CancelFlag::default();
        interrupt.set();
        let patient = Deadline::after(Duration::from_secs(600));
        assert!(ask(&question(port), patient, &interrupt).is_err());
    }
}
