//! A Docker Engine that is none: it listens on a socket and plays its part from a script.

use std::io::{Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::sync::mpsc::{Receiver, channel};
use std::thread;

/// How the engine answers a build.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Build {
    /// A step writes something and fails.
    Fails,
    /// It goes away in the middle of a step, and nobody answers any more.
    Dies,
    /// It begins a step that does not end.
    Hangs,
    /// As `Fails`, with the engine's files in the folder `full` beside its socket.
    FailsFull,
}

/// An engine that has a base or not, and builds badly.
pub(crate) struct Engine {
    /// The first lines of the requests.
    requests: Receiver<String>,
}

impl Engine {
    /// Listens at that path.
    pub(crate) fn start(path: &Path, has_base: bool, build: Build) -> Self {
        let listener = UnixListener::bind(path).unwrap();
        let folder = path.with_file_name(match build {
            Build::FailsFull => "full",
            _ => "no-such-folder",
        });
        let (sender, requests) = channel();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let Some(line) = request_line(&mut stream) else {
                    continue;
                };
                // A test that has ended wants to know nothing more.
                let _gone = sender.send(line.clone());
                let goes_on = answer(stream, &line, has_base, build, &folder);
                if !goes_on {
                    return;
                }
            }
        });
        Self { requests }
    }

    /// Waits for a request whose first line holds that text.
    pub(crate) fn wait_for(&self, text: &str) {
        while !self.requests.recv().unwrap().contains(text) {}
    }
}

/// The first line of a request; its head is read, its body is not.
fn request_line(stream: &mut UnixStream) -> Option<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        if stream.read(&mut byte).unwrap_or(0) == 0 {
            return None;
        }
        head.extend(byte);
    }
    let head = String::from_utf8(head).unwrap();
    head.lines().next().map(str::to_owned)
}

/// Answers one request; tells whether the engine lives on.
fn answer(mut stream: UnixStream, line: &str, has_base: bool, build: Build, folder: &Path) -> bool {
    let json = |status: &str, body: &str| {
        format!(
            "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )
    };
    let path = line.split(' ').nth(1).unwrap();
    let text = if path.ends_with("/version") {
        let version = r#"{"Version":"20.10.24","ApiVersion":"1.41","MinAPIVersion":"1.12","Arch":"amd64","Os":"linux"}"#;
        json("200 OK", version)
    } else if path.ends_with("/info") {
        let folder = folder.display();
        json("200 OK", &format!(r#"{{"DockerRootDir":"{folder}"}}"#))
    } else if path.contains("/images/create") {
        json("404 Not Found", r#"{"message":"manifest unknown"}"#)
    } else if path.contains("/images/") && has_base {
        json("200 OK", r#"{"Id":"sha256:00","Size":1}"#)
    } else if path.contains("/images/") {
        json("404 Not Found", r#"{"message":"No such image"}"#)
    } else if path.contains("/build?") {
        return play(stream, build);
    } else {
        json("500 What", r#"{"message":"unexpected"}"#)
    };
    // A client that was stopped hears nothing more.
    let _gone = stream.write_all(text.as_bytes());
    true
}

/// Plays a build.
fn play(mut stream: UnixStream, build: Build) -> bool {
    let begin = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n\
        {\"stream\":\"Step 1/2 : FROM x\\n\"}\r\n{\"stream\":\" ---\\u003e 00\\nStep 2/2 : RUN leanrepl build --project /project\\n\"}\r\n\
        {\"stream\":\"\\u001b[91merror: no tag\\n\\u001b[0m\"}\r\n";
    // The whole context is taken first: an answer before would cut it off.
    let mut bytes = vec![0; 1 << 16];
    let mut last = Vec::new();
    while !last.ends_with(b"\r\n0\r\n\r\n") {
        match stream.read(&mut bytes) {
            Ok(0) | Err(_) => return true,
            Ok(count) => last.extend_from_slice(&bytes[..count]),
        }
        last.drain(..last.len().saturating_sub(16));
    }
    let _gone = stream.write_all(begin.as_bytes());
    match build {
        Build::Fails | Build::FailsFull => {
            let text = "{\"errorDetail\":{\"code\":4,\"message\":\"it returned a non-zero code: 4\"},\"error\":\"it returned a non-zero code: 4\"}\r\n";
            let _gone = stream.write_all(text.as_bytes());
            true
        }
        Build::Dies => false,
        Build::Hangs => {
            // Until the client goes away.
            while stream.read(&mut bytes).unwrap_or(0) > 0 {}
            true
        }
    }
}
