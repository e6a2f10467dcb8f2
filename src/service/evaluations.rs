//! From a door to the engine and back: the only place where tasks meet threads. Never knows the shape of an
//! answer.

use std::sync::Arc;

use tokio::sync::{Notify, oneshot};
use tokio::time::{Instant, timeout};

use crate::engine::batch::{Batch, BatchStep, SLACK};
use crate::engine::evaluate::SubmitError;
use crate::engine::judge::{Judgement, Policy, judge};
use crate::engine::record::EvalRecord;
use crate::engine::request::{EvalRequest, Limits, Terms};
use crate::failure::Failure;
use crate::limits::CancelFlag;
use crate::process::sandbox::Offer;
use crate::service::metrics::Surface;
use crate::service::outcomes::{Outcome, OutcomeLog};
use crate::service::principal::Principal;
use crate::service::server::{Service, StartedPool};

/// A source that was evaluated, or was to be.
#[derive(Debug)]
pub(crate) struct Evaluated {
    pub(crate) record: EvalRecord,
    pub(crate) judgement: Judgement,
    /// Why it was not evaluated, if so.
    pub(crate) refused: Option<SubmitError>,
}

impl Evaluated {
    pub(crate) fn new(result: Result<EvalRecord, SubmitError>, policy: Policy) -> Self {
        let (record, refused) = match result {
            Ok(record) => (record, None),
            Err(error) => (EvalRecord::from(&error), Some(error)),
        };
        Self {
            judgement: judge(&record, policy),
            record,
            refused,
        }
    }
}

/// By which way sources came, and what their client makes of them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked {
    pub(crate) surface: Surface,
    /// What rejects a source that Lean accepts.
    pub(crate) policy: Policy,
}

/// The sources of one request, for the lines that the outcome log gets about them.
#[derive(Debug, Clone)]
pub(crate) struct Ledger {
    /// None if no outcomes are kept.
    log: Option<Arc<OutcomeLog>>,
    principal: Principal,
    surface: Surface,
    confinement: Offer,
    /// By their place in the request.
    sources: Arc<[Arc<str>]>,
    /// How many bytes a door put in front of each.
    added_bytes: usize,
}

impl Ledger {
    fn new(
        service: &Service,
        principal: &Principal,
        asked: Asked,
        sources: impl Iterator<Item = Arc<str>>,
        added_bytes: usize,
    ) -> Self {
        let log = service.outcomes.clone();
        let is_kept = log.is_some();
        let started = service.started();
        Self {
            log,
            principal: principal.clone(),
            surface: asked.surface,
            confinement: started.map_or(Offer::NOTHING, |started| started.confinement),
            sources: sources.filter(|_| is_kept).collect(),
            added_bytes,
        }
    }

    /// Writes the line about the source at this place.
    pub(crate) fn write(&self, index: usize, evaluated: &Evaluated) {
        let (Some(log), Some(source)) = (&self.log, self.sources.get(index)) else {
            return;
        };
        log.write(&Outcome {
            principal: &self.principal,
            surface: self.surface,
            source: source.get(self.added_bytes..).unwrap_or(source),
            record: &evaluated.record,
            judgement: &evaluated.judgement,
            confinement: self.confinement,
        });
    }
}

/// Set when the client waits no more.
struct CancelOnDrop(CancelFlag);

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.0.set();
    }
}

impl Service {
    /// Evaluates one source, in front of which its door put `added_bytes`, or refuses it. If this is dropped, the
    /// source is cancelled.
    pub(crate) async fn evaluate(
        &self,
        principal: &Principal,
        request: EvalRequest,
        added_bytes: usize,
        asked: Asked,
    ) -> Evaluated {
        let source = std::iter::once(Arc::clone(&request.source));
        let ledger = Ledger::new(self, principal, asked, source, added_bytes);
        let cancel = CancelOnDrop(CancelFlag::default());
        let result = self.submit(principal, request, &cancel.0).await;
        let evaluated = self.count(Evaluated::new(result, asked.policy), asked);
        ledger.write(0, &evaluated);
        evaluated
    }

    /// Hands a request on and waits for its record.
    async fn submit(
        &self,
        principal: &Principal,
        request: EvalRequest,
        cancel: &CancelFlag,
    ) -> Result<EvalRecord, SubmitError> {
        let (started, limits) = self.started_and_limits().await?;
        let mut request = self.prepared(principal, request);
        let client = Arc::clone(&principal.client);
        request.terms = Terms::new(client, limits, request.run_timeout, cancel.clone());
        let longest = request.terms.client_deadline.left().saturating_add(SLACK);
        let (sender, receiver) = oneshot::channel();
        let done = Box::new(move |result| {
            // The client may have gone away.
            let _ = sender.send(result);
        });
        started.evaluate.submit(request, done);
        match timeout(longest, receiver).await {
            Ok(Ok(result)) => result,
            Ok(Err(_)) => Err(lost("a request was lost")),
            Err(_) => Err(lost("a request was kept longer than all its limits")),
        }
    }

    /// A request with what the service knows about it.
    fn prepared(&self, principal: &Principal, mut request: EvalRequest) -> EvalRequest {
        let started = self.started();
        request.lean_options = started.and_then(|started| started.lean_options.clone());
        request.id = Arc::clone(&principal.request_id);
        request.cache = principal.cache;
        request.terms.client = Arc::clone(&principal.client);
        request
    }

    /// What evaluates, and how long a client waits then, besides for the run of its source. The wait for the
    /// start counts as one for a session.
    async fn started_and_limits(&self) -> Result<(&StartedPool, Limits), SubmitError> {
        let start = Instant::now();
        let most = self.options.queue_timeout;
        let started = self.started_within(most).await?;
        let limits = Limits {
            queue_timeout: most.saturating_sub(start.elapsed()),
            import_timeout: self.options.import_timeout,
        };
        Ok((started, limits))
    }

    /// Counts a source and its times.
    fn count(&self, evaluated: Evaluated, asked: Asked) -> Evaluated {
        // The times of a kept record are those of another evaluation.
        let has_run = evaluated.refused.is_none() && !evaluated.record.cached;
        let times = has_run.then_some(evaluated.record.times);
        let judgement = &evaluated.judgement;
        let (verdict, reason) = (judgement.verdict, judgement.reason());
        self.metrics.source(asked.surface, verdict, reason, times);
        evaluated
    }
}

/// Many sources of one client, some of them at a time. Dropping it cancels them.
pub(crate) struct Evaluations {
    service: Arc<Service>,
    batch: Batch,
    /// Notified after each result.
    woken: Arc<Notify>,
    asked: Asked,
    ledger: Ledger,
}

impl Evaluations {
    /// Starts to evaluate sources. While the queue is full, each waits for a place in it as long as a client
    /// may wait, so that a large batch does not fail by its own size.
    ///
    /// # Errors
    /// A service that is not started in time.
    pub(crate) async fn start(
        service: &Arc<Service>,
        principal: &Principal,
        requests: Vec<EvalRequest>,
        asked: Asked,
    ) -> Result<Self, SubmitError> {
        let (started, limits) = service.started_and_limits().await?;
        let evaluate = Arc::clone(&started.evaluate);
        let sources = requests.iter().map(|request| Arc::clone(&request.source));
        let ledger = Ledger::new(service, principal, asked, sources, 0);
        let requests = requests.into_iter();
        let requests = requests.map(|request| service.prepared(principal, request));
        let woken = Arc::new(Notify::new());
        let wake = {
            let woken = Arc::clone(&woken);
            move || woken.notify_one()
        };
        let width = service.options.batch_width;
        Ok(Self {
            service: Arc::clone(service),
            batch: Batch::new(evaluate, requests.collect(), width, limits, wake),
            woken,
            asked,
            ledger,
        })
    }

    /// For lines about sources that are not evaluated.
    pub(crate) fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// The next result with the place of its source, from 0, as they come; none after the last.
    pub(crate) async fn next(&mut self) -> Option<(usize, Evaluated)> {
        loop {
            match self.batch.step() {
                BatchStep::Finished => return None,
                BatchStep::Result(item) => {
                    let (index, result) = *item;
                    let evaluated = Evaluated::new(result, self.asked.policy);
                    let evaluated = self.service.count(evaluated, self.asked);
                    self.ledger.write(index, &evaluated);
                    return Some((index, evaluated));
                }
                BatchStep::Wait(longest) => {
                    // It is looked again in either case.
                    let _ = timeout(longest, self.woken.notified()).await;
                }
            }
        }
    }
}

/// The error for a state that our own logic rules out.
fn lost(problem: &str) -> SubmitError {
    SubmitError::NoSession(Failure::bug(problem))
}
