//! One proven session as a worker uses it: evaluates a source on it, and reports what is left of it
//! afterwards. Never decides when it is replaced.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use crate::engine::evaluation::{EvalError, Evaluation};
use crate::engine::pool::holding::Holding;
use crate::engine::pool::recycling::{RecycleReason, is_at_fault, may_try_again};
use crate::engine::pool::rest::Rest;
use crate::engine::record::{EvalRecord, LeanIdentity};
use crate::engine::request::EvalRequest;
use crate::engine::undecided::Undecided;
use crate::event::Observer;
use crate::failure::Failure;
use crate::lean::header;
use crate::lean::message::EnvId;
use crate::lean::options::ModuleOptions;
use crate::limits::{Bytes, Deadline};
use crate::protocol::wire::{Reply, Request};
use crate::session::base::BaseEnv;
use crate::session::error::SessionError;
use crate::session::factory::SessionFactory;
use crate::session::opening::{EnvError, OpenSession};
use crate::session::spec::SessionSpec;

/// How often the memory of a session is measured between short sources.
const MEASURED_EVERY: Duration = Duration::from_millis(40);

/// How much memory the states may take to which a session goes back, beside the first; less if the session
/// itself may hold little.
const STATES: Bytes = Bytes::mib(768);

/// A proven session.
pub(crate) struct WorkerSession {
    pub(crate) number: u64,
    open: OpenSession,
    spec: Arc<SessionSpec>,
    observer: Arc<dyn Observer>,
    pub(crate) lean: Arc<LeanIdentity>,
    /// How it holds its level of isolation.
    pub(crate) holding: Holding,
    /// The client that it served last.
    client: Option<Arc<str>>,
    /// How many sources or clients it has served.
    pub(crate) served: u64,
    /// Resident bytes of its tree when last measured.
    pub(crate) resident: u64,
    /// The most that was measured.
    peak: u64,
    measured: Option<Instant>,
    /// How it keeps still between two sources.
    rest: Rest,
}

/// One evaluation of a source on a session.
pub(crate) struct Attempt {
    pub(crate) record: EvalRecord,
    /// Why the session is not to be used again, if so.
    pub(crate) lost: Option<RecycleReason>,
    /// Whether the session was stopped by us.
    pub(crate) was_stopped: bool,
    pub(crate) may_try_again: bool,
    /// Whether the session ended when it loaded the pickle; the next one does without.
    pub(crate) was_lost_to_pickle: bool,
    /// Whether the session was lost by the source.
    pub(crate) is_at_fault: bool,
    /// Whether the environment of the header is there and proven.
    pub(crate) is_header_proven: bool,
}

impl WorkerSession {
    /// Starts and proves a session together with the headers of the specification and those in `headers`
    /// that can be proven; returns the headers that it holds, as they are sent. `single_use` promises a
    /// session for each source.
    ///
    /// # Errors
    /// What keeps the session from starting.
    pub(crate) fn start(
        number: u64,
        factory: &SessionFactory,
        headers: &[Arc<str>],
        without_pickle: &AtomicBool,
        single_use: bool,
    ) -> Result<(Self, Vec<String>), Failure> {
        let mut open = factory.open()?;
        let spec = Arc::clone(&factory.spec);
        if Holding::choose(spec.isolation, single_use, true) == Holding::Restored {
            let room = spec
                .limits
                .memory
                .map_or(STATES, |most| STATES.min(Bytes::new(most.get() / 4)));
            open.keep_base(room).map_err(EnvError::into_failure)?;
        }
        // A pickle that the user asked for is loaded at once: without it no source can be evaluated.
        if let BaseEnv::Pickle {
            pickle,
            strict: true,
        } = &spec.base
        {
            let loaded = pickle.unpickle(&mut open, spec.import_timeout.get());
            loaded.map_err(|error| pickle.unusable(error))?;
        }
        let mut session = Self {
            number,
            lean: Arc::new(LeanIdentity {
                version: open.lean_version.clone(),
                identity: spec.lean.identity.clone(),
                pickle: spec.base.digest().map(str::to_owned),
            }),
            holding: Holding::choose(spec.isolation, single_use, open.is_restorable()),
            client: None,
            open,
            spec,
            observer: Arc::clone(&factory.observer),
            served: 0,
            resident: 0,
            peak: 0,
            measured: None,
            rest: Rest::new(Instant::now()),
        };
        let held = session.preload(headers, without_pickle)?;
        session.measure();
        Ok((session, held))
    }

    /// Proves headers before the first source.
    fn preload(
        &mut self,
        recent: &[Arc<str>],
        without_pickle: &AtomicBool,
    ) -> Result<Vec<String>, Failure> {
        let mut held = Vec::new();
        for source in &Arc::clone(&self.spec).preload {
            let proven = self.prove(source, None, without_pickle);
            proven.map_err(|error| error.into_undecided().failure)?;
            held.push(header::split(source).canonical());
        }
        for source in recent {
            match self.prove(source, None, without_pickle) {
                Ok(_) => held.push(header::split(source).canonical()),
                // It could be imported before; a client that asks for it again learns why not now.
                Err(EvalError::Import(_) | EvalError::Refused(_)) => {}
                Err(error) => return Err(error.into_undecided().failure),
            }
        }
        held.retain(|header| !header.is_empty());
        Ok(held)
    }

    /// Whether it may serve a client now; one that may not must be replaced first.
    pub(crate) fn may_serve(&self, client: &str) -> bool {
        self.holding.lets_follow(self.client.as_deref(), client)
    }

    /// Notes that it serves a client from now on.
    pub(crate) fn serve(&mut self, client: &Arc<str>) {
        self.served += 1;
        self.client = Some(Arc::clone(client));
    }

    /// The session at work on one more source.
    fn evaluation<'a>(&'a mut self, without_pickle: &'a AtomicBool) -> Evaluation<'a> {
        Evaluation {
            number: self.number,
            is_worn: self.served > 1 && self.holding != Holding::Restored,
            open: &mut self.open,
            spec: &self.spec,
            without_pickle,
            observer: self.observer.as_ref(),
            is_header_proven: false,
        }
    }

    pub(crate) fn evaluate(
        &mut self,
        request: &EvalRequest,
        without_pickle: &AtomicBool,
    ) -> Attempt {
        self.serve(&request.terms.client);
        let start = Instant::now();
        let mut evaluation = self.evaluation(without_pickle);
        let found = evaluation.run(request);
        let is_worn = evaluation.is_worn;
        let is_header_proven = evaluation.is_header_proven;
        let has_begun = evaluation.has_begun();
        let took = start.elapsed();
        self.rest.begin_again(Instant::now());
        if self
            .measured
            .is_none_or(|last| last.elapsed() >= MEASURED_EVERY)
        {
            self.measure();
        }
        let mut attempt = Attempt {
            lost: self.is_over().then_some(RecycleReason::Died),
            was_stopped: matches!(found, Err(EvalError::Session(SessionError::Interrupted))),
            may_try_again: match &found {
                Err(EvalError::Session(error)) => may_try_again(error, is_worn, has_begun),
                Ok(_)
                | Err(EvalError::Import(_) | EvalError::Refused(_) | EvalError::Pickle(_)) => false,
            },
            was_lost_to_pickle: matches!(found, Err(EvalError::Pickle(_))),
            is_at_fault: false,
            is_header_proven,
            record: EvalRecord::empty(),
        };
        if let Err(EvalError::Session(error)) = &found {
            attempt.lost = Some(RecycleReason::of(error));
            attempt.is_at_fault = is_at_fault(error, is_worn);
        }
        attempt.record = found.unwrap_or_else(|error| {
            let Undecided { reason, failure } = error.into_undecided();
            let mut record = EvalRecord::undecided(reason, failure);
            record.times.body = took;
            record
        });
        let record = &mut attempt.record;
        record.lean = Some(Arc::clone(&self.lean));
        record.isolation = Some(self.holding.level());
        record.session = Some(self.number);
        record.peak_memory_bytes = Some(self.peak);
        record.options.clone_from(&request.lean_options);
        attempt
    }

    /// The proven environment of a source's header, with the options that hold for the source.
    pub(crate) fn prove(
        &mut self,
        source: &str,
        options: Option<&ModuleOptions>,
        without_pickle: &AtomicBool,
    ) -> Result<EnvId, EvalError> {
        let no_options = ModuleOptions::default();
        let split = header::split(source);
        let mut evaluation = self.evaluation(without_pickle);
        let found = evaluation.environment(&split, options.unwrap_or(&no_options));
        self.rest.begin_again(Instant::now());
        found.map(|(env, _base)| env)
    }

    /// Sends a request as it is, and makes sure that the reply is the one to it.
    pub(crate) fn ask(
        &mut self,
        request: &Request,
        timeout: Duration,
    ) -> Result<Reply, SessionError> {
        let reply = self.open.session.ask(request, Deadline::after(timeout))?;
        self.open.session.sweep();
        self.open.fence()?;
        self.rest.begin_again(Instant::now());
        self.measure();
        Ok(reply)
    }

    /// Makes sure that nothing of a source is left in the session, and that what runs from now on stays.
    ///
    /// # Errors
    /// Why it is lost.
    pub(crate) fn begin_lease(&mut self) -> Result<(), RecycleReason> {
        let left = self.open.leave_states();
        left.map_err(|error| RecycleReason::of(&error))
    }

    /// Has a session that can do so go back to where its last source started.
    ///
    /// # Errors
    /// Why it is lost.
    pub(crate) fn go_back(&mut self) -> Result<(), RecycleReason> {
        if self.is_over() {
            return Ok(());
        }
        let went = self.open.go_back();
        self.rest.begin_again(Instant::now());
        went.map_err(|error| RecycleReason::of(&error))
    }

    /// Whether nothing can be asked any more.
    pub(crate) fn is_over(&self) -> bool {
        self.open.session.is_over()
    }

    /// Whether it cannot take a source any more. Cheap, so that it can be asked before each source.
    ///
    /// # Errors
    /// Why it is lost.
    pub(crate) fn check_before_source(&mut self) -> Result<(), RecycleReason> {
        if self.open.session.has_died() {
            return Err(RecycleReason::Died);
        }
        self.check_rest()
    }

    /// Looks after the session while nothing is asked.
    ///
    /// # Errors
    /// Why it is lost.
    pub(crate) fn check_idle(&mut self) -> Result<(), RecycleReason> {
        let checked = self.open.session.check_idle();
        checked.map_err(|error| RecycleReason::of(&error))?;
        self.check_rest()?;
        self.measure();
        Ok(())
    }

    /// Fails if the session uses the processor although its source was answered: what the source has left
    /// running may change the answers to later ones. A session without a source may do as it likes.
    fn check_rest(&mut self) -> Result<(), RecycleReason> {
        let now = Instant::now();
        if self.served == 0 || !self.rest.is_due(now) {
            return Ok(());
        }
        // Where the system does not tell, nothing is held against the session.
        let used = self.open.session.processor_time().unwrap_or_default();
        if self.rest.is_broken(now, used) {
            return Err(RecycleReason::BusyIdle);
        }
        Ok(())
    }

    fn measure(&mut self) {
        // Where the system does not tell, nothing is known, and nothing is held against it.
        self.resident = self.open.session.resident_bytes().unwrap_or_default();
        let peak = self.open.session.peak_resident_bytes();
        self.peak = self.peak.max(peak.unwrap_or_default());
        self.measured = Some(Instant::now());
    }
}

/// What is reported to those who ask a session that has ended.
pub(crate) fn over() -> SessionError {
    SessionError::Protocol {
        problem: "the session is over".to_owned(),
        seen: String::new(),
    }
}
