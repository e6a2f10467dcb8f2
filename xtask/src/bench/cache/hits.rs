//! Requests that are answered from kept results, through the same seam as those of the command line and of
//! servers.

use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use leanrepl::internals::cache::{
    self, Audience, Bounds, CacheParts, Cached, Entry, Environment, Environments, SqliteStore,
    Store,
};
use leanrepl::internals::evaluate::{Done, Evaluate, SubmitError};
use leanrepl::internals::identity::{Identity, LeanRepl};
use leanrepl::internals::record::EvalRecord;
use leanrepl::internals::request::EvalRequest;
use leanrepl::internals::spec::SessionSpec;
use leanrepl::internals::{Bytes, Isolation, Launch, Unobserved};
use serde_json::json;

use crate::bench::cache::server::Server;
use crate::bench::sample::Sample;

/// How many different sources are asked for, in turns.
const SOURCES: usize = 500;

/// The longest wait for an answer.
const PATIENCE: Duration = Duration::from_secs(60);

/// An engine that answers everything with a record as Lean gives it.
struct Engine(EvalRecord);

impl Evaluate for Engine {
    fn submit(&self, _request: EvalRequest, done: Done<Result<EvalRecord, SubmitError>>) {
        done(Ok(self.0.clone()));
    }
}

/// A cache that has a record for each source.
pub(crate) struct Hits {
    cached: Arc<Cached>,
    store: Arc<dyn Store>,
    requests: Vec<EvalRequest>,
}

impl Hits {
    /// In a file.
    pub(crate) fn local(folder: &Path) -> Result<Self> {
        let bounds = Bounds {
            size: Bytes::mib(512),
            age: Duration::from_secs(3600),
        };
        let store = SqliteStore::open(&folder.join("results"), bounds)?;
        Self::new(Arc::new(store))
    }

    /// On a server.
    pub(crate) fn redis(server: &Server) -> Result<Self> {
        Self::new(Arc::new(server.store()?))
    }

    fn new(store: Arc<dyn Store>) -> Result<Self> {
        let spec = spec();
        let record = serde_json::from_value(record()).context("the record is none")?;
        let parts = CacheParts {
            inner: Arc::new(Engine(record)),
            store: Arc::clone(&store),
            environments: Environments::new(&spec),
            audience: Audience::All,
            observer: Arc::new(Unobserved),
        };
        let cached = Cached::start(parts, &spec);
        let requests = (0..SOURCES).map(request).collect();
        let hits = Self {
            cached,
            store,
            requests,
        };
        for at in 0..SOURCES {
            hits.ask(at)?;
        }
        let start = Instant::now();
        while hits.cached.counted().stores < SOURCES as u64 {
            ensure!(start.elapsed() < PATIENCE, "the records are not kept");
            std::thread::yield_now();
        }
        Ok(hits)
    }

    /// How many bytes a kept value has.
    pub(crate) fn value_bytes(&self) -> usize {
        let counted = self.cached.counted();
        usize::try_from(counted.bytes_written / counted.stores.max(1)).unwrap_or(0)
    }

    /// The times of so many look-ups of one value of that size in the store alone.
    pub(crate) fn measure_store(&self, requests: usize) -> Result<Sample> {
        let key = cache::key(b"one value");
        let environment = Environment {
            digest: "bench".to_owned(),
            toolchain: "bench".to_owned(),
            repl: "bench".to_owned(),
            modules: Arc::from([]),
        };
        let value = vec![7; self.value_bytes()];
        let entry = Entry {
            value: &value,
            environment: &environment,
            class: "bench",
        };
        self.store.put(&key, entry)?;
        (0..requests)
            .map(|_| {
                let start = Instant::now();
                let found = self.store.get(&key)?;
                let time = start.elapsed();
                ensure!(
                    found.as_ref() == Some(&value),
                    "the store has another value"
                );
                Ok(time)
            })
            .collect()
    }

    /// The times of so many requests, one after another.
    pub(crate) fn measure(&self, requests: usize) -> Result<Sample> {
        let before = self.cached.counted().hits;
        let times: Result<Sample> = (0..requests).map(|at| self.ask(at % SOURCES)).collect();
        let hits = self.cached.counted().hits - before;
        ensure!(hits == requests as u64, "{hits} of {requests} were kept");
        times
    }

    /// How long one takes.
    fn ask(&self, at: usize) -> Result<Duration> {
        let (sender, answer): (_, Receiver<_>) = channel();
        let request = self.requests.get(at).context("no such source")?.clone();
        let start = Instant::now();
        let done = move |result| {
            // It is waited for below.
            let _sent = sender.send(result);
        };
        self.cached.submit(request, Box::new(done));
        let result = answer.recv_timeout(PATIENCE).context("no answer")?;
        let time = start.elapsed();
        result.context("it was refused")?;
        Ok(time)
    }
}

/// A source of some lines.
fn request(number: usize) -> EvalRequest {
    let source = format!(
        "theorem t{number} (a b : Nat) (h : a < b) : a + {number} < b + {number} := by\n  omega\n#check t{number}\n"
    );
    EvalRequest::new(Arc::from(source), Duration::from_secs(60))
}

/// Sessions that are never started.
fn spec() -> SessionSpec {
    let mut spec = SessionSpec::new(LeanRepl {
        launch: Launch::new("none"),
        identity: Identity {
            toolchain: "bench".to_owned(),
            repl: "bench".to_owned(),
            manifest: None,
        },
        expected_lean: None,
    });
    spec.isolation = Some(Isolation::Source);
    spec
}

/// What core Lean finds in such a source.
fn record() -> serde_json::Value {
    let message = json!({
        "severity": "info", "pos": {"line": 3, "column": 0}, "endPos": {"line": 3, "column": 6},
        "data": "t7 (a b : Nat) (h : a < b) : a + 7 < b + 7",
    });
    let span = json!({"secs": 0, "nanos": 1_500_000});
    json!({
        "version": 1, "messages": [message], "sorries": [], "tactics": [], "infotree": null,
        "sorry_decls": [], "hiding_names": [], "end_reached": true, "had_errors": false, "hints": [],
        "undecided": null, "base": "import", "options": null, "isolation": "source", "session": 1,
        "peak_memory_bytes": 700_000_000,
        "lean": {"version": "4.28.0", "toolchain": "bench", "repl": "bench", "manifest": null, "pickle": null},
        "times": {"queue": span, "header": span, "body": span},
    })
}
