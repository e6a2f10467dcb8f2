use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::time::Duration;

use super::*;
use crate::engine::cache::key::Key;
use crate::engine::cache::sqlite::{Bounds, SqliteStore};
use crate::engine::cache::store::{Entry, Holdings, StoreError, Turn, Which};
use crate::engine::record::{BaseKind, LeanIdentity};
use crate::engine::undecided::UndecidedReason;
use crate::event::{Event, Unobserved};
use crate::failure::{Failure, Kind};
use crate::isolation::Isolation;
use crate::limits::{Bytes, Deadline};
use crate::process::launch::Launch;
use crate::session::identity::{Identity, LeanRepl};

type Outcome = Result<EvalRecord, SubmitError>;

/// An engine that answers when the test says so, in order.
#[derive(Default)]
struct Engine {
    waiting: Mutex<VecDeque<(EvalRequest, Done<Outcome>)>>,
    asked: AtomicUsize,
}

impl Evaluate for Engine {
    fn submit(&self, request: EvalRequest, done: Done<Outcome>) {
        self.asked.fetch_add(1, Ordering::SeqCst);
        self.waiting.lock().unwrap().push_back((request, done));
    }
}

impl Engine {
    /// Answers the request that has waited longest, as soon as there is one.
    fn answer(&self, outcome: Outcome) -> EvalRequest {
        let mut next = None;
        wait_until(|| {
            next = self.waiting.lock().unwrap().pop_front();
            next.is_some()
        });
        let (request, done) = next.unwrap();
        done(outcome);
        request
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

/// Waits until something is so.
fn wait_until(mut is_so: impl FnMut() -> bool) {
    let deadline = Deadline::after(Duration::from_secs(60));
    while !is_so() {
        assert!(!deadline.is_over());
        thread::park_timeout(Duration::from_millis(1));
    }
}

/// A REPL that is never started.
fn spec() -> SessionSpec {
    let mut spec = SessionSpec::new(LeanRepl {
        launch: Launch::new("none"),
        identity: Identity {
            toolchain: "t".to_owned(),
            repl: "r".to_owned(),
            manifest: None,
        },
        expected_lean: None,
    });
    spec.isolation = Some(Isolation::Source);
    spec
}

/// A cache in front of an engine.
struct Rig {
    engine: Arc<Engine>,
    cached: Arc<Cached>,
}

impl Rig {
    fn new(store: Arc<dyn Store>) -> Self {
        Self::with(store, Audience::EachClient, Arc::new(Unobserved))
    }

    fn with(store: Arc<dyn Store>, audience: Audience, observer: Arc<dyn Observer>) -> Self {
        let engine = Arc::new(Engine::default());
        let spec = spec();
        let parts = CacheParts {
            inner: Arc::<Engine>::clone(&engine),
            store,
            environments: Environments::new(&spec),
            audience,
            observer,
        };
        let cached = Cached::start(parts, &spec);
        Self { engine, cached }
    }

    /// Submits a request; its result comes out of the channel.
    fn submit(&self, request: EvalRequest) -> Receiver<Outcome> {
        let (sender, receiver) = channel();
        let done = move |outcome| sender.send(outcome).unwrap();
        self.cached.submit(request, Box::new(done));
        receiver
    }

    /// The record of a source that is evaluated, unless it was kept.
    fn record(&self, source: &str, outcome: Option<EvalRecord>) -> EvalRecord {
        let received = self.submit(request(source));
        if let Some(record) = outcome {
            self.engine.answer(Ok(record));
        }
        received
            .recv_timeout(Duration::from_secs(60))
            .unwrap()
            .unwrap()
    }

    /// Waits until nothing is on its way any more.
    fn wait_for_landing(&self) {
        wait_until(|| self.cached.shared.flights.is_empty());
    }

    /// Waits until so many records were kept.
    fn wait_for_stores(&self, count: u64) {
        wait_until(|| self.cached.counted().stores >= count);
    }
}

fn request(source: &str) -> EvalRequest {
    EvalRequest::new(Arc::from(source), Duration::from_secs(60))
}

/// What Lean found.
fn found(hint: &str) -> EvalRecord {
    EvalRecord {
        hints: vec![hint.to_owned()],
        lean: Some(Arc::new(LeanIdentity {
            version: "4.28.0".to_owned(),
            identity: spec().lean.identity,
            pickle: None,
        })),
        base: Some(BaseKind::Import),
        isolation: Some(Isolation::Source),
        session: Some(7),
        ..EvalRecord::empty()
    }
}

fn undecided() -> EvalRecord {
    let failure = Failure::new(Kind::Session, "it died", "try again");
    EvalRecord::undecided(UndecidedReason::Crash, failure)
}

fn sqlite(dir: &std::path::Path) -> Arc<dyn Store> {
    let bounds = Bounds {
        size: Bytes::mib(8),
        age: Duration::from_secs(60),
    };
    Arc::new(SqliteStore::open(dir, bounds).unwrap())
}

#[test]
fn a_record_is_found_again_also_by_another_process() {
    let dir = tempfile::tempdir().unwrap();
    let rig = Rig::new(sqlite(dir.path()));
    let first = rig.record("#eval 1", Some(found("one")));
    assert!(!first.cached && first.session == Some(7));
    rig.wait_for_stores(1);
    let other = Rig::new(sqlite(dir.path()));
    for rig in [rig, other] {
        let again = rig.record("#eval 1", None);
        assert!(again.cached && again.session.is_none());
        assert_eq!(again.hints, ["one"]);
        assert_eq!(rig.cached.counted().hits, 1);
    }
}

#[test]
fn what_is_undecided_or_at_a_lower_level_or_of_another_base_is_asked_again() {
    let dir = tempfile::tempdir().unwrap();
    let rig = Rig::new(sqlite(dir.path()));
    let mut lower = found("lower");
    lower.isolation = Some(Isolation::Client);
    let mut pickled = found("pickled");
    pickled.base = Some(BaseKind::Pickle);
    for record in [undecided(), pickled, lower, found("last")] {
        let hints = record.hints.clone();
        assert_eq!(rig.record("#eval 1", Some(record)).hints, hints);
        // What is kept is kept before the next one is looked for, or never.
        let kept = hints == ["lower"] || hints == ["last"];
        let stores = rig.cached.counted().stores + u64::from(kept);
        rig.wait_for_stores(if kept { stores.min(2) } else { 0 });
    }
    assert_eq!(rig.engine.asked(), 4);
    assert_eq!(rig.record("#eval 1", None).hints, ["last"]);
}

#[test]
fn a_source_that_reads_the_clock_is_never_looked_for() {
    let dir = tempfile::tempdir().unwrap();
    let rig = Rig::new(sqlite(dir.path()));
    for hint in ["1", "2"] {
        let record = rig.record("#eval IO.monoMsNow", Some(found(hint)));
        assert_eq!(record.hints, [hint]);
    }
    assert_eq!(rig.cached.counted().skipped, 2);
    assert_eq!(rig.cached.counted().stores, 0);
}

#[test]
fn a_client_can_do_without_and_have_a_record_made_anew() {
    let dir = tempfile::tempdir().unwrap();
    let rig = Rig::new(sqlite(dir.path()));
    let ask = |cache, hint: &str| {
        let received = rig.submit(EvalRequest {
            cache,
            ..request("#eval 1")
        });
        rig.engine.answer(Ok(found(hint)));
        received.recv().unwrap().unwrap()
    };
    assert_eq!(ask(CacheUse::Off, "off").hints, ["off"]);
    assert_eq!(ask(CacheUse::Use, "first").hints, ["first"]);
    rig.wait_for_stores(1);
    assert_eq!(ask(CacheUse::Off, "off").hints, ["off"]);
    assert_eq!(rig.record("#eval 1", None).hints, ["first"]);
    assert_eq!(ask(CacheUse::Refresh, "second").hints, ["second"]);
    rig.wait_for_stores(2);
    assert_eq!(rig.record("#eval 1", None).hints, ["second"]);
}

#[test]
fn a_client_is_not_answered_by_what_others_asked_unless_all_share() {
    for (audience, asked) in [(Audience::EachClient, 2), (Audience::All, 1)] {
        let dir = tempfile::tempdir().unwrap();
        let rig = Rig::with(sqlite(dir.path()), audience, Arc::new(Unobserved));
        rig.record("#eval 1", Some(found("one")));
        rig.wait_for_stores(1);
        let mut of_other = request("#eval 1");
        of_other.terms.client = Arc::from("other");
        let received = rig.submit(of_other);
        if audience == Audience::EachClient {
            rig.engine.answer(Ok(found("two")));
        }
        received.recv().unwrap().unwrap();
        assert_eq!(rig.engine.asked(), asked);
    }
}

#[test]
fn requests_at_the_same_time_are_evaluated_once() {
    let dir = tempfile::tempdir().unwrap();
    let rig = Rig::new(sqlite(dir.path()));
    let received: Vec<_> = (0..5).map(|_| rig.submit(request("#eval 1"))).collect();
    wait_until(|| rig.engine.asked() > 0);
    // The others are looked for meanwhile; if one were late, it would find the kept record.
    thread::park_timeout(Duration::from_millis(100));
    assert_eq!(rig.engine.asked(), 1);
    rig.engine.answer(Ok(found("one")));
    let records: Vec<_> = received
        .iter()
        .map(|one| one.recv().unwrap().unwrap())
        .collect();
    assert_eq!(records.iter().filter(|record| record.cached).count(), 4);
    assert!(records.iter().all(|record| record.hints == ["one"]));
    assert_eq!(rig.engine.asked(), 1);
}

#[test]
fn an_undecided_leader_shares_nothing_and_the_next_one_leads() {
    let dir = tempfile::tempdir().unwrap();
    let rig = Rig::new(sqlite(dir.path()));
    let received: Vec<_> = (0..3).map(|_| rig.submit(request("#eval 1"))).collect();
    rig.engine.answer(Ok(undecided()));
    rig.engine.answer(Err(SubmitError::Cancelled));
    rig.engine.answer(Ok(found("third")));
    let outcomes: Vec<_> = received.iter().map(|one| one.recv().unwrap()).collect();
    let count = |is: &dyn Fn(&Outcome) -> bool| outcomes.iter().filter(|one| is(one)).count();
    assert_eq!(
        count(&|one| matches!(one, Ok(record) if record.undecided.is_some())),
        1
    );
    assert_eq!(count(&|one| matches!(one, Err(SubmitError::Cancelled))), 1);
    assert_eq!(
        count(&|one| matches!(one, Ok(record) if record.hints == ["third"])),
        1
    );
}

/// A store that fails or has another process at work, and what was asked of it.
#[derive(Default)]
struct Troubled {
    fault: Option<fn() -> StoreError>,
    /// How many more times another process has the turn.
    theirs: AtomicUsize,
    value: Mutex<Option<Vec<u8>>>,
    asked: AtomicUsize,
    ended: Mutex<Vec<String>>,
}

impl Troubled {
    fn check(&self) -> Result<(), StoreError> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        self.fault.map_or(Ok(()), |fault| Err(fault()))
    }
}

impl Store for Troubled {
    fn name(&self) -> String {
        "troubled".to_owned()
    }

    fn get(&self, _key: &Key) -> Result<Option<Vec<u8>>, StoreError> {
        self.check()?;
        Ok(self.value.lock().unwrap().clone())
    }

    fn put(&self, _key: &Key, entry: Entry<'_>) -> Result<(), StoreError> {
        self.check()?;
        *self.value.lock().unwrap() = Some(entry.value.to_vec());
        Ok(())
    }

    fn remove(&self, _key: &Key) -> Result<(), StoreError> {
        *self.value.lock().unwrap() = None;
        self.check()
    }

    fn take_turn(&self, _key: &Key, _lease: Duration) -> Result<Turn, StoreError> {
        self.check()?;
        let left = self.theirs.load(Ordering::SeqCst);
        if left == 0 {
            return Ok(Turn::Ours(Some("token".to_owned())));
        }
        self.theirs.store(left - 1, Ordering::SeqCst);
        Ok(Turn::Theirs)
    }

    fn end_turn(&self, _key: &Key, token: &str) -> Result<(), StoreError> {
        self.ended.lock().unwrap().push(token.to_owned());
        self.check()
    }

    fn holdings(&self) -> Result<Holdings, StoreError> {
        Ok(Holdings::default())
    }

    fn forget(&self, _which: &Which) -> Result<u64, StoreError> {
        Ok(0)
    }
}

/// What was noted.
#[derive(Default)]
struct Notes(Mutex<Vec<String>>);

impl Observer for Notes {
    fn tell(&self, event: Event<'_>) {
        if let Event::Noted { text } = event {
            self.0.lock().unwrap().push(text.to_owned());
        }
    }
}

#[test]
fn a_broken_store_is_noted_once_and_harms_no_evaluation() {
    let store = Arc::new(Troubled {
        fault: Some(|| StoreError::Broken("the disk is full".to_owned())),
        ..Troubled::default()
    });
    let notes = Arc::new(Notes::default());
    let rig = Rig::with(
        Arc::<Troubled>::clone(&store),
        Audience::All,
        Arc::<Notes>::clone(&notes),
    );
    for hint in ["1", "2", "3"] {
        assert_eq!(rig.record("#eval 1", Some(found(hint))).hints, [hint]);
        rig.wait_for_landing();
    }
    rig.cached.finish();
    let text = "the cache `troubled` is off: the disk is full";
    assert_eq!(*notes.0.lock().unwrap(), [text]);
    // The first look-up, and no more.
    assert_eq!(store.asked.load(Ordering::SeqCst), 1);
}

#[test]
fn a_busy_store_is_asked_again_and_harms_no_evaluation() {
    let store = Arc::new(Troubled {
        fault: Some(|| StoreError::Busy("it is locked".to_owned())),
        ..Troubled::default()
    });
    let rig = Rig::new(Arc::<Troubled>::clone(&store));
    for (hint, failures) in [("1", 3), ("2", 6)] {
        assert_eq!(rig.record("#eval 1", Some(found(hint))).hints, [hint]);
        // The look-up, the turn, and the record.
        wait_until(|| rig.cached.counted().failures >= failures);
        rig.wait_for_landing();
    }
    assert_eq!(store.asked.load(Ordering::SeqCst), 6);
}

#[test]
fn a_damaged_value_is_removed_and_made_again() {
    let store = Arc::new(Troubled::default());
    *store.value.lock().unwrap() = Some(b"\x01no frame".to_vec());
    let rig = Rig::new(Arc::<Troubled>::clone(&store));
    assert_eq!(rig.record("#eval 1", Some(found("1"))).hints, ["1"]);
    rig.wait_for_stores(1);
    assert_eq!(rig.record("#eval 1", None).hints, ["1"]);
}

#[test]
fn what_another_process_evaluates_is_waited_for() {
    let store = Arc::new(Troubled::default());
    let other = Rig::new(Arc::<Troubled>::clone(&store));
    other.record("#eval 1", Some(found("theirs")));
    other.wait_for_stores(1);
    let value = store.value.lock().unwrap().take();
    store.theirs.store(3, Ordering::SeqCst);
    let rig = Rig::new(Arc::<Troubled>::clone(&store));
    let received = rig.submit(request("#eval 1"));
    wait_until(|| store.theirs.load(Ordering::SeqCst) <= 1);
    *store.value.lock().unwrap() = value;
    let record = received.recv().unwrap().unwrap();
    assert!(record.cached && record.hints == ["theirs"]);
    assert_eq!(rig.engine.asked(), 0);
}

#[test]
fn the_turn_of_another_process_that_is_lost_is_taken_and_given_back() {
    let store = Arc::new(Troubled::default());
    store.theirs.store(2, Ordering::SeqCst);
    let rig = Rig::new(Arc::<Troubled>::clone(&store));
    let received = rig.submit(request("#eval 1"));
    rig.engine.answer(Ok(undecided()));
    assert!(received.recv().unwrap().unwrap().undecided.is_some());
    rig.cached.finish();
    assert_eq!(*store.ended.lock().unwrap(), ["token"]);
    assert!(store.value.lock().unwrap().is_none());
}

#[test]
fn after_the_end_requests_go_by() {
    let store = Arc::new(Troubled::default());
    let rig = Rig::new(Arc::<Troubled>::clone(&store));
    rig.cached.finish();
    assert_eq!(rig.record("#eval 1", Some(found("1"))).hints, ["1"]);
    assert_eq!(store.asked.load(Ordering::SeqCst), 0);
}
