//! Requests a second and their times, beside other servers: each with one REPL, the same stub.

use std::path::Path;
use std::time::Duration;

use anyhow::Result;

use crate::bench::sample::Sample;
use crate::bench::serve::load::{Load, Ran};
use crate::bench::serve::part::{Bench, median, millis};
use crate::bench::serve::server::Server;

/// How many connections.
const CONNECTIONS: [usize; 3] = [1, 16, 256];

/// The text that is sent, about as long as a short exercise.
const TEXT: &str = "theorem t (a b : Nat) (h : a = b) : b = a := by\n  exact h.symm";

/// A server by one of its paths.
struct Contender {
    /// How it is called in the table.
    name: &'static str,
    /// The server, if it runs.
    server: Option<Server>,
    /// The path, the body and what a right answer contains.
    exchange: Exchange,
    /// For each number of connections, what came of each round, or why there is nothing.
    rows: Vec<Result<Vec<Ran>, String>>,
}

/// What is asked and answered.
struct Exchange {
    /// The path.
    path: &'static str,
    /// The body.
    body: String,
    /// What a right answer contains.
    marker: &'static str,
}

impl Exchange {
    /// A raw text.
    fn raw() -> Self {
        Self {
            path: "/",
            body: TEXT.to_owned(),
            marker: r#""ok":true"#,
        }
    }

    /// One snippet, as clients of Kimina's server send it.
    fn check() -> Self {
        Self {
            path: "/api/check",
            body: serde_json::json!({"snippets": [{"id": "t", "code": TEXT}]}).to_string(),
            marker: r#""response":{"#,
        }
    }

    /// One text in the older shape of Kimina's server.
    fn verify() -> Self {
        Self {
            path: "/verify",
            body: serde_json::json!({"codes": [{"custom_id": "t", "proof": TEXT}]}).to_string(),
            marker: r#""response":{"#,
        }
    }
}

/// Measures all and prints the table.
///
/// # Errors
/// A server of ours that does not start or answers wrongly.
pub(crate) fn run(bench: &Bench, kimina: Option<&Path>, python: &Path) -> Result<()> {
    let mut all = contenders(bench, kimina, python)?;
    for _ in 0..bench.rounds {
        for (place, connections) in CONNECTIONS.into_iter().enumerate() {
            for contender in &mut all {
                contender.measure(place, connections, bench.span);
            }
        }
    }
    println!(
        "one REPL each, the stub that answers at once; {} rounds of {} s in turns, medians of the rounds; times in ms\n",
        bench.rounds,
        bench.span.as_secs(),
    );
    println!(
        "| server | connections | requests/s | p50 | p99 | p99 over bare | the same, best rounds |"
    );
    println!("|---|---|---|---|---|---|---|");
    for (place, connections) in CONNECTIONS.into_iter().enumerate() {
        let bare = all.first().and_then(|bare| bare.figures(place).ok());
        for contender in &all {
            contender.print(place, connections, bare.as_ref());
        }
    }
    println!();
    for (ours, theirs) in [(1, 3), (2, 4), (2, 5)] {
        if let (Some(ours), Some(theirs)) = (all.get(ours), all.get(theirs)) {
            ours.compare(theirs);
        }
    }
    Ok(())
}

/// Those that are measured, the bare one first.
fn contenders(bench: &Bench, kimina: Option<&Path>, python: &Path) -> Result<Vec<Contender>> {
    // The others never replace a REPL; what that costs is measured on its own.
    let lasting = ["--sessions=1", "--spares=0", "--max-requests=1000000000"];
    let leanrepl = || Server::leanrepl(bench, "", &lasting);
    let start_kimina = || match kimina {
        None => Err("no folder was named with `--kimina`".to_owned()),
        Some(folder) => Server::kimina(bench, folder, python).map_err(|err| format!("{err:#}")),
    };
    let new = |name, server: Result<Server, String>, exchange| {
        let row = server.as_ref().map(|_| Vec::new()).map_err(String::clone);
        Contender {
            name,
            exchange,
            rows: vec![row; CONNECTIONS.len()],
            server: server.ok(),
        }
    };
    Ok(vec![
        new("bare, no REPL", Ok(Server::at_once()?), Exchange::raw()),
        new("leanrepl `/`", Ok(leanrepl()?), Exchange::raw()),
        new("leanrepl `/api/check`", Ok(leanrepl()?), Exchange::check()),
        new(
            "Python `/`",
            Server::python(bench).map_err(|err| format!("{err:#}")),
            Exchange::raw(),
        ),
        new("Kimina `/api/check`", start_kimina(), Exchange::check()),
        new("Kimina `/verify`", start_kimina(), Exchange::verify()),
    ])
}

/// Medians of the rounds.
struct Figures {
    /// Requests a second.
    rate: f64,
    /// Half of the requests were faster.
    p50: Duration,
    /// One in a hundred was slower.
    p99: Duration,
    /// The same in the best round: the others may have met with what else runs on the machine.
    best_p99: Duration,
}

impl Contender {
    /// One round.
    fn measure(&mut self, place: usize, connections: usize, span: Duration) {
        let (Some(server), Some(row)) = (&self.server, self.rows.get_mut(place)) else {
            return;
        };
        let Ok(rounds) = row else {
            return;
        };
        let load = Load {
            address: server.address,
            path: self.exchange.path,
            body: self.exchange.body.clone(),
            marker: self.exchange.marker,
            connections,
            span,
        };
        match load.run() {
            Ok(ran) => rounds.push(ran),
            // One wrong answer, and its figures are worth nothing.
            Err(err) => *row = Err(format!("{err:#}")),
        }
    }

    /// What came of one number of connections.
    ///
    /// # Errors
    /// Why nothing did.
    fn figures(&self, place: usize) -> Result<Figures, String> {
        let none = || Err("no such row".to_owned());
        let rounds = self.rows.get(place).cloned().unwrap_or_else(none)?;
        let middle = |quantile: fn(&Sample) -> Duration| -> Duration {
            let times: Sample = rounds.iter().map(|ran| quantile(&ran.times)).collect();
            times.p50()
        };
        Ok(Figures {
            rate: median(rounds.iter().map(Ran::rate).collect()),
            p50: middle(Sample::p50),
            p99: middle(Sample::p99),
            best_p99: rounds
                .iter()
                .map(|ran| ran.times.p99())
                .min()
                .unwrap_or_default(),
        })
    }

    /// One line of the table.
    fn print(&self, place: usize, connections: usize, bare: Option<&Figures>) {
        let name = self.name;
        let figures = match self.figures(place) {
            Ok(figures) => figures,
            Err(why) => {
                println!("| {name} | {connections} | not measured: {why} | | | | |");
                return;
            }
        };
        let over = |p99: fn(&Figures) -> Duration| {
            bare.map_or_else(String::new, |bare| {
                millis(p99(&figures).saturating_sub(p99(bare)))
            })
        };
        println!(
            "| {name} | {connections} | {:.0} | {} | {} | {} | {} |",
            figures.rate,
            millis(figures.p50),
            millis(figures.p99),
            over(|figures| figures.p99),
            over(|figures| figures.best_p99),
        );
    }

    /// How many times as many requests it takes.
    fn compare(&self, other: &Self) {
        let compared = CONNECTIONS.into_iter().enumerate();
        let times = compared.filter_map(|(place, connections)| {
            let ours = self.figures(place).ok()?.rate;
            let theirs = other.figures(place).ok()?.rate;
            Some(format!("{:.1} times at {connections}", ours / theirs))
        });
        let times: Vec<String> = times.collect();
        if !times.is_empty() {
            println!("{} over {}: {}", self.name, other.name, times.join(", "));
        }
    }
}
