//! Answers requests from records that were kept, and hands the others on. Never judges.

use std::sync::atomic::AtomicBool;
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use crate::engine::cache::counters::{Counted, Counters};
use crate::engine::cache::environments::Environments;
use crate::engine::cache::flights::Flights;
use crate::engine::cache::level::KnownLevel;
use crate::engine::cache::lookup::Audience;
use crate::engine::cache::store::Store;
use crate::engine::cache::work::{Asked, FIRST_PAUSE, Shared};
use crate::engine::evaluate::{Done, Evaluate, SubmitError};
use crate::engine::record::EvalRecord;
use crate::engine::request::{CacheUse, EvalRequest};
use crate::event::Observer;
use crate::limits::Wait;
use crate::process::sandbox;
use crate::session::spec::SessionSpec;

/// Threads that ask the store, so that no caller waits for a disk or a network.
const THREADS: usize = 2;

/// Requests and records that wait for these; more go without the cache.
const WAITING: usize = 4096;

/// How long records that were found have to get into the store at the end.
const FINISHING: Wait = Wait::secs(5);

/// What a cache is made of.
pub struct CacheParts {
    /// Who evaluates what is not there.
    pub inner: Arc<dyn Evaluate>,
    /// Where records are kept.
    pub store: Arc<dyn Store>,
    /// What sources start from.
    pub environments: Environments,
    /// Whose records answer whom.
    pub audience: Audience,
    /// What is noted of it.
    pub observer: Arc<dyn Observer>,
}

/// The cache in front of those who evaluate.
pub struct Cached {
    shared: Arc<Shared>,
    /// Gone when its threads have ended.
    ended: Mutex<Receiver<()>>,
}

impl Cached {
    /// Starts it in front of sessions of that specification; before any of them imports a module.
    pub fn start(parts: CacheParts, spec: &SessionSpec) -> Arc<Self> {
        let (jobs, waiting) = mpsc::sync_channel(WAITING);
        let waiting = Arc::new(Mutex::new(waiting));
        let (ends, ended) = mpsc::channel();
        let level = KnownLevel::new(spec, parts.store.as_ref());
        let shared = Arc::new(Shared {
            inner: parts.inner,
            store: parts.store,
            environments: parts.environments,
            audience: parts.audience,
            confinement: sandbox::in_force(&spec.lean.launch),
            level,
            flights: Flights::new(),
            counters: Counters::default(),
            observer: parts.observer,
            is_off: AtomicBool::new(false),
            is_busy_noted: AtomicBool::new(false),
            jobs: Mutex::new(Some(jobs)),
        });
        for _ in 0..THREADS {
            let (shared, waiting, ends) = (
                Arc::clone(&shared),
                Arc::clone(&waiting),
                Sender::clone(&ends),
            );
            thread::spawn(move || {
                shared.work(&waiting);
                drop(ends);
            });
        }
        Arc::new(Self {
            shared,
            ended: Mutex::new(ended),
        })
    }

    /// What it has done so far.
    pub fn counted(&self) -> Counted {
        self.shared.counters.now()
    }

    /// Waits until all records that were found are kept, and ends; requests go by it from now on.
    pub fn finish(&self) {
        drop(self.shared.jobs().take());
        let ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        // Nothing is ever sent: it is either gone or late.
        let _gone = ended.recv_timeout(FINISHING.get());
    }
}

impl Drop for Cached {
    fn drop(&mut self) {
        drop(self.shared.jobs().take());
    }
}

impl Evaluate for Cached {
    fn submit(&self, request: EvalRequest, done: Done<Result<EvalRecord, SubmitError>>) {
        let asked = Asked {
            request,
            done,
            pause: FIRST_PAUSE,
        };
        if asked.request.cache == CacheUse::Off || self.shared.is_off() {
            self.shared.counters.skip();
            return self.shared.hand_on(asked);
        }
        if let Some(asked) = self.shared.answer_at_once(asked) {
            self.shared.send(asked);
        }
    }
}

#[cfg(test)]
mod tests;
