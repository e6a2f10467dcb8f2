//! `cargo xtask chaos`: thousands of requests to the real server on REPLs that go wrong in every way,
//! some of them killed from outside. Each request has to get one truthful answer.

mod answer;
mod bad;
mod client;
mod dice;
mod fault;
mod http;
mod ledger;
mod party;
mod plan;
pub(crate) mod processes;
mod report;
mod round;
mod server;
mod steps;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context, Result};
use clap::ValueEnum;

use crate::cargo::{self, Profile};
use client::{Client, Field};
use dice::Dice;
pub(crate) use ledger::Wrong;
use ledger::{Ledger, Violation};
pub(crate) use party::Level;
use party::{PARTIES, Party};
use plan::{Leaving, Plan, marks};
use report::Facts;
use server::{Server, Setup};

/// After how many requests a session is killed from outside.
const KILLED_EVERY: u64 = 30;

/// How much more memory than after the warm-up the server may hold, in percent.
const MOST_GROWTH: f64 = 10.0;

/// The same in a short run, whose warm-up is too short for the allocator to come to rest.
const MOST_GROWTH_SHORT: f64 = 30.0;

/// The same in a run of a few hundred requests.
const MOST_GROWTH_SHORTEST: f64 = 60.0;

/// How many more files may be open: a connection that was just closed by its client may still be there.
const FEW: usize = 4;

/// How many more threads may be there: those of the runtime come and go.
const FEW_THREADS: u64 = 2;

/// How many requests a run has at least whose warm-up is more than a few hundred.
const SHORT_RUN: u64 = 1000;

/// How many requests a run has that is not short.
const LONG_RUN: u64 = 10_000;

/// How many runs this process has made.
static RUNS: AtomicU64 = AtomicU64::new(0);

/// How long processes may take to be gone once the server has ended.
const DEATH: Duration = Duration::from_secs(5);

/// How the run is made.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Args {
    /// How many requests are made.
    #[arg(long, default_value_t = 20_000)]
    pub(crate) requests: u64,
    /// What requests and faults are chosen by; another one each time if absent.
    #[arg(long)]
    pub(crate) seed: Option<u64>,
    /// Use unoptimised programs.
    #[arg(long)]
    pub(crate) debug: bool,
    /// Confine the sessions, and leave out the faults that they are then kept from.
    #[arg(long)]
    pub(crate) confined: bool,
    /// What sources may find of those before them; `source` on REPLs that can put their memory back.
    #[arg(long, value_enum, default_value_t)]
    pub(crate) isolation: Level,
    /// Have the REPLs lie, which the run has to find out.
    #[arg(long, value_enum, hide = true)]
    pub(crate) lie: Option<Lie>,
}

/// What no server can notice, but whoever knows the truth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Lie {
    /// The opposite verdict.
    Opposite,
    /// The reply to another text.
    Foreign,
    /// What a hostile source of another client has the REPL say, since sources share sessions.
    Shared,
}

impl Lie {
    /// How the fake REPL calls it, if it is a matter of the REPL alone.
    fn flag(self) -> Option<&'static str> {
        match self {
            Self::Opposite => Some("opposite"),
            Self::Foreign => Some("foreign"),
            Self::Shared => None,
        }
    }
}

/// Makes the run and prints its tables; says what was wrong.
///
/// # Errors
/// Programs that cannot be built, or a server that does not start.
pub(crate) fn run(root: &Path, args: &Args) -> Result<Vec<Wrong>> {
    let seed = args.seed.unwrap_or_else(seed_of_now);
    let requests = args.requests.max(1);
    let profile = if args.debug {
        Profile::Debug
    } else {
        Profile::Release
    };
    let level = match args.lie {
        Some(Lie::Shared) => Level::None,
        _ => args.isolation,
    };
    let setup = Setup {
        programs: cargo::build(root, &["leanrepl", "fake-repl"], profile)?,
        is_confined: args.confined,
        level,
        lie: args.lie.and_then(Lie::flag),
    };
    // What a run before this one in the same process left to be looked at counts for that run alone.
    let number = RUNS.fetch_add(1, Ordering::Relaxed);
    let folder = root
        .join("target/chaos")
        .join(format!("{}-{number}", std::process::id()));
    fs::create_dir_all(&folder).context("cannot make a folder")?;
    println!(
        "chaos: seed {seed}, {requests} requests, {} clients, {} sessions and {} spare, isolation {}\n",
        PARTIES.into_iter().flat_map(Party::keys).count(),
        server::SESSIONS,
        server::SPARES,
        level.as_str()
    );
    let server = Server::start(&folder, &setup)?;
    let plan = Plan {
        seed,
        folder: folder.join("once"),
        is_confined: args.confined,
    };
    let field = Field::new(server.address, plan, level);
    let facts = play(server, &field, &folder, requests)?;
    let mut ledger = field.ledger();
    ledger.close(facts.kills);
    let count = ledger.violations.len();
    if let Some(lie) = args.lie {
        // These are wanted, so they must not look like an alarm.
        println!(
            "found out {count} times that the REPLs lie ({lie:?}): {:?}",
            ledger.counts_by_kind()
        );
    } else {
        report::print(&ledger, &facts);
    }
    if count == 0 || args.lie.is_some() {
        fs::remove_dir_all(&folder).context("cannot remove the folder of the run")?;
    } else {
        println!(
            "what the server logged and the REPLs were asked is in {}",
            folder.display()
        );
        let confined = if args.confined { " --confined" } else { "" };
        println!(
            "again: cargo xtask chaos --seed {seed} --requests {requests} --isolation {}{confined}",
            level.as_str()
        );
    }
    Ok(ledger
        .violations
        .iter()
        .map(|violation| violation.wrong)
        .collect())
}

/// All requests, from the warm-up to the end of the server.
fn play(mut server: Server, field: &Field, folder: &Path, requests: u64) -> Result<Facts> {
    let start = Instant::now();
    let warm_up = (requests / 10).max((requests / 3).min(1000));
    let mut facts = Facts::default();
    let pid = server.pid();
    let holdings = || processes::holdings(pid).context("the server has ended");
    facts.kills += drive(&server, field, warm_up);
    server.settle().context("after the warm-up")?;
    facts.start = holdings()?;
    facts.kills += drive(&server, field, requests);
    if let Err(err) = server.settle() {
        let violation = Violation::new(Wrong::LeftOver, format!("at the end: {err:#}"));
        field.ledger().accuse(violation);
    }
    facts.end = holdings()?;
    // What is only late goes; what was leaked stays.
    let until = Instant::now() + DEATH;
    while holds_more(facts.start, facts.end) && Instant::now() < until {
        thread::sleep(Duration::from_millis(20));
        facts.end = holdings()?;
    }
    facts.metrics = server.metrics()?;
    facts.seconds = start.elapsed().as_secs_f64();
    let status = server.stop();
    let mut ledger = field.ledger();
    if status.and_then(|status| status.code()) != Some(0) {
        let what = format!("it ended with {status:?} after SIGTERM");
        ledger.accuse(Violation::new(Wrong::Server, what));
    }
    facts.left_over = check_left_over(folder, &mut ledger);
    facts.most_growth = match requests {
        ..SHORT_RUN => MOST_GROWTH_SHORTEST,
        SHORT_RUN..LONG_RUN => MOST_GROWTH_SHORT,
        LONG_RUN.. => MOST_GROWTH,
    };
    check_holdings(&facts, &mut ledger);
    check_tries(folder, &field.plan, requests, &mut ledger)?;
    Ok(facts)
}

/// Has all clients ask until so many requests were made; says how many sessions were killed.
fn drive(server: &Server, field: &Field, until: u64) -> u64 {
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        let killer = scope.spawn(|| kill(server, field, &is_over));
        let keys = PARTIES
            .into_iter()
            .flat_map(|party| party.keys().into_iter().map(move |key| (party, key)));
        let clients: Vec<_> = keys
            .map(|(party, key)| {
                let client = Client::new(field, format!("key-of-{key}"));
                scope.spawn(move || round::work(client, party, until))
            })
            .collect();
        for client in clients {
            if client.join().is_err() {
                let violation = Violation::new(Wrong::Unanswered, "a client panicked");
                field.ledger().accuse(violation);
            }
        }
        // Each client took a number that it did not use.
        field.go_on_from(until);
        is_over.store(true, Ordering::Relaxed);
        killer.join().unwrap_or_default()
    })
}

/// Kills a session after every so many requests; says how many it were.
fn kill(server: &Server, field: &Field, is_over: &AtomicBool) -> u64 {
    let ended = || field.ended.load(Ordering::Relaxed);
    let mut dice = Dice::new(field.plan.seed, u64::MAX - ended());
    let mut next = ended() + KILLED_EVERY;
    let mut kills = 0;
    while !is_over.load(Ordering::Relaxed) {
        if ended() >= next {
            next += KILLED_EVERY / 2 + dice.below(KILLED_EVERY);
            kills += u64::from(processes::kill_one(server.pid(), &mut dice));
        }
        thread::sleep(Duration::from_millis(dice.below(5)));
    }
    kills
}

/// Nothing that bears the mark may be there once the server has ended, nor any file of a session.
fn check_left_over(folder: &Path, ledger: &mut Ledger) -> usize {
    let until = Instant::now() + DEATH;
    let mut left = processes::marked(folder);
    while !left.is_empty() && Instant::now() < until {
        thread::sleep(Duration::from_millis(20));
        left = processes::marked(folder);
    }
    for pid in &left {
        let what = format!("a process: {}", processes::command_line(*pid));
        ledger.accuse(Violation::new(Wrong::LeftOver, what));
    }
    let files = fs::read_dir(folder.join("tmp"))
        .into_iter()
        .flatten()
        .flatten();
    for file in files {
        let what = format!("a file: {}", file.path().display());
        ledger.accuse(Violation::new(Wrong::LeftOver, what));
    }
    left.len()
}

/// Whether the server has more files or threads than the few by which moments differ.
fn holds_more(start: processes::Holdings, end: processes::Holdings) -> bool {
    end.files > start.files + FEW || end.threads > start.threads + FEW_THREADS
}

/// The server may hold little more at the end than at the start.
fn check_holdings(facts: &Facts, ledger: &mut Ledger) {
    let growth = report::growth(facts.start, facts.end);
    if growth > facts.most_growth {
        let what = format!("{growth:.1} % more at the end than after the warm-up");
        ledger.accuse(Violation::new(Wrong::Memory, what));
    }
    let (start, end) = (facts.start, facts.end);
    if holds_more(start, end) {
        let what = format!("files or threads are left open: {start:?}, {end:?}");
        ledger.accuse(Violation::new(Wrong::LeftOver, what));
    }
}

/// By what the REPLs were asked, every text ran once, or once and once again; and none of a client
/// that did not send all of it.
fn check_tries(folder: &Path, plan: &Plan, requests: u64, ledger: &mut Ledger) -> Result<()> {
    if plan.is_confined {
        // Confined REPLs cannot keep a record.
        return Ok(());
    }
    let asked = fs::read(folder.join("asked")).context("the REPLs kept no record")?;
    let asked = String::from_utf8_lossy(&asked);
    let mut tries: BTreeMap<&str, u64> = BTreeMap::new();
    for line in asked.lines() {
        if let Some(mark) = marks(line).last() {
            *tries.entry(mark).or_default() += 1;
        }
    }
    for (mark, count) in tries.iter().filter(|(_, count)| **count > 2) {
        let what = format!("{mark} ran {count} times");
        ledger.accuse(Violation::new(Wrong::Tries, what));
    }
    for request in (0..requests).map(|index| plan.request(index)) {
        let is_whole = request.leaves != Some(Leaving::Halfway);
        let mut texts = request.texts.iter();
        if !is_whole && texts.any(|text| tries.contains_key(text.mark.as_str())) {
            let what = "ran though half of it was sent";
            ledger.accuse(Violation::of(&request, Wrong::Tries, what));
        }
    }
    Ok(())
}

/// A seed that nobody chose.
fn seed_of_now() -> u64 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    // Short enough to be typed again.
    now.map_or(1, |now| u64::from(now.subsec_nanos()))
}
