//! What the threads of a cache do: look for records, have the others evaluated, and keep what comes.

use std::mem;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::engine::cache::counters::Counters;
use crate::engine::cache::environments::{Environments, Start};
use crate::engine::cache::flights::Flights;
use crate::engine::cache::keeping::{as_kept, is_final, is_repeatable, without_session};
use crate::engine::cache::key::Key;
use crate::engine::cache::level::KnownLevel;
use crate::engine::cache::lookup::{Audience, Levels, Question};
use crate::engine::cache::store::{Entry, Store, StoreError, Turn};
use crate::engine::cache::value;
use crate::engine::evaluate::{Done, Evaluate, SubmitError};
use crate::engine::record::EvalRecord;
use crate::engine::request::{CacheUse, EvalRequest};
use crate::event::{Event, Observer};
use crate::lean::header::{self, Split};
use crate::process::sandbox::Offer;

/// The first pause before a value is looked for again that another process computes; it doubles.
pub(super) const FIRST_PAUSE: Duration = Duration::from_millis(20);

/// The longest such pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// The class of the records of evaluations.
const CLASS: &str = "eval";

/// A request on its way.
pub(super) struct Asked {
    pub(super) request: EvalRequest,
    pub(super) done: Done<Result<EvalRecord, SubmitError>>,
    /// The pause before it is looked for again, once another process computes it.
    pub(super) pause: Duration,
}

/// A request that is evaluated, with all that its record is kept by.
pub(super) struct Leading {
    question: Question,
    /// Under which other processes wait for their turn.
    turn_key: Key,
    split: Split,
    start: Start,
    /// For the turn that other processes wait for.
    turn: Option<String>,
}

/// What the threads do.
pub(super) enum Job {
    /// Looks for a record.
    Look(Box<Asked>),
    /// Keeps a record.
    Keep(Box<(Leading, Option<EvalRecord>)>),
}

/// What all threads share.
pub(super) struct Shared {
    pub(super) inner: Arc<dyn Evaluate>,
    pub(super) store: Arc<dyn Store>,
    pub(super) environments: Environments,
    pub(super) audience: Audience,
    pub(super) confinement: Offer,
    pub(super) level: KnownLevel,
    pub(super) flights: Flights<Asked>,
    pub(super) counters: Counters,
    pub(super) observer: Arc<dyn Observer>,
    /// Set when the store cannot be used any more.
    pub(super) is_off: AtomicBool,
    /// Set when it has been said that the store did not answer.
    pub(super) is_busy_noted: AtomicBool,
    /// None once it ends.
    pub(super) jobs: Mutex<Option<SyncSender<Job>>>,
}

impl Shared {
    pub(super) fn jobs(&self) -> MutexGuard<'_, Option<SyncSender<Job>>> {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives work to the threads; gives it back if they have too much or have ended.
    fn give(&self, job: Job) -> Option<Job> {
        let Some(jobs) = self.jobs().clone() else {
            return Some(job);
        };
        match jobs.try_send(job) {
            Ok(()) => None,
            Err(TrySendError::Full(job) | TrySendError::Disconnected(job)) => Some(job),
        }
    }

    /// Answers a request if its record can be had without waiting for anything; gives it back else.
    pub(super) fn answer_at_once(&self, asked: Asked) -> Option<Asked> {
        let begun = Instant::now();
        let Some(record) = self.find_at_once(&asked.request) else {
            return Some(asked);
        };
        self.counters.looked(begun.elapsed());
        (asked.done)(Ok(record));
        None
    }

    /// The record of a request, if it can be had without waiting for anything.
    fn find_at_once(&self, request: &EvalRequest) -> Option<EvalRecord> {
        let is_asked = request.cache == CacheUse::Use && self.store.is_quick();
        if !is_asked || !is_repeatable(&request.source) {
            return None;
        }
        let start = self.environments.known(&header::split(&request.source))?;
        let question = Question::new(request, &start.environment, self.audience).ok()?;
        let keys = question.keys(self.wanted());
        let value = keys.iter().find_map(|key| self.store.get_at_once(key))?;
        // What is damaged is left to the threads.
        let record = value::decode(&value)?;
        self.counters.hit(value.len());
        Some(as_kept(record))
    }

    /// Has a request looked for; without a thread for that it is evaluated.
    pub(super) fn send(&self, asked: Asked) {
        if let Some(Job::Look(asked)) = self.give(Job::Look(Box::new(asked))) {
            self.counters.skip();
            self.hand_on(*asked);
        }
    }

    /// Has a request evaluated without the cache.
    pub(super) fn hand_on(&self, asked: Asked) {
        self.inner.submit(asked.request, asked.done);
    }

    /// What a thread does until there is no more work.
    pub(super) fn work(self: &Arc<Self>, waiting: &Mutex<Receiver<Job>>) {
        let mut delayed: Vec<(Instant, Box<Asked>)> = Vec::new();
        loop {
            let next = delayed.iter().map(|(due, _)| *due).min();
            let wait = next.map_or(LONGEST_PAUSE, |due| {
                due.saturating_duration_since(Instant::now())
            });
            let job = {
                let waiting = waiting.lock().unwrap_or_else(PoisonError::into_inner);
                waiting.recv_timeout(wait.min(LONGEST_PAUSE))
            };
            match job {
                Ok(Job::Look(asked)) => delayed.extend(self.look(*asked)),
                Ok(Job::Keep(record)) => self.keep(*record),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            let now = Instant::now();
            let (due, later) = mem::take(&mut delayed)
                .into_iter()
                .partition(|(due, _)| *due <= now);
            delayed = later;
            for (_, asked) in due {
                delayed.extend(self.look(*asked));
            }
        }
        for (_, asked) in delayed {
            self.hand_on(*asked);
        }
    }

    /// Answers a request, or has it evaluated; gives it back if another process does that now.
    fn look(self: &Arc<Self>, asked: Asked) -> Option<(Instant, Box<Asked>)> {
        let begun = Instant::now();
        let request = &asked.request;
        if request.terms.cancel.is_set() {
            (asked.done)(Err(SubmitError::Cancelled));
            return None;
        }
        let split = header::split(&request.source);
        let start = is_repeatable(&request.source)
            .then(|| self.environments.of(&split))
            .flatten();
        let question = start
            .as_ref()
            .and_then(|start| Question::new(request, &start.environment, self.audience).ok());
        let (Some(start), Some(question)) = (start, question) else {
            self.counters.skip();
            self.hand_on(asked);
            return None;
        };
        let is_asked = request.cache == CacheUse::Use;
        let asked = self.flights.join(question.flight(), asked)?;
        // Looked for inside of the flight, so that none that ends meanwhile is missed.
        let wanted = self.wanted();
        let found = is_asked
            .then(|| self.find(&question.keys(wanted)))
            .flatten();
        self.counters.looked(begun.elapsed());
        if let Some(record) = found {
            self.release(&question.flight());
            (asked.done)(Ok(record));
            return None;
        }
        let leading = Leading {
            turn_key: question.key(wanted),
            question,
            split,
            start,
            turn: None,
        };
        self.lead(asked, leading)
    }

    /// Whether the store cannot be used any more.
    pub(super) fn is_off(&self) -> bool {
        self.is_off.load(Ordering::Relaxed)
    }

    /// The levels that a record has to be made at.
    fn wanted(&self) -> Levels {
        Levels {
            isolation: self.level.wanted(),
            confinement: self.confinement,
        }
    }

    /// The record under the first of the keys that has one.
    fn find(&self, keys: &[Key]) -> Option<EvalRecord> {
        if self.is_off() {
            return None;
        }
        for key in keys {
            let value = match self.store.get(key) {
                Ok(value) => value,
                Err(err) => {
                    self.failed(&err);
                    return None;
                }
            };
            let Some(value) = value else { continue };
            if let Some(record) = value::decode(&value) {
                self.counters.hit(value.len());
                return Some(as_kept(record));
            }
            // A damaged value would be read again each time.
            if let Err(err) = self.store.remove(key) {
                self.failed(&err);
            }
        }
        None
    }

    /// Evaluates a request whose record is not there; gives it back if another process does that now.
    fn lead(
        self: &Arc<Self>,
        mut asked: Asked,
        mut leading: Leading,
    ) -> Option<(Instant, Box<Asked>)> {
        let lease = asked.request.terms.client_deadline.left();
        let turn = if self.is_off() {
            Ok(Turn::Ours(None))
        } else {
            self.store.take_turn(&leading.turn_key, lease)
        };
        match turn {
            Ok(Turn::Ours(turn)) => leading.turn = turn,
            Ok(Turn::Theirs) => {
                self.release(&leading.question.flight());
                let due = Instant::now() + asked.pause;
                asked.pause = asked.pause.saturating_mul(2).min(LONGEST_PAUSE);
                return Some((due, Box::new(asked)));
            }
            Err(err) => self.failed(&err),
        }
        self.counters.miss();
        let shared = Arc::clone(self);
        let Asked { request, done, .. } = asked;
        let landed = Box::new(move |result: Result<EvalRecord, SubmitError>| {
            shared.land(leading, &result);
            done(result);
        });
        self.inner.submit(request, landed);
        None
    }

    /// Has a record kept and those that wait for it answered. The flight ends only when the record is there, so
    /// that no request comes in between.
    fn land(self: &Arc<Self>, leading: Leading, result: &Result<EvalRecord, SubmitError>) {
        let base = leading.start.base;
        let is_good = |record: &&EvalRecord| is_final(record) && record.base == Some(base);
        let record = result.as_ref().ok().filter(is_good).map(without_session);
        let refused = match record {
            None if leading.turn.is_none() => {
                self.release(&leading.question.flight());
                None
            }
            record => self.give(Job::Keep(Box::new((leading, record)))),
        };
        if let Some(Job::Keep(unkept)) = refused {
            // Without a thread for it, it is not kept.
            self.counters.fail();
            let (leading, record) = *unkept;
            self.answer(&leading.question.flight(), record.as_ref());
        }
    }

    /// Ends a flight: answers those that wait, or has them look again.
    fn answer(&self, flight: &Key, record: Option<&EvalRecord>) {
        let Some(record) = record else {
            return self.release(flight);
        };
        for waiter in self.flights.end(flight) {
            if waiter.request.terms.cancel.is_set() {
                (waiter.done)(Err(SubmitError::Cancelled));
                continue;
            }
            self.counters.hit(0);
            (waiter.done)(Ok(as_kept(record.clone())));
        }
    }

    /// Has those that wait for a key look again.
    fn release(&self, flight: &Key) {
        for waiter in self.flights.end(flight) {
            self.send(waiter);
        }
    }

    /// Keeps a record, if there is one, gives the turn back, and ends the flight.
    fn keep(&self, (leading, record): (Leading, Option<EvalRecord>)) {
        if let Some(record) = &record
            && !self.is_off()
            && self.environments.is_still(&leading.split, &leading.start)
            && let Err(err) = self.put(&leading, record)
        {
            self.failed(&err);
        }
        if let Some(turn) = &leading.turn
            && let Err(err) = self.store.end_turn(&leading.turn_key, turn)
        {
            self.failed(&err);
        }
        self.answer(&leading.question.flight(), record.as_ref());
    }

    /// Puts a record into the store, under the levels that it was made at.
    fn put(&self, leading: &Leading, record: &EvalRecord) -> Result<(), StoreError> {
        let Some(isolation) = record.isolation else {
            return Ok(());
        };
        self.level.learn(isolation, self.store.as_ref())?;
        let levels = Levels {
            isolation,
            confinement: self.confinement,
        };
        let Ok(Some(value)) = value::encode(record) else {
            self.counters.fail();
            return Ok(());
        };
        let entry = Entry {
            value: &value,
            environment: &leading.start.environment,
            class: CLASS,
        };
        self.store.put(&leading.question.key(levels), entry)?;
        self.counters.store(value.len());
        Ok(())
    }

    /// Takes note of a store that failed. One that cannot be used any more is left alone from now on.
    fn failed(&self, err: &StoreError) {
        self.counters.fail();
        let text = match err {
            StoreError::Broken(_) if !self.is_off.swap(true, Ordering::Relaxed) => {
                format!("the cache `{}` is off: {err}", self.store.name())
            }
            StoreError::Busy(_) if !self.is_busy_noted.swap(true, Ordering::Relaxed) => format!(
                "the cache `{}` does not answer, so sources are evaluated meanwhile: {err}",
                self.store.name()
            ),
            _ => return,
        };
        self.observer.tell(Event::Noted { text: &text });
    }
}
