//! Log lines with fields, on stderr. Never a source or a key of a client, unless every detail was asked
//! for.

use std::io;

use tracing::level_filters::LevelFilter;

use crate::event::{Event, Observer};
use crate::failure::Failure;

/// The form of log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// How much is logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LogLevel {
    /// Only what goes wrong.
    Quiet,
    /// A line for each request, and what happens to sessions.
    Normal,
    /// Every detail, the sources of clients included.
    Verbose,
}

/// Begins to log. Of several calls in one process only the first counts.
pub(crate) fn start(format: LogFormat, level: LogLevel) {
    let filter = match level {
        LogLevel::Quiet => LevelFilter::WARN,
        LogLevel::Normal => LevelFilter::INFO,
        LogLevel::Verbose => LevelFilter::DEBUG,
    };
    let lines = tracing_subscriber::fmt()
        .with_writer(io::stderr)
        .with_max_level(filter)
        .with_target(false);
    let set = match format {
        LogFormat::Text => tracing::subscriber::set_global_default(lines.with_ansi(false).finish()),
        LogFormat::Json => {
            tracing::subscriber::set_global_default(lines.json().flatten_event(true).finish())
        }
    };
    // One that was set before goes on.
    let _ = set;
}

/// Writes what sessions report to the log.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct LogObserver;

impl Observer for LogObserver {
    fn tell(&self, event: Event<'_>) {
        match event {
            Event::CommandStarted { line } => tracing::debug!(command = line, "a process starts"),
            Event::CommandOutput { line } => tracing::debug!(line, "output"),
            // The source of a client is in it, as is what its code wrote.
            Event::RequestSent { json } => tracing::debug!(json, "request to the REPL"),
            Event::NoiseSeen { text } => tracing::debug!(text, "noise of the REPL"),
            Event::Chosen { text } => tracing::info!("{text}"),
            // Such as what the sandbox lacks: an operator has to see it in a quiet log too.
            Event::Noted { text } => tracing::warn!("{text}"),
            Event::SessionStarted {
                session,
                lean_version,
            } => tracing::info!(session, lean = lean_version, "session started"),
            Event::SessionEnded { session, reason } => {
                tracing::info!(session, reason, "session ended");
            }
            Event::StartFailed { failure } => tracing::warn!("{}", no_start(failure)),
            Event::Retried { session, request } => tracing::warn!(
                session,
                request,
                "the session ended; trying once more in a fresh one"
            ),
            Event::StrayKilled { session } => tracing::warn!(
                session,
                "a process that the source had started was still running and was killed"
            ),
            Event::StepStarted { label, .. } => tracing::info!("{label}"),
            Event::StepAdvanced { .. } | Event::StepFinished => {}
        }
    }
}

/// Why no session starts and what to do about it, in one line.
fn no_start(failure: &Failure) -> String {
    let mut line = format!("no session starts: {}", failure.problem());
    for cause in failure.causes() {
        // The last lines of a program are many, and may differ each time.
        if !cause.contains('\n') {
            line.push_str(": ");
            line.push_str(&cause);
        }
    }
    format!("{line}; hint: {}", failure.hint())
}
