//! The slowest requests while sessions are replaced, beside those of a server that replaces none.

use std::time::Duration;

use anyhow::{Result, bail};

use crate::bench::sample::Sample;
use crate::bench::serve::load::{Load, Ran};
use crate::bench::serve::message::ask;
use crate::bench::serve::part::{Bench, median, millis};
use crate::bench::serve::server::Server;

/// How long the stub takes to start.
const STUB: &str = "--at-start slow 50";

/// What is sent: the stub takes five milliseconds for it.
const TEXT: &str = "--! slow 5\nexample : 1 + 1 = 2 := rfl";

/// More connections than sessions, so that the session is never idle.
const CONNECTIONS: usize = 2;

/// A session that serves so few texts is replaced three or four times a second.
const FEW: &str = "--max-requests=50";

/// No session is replaced in the time of a benchmark.
const MANY: &str = "--max-requests=1000000000";

/// One way to replace sessions.
struct Way {
    /// How it is called in the table.
    name: &'static str,
    /// The server.
    server: Server,
    /// What came of each round.
    rounds: Vec<Ran>,
}

/// Measures it and prints the table.
///
/// # Errors
/// A server that does not start or answers wrongly, or that replaces no session.
pub(crate) fn run(bench: &Bench) -> Result<()> {
    let way = |name, spares, most| {
        let args = ["--sessions=1", spares, most];
        anyhow::Ok(Way {
            name,
            server: Server::leanrepl(bench, STUB, &args)?,
            rounds: Vec::new(),
        })
    };
    let mut ways = [
        way("none", "--spares=1", MANY)?,
        way("after 50 texts, one spare", "--spares=1", FEW)?,
        way("after 50 texts, no spare", "--spares=0", FEW)?,
    ];
    for _ in 0..bench.rounds {
        for way in &mut ways {
            way.measure(bench.span)?;
        }
    }
    println!(
        "one session, each text takes 5 ms, a session more than 50 ms to start; {CONNECTIONS} connections; {} rounds of {} s in turns, medians; times in ms\n",
        bench.rounds,
        bench.span.as_secs(),
    );
    println!("| replaced | sessions replaced | requests/s | p50 | p99 | p99 against none |");
    println!("|---|---|---|---|---|---|");
    let base = ways
        .first()
        .map(|way| way.middle(Sample::p99))
        .unwrap_or_default();
    for way in &ways {
        way.print(base)?;
    }
    Ok(())
}

impl Way {
    /// One round.
    fn measure(&mut self, span: Duration) -> Result<()> {
        let load = Load {
            address: self.server.address,
            path: "/",
            body: TEXT.to_owned(),
            marker: r#""ok":true"#,
            connections: CONNECTIONS,
            span,
        };
        self.rounds.push(load.run()?);
        Ok(())
    }

    /// The median of what each round has.
    fn middle(&self, quantile: fn(&Sample) -> Duration) -> Duration {
        let times: Sample = self.rounds.iter().map(|ran| quantile(&ran.times)).collect();
        times.p50()
    }

    /// One line of the table.
    fn print(&self, base: Duration) -> Result<()> {
        let replaced = self.replaced()?;
        if (replaced == 0) != (self.name == "none") {
            bail!("{} sessions were replaced: {}", replaced, self.name);
        }
        let p99 = self.middle(Sample::p99);
        println!(
            "| {} | {replaced} | {:.0} | {} | {} | {:.2} |",
            self.name,
            median(self.rounds.iter().map(Ran::rate).collect()),
            millis(self.middle(Sample::p50)),
            millis(p99),
            p99.as_secs_f64() / base.as_secs_f64(),
        );
        Ok(())
    }

    /// How many sessions the server has replaced.
    fn replaced(&self) -> Result<u64> {
        let metrics = ask(self.server.address, "GET", "/metrics", "")?;
        let lines = metrics.lines();
        let lines = lines.filter(|line| line.starts_with("leanrepl_session_restarts_total"));
        let counts = lines.filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok());
        Ok(counts.sum())
    }
}
