//! What waits in the queue of a real pool: a job or a lease, each with the answer that is owed for
//! it. Never runs anything.

use std::hash::BuildHasher;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::engine::pool::board::Turned;
use crate::engine::pool::job::{Answer, Job, Refusal};
use crate::engine::pool::lease::Lease;
use crate::engine::pool::promise::{Done, Promise};
use crate::engine::pool::queue::{Entry, Gone};
use crate::failure::Failure;
use crate::lean::header;
use crate::limits::{CancelFlag, Deadline};

/// Something that wants a session.
pub(crate) enum Ticket {
    /// A text to run; boxed, because thousands of them may wait.
    Job(Box<JobTicket>),
    /// A session for a client.
    Lease(LeaseTicket),
}

/// A text to run.
pub(crate) struct JobTicket {
    /// The job.
    pub(crate) job: Job,
    /// When it came.
    pub(crate) arrived: Instant,
    /// Whether it has lost a session already.
    pub(crate) was_tried: bool,
    /// Its answer.
    pub(crate) answer: Promise<Result<Answer, Refusal>>,
}

/// A session for a client.
pub(crate) struct LeaseTicket {
    /// When it was asked for.
    pub(crate) arrived: Instant,
    /// The session, or why there is none.
    pub(crate) answer: Promise<Result<Lease, Refusal>>,
}

impl Ticket {
    /// A job as it waits in the queue.
    pub(crate) fn job(
        job: Job,
        done: Done<Result<Answer, Refusal>>,
        hasher: &impl BuildHasher,
    ) -> Entry<Self> {
        let now = Instant::now();
        let patience = end_of(job.patience, now);
        let header = header::split(&job.text).canonical();
        Entry {
            client: Arc::clone(&job.client),
            header: (!header.is_empty()).then(|| hasher.hash_one(&header)),
            bytes: job.text.len(),
            until: now
                .checked_add(job.wait)
                .map_or(patience, |end| end.min(patience)),
            patience,
            cancelled: job.cancelled.clone(),
            needs_fresh: false,
            is_lease: false,
            passed_over: 0,
            item: Self::Job(Box::new(JobTicket {
                job,
                arrived: now,
                was_tried: false,
                answer: Promise::new(done, || Err(forgotten())),
            })),
        }
    }

    /// A lease as it waits in the queue.
    pub(crate) fn lease(
        client: Arc<str>,
        patience: Deadline,
        done: Done<Result<Lease, Refusal>>,
    ) -> Entry<Self> {
        let now = Instant::now();
        Entry {
            client,
            header: None,
            bytes: 0,
            until: end_of(patience, now),
            patience: end_of(patience, now),
            cancelled: CancelFlag::default(),
            needs_fresh: true,
            is_lease: true,
            passed_over: 0,
            item: Self::Lease(LeaseTicket {
                arrived: now,
                answer: Promise::new(done, || Err(forgotten())),
            }),
        }
    }

    /// Tells the client that nothing comes of it.
    pub(crate) fn refuse(self, refusal: Refusal) {
        match self {
            Self::Job(ticket) => ticket.answer.keep(Err(refusal)),
            Self::Lease(ticket) => ticket.answer.keep(Err(refusal)),
        }
    }

    /// Tells the client why it left the queue.
    pub(crate) fn refuse_gone(self, gone: Gone) {
        let waited = self.waited();
        self.refuse(match gone {
            Gone::Cancelled => Refusal::Cancelled,
            Gone::TooLate => Refusal::TooLate { waited },
        });
    }

    /// Tells the client why it was not let in.
    pub(crate) fn refuse_turned(self, turned: Turned) {
        self.refuse(match turned {
            Turned::Full(retry_after) => Refusal::Full { retry_after },
            Turned::Draining => Refusal::Draining,
            Turned::NoSession(failure) => Refusal::NoSession(again(&failure)),
        });
    }

    /// How long it has waited.
    fn waited(&self) -> Duration {
        match self {
            Self::Job(ticket) => ticket.arrived.elapsed(),
            Self::Lease(ticket) => ticket.arrived.elapsed(),
        }
    }
}

/// The moment at which a deadline ends.
fn end_of(deadline: Deadline, now: Instant) -> Instant {
    now.checked_add(deadline.left()).unwrap_or(now)
}

/// What is answered for a ticket that got lost: then nothing is known about its text.
fn forgotten() -> Refusal {
    Refusal::NoSession(Failure::bug("a job was dropped without an answer"))
}

/// The same failure once more, for another client.
pub(crate) fn again(failure: &Failure) -> Failure {
    let copy = Failure::new(failure.kind(), failure.problem(), failure.hint());
    let causes = failure.causes();
    if causes.is_empty() {
        copy
    } else {
        copy.caused_by(causes.join(": "))
    }
}
