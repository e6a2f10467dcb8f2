//! `cargo xtask bench session`: what a session adds to a request over a bare exchange on pipes.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use leanrepl::internals::{
    Bytes, CancelFlag, Deadline, Launch, Observer, Session, SessionLimits, Unobserved,
};

use crate::bench::clients;
use crate::bench::program::command;
use crate::bench::sample::{Sample, added_micros, micros};
use crate::cargo::{self, Profile};
use crate::status::Status;

/// The request that both sides send.
const REQUEST: &str = r##"{"cmd":"#eval 1","env":0}"##;

/// What was measured for one size of reply.
struct Row {
    /// The size of a reply in bytes.
    bytes: usize,
    /// The bare exchange.
    bare: Sample,
    /// The same through a session.
    session: Sample,
}

/// Runs the benchmark and prints its table.
///
/// # Errors
/// A stub that cannot be built or does not answer.
pub(crate) fn run(root: &Path, requests: usize) -> Result<()> {
    let stub = build_stub(root)?;
    println!("time of a request in µs, {requests} requests each, interleaved\n");
    println!(
        "| reply | bare p50 | bare p99 | session p50 | session p99 | added p50 | added p99 | MB/s of reply |"
    );
    println!("|---|---|---|---|---|---|---|---|");
    let small = measure(&stub, 100, requests)?;
    small.print();
    let resident = resident_mib();
    measure(&stub, 1_000_000, requests)?.print();
    println!(
        "\nresident memory of the driving process: {resident} after the small replies, {} after the large ones\n",
        resident_mib()
    );
    clients::run(root, &stub, requests, small.bare.p50(), small.session.p50())
}

/// Builds the stub that answers at once.
fn build_stub(root: &Path) -> Result<PathBuf> {
    Ok(cargo::build(root, &["fake-repl"], Profile::Release)?.join("fake-repl"))
}

/// Times both sides for one size, in turns so that both meet the same noise.
fn measure(stub: &Path, bytes: usize, requests: usize) -> Result<Row> {
    let mut bare = Bare::start(stub, bytes)?;
    let mut session = start_session(stub, bytes)?;
    let mut row = Row {
        bytes,
        bare: Sample::default(),
        session: Sample::default(),
    };
    let turn = 50;
    let deadline = || Deadline::after(Duration::from_secs(60));
    for _ in 0..requests.div_ceil(turn) {
        for _ in 0..turn {
            let start = Instant::now();
            bare.exchange()?;
            row.bare.push(start.elapsed());
        }
        for _ in 0..turn {
            let start = Instant::now();
            let value = session.ask_object(REQUEST, deadline())?;
            row.session.push(start.elapsed());
            drop(value);
        }
    }
    Ok(row)
}

/// A session on the stub.
fn start_session(stub: &Path, bytes: usize) -> Result<Session> {
    let launch = Launch {
        args: vec!["--instant-bytes".into(), bytes.to_string().into()],
        ..Launch::new(stub)
    };
    let observer: Arc<dyn Observer> = Arc::new(Unobserved);
    let limits = SessionLimits {
        memory: Some(Bytes::mib(1024)),
        ..SessionLimits::default()
    };
    Ok(Session::start(
        &launch,
        limits,
        &CancelFlag::default(),
        &observer,
    )?)
}

/// The least that a driver can do: write, then read up to the blank line.
struct Bare {
    /// The stub.
    child: Child,
    /// Where a reply is read to.
    buffer: Vec<u8>,
}

impl Bare {
    /// Starts a stub.
    fn start(stub: &Path, bytes: usize) -> Result<Self> {
        let child = command(stub)
            .args(["--instant-bytes", &bytes.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        Ok(Self {
            child,
            buffer: vec![0; bytes + 64 * 1024],
        })
    }

    /// One request and its reply.
    fn exchange(&mut self) -> Result<()> {
        let stdin = self.child.stdin.as_mut().context("no stdin")?;
        let stdout = self.child.stdout.as_mut().context("no stdout")?;
        stdin.write_all(format!("{REQUEST}\n\n").as_bytes())?;
        let mut filled = 0;
        loop {
            let count = stdout.read(self.buffer.get_mut(filled..).unwrap_or_default())?;
            if count == 0 {
                bail!("the stub ended");
            }
            filled += count;
            if self
                .buffer
                .get(..filled)
                .is_some_and(|reply| reply.ends_with(b"\n\n"))
            {
                return Ok(());
            }
        }
    }
}

impl Drop for Bare {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

impl Row {
    /// One line of the table.
    fn print(&self) {
        let seconds = self.session.total().as_secs_f64();
        #[expect(
            clippy::cast_precision_loss,
            reason = "a rate needs no more than six digits"
        )]
        let rate = (self.bytes * self.session.count()) as f64 / seconds / 1e6;
        println!(
            "| {} B | {} | {} | {} | {} | {:.1} | {:.1} | {rate:.0} |",
            self.bytes,
            micros(self.bare.p50()),
            micros(self.bare.p99()),
            micros(self.session.p50()),
            micros(self.session.p99()),
            added_micros(self.session.p50(), self.bare.p50()),
            added_micros(self.session.p99(), self.bare.p99()),
        );
    }
}

/// Resident memory of this process, as `/proc` tells it.
fn resident_mib() -> String {
    Status::of(std::process::id())
        .and_then(|status| status.number("VmRSS"))
        .map_or_else(|| "unknown".to_owned(), |kib| format!("{} MiB", kib / 1024))
}
