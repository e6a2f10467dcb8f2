//! Many requests, a bounded number of them at a time, with results as they finish. Knows neither threads nor
//! tasks: the caller that takes the results also brings the batch on.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::engine::evaluate::{Evaluate, SubmitError};
use crate::engine::record::EvalRecord;
use crate::engine::request::{EvalRequest, Limits, Terms};
use crate::failure::Failure;
use crate::lean::header;
use crate::limits::CancelFlag;

/// The longest wait between two tries for a place in the queue.
const LONGEST_PAUSE: Duration = Duration::from_millis(500);

/// How much longer than all its limits together a request may take before it is given up. Those who evaluate
/// keep the limits; this only bounds what a bug of ours can cost.
pub(crate) const SLACK: Duration = Duration::from_secs(180);

/// A result with the place of its request, from 0.
pub(crate) type BatchItem = (usize, Result<EvalRecord, SubmitError>);

/// What is next in a batch.
#[derive(Debug)]
pub(crate) enum BatchStep {
    /// A result.
    Result(Box<BatchItem>),
    /// No result yet: [`Batch::step`] is to be called again after the wake-up, at the latest after this time.
    Wait(Duration),
    /// All results were taken.
    Finished,
}

/// Requests that run or will. Dropping it cancels them.
pub(crate) struct Batch {
    evaluate: Arc<dyn Evaluate>,
    /// Requests that were not submitted yet, in the order in which they will be.
    waiting: VecDeque<WaitingRequest>,
    /// How many are submitted at a time.
    width: usize,
    limits: Limits,
    shared: Arc<BatchShared>,
    cancel: CancelFlag,
    /// No request is submitted before this: the queue was full.
    not_before: Option<Instant>,
}

/// A request that was not submitted yet.
struct WaitingRequest {
    index: usize,
    request: EvalRequest,
    /// Until when it waits for a place in the queue, once it was submitted.
    until: Option<Instant>,
}

/// What the callbacks share with the batch.
struct BatchShared {
    state: Mutex<BatchState>,
    wake: Box<dyn Fn() + Send + Sync>,
}

/// What has happened so far.
#[derive(Default)]
struct BatchState {
    /// The places of those that were submitted and have no result, with the moment at which they are given up.
    running: BTreeMap<usize, Instant>,
    /// Results that were not taken yet.
    finished: VecDeque<BatchItem>,
    /// Those for which the queue was full, with the time after which it is worth trying again.
    refused: Vec<(WaitingRequest, Duration)>,
}

impl BatchShared {
    /// The state. A callback that panicked cannot have left it half changed.
    fn state(&self) -> MutexGuard<'_, BatchState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the result of a request that was submitted.
    fn finish(&self, request: WaitingRequest, result: Result<EvalRecord, SubmitError>) {
        let mut state = self.state();
        if state.running.remove(&request.index).is_none() {
            // It was given up.
            return;
        }
        let may_wait = request.until.is_none_or(|until| Instant::now() < until);
        match result {
            Err(SubmitError::QueueFull { retry_after }) if may_wait => {
                state.refused.push((request, retry_after));
            }
            result => state.finished.push_back((request.index, result)),
        }
        drop(state);
        (self.wake)();
    }
}

impl Batch {
    /// A batch of requests, at most `width` of them submitted at a time. `wake` is called after each result,
    /// on any thread. Requests with the same header follow each other, so that they meet the same session.
    pub(crate) fn new(
        evaluate: Arc<dyn Evaluate>,
        requests: Vec<EvalRequest>,
        width: usize,
        limits: Limits,
        wake: impl Fn() + Send + Sync + 'static,
    ) -> Self {
        Self {
            evaluate,
            waiting: by_header(requests),
            width: width.max(1),
            limits,
            shared: Arc::new(BatchShared {
                state: Mutex::default(),
                wake: Box::new(wake),
            }),
            cancel: CancelFlag::default(),
            not_before: None,
        }
    }

    /// Submits what there is room for, and gives the next result.
    pub(crate) fn step(&mut self) -> BatchStep {
        let now = Instant::now();
        self.submit(now);
        let mut state = self.shared.state();
        let late = state.running.iter().find(|(_, end)| **end <= now);
        if let Some(index) = late.map(|(index, _)| *index) {
            state.running.remove(&index);
            let bug = Failure::bug("a request was kept longer than all its limits");
            state
                .finished
                .push_back((index, Err(SubmitError::NoSession(bug))));
        }
        if let Some(item) = state.finished.pop_front() {
            return BatchStep::Result(Box::new(item));
        }
        if state.running.is_empty() && self.waiting.is_empty() && state.refused.is_empty() {
            return BatchStep::Finished;
        }
        let ends = state.running.values().copied().chain(self.not_before);
        let next = ends.min().map(|end| end.saturating_duration_since(now));
        BatchStep::Wait(next.unwrap_or(LONGEST_PAUSE).max(Duration::from_millis(1)))
    }

    /// Submits what there is room for.
    fn submit(&mut self, now: Instant) {
        while self.take_refused(now) && self.shared.state().running.len() < self.width {
            let Some(mut next) = self.waiting.pop_front() else {
                return;
            };
            let until = *next.until.get_or_insert(now + self.limits.queue_timeout);
            let limits = Limits {
                queue_timeout: until.saturating_duration_since(now),
                ..self.limits
            };
            let client = Arc::clone(&next.request.terms.client);
            let run_timeout = next.request.run_timeout;
            next.request.terms = Terms::new(client, limits, run_timeout, self.cancel.clone());
            let end = now + next.request.terms.client_deadline.left() + SLACK;
            self.shared.state().running.insert(next.index, end);
            let shared = Arc::clone(&self.shared);
            let request = next.request.clone();
            let done = Box::new(move |result| shared.finish(next, result));
            self.evaluate.submit(request, done);
        }
    }

    /// Takes back those for which the queue was full; false as long as nothing is to be submitted.
    fn take_refused(&mut self, now: Instant) -> bool {
        for (waiting, retry_after) in std::mem::take(&mut self.shared.state().refused) {
            self.waiting.push_front(waiting);
            self.not_before = Some(now + retry_after.min(LONGEST_PAUSE));
        }
        match self.not_before {
            Some(moment) if now < moment => false,
            _ => {
                self.not_before = None;
                true
            }
        }
    }
}

impl Drop for Batch {
    fn drop(&mut self) {
        self.cancel.set();
    }
}

/// The requests with their places, grouped by header in the order of its first appearance.
fn by_header(requests: Vec<EvalRequest>) -> VecDeque<WaitingRequest> {
    let mut groups: Vec<Vec<WaitingRequest>> = Vec::new();
    let mut known: HashMap<String, usize> = HashMap::new();
    for (index, request) in requests.into_iter().enumerate() {
        let header = header::split(&request.source).canonical();
        let group = *known.entry(header).or_insert(groups.len());
        if group == groups.len() {
            groups.push(Vec::new());
        }
        if let Some(group) = groups.get_mut(group) {
            group.push(WaitingRequest {
                index,
                request,
                until: None,
            });
        }
    }
    groups.into_iter().flatten().collect()
}

#[cfg(test)]
mod tests;
