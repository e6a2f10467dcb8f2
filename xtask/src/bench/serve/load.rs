//! A load on a server: so many connections that stay open, on each one request after the other.
//! Every answer is checked; a wrong one ends the benchmark.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::runtime::Builder;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::bench::sample::Sample;
use crate::bench::serve::message::{Head, request};

/// The longest wait for one answer.
const PATIENCE: Duration = Duration::from_secs(120);

/// The longest answer.
const LONGEST_BYTES: usize = 1024 * 1024;

/// What is sent, and how often.
#[derive(Debug, Clone)]
pub(crate) struct Load {
    /// Where to.
    pub(crate) address: SocketAddr,
    /// The path of every request.
    pub(crate) path: &'static str,
    /// The body of every request.
    pub(crate) body: String,
    /// What a right answer contains.
    pub(crate) marker: &'static str,
    /// How many connections.
    pub(crate) connections: usize,
    /// For how long new requests are sent.
    pub(crate) span: Duration,
}

/// What came of a load.
#[derive(Debug, Clone)]
pub(crate) struct Ran {
    /// The time of each request.
    pub(crate) times: Sample,
    /// From the first request to the last answer.
    pub(crate) elapsed: Duration,
}

impl Ran {
    /// Requests a second.
    pub(crate) fn rate(&self) -> f64 {
        let count = u32::try_from(self.times.count()).unwrap_or(u32::MAX);
        f64::from(count) / self.elapsed.as_secs_f64().max(1e-9)
    }
}

impl Load {
    /// Sends it from one thread.
    ///
    /// # Errors
    /// An answer that is wrong or does not come.
    pub(crate) fn run(&self) -> Result<Ran> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(self.send())
    }

    /// Opens all connections, then sends on all.
    async fn send(&self) -> Result<Ran> {
        let mut opening = JoinSet::new();
        for _ in 0..self.connections {
            let load = self.clone();
            opening.spawn(async move {
                let mut line = Line::open(&load).await?;
                // What is made for a connection when it is new is not what is measured.
                line.exchange().await?;
                anyhow::Ok(line)
            });
        }
        let mut lines = Vec::new();
        while let Some(line) = opening.join_next().await {
            lines.push(line??);
        }
        let start = Instant::now();
        let until = start + self.span;
        let mut tasks = JoinSet::new();
        for mut line in lines {
            tasks.spawn(async move {
                let mut times = Vec::new();
                while Instant::now() < until {
                    times.push(line.exchange().await?);
                }
                anyhow::Ok(times)
            });
        }
        let mut times = Sample::default();
        while let Some(done) = tasks.join_next().await {
            for time in done?? {
                times.push(time);
            }
        }
        let elapsed = start.elapsed();
        Ok(Ran { times, elapsed })
    }
}

/// One connection.
struct Line {
    /// The socket.
    stream: TcpStream,
    /// The request.
    request: Vec<u8>,
    /// What a right answer contains.
    marker: &'static str,
    /// What was read.
    buffer: Vec<u8>,
}

impl Line {
    /// Opens it.
    async fn open(load: &Load) -> Result<Self> {
        let stream = timeout(PATIENCE, TcpStream::connect(load.address)).await??;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            request: request("POST", load.path, &load.body),
            marker: load.marker,
            buffer: Vec::with_capacity(4096),
        })
    }

    /// One request and its answer; the time between them.
    async fn exchange(&mut self) -> Result<Duration> {
        let start = Instant::now();
        self.stream.write_all(&self.request).await?;
        timeout(PATIENCE, self.answer())
            .await
            .context("an answer did not come")??;
        Ok(start.elapsed())
    }

    /// Reads and checks one answer.
    async fn answer(&mut self) -> Result<()> {
        self.buffer.clear();
        loop {
            if self.stream.read_buf(&mut self.buffer).await? == 0 {
                bail!("the server closed a connection");
            }
            if self.buffer.len() > LONGEST_BYTES {
                bail!("an answer is too long");
            }
            let Some(head) = Head::read(&self.buffer)? else {
                continue;
            };
            let Some(body) = self.buffer.get(head.bytes..head.bytes + head.body_bytes) else {
                continue;
            };
            let text = String::from_utf8_lossy(body);
            if head.status != 200 || !text.contains(self.marker) {
                bail!("an answer is wrong: {} {text}", head.status);
            }
            return Ok(());
        }
    }
}
