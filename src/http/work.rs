//! From a request to the pool and back: the only place where tasks meet threads. Never knows the
//! shape of an answer.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;
use tokio::time::{sleep, timeout};

use crate::engine::judge::Policy;
use crate::engine::pool::job::{Answer, Job, Refusal};
use crate::failure::Failure;
use crate::http::verdict;
use crate::limits::{CancelFlag, Deadline};
use crate::protocol::wire::Options;
use crate::service::metrics::{PhaseTimes, Surface};
use crate::service::principal::Principal;
use crate::service::server::Service;

/// How much longer than all its limits together a text may take before it is given up.
const SLACK: Duration = Duration::from_secs(180);

/// The longest wait between two tries for a place in the queue.
const LONGEST_PAUSE: Duration = Duration::from_millis(500);

/// A text and what its client wants of it.
#[derive(Debug, Clone)]
pub(crate) struct Task {
    /// How the client calls it.
    pub(crate) name: String,
    /// The text.
    pub(crate) text: Arc<str>,
    /// What is asked for besides messages and sorries.
    pub(crate) options: Options,
    /// The longest run.
    pub(crate) timeout: Duration,
    /// What rejects a source that Lean accepts.
    pub(crate) policy: Policy,
    /// By which way it came.
    pub(crate) surface: Surface,
}

/// What came of a text.
pub(crate) type Outcome = Result<Answer, Refusal>;

/// Set when nobody waits for the answer any more.
struct CancelOnDrop(CancelFlag);

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.0.set();
    }
}

/// Runs one text, or is refused.
pub(crate) async fn run(server: &Service, caller: &Principal, task: &Task) -> Outcome {
    let outcome = submit(server, caller, task, server.options.queue_timeout).await;
    count(server, task, &outcome);
    outcome
}

/// Runs one text of many: if the queue is full, tries again until the client's patience ends, so
/// that a large batch does not fail by its own size.
pub(crate) async fn run_patiently(server: &Service, caller: &Principal, task: &Task) -> Outcome {
    let patience = Deadline::after(server.options.queue_timeout);
    let outcome = loop {
        match submit(server, caller, task, patience.left()).await {
            Err(Refusal::Full { retry_after }) if !patience.is_over() => {
                sleep(retry_after.min(LONGEST_PAUSE).min(patience.left())).await;
            }
            outcome => break outcome,
        }
    };
    count(server, task, &outcome);
    outcome
}

/// Counts a source and its times.
fn count(server: &Service, task: &Task, outcome: &Outcome) {
    let times = outcome.as_ref().ok().map(|answer| PhaseTimes {
        queue: answer.queue,
        header: answer.evaluated.times.header,
        body: answer.evaluated.times.body,
    });
    let (verdict, reason) = (verdict::verdict(outcome), verdict::reason(outcome));
    server.metrics.source(task.surface, verdict, reason, times);
}

/// Hands a text to the pool and waits. If this is dropped, the text is cancelled.
async fn submit(server: &Service, caller: &Principal, task: &Task, wait: Duration) -> Outcome {
    let start = Instant::now();
    let pool = server.pool_within(wait).await?;
    let wait = wait.saturating_sub(start.elapsed());
    let longest = wait + server.options.import_timeout + task.timeout;
    let cancelled = CancelOnDrop(CancelFlag::default());
    let job = Job {
        name: task.name.clone(),
        text: Arc::clone(&task.text),
        options: task.options.clone(),
        policy: task.policy,
        timeout: task.timeout,
        wait,
        patience: Deadline::after(longest),
        client: Arc::clone(&caller.client),
        cancelled: cancelled.0.clone(),
    };
    let (sender, receiver) = oneshot::channel();
    pool.submit(
        job,
        Box::new(move |outcome| {
            // Nobody may be waiting any more.
            let _ = sender.send(outcome);
        }),
    );
    // The pool keeps its own limits; this one only bounds what a bug of ours can cost.
    match timeout(longest + SLACK, receiver).await {
        Ok(Ok(outcome)) => outcome,
        Ok(Err(_dropped)) => Err(lost("a source was lost in the pool")),
        Err(_elapsed) => Err(lost("the pool kept a source longer than it may")),
    }
}

/// The refusal for a state that our own logic rules out.
fn lost(problem: &str) -> Refusal {
    Refusal::NoSession(Failure::bug(problem))
}
