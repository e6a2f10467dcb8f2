//! A server that runs, and what it answers.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::Value;
use ureq::{Agent, Body, http::Response};

use crate::running::{Finished, Output, Running};
use crate::world::World;

/// How long one answer may take. No test expects to use it up.
const PATIENCE: Duration = Duration::from_secs(60);

/// How long a server may live: as long as its test, which takes minutes on a busy machine if a client
/// makes a thousand requests.
const LIFE: Duration = Duration::from_secs(600);

/// A server of its own for each test, on a port of its own.
pub(crate) struct Served {
    /// The process.
    running: Running,
    /// Folders and variables.
    pub(crate) world: World,
    /// Where it listens.
    pub(crate) address: SocketAddr,
}

/// What was answered.
#[derive(Debug)]
pub(crate) struct Answer {
    /// The status.
    pub(crate) status: u16,
    /// The headers, names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    /// The body.
    pub(crate) text: String,
}

impl Answer {
    /// Reads a response to its end.
    fn read(mut response: Response<Body>) -> Self {
        let headers = response.headers().iter().map(|(name, value)| {
            let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
            (name.as_str().to_owned(), value)
        });
        Self {
            status: response.status().as_u16(),
            headers: headers.collect(),
            text: response.body_mut().read_to_string().unwrap(),
        }
    }

    /// The body as JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|err| panic!("{err}: {self:?}"))
    }

    /// A header.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        let found = headers.find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }
}

impl Served {
    /// Starts a server on the fake REPL and waits until it takes texts.
    pub(crate) fn start(args: &[&str]) -> Self {
        let served = Self::start_in(World::new().fake_repl(""), args);
        served.wait_ready();
        served
    }

    /// Starts a server in a world that has a REPL; does not wait for more than its address.
    pub(crate) fn start_in(world: World, args: &[&str]) -> Self {
        let fixed = ["serve", "--listen", "127.0.0.1:0", "--repl", "./repl"];
        let small: &[&str] = if args.contains(&"--sessions") {
            &[]
        } else {
            &["--sessions", "2", "--spares", "0"]
        };
        Self::run(world, fixed.iter().chain(small).chain(args))
    }

    /// Starts a server with exactly these arguments.
    pub(crate) fn run<'a>(world: World, args: impl Iterator<Item = &'a &'a str>) -> Self {
        let world = world.patience(LIFE);
        let mut running = world.start(args);
        let first = running.wait_for(Output::Stdout, "\n");
        let address = first.trim().strip_prefix("http://").unwrap();
        Self {
            address: address.parse().unwrap(),
            running,
            world,
        }
    }

    /// Waits until sources are taken. Core Lean may have to be installed first.
    pub(crate) fn wait_ready(&self) {
        Self::wait_within(LIFE, || self.get("/ready").status == 200);
    }

    /// Waits until something holds.
    pub(crate) fn wait_for(holds: impl FnMut() -> bool) {
        Self::wait_within(PATIENCE, holds);
    }

    /// The same, for no longer than this.
    fn wait_within(patience: Duration, mut holds: impl FnMut() -> bool) {
        let (_never, silence) = channel::<()>();
        let start = Instant::now();
        while !holds() {
            assert!(start.elapsed() < patience, "it never came to hold");
            let _ = silence.recv_timeout(Duration::from_millis(10));
        }
    }

    /// A client without connections from before.
    pub(crate) fn agent() -> Agent {
        Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(PATIENCE))
            .build()
            .new_agent()
    }

    /// The address of a path.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// GET.
    pub(crate) fn get(&self, path: &str) -> Answer {
        self.get_with(path, &[])
    }

    /// GET with headers.
    pub(crate) fn get_with(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        let mut request = Self::agent().get(self.url(path));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        Answer::read(request.call().unwrap())
    }

    /// DELETE.
    pub(crate) fn delete(&self, path: &str) -> Answer {
        Answer::read(Self::agent().delete(self.url(path)).call().unwrap())
    }

    /// POST of a text.
    pub(crate) fn post(&self, path: &str, text: &str) -> Answer {
        self.post_with(path, text.as_bytes(), &[])
    }

    /// POST of bytes with headers.
    pub(crate) fn post_with(&self, path: &str, body: &[u8], headers: &[(&str, &str)]) -> Answer {
        let mut request = Self::agent().post(self.url(path));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        Answer::read(request.send(body).unwrap())
    }

    /// POST of JSON.
    pub(crate) fn post_json(&self, path: &str, body: &Value) -> Answer {
        self.post(path, &body.to_string())
    }

    /// Writes bytes on a connection of its own.
    pub(crate) fn connect(&self, bytes: &[u8]) -> TcpStream {
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.write_all(bytes).unwrap();
        stream
    }

    /// Writes bytes on a connection of its own and reads until the server closes it.
    pub(crate) fn exchange(&self, bytes: &[u8]) -> String {
        let mut answer = Vec::new();
        self.connect(bytes).read_to_end(&mut answer).unwrap();
        String::from_utf8(answer).unwrap()
    }

    /// Sends a signal to the server.
    pub(crate) fn signal(&self, signal: Signal) {
        self.running.signal(signal);
    }

    /// Waits for the end.
    pub(crate) fn finish(self) -> (Finished, World) {
        (self.running.finish(), self.world)
    }

    /// Asks the server to end, and checks that it does so in order.
    pub(crate) fn stop(self) -> Finished {
        self.signal(Signal::TERM);
        let (finished, world) = self.finish();
        assert_eq!(finished.exit(), Some(0), "{}", finished.text());
        world.assert_nothing_runs();
        finished
    }
}

/// Fails the test unless a number is a number: pages call `toFixed` on it.
pub(crate) fn assert_elapsed(answer: &Answer) {
    let reply = answer.json();
    assert!(reply["elapsed"].is_f64(), "{answer:?}");
}
