//! A session of one's own for a client that works step by step. Bound to a slot whose thread does
//! the asking; the session is never used by anybody else before or after.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::time::Duration;

use crate::engine::pool::host::{Host, over};
use crate::engine::pool::policy::Reason;
use crate::engine::pool::promise::{Done, Promise};
use crate::failure::{Failure, Kind};
use crate::lean::message::EnvId;
use crate::limits::CancelFlag;
use crate::protocol::wire::{Reply, Request};
use crate::session::error::SessionError;
use crate::session::opening::Trouble;

/// How many requests of a client wait for their turn.
const WAITING: usize = 16;

/// How often a leased session that is asked nothing is looked after.
const WATCH: Duration = Duration::from_millis(50);

/// The hold on a session. Dropping it gives the session back, which is then replaced.
#[derive(Debug)]
pub struct Lease {
    /// Where requests go.
    errands: SyncSender<Errand>,
    /// The session's number.
    session: u64,
    /// The version of its Lean.
    lean_version: Arc<str>,
    /// Set when the session is lost.
    lost: CancelFlag,
    /// Stops the session.
    kill: CancelFlag,
}

impl Drop for Lease {
    fn drop(&mut self) {
        // Nobody waits for what it is at.
        self.kill.set();
    }
}

/// What a client wants of its session.
enum Errand {
    /// An answer to a request.
    Ask {
        /// The request.
        request: Box<Request>,
        /// The longest wait for its reply.
        timeout: Duration,
        /// Who waits.
        answer: Promise<Result<Reply, SessionError>>,
    },
    /// The environment of a header.
    Prove {
        /// A text with that header.
        text: Arc<str>,
        /// Who waits.
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

    /// The proven environment of a text's header, made if it is not there yet; that of a text
    /// without a header holds `Init`. `done` is called exactly once, on any thread.
    pub fn prove(&self, text: Arc<str>, done: Done<Result<EnvId, Failure>>) {
        let answer = Promise::new(done, || Err(over().into_failure()));
        self.send(Errand::Prove { text, answer });
    }

    /// Hands an errand to the slot.
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

/// The slot's end of a lease.
pub(crate) struct Leased {
    /// Where requests come from.
    errands: Receiver<Errand>,
    /// Set when the session is lost.
    lost: CancelFlag,
}

/// Makes both ends of a lease on a session that `kill` stops.
pub(crate) fn pair(host: &Host, kill: &CancelFlag) -> (Lease, Leased) {
    let (sender, receiver) = sync_channel(WAITING);
    let lost = CancelFlag::default();
    let lease = Lease {
        errands: sender,
        session: host.number,
        lean_version: Arc::from(host.lean_version.as_str()),
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
    pub(crate) fn serve(self, host: &mut Host, is_to_end: impl Fn() -> bool) -> Reason {
        loop {
            match self.errands.recv_timeout(WATCH) {
                Ok(errand) => {
                    if let Some(reason) = self.run(host, errand) {
                        return reason;
                    }
                }
                Err(RecvTimeoutError::Disconnected) => return Reason::Leased,
                Err(RecvTimeoutError::Timeout) => {
                    if is_to_end() {
                        self.lost.set();
                        return Reason::Leased;
                    }
                    if let Err(reason) = host.check_idle() {
                        self.lost.set();
                        return reason;
                    }
                }
            }
        }
    }

    /// Runs one errand; gives the reason if the session was lost by it.
    fn run(&self, host: &mut Host, errand: Errand) -> Option<Reason> {
        match errand {
            Errand::Ask {
                request,
                timeout,
                answer,
            } => {
                let replied = host.ask(&request, timeout);
                let reason = replied.as_ref().err().map(Reason::of);
                if reason.is_some() {
                    self.lost.set();
                }
                answer.keep(replied);
                reason
            }
            Errand::Prove { text, answer } => {
                let (proven, reason) = match host.prove(&text) {
                    Ok(env) => (Ok(env), None),
                    Err(Trouble::Refused(failure)) => (Err(failure), None),
                    Err(Trouble::Session(error)) => {
                        let reason = Reason::of(&error);
                        (Err(error.into_failure()), Some(reason))
                    }
                };
                if reason.is_some() {
                    self.lost.set();
                }
                answer.keep(proven);
                reason
            }
        }
    }
}
