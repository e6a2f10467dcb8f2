//! What goes into the pool and what comes out. Runs nothing.

use std::sync::Arc;
use std::time::Duration;

use crate::engine::evaluated::Evaluated;
use crate::engine::judge::Policy;
use crate::failure::Failure;
use crate::limits::{CancelFlag, Deadline};
use crate::protocol::wire::Options;

/// One text of one client.
#[derive(Debug, Clone)]
pub struct Job {
    /// The name under which the text is shown, such as the client's own id for it.
    pub name: String,
    /// The whole text, header included.
    pub text: Arc<str>,
    /// What is asked for besides messages and sorries.
    pub options: Options,
    /// What rejects a source that Lean accepts.
    pub policy: Policy,
    /// The longest wait for Lean once the text runs; headers have a limit of their own.
    pub timeout: Duration,
    /// The longest wait for a session.
    pub wait: Duration,
    /// The end of the client's patience, the wait in the queue included. A text that runs then is
    /// stopped.
    pub patience: Deadline,
    /// Who asks; the queue is fair between clients.
    pub client: Arc<str>,
    /// Set when the client has gone away: then nobody needs the answer, and a session that is busy
    /// with it is freed.
    pub cancelled: CancelFlag,
}

/// What came of a job that ran.
#[derive(Debug)]
pub struct Answer {
    /// The verdict and all that Lean said; undecided with its failure if the session was lost.
    pub evaluated: Evaluated,
    /// How long the job waited for a session.
    pub queue: Duration,
    /// The number of the session that ran it, unique in this process.
    pub session: u64,
    /// The most resident memory of that session and all it started so far, in bytes.
    pub peak_memory: u64,
}

/// Why a job did not run. Nothing is known about its text then.
#[derive(Debug)]
pub enum Refusal {
    /// The queue is full.
    Full {
        /// When it is worth trying again.
        retry_after: Duration,
    },
    /// The client's patience ended in the queue.
    TooLate {
        /// How long it had waited.
        waited: Duration,
    },
    /// The pool is shutting down and takes no new work.
    Draining,
    /// No session could be started, and why.
    NoSession(Failure),
    /// The client went away.
    Cancelled,
}
