//! One proven session as a slot uses it: runs a text on it, and says what is left of it afterwards.
//! Never decides when it is replaced.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::engine::eval::{EvalSettings, Evaluator};
use crate::engine::evaluated::Evaluated;
use crate::engine::judge::Policy;
use crate::engine::pool::job::Job;
use crate::engine::pool::policy::Reason;
use crate::engine::pool::settings::PoolSettings;
use crate::engine::undecided::UndecidedReason;
use crate::event::Observer;
use crate::failure::Failure;
use crate::lean::header;
use crate::lean::message::EnvId;
use crate::limits::{CancelFlag, Deadline, Wait};
use crate::protocol::wire::{Options, Reply, Request};
use crate::session::error::SessionError;
use crate::session::opening::{SessionFactory, Trouble};

/// How often the memory of a session is measured between short texts.
const MEASURED_EVERY: Duration = Duration::from_millis(40);

/// A proven session.
pub(crate) struct Host {
    /// Its number, unique in the pool.
    pub(crate) number: u64,
    /// Talks with it.
    evaluator: Evaluator,
    /// Its Lean's version.
    pub(crate) lean_version: String,
    /// How many texts or clients it has served.
    pub(crate) served: u64,
    /// Resident bytes of its tree when last measured.
    pub(crate) resident: u64,
    /// The most that was measured.
    pub(crate) peak: u64,
    /// When that was.
    measured: Option<Instant>,
}

/// What came of a text.
pub(crate) enum Ran {
    /// It was evaluated; its session may be used again.
    Evaluated(Box<Evaluated>),
    /// Nobody knows, but the session may be used again.
    Refused {
        /// Why.
        failure: Failure,
        /// The same in a word.
        reason: UndecidedReason,
        /// How long it was tried.
        took: Duration,
    },
    /// The session was lost.
    Lost {
        /// How.
        error: SessionError,
        /// Whether the answer had begun to come.
        has_begun: bool,
        /// How long it was tried.
        took: Duration,
    },
}

impl Host {
    /// Starts and proves a session together with the headers of the settings and those in `headers`
    /// that can be proven; says which it holds, as they are sent.
    pub(crate) fn open(
        number: u64,
        settings: &PoolSettings,
        headers: &[Arc<str>],
        kill: &CancelFlag,
        observer: &Arc<dyn Observer>,
    ) -> Result<(Self, Vec<String>), Failure> {
        let mut evaluator = evaluator(settings, kill, observer);
        let lean_version = evaluator.open()?.to_owned();
        let mut host = Self {
            number,
            evaluator,
            lean_version,
            served: 0,
            resident: 0,
            peak: 0,
            measured: None,
        };
        let mut held = Vec::new();
        for text in &settings.warm {
            host.evaluator.prove(text).map_err(Trouble::into_failure)?;
            held.push(header::split(text).canonical());
        }
        for text in headers {
            match host.evaluator.prove(text) {
                Ok(_) => held.push(header::split(text).canonical()),
                Err(Trouble::Session(error)) => return Err(error.into_failure()),
                // It could be imported before; whoever asks for it again learns why not now.
                Err(Trouble::Refused(_)) => {}
            }
        }
        held.retain(|header| !header.is_empty());
        host.measure();
        Ok((host, held))
    }

    /// Runs a text; says as well whether the environment of its header is there and proven.
    pub(crate) fn run(&mut self, job: &Job) -> (Ran, bool) {
        self.served += 1;
        let timeout = Wait::from(job.timeout);
        let start = Instant::now();
        let once =
            self.evaluator
                .evaluate_once(&job.name, &job.text, timeout, &job.options, job.policy);
        let took = start.elapsed();
        if self
            .measured
            .is_none_or(|last| last.elapsed() >= MEASURED_EVERY)
        {
            self.measure();
        }
        let proven = once.is_header_proven;
        let ran = match once.outcome {
            Ok(evaluated) => Ran::Evaluated(Box::new(evaluated)),
            Err(Trouble::Session(error)) => Ran::Lost {
                error,
                has_begun: once.has_begun,
                took,
            },
            Err(trouble @ Trouble::Refused(_)) => Ran::Refused {
                reason: self.evaluator.reason(&trouble),
                failure: trouble.into_failure(),
                took,
            },
        };
        (ran, proven)
    }

    /// Sends a request as it is, and makes sure that the reply is the one to it.
    pub(crate) fn ask(
        &mut self,
        request: &Request,
        timeout: Duration,
    ) -> Result<Reply, SessionError> {
        let Some(open) = self.evaluator.opened() else {
            return Err(over());
        };
        let reply = open.session.ask(request, Deadline::after(timeout))?;
        open.session.sweep();
        open.fence()?;
        self.measure();
        Ok(reply)
    }

    /// The proven environment of a text's header.
    pub(crate) fn prove(&mut self, text: &str) -> Result<EnvId, Trouble> {
        self.evaluator.prove(text)
    }

    /// Whether nothing can be asked any more.
    pub(crate) fn is_over(&mut self) -> bool {
        let open = self.evaluator.opened();
        open.is_none_or(|open| open.session.is_over())
    }

    /// Whether its process has ended. One system call, so that it can be looked at before each text.
    pub(crate) fn has_died(&mut self) -> bool {
        let open = self.evaluator.opened();
        open.is_none_or(|open| open.session.has_died())
    }

    /// Looks after the session while nothing is asked.
    ///
    /// # Errors
    /// Why it is lost.
    pub(crate) fn check_idle(&mut self) -> Result<(), Reason> {
        let Some(open) = self.evaluator.opened() else {
            return Err(Reason::Died);
        };
        open.session
            .check_idle()
            .map_err(|error| Reason::of(&error))?;
        self.measure();
        Ok(())
    }

    /// Measures its memory.
    fn measure(&mut self) {
        let Some(open) = self.evaluator.opened() else {
            return;
        };
        // Where the system does not tell, nothing is known, and nothing is held against it.
        self.resident = open.session.resident_bytes().unwrap_or_default();
        let peak = open.session.peak_resident_bytes();
        self.peak = self.peak.max(peak.unwrap_or_default());
        self.measured = Some(Instant::now());
    }
}

/// Talks with a session that is not there yet.
fn evaluator(
    settings: &PoolSettings,
    kill: &CancelFlag,
    observer: &Arc<dyn Observer>,
) -> Evaluator {
    let evaluation = EvalSettings {
        base: settings.base.clone(),
        lean_options: settings.lean_options.clone(),
        // Each job brings its own timeout, options and policy.
        timeout: settings.import_timeout,
        options: Options::default(),
        policy: Policy::default(),
    };
    let opener = SessionFactory {
        lean: settings.lean.clone(),
        limits: settings.limits,
        import_timeout: settings.import_timeout,
        interrupt: kill.clone(),
        observer: Arc::clone(observer),
    };
    Evaluator::new(evaluation, opener)
}

/// What is said to those who ask a session that has ended.
pub(crate) fn over() -> SessionError {
    SessionError::Garbled {
        problem: "the session is over".to_owned(),
        seen: String::new(),
    }
}
