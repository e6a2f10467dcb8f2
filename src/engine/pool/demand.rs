//! What waits in the queue of a pool: a request or a lease, each with the result that is owed for it,
//! and what is said about one that is stopped. Never runs anything.

use std::hash::BuildHasher;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::engine::evaluate::{Done, SubmitError};
use crate::engine::evaluation::EvalError;
use crate::engine::pool::lease::Lease;
use crate::engine::pool::promise::Promise;
use crate::engine::pool::queue::Entry;
use crate::engine::record::EvalRecord;
use crate::engine::request::{EvalRequest, Terms};
use crate::engine::undecided::{Undecided, UndecidedReason};
use crate::failure::{Failure, Kind};
use crate::lean::header;
use crate::limits::{CancelFlag, Deadline};
use crate::session::error::SessionError;

/// Something that needs a session.
pub(crate) enum Demand {
    /// A source to evaluate.
    Evaluation {
        /// What is asked; boxed, because thousands of them may wait.
        request: Box<EvalRequest>,
        promise: Promise<Result<EvalRecord, SubmitError>>,
    },
    /// A session for a client.
    Lease(Promise<Result<Lease, SubmitError>>),
}

impl Demand {
    /// A request as it waits in the queue.
    pub(crate) fn evaluation(
        request: EvalRequest,
        done: Done<Result<EvalRecord, SubmitError>>,
        hasher: &impl BuildHasher,
    ) -> Entry<Self> {
        let terms = &request.terms;
        let header = header::split(&request.source).canonical();
        Entry {
            header: (!header.is_empty()).then(|| hasher.hash_one(&header)),
            bytes: request.source.len(),
            cancel: terms.cancel.clone(),
            ..entry(
                Arc::clone(&terms.client),
                terms.queue_timeout,
                terms.client_deadline,
                Self::Evaluation {
                    promise: Promise::new(done, || Err(forgotten())),
                    request: Box::new(request),
                },
            )
        }
    }

    /// A request as it waits for a fresh session.
    pub(crate) fn again(
        request: Box<EvalRequest>,
        promise: Promise<Result<EvalRecord, SubmitError>>,
        entry: Entry<()>,
    ) -> Entry<Self> {
        Entry {
            // It had its session in time; what is left to it is the time of its client.
            queue_deadline: entry.client_deadline,
            needs_fresh: true,
            passed_over: 0,
            ..entry.replace(Self::Evaluation { request, promise }).1
        }
    }

    /// A lease as it waits in the queue.
    pub(crate) fn lease(
        client: Arc<str>,
        deadline: Deadline,
        done: Done<Result<Lease, SubmitError>>,
    ) -> Entry<Self> {
        let promise = Promise::new(done, || Err(forgotten()));
        Entry {
            needs_fresh: true,
            is_lease: true,
            ..entry(client, deadline.left(), deadline, Self::Lease(promise))
        }
    }

    /// Reports that nothing is evaluated.
    pub(crate) fn refuse(self, error: SubmitError) {
        match self {
            Self::Evaluation { promise, .. } => promise.keep(Err(error)),
            Self::Lease(promise) => promise.keep(Err(error)),
        }
    }
}

/// An entry that any session can take.
fn entry(
    client: Arc<str>,
    queue_timeout: Duration,
    client_deadline: Deadline,
    item: Demand,
) -> Entry<Demand> {
    let now = Instant::now();
    let end = |left| now.checked_add(left).unwrap_or(now);
    Entry {
        item,
        client,
        header: None,
        bytes: 0,
        arrived: now,
        queue_deadline: end(queue_timeout.min(client_deadline.left())),
        client_deadline: end(client_deadline.left()),
        cancel: CancelFlag::default(),
        needs_fresh: false,
        is_lease: false,
        was_tried: false,
        passed_over: 0,
    }
}

/// What is reported for a demand that got lost: then nothing is known about its source.
fn forgotten() -> SubmitError {
    SubmitError::NoSession(Failure::bug("a request was dropped without a result"))
}

/// Why a source need not be evaluated any more, if so.
pub(crate) fn unwanted(terms: &Terms, waited: Duration) -> Option<SubmitError> {
    if terms.cancel.is_set() {
        Some(SubmitError::Cancelled)
    } else if terms.client_deadline.is_over() {
        Some(SubmitError::QueueTimeout { waited })
    } else {
        None
    }
}

/// Why a source is undecided whose session was stopped by us: for the client's sake, at the end of its
/// time, or at the end of the pool.
pub(crate) fn stopped(terms: &Terms) -> Undecided {
    if !terms.cancel.is_set() && terms.client_deadline.is_over() {
        let waited = terms.client_deadline.span();
        return EvalError::Session(SessionError::Timeout { waited }).into_undecided();
    }
    Undecided {
        reason: UndecidedReason::Cancelled,
        failure: Failure::new(
            Kind::Interrupted,
            "the session was stopped before it answered",
            "send the source again",
        ),
    }
}
