//! One thread that owns one session at a time and does what the scheduler assigns to it. Never decides
//! what comes next.

use std::hash::BuildHasher;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use crate::engine::evaluate::SubmitError;
use crate::engine::pool::demand::{Demand, stopped, unwanted};
use crate::engine::pool::holding;
use crate::engine::pool::lease::{self, Lease};
use crate::engine::pool::promise::Promise;
use crate::engine::pool::queue::Entry;
use crate::engine::pool::recycling::RecycleReason;
use crate::engine::pool::scheduler::Scheduler;
use crate::engine::pool::shared::Shared;
use crate::engine::pool::worker_session::{Attempt, WorkerSession};
use crate::engine::pool::worker_state::{Assignment, Finish, Opened};
use crate::engine::record::EvalRecord;
use crate::engine::request::EvalRequest;
use crate::engine::undecided::UndecidedReason;
use crate::event::Event;
use crate::failure::Failure;
use crate::lean::header;
use crate::limits::CancelFlag;
use crate::session::factory::SessionFactory;

/// How often a session without work is looked after.
const WATCH: Duration = Duration::from_millis(100);

/// One worker.
pub(crate) struct Worker {
    shared: Arc<Shared>,
    index: usize,
    session: Option<WorkerSession>,
    kill: CancelFlag,
    /// Headers that its session was to prove at its start.
    headers: Vec<Arc<str>>,
}

impl Worker {
    /// A worker without a session.
    pub(crate) fn new(shared: Arc<Shared>, index: usize) -> Self {
        Self {
            shared,
            index,
            session: None,
            kill: CancelFlag::default(),
            headers: Vec::new(),
        }
    }

    /// Does what is assigned to it until that is to stop.
    pub(crate) fn work(mut self) {
        loop {
            match self.shared.next_assignment(self.index, WATCH) {
                None => self.look_after(),
                Some(Assignment::Start { kill, headers }) => {
                    self.kill = kill;
                    self.headers = headers;
                    self.start();
                }
                Some(Assignment::Run(entry)) => match self.check_before_source() {
                    Ok(()) => {
                        self.run(entry);
                        self.go_back();
                    }
                    Err(reason) => self.lose(reason, Some(entry)),
                },
                Some(Assignment::Retire) => {
                    self.session = None;
                    self.shared
                        .with(|scheduler, now| scheduler.emptied(self.index, now));
                }
                Some(Assignment::Stop) => return,
            }
        }
    }

    /// Starts a session as assigned.
    fn start(&mut self) {
        match self.open() {
            Ok(opened) => self
                .shared
                .with(|scheduler, now| scheduler.started(self.index, opened, now)),
            Err(failure) => {
                for (entry, error) in self.shared.start_failed(self.index, &failure) {
                    entry.item.refuse(error);
                }
            }
        }
    }

    fn open(&mut self) -> Result<Opened, Failure> {
        let shared = &self.shared;
        let factory = SessionFactory {
            spec: Arc::clone(&shared.settings.spec),
            cancel: self.kill.clone(),
            observer: Arc::clone(&shared.observer),
        };
        let number = shared.next_session();
        let span = tracing::info_span!("session", session = number);
        let single_use = shared.settings.wear.single_use;
        let (session, held) = span.in_scope(|| {
            let without_pickle = &shared.without_pickle;
            WorkerSession::start(number, &factory, &self.headers, without_pickle, single_use)
        })?;
        self.hold(&session)?;
        shared.observer.tell(Event::SessionStarted {
            session: number,
            lean_version: &session.lean.version,
        });
        let mut held: Vec<u64> = held
            .iter()
            .map(|header| shared.hasher.hash_one(header))
            .collect();
        held.sort_unstable();
        held.dedup();
        let opened = Opened {
            lean_version: session.lean.version.clone(),
            resident: session.resident,
            held,
            holding: session.holding,
        };
        self.session = Some(session);
        Ok(opened)
    }

    /// Makes sure that a session holds the level of the pool, which the first one decides.
    fn hold(&self, session: &WorkerSession) -> Result<(), Failure> {
        let holding = session.holding;
        let held = self.shared.with(|scheduler, _| scheduler.hold(holding));
        let is_first = held.map_err(|level| holding::too_low(holding, level))?;
        if is_first {
            let text = holding.note();
            self.shared.observer.tell(Event::Chosen { text });
        }
        Ok(())
    }

    /// Looks after a session that has nothing to do.
    fn look_after(&mut self) {
        let Some(session) = &mut self.session else {
            return;
        };
        match session.check_idle() {
            Ok(()) => {
                let resident = session.resident;
                self.shared
                    .with(|scheduler, now| scheduler.measured(self.index, resident, now));
            }
            Err(reason) => self.lose(reason, None),
        }
    }

    /// Has the session forget the last source, while nothing is waited for.
    fn go_back(&mut self) {
        let went = self.session.as_mut().map_or(Ok(()), WorkerSession::go_back);
        if let Err(reason) = went {
            self.lose(reason, None);
        }
    }

    /// Whether its session was lost unnoticed.
    fn check_before_source(&mut self) -> Result<(), RecycleReason> {
        let session = self.session.as_mut();
        session.map_or(Ok(()), WorkerSession::check_before_source)
    }

    /// Gives up a session that was found lost, and hands back what it was to be given.
    fn lose(&mut self, reason: RecycleReason, entry: Option<Entry<Demand>>) {
        self.note_end(reason);
        // It may still be at something.
        self.session = None;
        let step =
            |scheduler: &mut Scheduler<_>, now| scheduler.lost(self.index, reason, entry, now);
        if let Some(entry) = self.shared.with(step) {
            entry.item.refuse(SubmitError::ShuttingDown);
        }
    }

    /// Evaluates a source or serves a lease.
    fn run(&mut self, entry: Entry<Demand>) {
        if let Err(failure) = self.freshen(&entry) {
            self.finish(Finish {
                lost: Some(RecycleReason::Start),
                ..self.unrun()
            });
            self.refuse(entry, failure);
            return;
        }
        let (demand, entry) = entry.replace(());
        match demand {
            Demand::Lease(promise) => self.serve_lease(promise, &entry.client),
            Demand::Evaluation { request, promise } => self.evaluate(request, promise, entry),
        }
    }

    /// Replaces the session in place if an entry must not run on it.
    fn freshen(&mut self, entry: &Entry<Demand>) -> Result<(), Failure> {
        // The scheduler gives a session to no source that it must not serve; this holds whatever it does.
        let suits = |session: &WorkerSession| {
            session.served == 0 || (!entry.needs_fresh && session.may_serve(&entry.client))
        };
        if self.session.as_ref().is_some_and(suits) {
            return Ok(());
        }
        self.session = None;
        let opened = self.open()?;
        self.shared
            .with(|scheduler, now| scheduler.freshened(self.index, opened, now));
        Ok(())
    }

    /// Refuses an entry for which no fresh session came up.
    fn refuse(&self, entry: Entry<Demand>, failure: Failure) {
        let is_draining = || self.shared.with(|scheduler, _| scheduler.is_draining());
        let error = match entry.why_gone(Instant::now()) {
            Some(error) => error,
            None if is_draining() => SubmitError::ShuttingDown,
            None => SubmitError::NoSession(failure),
        };
        entry.item.refuse(error);
    }

    /// Evaluates a source and hands its record on, or has it tried again.
    fn evaluate(
        &mut self,
        request: Box<EvalRequest>,
        promise: Promise<Result<EvalRecord, SubmitError>>,
        mut entry: Entry<()>,
    ) {
        let queue = entry.arrived.elapsed();
        if let Some(error) = unwanted(&request.terms, queue) {
            self.finish(self.unrun());
            promise.keep(Err(error));
            return;
        }
        let Some(mut attempt) = self.attempt(&request) else {
            self.finish(Finish {
                lost: Some(RecycleReason::Died),
                again: Some(Demand::again(request, promise, entry)),
                ..self.unrun()
            });
            return;
        };
        let mut finish = self.finish_of(&request, entry.header, &attempt);
        let may_try_again = attempt.may_try_again && !entry.was_tried;
        if may_try_again || attempt.was_lost_to_pickle {
            entry.was_tried |= may_try_again;
            self.note_retry(&request);
            finish.again = Some(Demand::again(request, promise, entry));
            self.finish(finish);
            return;
        }
        if attempt.was_stopped {
            attempt.record.undecided = Some(stopped(&request.terms));
        }
        attempt.record.times.queue = queue;
        let reason = attempt.record.reason();
        if reason == Some(UndecidedReason::Timeout) {
            // The end of the whole is a stop by us as far as the session knows.
            finish.lost = Some(RecycleReason::Timeout);
            finish.at_fault = true;
        }
        let is_gone = request.terms.cancel.is_set();
        finish.at_fault |= finish.lost.is_some() && is_gone;
        self.finish(finish);
        promise.keep(if reason == Some(UndecidedReason::Cancelled) && is_gone {
            Err(SubmitError::Cancelled)
        } else {
            Ok(attempt.record)
        });
    }

    /// Evaluates a source on the session; none without one.
    fn attempt(&mut self, request: &EvalRequest) -> Option<Attempt> {
        let session = self.session.as_mut()?;
        let span = tracing::info_span!(
            "evaluation",
            session = session.number,
            request = &*request.id
        );
        Some(span.in_scope(|| session.evaluate(request, &self.shared.without_pickle)))
    }

    /// What an attempt means for the session.
    fn finish_of(
        &self,
        request: &EvalRequest,
        header: Option<u64>,
        attempt: &Attempt,
    ) -> Finish<Demand> {
        let header = header.filter(|_| attempt.is_header_proven);
        Finish {
            ran: true,
            lost: attempt.lost,
            at_fault: attempt.is_at_fault,
            proven: header.map(|hash| {
                let header = header::split(&request.source).canonical();
                (hash, header.into())
            }),
            ..self.unrun()
        }
    }

    /// Serves a client until its lease ends.
    fn serve_lease(&mut self, promise: Promise<Result<Lease, SubmitError>>, client: &Arc<str>) {
        let Some(session) = &mut self.session else {
            promise.keep(Err(SubmitError::NoSession(Failure::bug(
                "a lease without a session",
            ))));
            self.finish(Finish {
                lost: Some(RecycleReason::Died),
                ..self.unrun()
            });
            return;
        };
        session.serve(client);
        if let Err(reason) = session.begin_lease() {
            self.finish(Finish {
                lost: Some(reason),
                ..self.unrun()
            });
            return;
        }
        let (lease, leased) = lease::pair(session, &self.kill);
        let shared = &self.shared;
        shared.with(|scheduler, _| scheduler.granted(self.index));
        promise.keep(Ok(lease));
        let span = tracing::info_span!("lease", session = session.number);
        let is_to_end = || shared.with(|scheduler, _| scheduler.is_draining());
        let reason = span.in_scope(|| leased.serve(session, &shared.without_pickle, is_to_end));
        self.finish(Finish {
            ran: true,
            lost: Some(reason),
            ..self.unrun()
        });
    }

    /// The finish of something that the session was not given.
    fn unrun(&self) -> Finish<Demand> {
        let resident = |session: &WorkerSession| session.resident;
        Finish {
            ran: false,
            lost: None,
            at_fault: false,
            proven: None,
            resident: self.session.as_ref().map_or(0, resident),
            again: None,
        }
    }

    /// Reports to the scheduler that the session is free, or lost.
    fn finish(&self, finish: Finish<Demand>) {
        if let Some(reason) = finish.lost {
            self.note_end(reason);
        }
        let back = self
            .shared
            .with(|scheduler, now| scheduler.finished(self.index, finish, now));
        if let Some(entry) = back {
            entry.item.refuse(SubmitError::ShuttingDown);
        }
    }

    /// Notes that a request is evaluated once more.
    fn note_retry(&self, request: &EvalRequest) {
        if let Some(session) = &self.session {
            self.shared.observer.tell(Event::Retried {
                session: session.number,
                request: &request.id,
            });
        }
    }

    /// Notes that the session ended.
    fn note_end(&self, reason: RecycleReason) {
        if let Some(session) = &self.session {
            self.shared.observer.tell(Event::SessionEnded {
                session: session.number,
                reason: reason.as_str(),
            });
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // The session ends before the pool knows, so that a caller that waits for that finds no process.
        self.session = None;
        let failure =
            thread::panicking().then(|| Failure::bug("the thread of a session has panicked"));
        self.shared
            .with(|scheduler, _| scheduler.gone(self.index, failure));
        self.shared.wake_watchers();
    }
}
