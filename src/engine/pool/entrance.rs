//! The way into a pool: takes jobs and leases in, says how it is, and shuts it down.

use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::engine::pool::board::Board;
use crate::engine::pool::job::{Answer, Job, Refusal};
use crate::engine::pool::lease::Lease;
use crate::engine::pool::promise::Done;
use crate::engine::pool::queue::Entry;
use crate::engine::pool::settings::PoolSettings;
use crate::engine::pool::shared::Shared;
use crate::engine::pool::slot::Slot;
use crate::engine::pool::state::PoolState;
use crate::engine::pool::supervisor;
use crate::engine::pool::ticket::Ticket;
use crate::event::Observer;
use crate::failure::{Failure, Kind};
use crate::limits::{Deadline, TICK, Wait};

/// The stack of a thread that reads replies: the deepest infotree needs most of it.
const STACK_BYTES: usize = 4 * 1024 * 1024;

/// A pool of sessions. Dropping it kills them all.
pub struct Pool {
    /// What its threads share.
    shared: Arc<Shared>,
    /// Its threads.
    threads: Mutex<Vec<JoinHandle<()>>>,
}

impl Pool {
    /// Starts a pool. Returns at once; the sessions come up in threads of their own.
    pub fn start(settings: PoolSettings, observer: Arc<dyn Observer>) -> Arc<Self> {
        let shared = Arc::new(Shared::new(settings, observer));
        let mut threads = Vec::new();
        for seat in 0..shared.seats() {
            let slot = Slot::new(Arc::clone(&shared), seat);
            match spawn(format!("session {seat}"), move || slot.work()) {
                Ok(thread) => threads.push(thread),
                Err(failure) => shared.with(|board, _| board.gone(seat, Some(failure))),
            }
        }
        let watched = Arc::clone(&shared);
        match spawn("pool".to_owned(), move || supervisor::watch(&watched)) {
            Ok(thread) => threads.push(thread),
            Err(failure) => {
                // Without it nothing would ever time out: better no pool at all.
                shared.with(|board, now| {
                    board.drain(now);
                    board.gone(usize::MAX, Some(failure));
                });
            }
        }
        Arc::new(Self {
            shared,
            threads: Mutex::new(threads),
        })
    }

    /// Takes a job in. `done` is called exactly once, on any thread, possibly before this returns.
    pub fn submit(&self, job: Job, done: Done<Result<Answer, Refusal>>) {
        self.enter(Ticket::job(job, done, &self.shared.hasher));
    }

    /// Asks for a session of one's own, which nobody has used before; it counts against the
    /// capacity, and is given back and replaced when the lease is dropped. `done` is called exactly
    /// once, on any thread, possibly before this returns.
    pub fn lease(&self, client: Arc<str>, patience: Deadline, done: Done<Result<Lease, Refusal>>) {
        self.enter(Ticket::lease(client, patience, done));
    }

    /// Lets an entry wait for a session, or refuses it.
    fn enter(&self, entry: Entry<Ticket>) {
        let turned = self.shared.with(|board, now| board.submit(entry, now));
        if let Some((entry, turned)) = turned {
            entry.item.refuse_turned(turned);
        }
    }

    /// How the pool is now.
    pub fn state(&self) -> PoolState {
        self.shared.with(|board, _| board.state())
    }

    /// Takes no more work, refuses what waits, lets what runs go on for at most `grace`, and then
    /// kills it. Returns when all threads have ended and all process groups are reaped.
    pub fn drain(&self, grace: Wait) {
        let waiting = self.shared.with(Board::drain);
        for entry in waiting {
            entry.item.refuse(Refusal::Draining);
        }
        let deadline = Deadline::after(grace.get());
        while !deadline.is_over() && self.shared.with(|board, _| board.is_working()) {
            self.shared.wait_in_office(deadline.left().min(TICK));
        }
        self.shared.with(|board, _| board.kill_all());
        self.shared.ring_office();
        let mut threads = self.threads.lock().unwrap_or_else(PoisonError::into_inner);
        for thread in threads.drain(..) {
            // A client that is called back may hold the last reference to the pool.
            if thread.thread().id() != thread::current().id() && thread.join().is_err() {
                // The hook has said what the thread panicked about.
            }
        }
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.drain(Wait::from(Duration::ZERO));
    }
}

/// Starts a thread.
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
