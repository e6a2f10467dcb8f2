//! A `redis-server` for the benchmark, and plain requests to it.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use leanrepl::internals::cache::{OpenError, PREFIX, RedisSettings, RedisStore, RedisUrl};

use crate::bench::program::command;
use crate::bench::sample::Sample;

/// The longest wait for it.
const PATIENCE: Duration = Duration::from_secs(60);

/// A server on a socket in a folder, gone when it is dropped.
pub(crate) struct Server {
    child: Child,
    socket: PathBuf,
}

impl Server {
    pub(crate) fn start(folder: &Path) -> Result<Self> {
        let socket = folder.join("redis.sock");
        let child = command("redis-server")
            .args(["--port", "0", "--save", "", "--dir"])
            .arg(folder)
            .arg("--unixsocket")
            .arg(&socket)
            .stdin(Stdio::null())
            .stdout(File::create(folder.join("redis.log"))?)
            .spawn()
            .context("cannot start redis-server")?;
        let server = Self { child, socket };
        let start = Instant::now();
        while UnixStream::connect(&server.socket).is_err() {
            ensure!(start.elapsed() < PATIENCE, "redis-server does not start");
            std::thread::yield_now();
        }
        Ok(server)
    }

    /// A store on it.
    pub(crate) fn store(&self) -> Result<RedisStore> {
        let settings = RedisSettings {
            url: RedisUrl::parse(&format!("unix://{}", self.socket.display()))?,
            password: None,
            prefix: PREFIX.to_owned(),
            max_age: Duration::from_secs(3600),
            key: None,
        };
        Ok(RedisStore::open(settings).map_err(OpenError::into_failure)?)
    }

    /// The times of plain requests for a value of so many bytes, on one connection.
    pub(crate) fn plain_gets(&self, bytes: usize, requests: usize) -> Result<Sample> {
        let mut socket = UnixStream::connect(&self.socket)?;
        socket.set_read_timeout(Some(PATIENCE))?;
        let mut reader = BufReader::new(socket.try_clone()?);
        let value = "x".repeat(bytes);
        write!(socket, "SET plain {value}\r\n")?;
        let mut line = String::new();
        reader.read_line(&mut line)?;
        ensure!(line == "+OK\r\n", "redis-server says {line}");
        let mut found = vec![0; bytes + 2];
        (0..requests)
            .map(|_| {
                let start = Instant::now();
                socket.write_all(b"*2\r\n$3\r\nGET\r\n$5\r\nplain\r\n")?;
                line.clear();
                reader.read_line(&mut line)?;
                reader.read_exact(&mut found)?;
                Ok(start.elapsed())
            })
            .collect()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // One that has ended already is gone all the same.
        let _gone = self.child.kill();
        let _reaped = self.child.wait();
    }
}
