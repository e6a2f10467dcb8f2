//! What work tells while it runs. Never formats and never decides what is shown.

use crate::failure::Failure;

/// One thing that happened.
#[derive(Debug, Clone, Copy)]
pub enum Event<'a> {
    /// A command is about to run, in a form that can be pasted into a shell.
    CommandStarted {
        /// The quoted command line.
        line: &'a str,
    },
    /// A one-shot command wrote a line on its stdout or stderr.
    CommandOutput {
        /// The line without its end.
        line: &'a str,
    },
    /// A request is about to be sent to a session.
    RequestSent {
        /// The request as one line of JSON.
        json: &'a str,
    },
    /// A session wrote something on its stdout that is no reply.
    NoiseSeen {
        /// The stray text, possibly shortened.
        text: &'a str,
    },
    /// A choice was made for the user, with its reason.
    Chosen {
        /// What was chosen and why, one sentence.
        text: &'a str,
    },
    /// Something the user should know, that is no failure.
    Noted {
        /// One sentence.
        text: &'a str,
    },
    /// A session has passed its probe.
    SessionStarted {
        /// Its number, unique in its process.
        session: u64,
        /// Lean's version as it reports it.
        lean_version: &'a str,
    },
    /// A session ended and is replaced.
    SessionEnded {
        /// Its number.
        session: u64,
        /// Why, in a word.
        reason: &'a str,
    },
    /// No session starts.
    StartFailed {
        /// Why, and what to do about it.
        failure: &'a Failure,
    },
    /// A request lost its session and is evaluated once more in a fresh one.
    Retried {
        /// The session that was lost.
        session: u64,
        /// The request's id; empty if it has none.
        request: &'a str,
    },
    /// A process that a source had started was still running and was killed.
    StrayKilled {
        /// The session of the source.
        session: u64,
    },
    /// A long step begins; its progress is counted in `total` units if that is known.
    StepStarted {
        /// What happens, as a user reads it.
        label: &'a str,
        /// Bytes to go in all, if known.
        total_bytes: Option<u64>,
    },
    /// The current step came this far.
    StepAdvanced {
        /// Bytes done since the step began.
        done_bytes: u64,
    },
    /// The current step is over.
    StepFinished,
}

/// Hears what happens. Shared between threads, so an implementation locks for itself.
pub trait Observer: Send + Sync {
    /// Takes note of one event; must not block for long and must not fail.
    fn tell(&self, event: Event<'_>);
}

/// A long step without a size, which is over when this is dropped.
#[must_use]
pub(crate) struct Step<'a>(&'a dyn Observer);

impl<'a> Step<'a> {
    pub(crate) fn begin(observer: &'a dyn Observer, label: &str) -> Self {
        observer.tell(Event::StepStarted {
            label,
            total_bytes: None,
        });
        Self(observer)
    }
}

impl Drop for Step<'_> {
    fn drop(&mut self) {
        self.0.tell(Event::StepFinished);
    }
}

/// Does the work of a long step without a size, and tells that it begins and is over.
pub(crate) fn step<T>(observer: &dyn Observer, label: &str, work: impl FnOnce() -> T) -> T {
    let _step = Step::begin(observer, label);
    work()
}

/// Hears and forgets: for tests and benchmarks.
#[derive(Debug, Clone, Copy, Default)]
pub struct Unobserved;

impl Observer for Unobserved {
    fn tell(&self, _event: Event<'_>) {}
}
