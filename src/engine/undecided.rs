//! Why a source is undecided: one word for each reason, the same in the JSON of the command line, over
//! HTTP and in metrics.

use serde::{Deserialize, Serialize};

use crate::failure::Failure;
use crate::process::ending::How;
use crate::session::error::SessionError;

/// Why nothing is known about a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UndecidedReason {
    /// Lean took longer than its limit.
    Timeout,
    /// The session went over its memory limit, or the machine had no more.
    Memory,
    /// The session died.
    Crash,
    /// The imports failed.
    Import,
    /// The reply was longer than its limit.
    ReplyTooLarge,
    /// What the session sent is not a reply to the source.
    ProtocolError,
    /// This Lean lacks a part that the source needs, or its REPL refuses an option of the request.
    Unsupported,
    /// The session was stopped before it replied: the client went away, or leanrepl was shut down.
    Cancelled,
    /// No session was free in time, or the queue was full.
    QueueTimeout,
    /// The source did not run: it cannot be read, no session starts, or the server is shutting down.
    Unavailable,
    /// The source did not run because another one was accepted first.
    Skipped,
}

/// Why a source is undecided, in a word and in full.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Undecided {
    /// In a word.
    pub reason: UndecidedReason,
    /// In full.
    pub failure: Failure,
}

impl UndecidedReason {
    /// Every reason, in the order of the README.
    pub const ALL: [Self; 11] = [
        Self::Timeout,
        Self::Memory,
        Self::Crash,
        Self::Import,
        Self::ReplyTooLarge,
        Self::ProtocolError,
        Self::Unsupported,
        Self::Cancelled,
        Self::QueueTimeout,
        Self::Unavailable,
        Self::Skipped,
    ];

    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Timeout => "timeout",
            Self::Memory => "memory",
            Self::Crash => "crash",
            Self::Import => "import",
            Self::ReplyTooLarge => "reply_too_large",
            Self::ProtocolError => "protocol_error",
            Self::Unsupported => "unsupported",
            Self::Cancelled => "cancelled",
            Self::QueueTimeout => "queue_timeout",
            Self::Unavailable => "unavailable",
            Self::Skipped => "skipped",
        }
    }
}

impl From<&SessionError> for UndecidedReason {
    /// Why a source is undecided whose session was lost.
    fn from(error: &SessionError) -> Self {
        match error {
            SessionError::Timeout { .. } => Self::Timeout,
            SessionError::Memory { .. } => Self::Memory,
            SessionError::ReplyTooLarge { .. } => Self::ReplyTooLarge,
            SessionError::Died(ending) if ending.how == How::OutOfMemory => Self::Memory,
            SessionError::Died(_) | SessionError::Pipe(_) | SessionError::Start { .. } => {
                Self::Crash
            }
            SessionError::Protocol { .. } => Self::ProtocolError,
            SessionError::Interrupted => Self::Cancelled,
        }
    }
}
