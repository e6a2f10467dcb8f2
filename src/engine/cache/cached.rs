//! Answers requests from records that were kept, and hands the others on. Never judges.

use std::mem;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender, SyncSender, TrySendError};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::engine::cache::counters::{Counted, Counters};
use crate::engine::cache::environments::{Environments, Start};
use crate::engine::cache::flights::Flights;
use crate::engine::cache::keeping::{is_final, is_repeatable};
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
use crate::limits::Wait;
use crate::process::sandbox::{self, Offer};
use crate::session::spec::SessionSpec;

/// Threads that ask the store, so that no caller waits for a disk or a network.
const THREADS: usize = 2;

/// Requests and records that wait for these; more go without the cache.
const WAITING: usize = 4096;

/// The first pause before a value is looked for again that another process computes; it doubles.
const FIRST_PAUSE: Duration = Duration::from_millis(20);

/// The longest such pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// How long records that were found have to get into the store at the end.
const FINISHING: Wait = Wait::secs(5);

/// The class of the records of evaluations.
const CLASS: &str = "eval";

/// What a cache is made of.
pub(crate) struct CacheParts {
    /// Who evaluates what is not there.
    pub(crate) inner: Arc<dyn Evaluate>,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) environments: Environments,
    pub(crate) audience: Audience,
    pub(crate) observer: Arc<dyn Observer>,
}

/// The cache in front of those who evaluate.
pub(crate) struct Cached {
    shared: Arc<Shared>,
    /// Gone when its threads have ended.
    ended: Mutex<Receiver<()>>,
}

/// A request on its way.
struct Asked {
    request: EvalRequest,
    done: Done<Result<EvalRecord, SubmitError>>,
    /// The pause before it is looked for again, once another process computes it.
    pause: Duration,
}

/// A request that is evaluated, with all that its record is kept by.
struct Leading {
    question: Question,
    flight: Key,
    split: Split,
    start: Start,
    /// For the turn that other processes wait for.
    turn: Option<String>,
}

/// What the threads do.
enum Job {
    /// Looks for a record.
    Look(Box<Asked>),
    /// Keeps a record.
    Keep(Box<(Leading, Option<EvalRecord>)>),
}

/// What all threads share.
struct Shared {
    inner: Arc<dyn Evaluate>,
    store: Arc<dyn Store>,
    environments: Environments,
    audience: Audience,
    confinement: Offer,
    level: KnownLevel,
    flights: Flights<Asked>,
    counters: Counters,
    observer: Arc<dyn Observer>,
    /// Set when the store cannot be used any more.
    is_off: AtomicBool,
    /// None once it ends.
    jobs: Mutex<Option<SyncSender<Job>>>,
}

impl Cached {
    /// Starts it in front of sessions of that specification; before any of them imports a module.
    pub(crate) fn start(parts: CacheParts, spec: &SessionSpec) -> Arc<Self> {
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
    pub(crate) fn counted(&self) -> Counted {
        self.shared.counters.now()
    }

    /// Waits until all records that were found are kept, and ends; requests go by it from now on.
    pub(crate) fn finish(&self) {
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
        if asked.request.cache == CacheUse::Off || self.shared.is_off.load(Ordering::Relaxed) {
            self.shared.counters.skip();
            return self.shared.hand_on(asked);
        }
        self.shared.send(asked);
    }
}

impl Shared {
    fn jobs(&self) -> std::sync::MutexGuard<'_, Option<SyncSender<Job>>> {
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

    /// Has a request looked for; without a thread for that it is evaluated.
    fn send(&self, asked: Asked) {
        if let Some(Job::Look(asked)) = self.give(Job::Look(Box::new(asked))) {
            self.counters.skip();
            self.hand_on(*asked);
        }
    }

    /// Has a request evaluated without the cache.
    fn hand_on(&self, asked: Asked) {
        self.inner.submit(asked.request, asked.done);
    }

    /// What a thread does until there is no more work.
    fn work(self: &Arc<Self>, waiting: &Mutex<Receiver<Job>>) {
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
        let wanted = Levels {
            isolation: self.level.wanted(),
            confinement: self.confinement,
        };
        if request.cache == CacheUse::Use
            && let Some(mut record) = self.find(&question.keys(wanted))
        {
            self.counters.looked(begun.elapsed());
            record.times.queue = Duration::ZERO;
            (asked.done)(Ok(record));
            return None;
        }
        self.counters.looked(begun.elapsed());
        let flight = question.key(wanted);
        let asked = self.flights.join(flight, asked)?;
        let leading = Leading {
            question,
            flight,
            split,
            start,
            turn: None,
        };
        self.lead(asked, leading)
    }

    /// The record under the first of the keys that has one.
    fn find(&self, keys: &[Key]) -> Option<EvalRecord> {
        for key in keys {
            let value = match self.store.get(key) {
                Ok(value) => value,
                Err(err) => {
                    self.failed(&err);
                    return None;
                }
            };
            let Some(value) = value else { continue };
            if let Some(mut record) = value::decode(&value) {
                self.counters.hit(value.len());
                record.cached = true;
                return Some(record);
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
        match self.store.take_turn(&leading.flight, lease) {
            Ok(Turn::Ours(turn)) => leading.turn = turn,
            Ok(Turn::Theirs) => {
                self.release(&leading.flight);
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

    /// Answers those that wait for a record, and has it kept.
    fn land(self: &Arc<Self>, leading: Leading, result: &Result<EvalRecord, SubmitError>) {
        let base = leading.start.base;
        let is_good = |record: &&EvalRecord| is_final(record) && record.base == Some(base);
        let kept = result.as_ref().ok().filter(is_good).map(without_session);
        for waiter in self.flights.end(&leading.flight) {
            match &kept {
                Some(record) if !waiter.request.terms.cancel.is_set() => {
                    self.counters.hit(0);
                    let mut record = record.clone();
                    record.cached = true;
                    (waiter.done)(Ok(record));
                }
                // The next of them is evaluated.
                _ => self.send(waiter),
            }
        }
        if kept.is_some() || leading.turn.is_some() {
            // Without a thread for it, it is not kept.
            if self.give(Job::Keep(Box::new((leading, kept)))).is_some() {
                self.counters.fail();
            }
        }
    }

    /// Has those that wait for a key look again.
    fn release(&self, flight: &Key) {
        for waiter in self.flights.end(flight) {
            self.send(waiter);
        }
    }

    /// Keeps a record, if there is one, and gives the turn back.
    fn keep(&self, (leading, record): (Leading, Option<EvalRecord>)) {
        if let Some(record) = record
            && self.environments.is_still(&leading.split, &leading.start)
            && let Err(err) = self.put(&leading, &record)
        {
            self.failed(&err);
        }
        if let Some(turn) = &leading.turn
            && let Err(err) = self.store.end_turn(&leading.flight, turn)
        {
            self.failed(&err);
        }
    }

    /// Puts a record into the store, under the levels that it was made at.
    fn put(&self, leading: &Leading, record: &EvalRecord) -> Result<(), StoreError> {
        let Some(isolation) = record.isolation else {
            return Ok(());
        };
        self.level
            .learn(isolation, self.store.as_ref(), &leading.start.environment)?;
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
        if matches!(err, StoreError::Broken(_)) && !self.is_off.swap(true, Ordering::Relaxed) {
            let text = format!("the cache `{}` is off: {err}", self.store.name());
            self.observer.tell(Event::Noted { text: &text });
        }
    }
}

/// A record without what means something only where it was made.
fn without_session(record: &EvalRecord) -> EvalRecord {
    EvalRecord {
        session: None,
        peak_memory_bytes: None,
        ..record.clone()
    }
}
