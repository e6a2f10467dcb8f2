//! The levels that are measured, the sources, and what one round gives for them.

use anyhow::Result;

use crate::bench::isolation::tree;
use crate::bench::sample::Sample;
use crate::bench::serve::load::Load;
use crate::bench::serve::part::Bench;
use crate::bench::serve::server::Server;

/// A level: how it is called in the tables, and the arguments for it.
#[derive(Debug)]
pub(super) struct Level {
    /// Its name.
    pub(super) name: &'static str,
    /// What `serve` is given.
    args: &'static [&'static str],
}

/// All, the one that the others are compared with first.
pub(super) const LEVELS: [Level; 4] = [
    Level {
        name: "none",
        args: &["--isolation=none"],
    },
    Level {
        name: "client",
        args: &["--isolation=client"],
    },
    Level {
        name: "source",
        args: &["--isolation=source"],
    },
    Level {
        name: "--mode lean",
        args: &["--mode=lean"],
    },
];

/// Where in `LEVELS` these are.
pub(super) const NONE: usize = 0;
pub(super) const SOURCE: usize = 2;
pub(super) const LEAN: usize = 3;

/// A source: how it is called in the tables, and the source itself.
#[derive(Debug)]
pub(super) struct Source {
    /// Its name.
    pub(super) name: &'static str,
    /// What is sent.
    body: &'static str,
}

/// All.
pub(super) const SOURCES: [Source; 2] = [
    Source {
        name: "tactic",
        body: "theorem x (a b : Nat) (h : a < b) : a + 1 ≤ b := by omega",
    },
    Source {
        name: "import Lean",
        body: "import Lean\nopen Lean in\n#eval (quote 1 : Term)",
    },
];

/// What one round gives for a level, a source and a number of sessions.
#[derive(Debug, Clone, Copy)]
pub(super) struct Round {
    /// The middle one of the times to an answer, in ms.
    pub(super) wall: f64,
    /// Processor time of the server and its REPLs for each source, in ms.
    pub(super) processor: f64,
    /// Sources a second.
    pub(super) rate: f64,
}

/// A server at a level.
#[derive(Debug)]
pub(super) struct Running {
    /// The server.
    pub(super) server: Server,
    /// How many sessions it has, which is also how many connections it is sent sources on.
    sessions: usize,
}

impl Running {
    /// Starts it and has it answer each source for a while: what it loads when it first needs it is not
    /// what is measured.
    ///
    /// # Errors
    /// A server that does not start or answers wrongly.
    pub(super) fn start(bench: &Bench, level: &Level, sessions: usize) -> Result<Self> {
        let count = format!("--sessions={sessions}");
        let common = ["--spares=0", "--max-requests=1000000000", &count];
        let args = [&common[..], level.args].concat();
        let running = Self {
            server: Server::core(bench, &args)?,
            sessions,
        };
        for source in &SOURCES {
            running.load(bench, source).run()?;
        }
        Ok(running)
    }

    /// One round.
    ///
    /// # Errors
    /// A wrong answer, or a server that does not come to rest.
    pub(super) fn round(&self, bench: &Bench, source: &Source) -> Result<Round> {
        let before = tree::ticks_at_rest(self.server.pid())?;
        let ran = self.load(bench, source).run()?;
        let ticks = tree::ticks_at_rest(self.server.pid())?.saturating_sub(before);
        // Each connection begins with a source that is not timed.
        let sources = u32::try_from(ran.times.count() + self.sessions)?;
        Ok(Round {
            wall: Sample::p50(&ran.times).as_secs_f64() * 1e3,
            processor: f64::from(u32::try_from(ticks)?) * 10.0 / f64::from(sources),
            rate: ran.rate(),
        })
    }

    /// Resident memory of the server and its REPLs at rest, in MB.
    ///
    /// # Errors
    /// A server that does not come to rest.
    pub(super) fn resident_mb(&self) -> Result<f64> {
        tree::ticks_at_rest(self.server.pid())?;
        Ok(tree::resident_mb(self.server.pid()))
    }

    /// A source again and again, on a connection for each session.
    fn load(&self, bench: &Bench, source: &Source) -> Load {
        Load {
            address: self.server.address,
            path: "/",
            body: source.body.to_owned(),
            marker: r#""ok":true"#,
            connections: self.sessions,
            span: bench.span,
        }
    }
}
