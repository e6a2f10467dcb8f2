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
use crate::service::metrics::Surface;
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

/// Set when the client waits no more.
struct CancelOnDrop(CancelFlag);

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.0.set();
    }
}

impl Service {
    /// Evaluates one source, or refuses it. If this is dropped, the source is cancelled.
    pub(crate) async fn evaluate(
        &self,
        principal: &Principal,
        request: EvalRequest,
        asked: Asked,
    ) -> Evaluated {
        let cancel = CancelOnDrop(CancelFlag::default());
        let result = self.submit(principal, request, &cancel.0).await;
        self.count(Evaluated::new(result, asked.policy), asked)
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
        let times = evaluated
            .refused
            .is_none()
            .then_some(evaluated.record.times);
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
        })
    }

    /// The next result with the place of its source, from 0, as they come; none after the last.
    pub(crate) async fn next(&mut self) -> Option<(usize, Evaluated)> {
        loop {
            match self.batch.step() {
                BatchStep::Finished => return None,
                BatchStep::Result(item) => {
                    let (index, result) = *item;
                    let evaluated = Evaluated::new(result, self.asked.policy);
                    return Some((index, self.service.count(evaluated, self.asked)));
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
