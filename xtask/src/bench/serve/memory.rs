//! Resident memory of the server while 10,000 requests wait for the one session there is.

use std::io::Write;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::process::{Resource, getrlimit, setrlimit};
use serde_json::json;

use crate::bench::serve::message::{ask, request};
use crate::bench::serve::part::{Bench, median};
use crate::bench::serve::server::Server;

/// How many requests wait.
const WAITING: usize = 10_000;

/// Descriptors that this process needs besides.
const SPARE_DESCRIPTORS: u64 = 100;

/// In how many batches they come, when not each on a connection of its own.
const BATCHES: usize = 16;

/// What keeps the session from them.
const HANG: &str = "--! hang";

/// How often is looked whether all wait.
const LOOK: Duration = Duration::from_millis(50);

/// The longest wait for that.
const PATIENCE: Duration = Duration::from_secs(120);

/// Resident memory in MB of one server.
#[derive(Default)]
struct Figures {
    /// Ready, without a request.
    idle: f64,
    /// With connections on which nothing was sent.
    open: f64,
    /// With all requests.
    waiting: f64,
}

/// Measures it and prints the table.
///
/// # Errors
/// A server that does not start, or does not take the requests.
pub(crate) fn run(bench: &Bench) -> Result<()> {
    println!(
        "resident memory of the server in MB while {WAITING} texts of 100 B wait, medians of {} servers each\n",
        bench.rounds
    );
    println!("| how they come | ready | connections open | all wait | for each text |");
    println!("|---|---|---|---|---|");
    if descriptors() < WAITING as u64 + SPARE_DESCRIPTORS {
        println!(
            "| {WAITING} connections | not measured: too few descriptors (`ulimit -n`) | | | |"
        );
    } else {
        print(bench, &format!("{WAITING} connections"), apart)?;
    }
    print(bench, &format!("{BATCHES} batches (`/v1/eval`)"), together)
}

/// One line of the table.
fn print(bench: &Bench, name: &str, measure: fn(&Server) -> Result<Figures>) -> Result<()> {
    let mut all = Vec::new();
    for _ in 0..bench.rounds {
        let args = [
            "--sessions=1",
            "--spares=0",
            "--max-queue=20000",
            "--timeout=10m",
            "--max-wait=10m",
            "--grace=1s",
        ];
        let server = Server::leanrepl(bench, "", &args)?;
        let mut busy = TcpStream::connect(server.address)?;
        busy.write_all(&request("POST", "/", HANG))?;
        until(&server, "leanrepl_sessions{state=\"busy\"}", 1)?;
        all.push(measure(&server)?);
    }
    let middle = |figure: fn(&Figures) -> f64| median(all.iter().map(figure).collect());
    let (idle, waiting) = (middle(|all| all.idle), middle(|all| all.waiting));
    let each = (waiting - idle) * 1e3 / 10_000.0;
    println!(
        "| {name} | {idle:.1} | {:.1} | {waiting:.1} | {each:.1} kB |",
        middle(|all| all.open)
    );
    Ok(())
}

/// Each text on a connection of its own.
fn apart(server: &Server) -> Result<Figures> {
    let mut figures = Figures {
        idle: server.resident_mb()?,
        ..Figures::default()
    };
    let mut lines = Vec::new();
    for _ in 0..WAITING {
        lines.push(TcpStream::connect(server.address)?);
    }
    std::thread::sleep(LOOK * 10);
    figures.open = server.resident_mb()?;
    for line in &mut lines {
        line.write_all(&request("POST", "/", &text()))?;
    }
    until(server, "leanrepl_queue_length", WAITING)?;
    figures.waiting = server.resident_mb()?;
    Ok(figures)
}

/// The texts in batches, each on a connection.
fn together(server: &Server) -> Result<Figures> {
    let mut figures = Figures {
        idle: server.resident_mb()?,
        ..Figures::default()
    };
    let mut lines = Vec::new();
    for _ in 0..BATCHES {
        lines.push(TcpStream::connect(server.address)?);
    }
    std::thread::sleep(LOOK * 10);
    figures.open = server.resident_mb()?;
    let texts: Vec<String> = (0..WAITING / BATCHES).map(|_| text()).collect();
    let body = json!({ "sources": texts }).to_string();
    for line in &mut lines {
        line.write_all(&request("POST", "/v1/eval", &body))?;
    }
    // Of each batch two texts for each session are in the queue, and the others wait behind them.
    until(server, "leanrepl_queue_length", BATCHES * 2)?;
    figures.waiting = server.resident_mb()?;
    Ok(figures)
}

/// A text of 100 bytes.
fn text() -> String {
    format!("{:<100}", "example : 1 + 1 = 2 := rfl")
}

/// Waits until a metric has a value.
fn until(server: &Server, metric: &str, value: usize) -> Result<()> {
    let start = Instant::now();
    loop {
        let metrics = ask(server.address, "GET", "/metrics", "")?;
        let line = metrics.lines().find_map(|line| line.strip_prefix(metric));
        let count: usize = line
            .with_context(|| format!("no `{metric}`"))?
            .trim()
            .parse()?;
        if count >= value {
            return Ok(());
        }
        if start.elapsed() > PATIENCE {
            bail!("`{metric}` is {count}, not {value}");
        }
        std::thread::sleep(LOOK);
    }
}

/// How many descriptors this process may have, raised as far as it goes.
fn descriptors() -> u64 {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    match setrlimit(Resource::Nofile, limit) {
        Ok(()) => limit.current.unwrap_or(u64::MAX),
        Err(_) => getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX),
    }
}
