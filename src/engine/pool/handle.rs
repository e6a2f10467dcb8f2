//! The way into a pool: takes jobs and leases in, says how it is, and shuts it down.

use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::engine::evaluate::{Done, Evaluate, SubmitError};
use crate::engine::pool::demand::Demand;
use crate::engine::pool::lease::Lease;
use crate::engine::pool::queue::Entry;
use crate::engine::pool::scheduler::Scheduler;
use crate::engine::pool::settings::PoolSettings;
use crate::engine::pool::shared::Shared;
use crate::engine::pool::state::PoolState;
use crate::engine::pool::supervisor;
use crate::engine::pool::worker::Worker;
use crate::engine::record::EvalRecord;
use crate::engine::request::EvalRequest;
use crate::event::Observer;
use crate::failure::{Failure, Kind};
use crate::limits::{Deadline, TICK, Wait};

/// The stack of a thread that reads replies: the deepest infotree needs most of it.
const STACK_BYTES: usize = 4 * 1024 * 1024;

/// A pool of sessions. Dropping it kills them all.
pub struct Pool {
    shared: Arc<Shared>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

impl Pool {
    /// Starts a pool. Returns at once; the sessions come up in threads of their own.
    pub fn start(settings: PoolSettings, observer: Arc<dyn Observer>) -> Arc<Self> {
        let shared = Arc::new(Shared::new(settings, observer));
        let mut threads = Vec::new();
        for index in 0..shared.workers() {
            let worker = Worker::new(Arc::clone(&shared), index);
            match spawn(format!("worker {index}"), move || worker.work()) {
                Ok(thread) => threads.push(thread),
                Err(failure) => shared.with(|scheduler, _| scheduler.gone(index, Some(failure))),
            }
        }
        let watched = Arc::clone(&shared);
        match spawn("pool".to_owned(), move || supervisor::watch(&watched)) {
            Ok(thread) => threads.push(thread),
            Err(failure) => {
                // Without it nothing would ever time out: better no pool at all.
                shared.with(|scheduler, now| {
                    scheduler.drain(now);
                    scheduler.gone(usize::MAX, Some(failure));
                });
            }
        }
        Arc::new(Self {
            shared,
            threads: Mutex::new(threads),
        })
    }

    /// Asks for a session of one's own, which no client has used before; it counts against the
    /// capacity, and is given back and replaced when the lease is dropped. `done` is called exactly
    /// once, on any thread, possibly before this returns.
    pub fn lease(
        &self,
        client: Arc<str>,
        client_deadline: Deadline,
        done: Done<Result<Lease, SubmitError>>,
    ) {
        self.enter(Demand::lease(client, client_deadline, done));
    }

    /// Lets an entry wait for a session, or refuses it.
    fn enter(&self, entry: Entry<Demand>) {
        let refused = self
            .shared
            .with(|scheduler, now| scheduler.submit(entry, now));
        if let Some((entry, error)) = refused {
            entry.item.refuse(error);
        }
    }

    /// How the pool is now.
    pub fn state(&self) -> PoolState {
        self.shared.with(|scheduler, _| scheduler.state())
    }

    /// Takes no more work, refuses what waits, lets what runs go on for at most `grace`, and then
    /// kills it. Returns when all threads have ended and all process groups are reaped.
    pub fn drain(&self, grace: Wait) {
        let waiting = self.shared.with(Scheduler::drain);
        for entry in waiting {
            entry.item.refuse(SubmitError::ShuttingDown);
        }
        let deadline = Deadline::after(grace.get());
        while !deadline.is_over() && self.shared.with(|scheduler, _| scheduler.is_working()) {
            self.shared.wait_for_change(deadline.left().min(TICK));
        }
        self.shared.with(|scheduler, _| scheduler.kill_all());
        self.shared.wake_watchers();
        let mut threads = self.threads.lock().unwrap_or_else(PoisonError::into_inner);
        for thread in threads.drain(..) {
            // A client that is called back may hold the last reference to the pool.
            if thread.thread().id() != thread::current().id() && thread.join().is_err() {
                // The hook has said what the thread panicked about.
            }
        }
    }
}

impl Evaluate for Pool {
    fn submit(&self, request: EvalRequest, done: Done<Result<EvalRecord, SubmitError>>) {
        self.enter(Demand::evaluation(request, done, &self.shared.hasher));
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.drain(Wait::from(Duration::ZERO));
    }
}

fn spawn(name: String, work: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, Failure> {
    thread::Builder::new()
        .name(name)
        .stack_size(STACK_BYTES)
        .spawn(work)
        .map_err(|err| {
            Failure::new(
                Kind::Session,
                "cannot start a thread for a session",
                "lower `--sessions`, or raise the limit on processes (`ulimit -u`)",
            )
            .caused_by(err)
        })
}
