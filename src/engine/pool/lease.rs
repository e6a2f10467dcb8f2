//! A session of one's own for a client that works step by step. Bound to a worker whose thread does
//! the asking; the session is never used by anybody else before or after.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::time::Duration;

use crate::engine::evaluate::Done;
use crate::engine::evaluation::EvalError;
use crate::engine::pool::promise::Promise;
use crate::engine::pool::recycling::RecycleReason;
use crate::engine::pool::worker_session::{WorkerSession, over};
use crate::failure::{Failure, Kind};
use crate::lean::message::EnvId;
use crate::lean::options::ModuleOptions;
use crate::limits::CancelFlag;
use crate::protocol::wire::{Reply, Request};
use crate::session::error::SessionError;

/// How many requests of a client wait for their turn.
const WAITING: usize = 16;

/// How often a leased session that is asked nothing is looked after.
const WATCH: Duration = Duration::from_millis(50);

/// The hold on a session. Dropping it gives the session back, which is then replaced.
#[derive(Debug)]
pub struct Lease {
    errands: SyncSender<Errand>,
    session: u64,
    lean_version: Arc<str>,
    /// Set when the session is lost.
    lost: CancelFlag,
    kill: CancelFlag,
}

impl Drop for Lease {
    fn drop(&mut self) {
        // No client waits for what it is at.
        self.kill.set();
    }
}

/// What a client wants of its session.
enum Errand {
    /// An answer to a request.
    Ask {
        request: Box<Request>,
        /// The longest wait for its reply.
        timeout: Duration,
        answer: Promise<Result<Reply, SessionError>>,
    },
    /// The environment of a header.
    Prove {
        source: Arc<str>,
        /// The options of Lean that hold for it.
        options: Option<Arc<ModuleOptions>>,
        answer: Promise<Result<EnvId, Failure>>,
    },
}

impl Lease {
    /// The session's number, unique in the pool.
    pub fn session(&self) -> u64 {
        self.session
    }

    /// Lean's version as the session says it.
    pub fn lean_version(&self) -> &str {
        &self.lean_version
    }

    /// Whether the session is lost, with all its environments and proof states.
    pub fn is_lost(&self) -> bool {
        self.lost.is_set()
    }

    /// Asks the session. `done` is called exactly once, on any thread; with an error if the session
    /// is lost by it or was before. [`SessionError::Interrupted`] from a session that is not lost says
    /// that too many requests of this client wait already.
    pub fn ask(
        &self,
        request: Request,
        timeout: Duration,
        done: Done<Result<Reply, SessionError>>,
    ) {
        let answer = Promise::new(done, || Err(over()));
        self.send(Errand::Ask {
            request: Box::new(request),
            timeout,
            answer,
        });
    }

    /// The proven environment of a source's header, with the options that hold for it, made if it is not
    /// there yet; that of a source without a header holds `Init`. `done` is called exactly once, on any thread.
    pub fn prove(
        &self,
        source: Arc<str>,
        options: Option<Arc<ModuleOptions>>,
        done: Done<Result<EnvId, Failure>>,
    ) {
        let answer = Promise::new(done, || Err(over().into_failure()));
        self.send(Errand::Prove {
            source,
            options,
            answer,
        });
    }

    /// Hands an errand to the worker.
    fn send(&self, errand: Errand) {
        match self.errands.try_send(errand) {
            Ok(()) => {}
            // The promise answers that the session is over.
            Err(TrySendError::Disconnected(errand)) => drop(errand),
            Err(TrySendError::Full(errand)) => errand.refuse(),
        }
    }
}

impl Errand {
    /// Answers that too many wait.
    fn refuse(self) {
        match self {
            Self::Ask { answer, .. } => answer.keep(Err(SessionError::Interrupted)),
            Self::Prove { answer, .. } => answer.keep(Err(Failure::new(
                Kind::Session,
                "too many requests wait for this session",
                "wait for the reply to one before sending the next",
            ))),
        }
    }
}

/// The worker's end of a lease.
pub(crate) struct Leased {
    errands: Receiver<Errand>,
    /// Set when the session is lost.
    lost: CancelFlag,
}

/// Makes both ends of a lease on a session that `kill` stops.
pub(crate) fn pair(session: &WorkerSession, kill: &CancelFlag) -> (Lease, Leased) {
    let (sender, receiver) = sync_channel(WAITING);
    let lost = CancelFlag::default();
    let lease = Lease {
        errands: sender,
        session: session.number,
        lean_version: Arc::from(session.lean.version.as_str()),
        lost: lost.clone(),
        kill: kill.clone(),
    };
    let leased = Leased {
        errands: receiver,
        lost,
    };
    (lease, leased)
}

impl Leased {
    /// Does what the client asks until it drops its lease, the session is lost or `is_to_end` says
    /// so; says why it ended.
    pub(crate) fn serve(
        self,
        session: &mut WorkerSession,
        without_pickle: &AtomicBool,
        is_to_end: impl Fn() -> bool,
    ) -> RecycleReason {
        loop {
            match self.errands.recv_timeout(WATCH) {
                Ok(errand) => {
                    if let Some(reason) = self.run(session, without_pickle, errand) {
                        return reason;
                    }
                }
                Err(RecvTimeoutError::Disconnected) => return RecycleReason::Leased,
                Err(RecvTimeoutError::Timeout) => {
                    if is_to_end() {
                        self.lost.set();
                        return RecycleReason::Leased;
                    }
                    if let Err(reason) = session.check_idle() {
                        self.lost.set();
                        return reason;
                    }
                }
            }
        }
    }

    /// Runs one errand; gives the reason if the session was lost by it.
    fn run(
        &self,
        session: &mut WorkerSession,
        without_pickle: &AtomicBool,
        errand: Errand,
    ) -> Option<RecycleReason> {
        match errand {
            Errand::Ask {
                request,
                timeout,
                answer,
            } => {
                let replied = session.ask(&request, timeout);
                let reason = replied.as_ref().err().map(RecycleReason::of);
                if reason.is_some() {
                    self.lost.set();
                }
                answer.keep(replied);
                reason
            }
            Errand::Prove {
                source,
                options,
                answer,
            } => {
                let proven = session.prove(&source, options.as_deref(), without_pickle);
                let reason = match &proven {
                    Err(EvalError::Session(error)) => Some(RecycleReason::of(error)),
                    _ => session.is_over().then_some(RecycleReason::Died),
                };
                if reason.is_some() {
                    self.lost.set();
                }
                answer.keep(proven.map_err(|error| error.into_undecided().failure));
                reason
            }
        }
    }
}
