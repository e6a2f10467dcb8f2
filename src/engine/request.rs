//! What is asked: one source, and what is to be found out about it.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::lean::options::ModuleOptions;
use crate::limits::{CancelFlag, Deadline};
use crate::protocol::wire::Options;

/// The version of requests and records; raised when a field goes or changes its meaning.
pub const VERSION: u32 = 1;

/// One source to evaluate.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct EvalRequest {
    /// [`VERSION`] of the program that made it.
    pub version: u32,
    /// Names the request in logs.
    pub id: Arc<str>,
    /// The whole source, header included.
    pub source: Arc<str>,
    /// What is reported besides messages and sorries.
    pub options: Options,
    /// The options of Lean that hold for the source; none if no Lake file sets any.
    pub lean_options: Option<Arc<ModuleOptions>>,
    /// Whether to find the declarations that depend on `sorryAx`.
    pub find_sorry_decls: bool,
    /// The longest wait for Lean once the source runs; headers have a limit of their own.
    pub run_timeout: Duration,
    /// What a record that was kept may do for it.
    #[serde(default)]
    pub cache: CacheUse,
    /// Who waits for the record, and for how long; means nothing outside this process.
    #[serde(skip)]
    pub terms: Terms,
}

/// What records that were kept may do for a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CacheUse {
    /// Answer it; else its own is kept.
    #[default]
    Use,
    /// Nothing; its own takes their place.
    Refresh,
    /// Nothing, and its own is not kept.
    Off,
}

/// Who waits for a record, and for how long.
#[derive(Debug, Clone)]
pub struct Terms {
    /// Who asks; the queue is fair between clients.
    pub client: Arc<str>,
    /// The longest wait for a session.
    pub queue_timeout: Duration,
    /// The end of the whole, the wait in the queue included. A source that runs then is stopped.
    pub client_deadline: Deadline,
    /// Set when the client has gone away: a session that is busy with its source is freed.
    pub cancel: CancelFlag,
}

/// How long the clients of a door wait, besides for the run itself.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// The longest wait for a session.
    pub queue_timeout: Duration,
    /// The longest wait for the imports of a source.
    pub import_timeout: Duration,
}

impl Terms {
    /// The terms of a request that may run so long, from now on.
    pub fn new(
        client: Arc<str>,
        limits: Limits,
        run_timeout: Duration,
        cancel: CancelFlag,
    ) -> Self {
        let whole = limits
            .queue_timeout
            .saturating_add(limits.import_timeout)
            .saturating_add(run_timeout);
        Self {
            client,
            queue_timeout: limits.queue_timeout,
            client_deadline: Deadline::after(whole),
            cancel,
        }
    }
}

impl Default for Terms {
    /// A day for everything, for a client without a name.
    fn default() -> Self {
        const DAY: Duration = Duration::from_secs(86_400);
        Self {
            client: Arc::from(""),
            queue_timeout: DAY,
            client_deadline: Deadline::after(DAY),
            cancel: CancelFlag::default(),
        }
    }
}

impl EvalRequest {
    /// A request for messages and sorries only.
    pub fn new(source: Arc<str>, run_timeout: Duration) -> Self {
        Self {
            version: VERSION,
            id: Arc::from(""),
            source,
            options: Options::default(),
            lean_options: None,
            find_sorry_decls: false,
            run_timeout,
            cache: CacheUse::default(),
            terms: Terms::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lean::options::OptionValue;
    use crate::protocol::wire::InfoTreeKind;

    #[test]
    fn a_request_is_read_as_it_was_written_but_for_its_terms() {
        let mut options = ModuleOptions::default();
        options.set(&["maxRecDepth"], OptionValue::Nat(9));
        let mut request = EvalRequest {
            id: Arc::from("r-1"),
            options: Options {
                all_tactics: Some(true),
                root_goals: None,
                infotree: Some(InfoTreeKind::Original),
            },
            lean_options: Some(Arc::new(options)),
            find_sorry_decls: true,
            ..EvalRequest::new(Arc::from("#eval 1"), Duration::from_millis(1500))
        };
        request.terms.client = Arc::from("somebody");
        let written = serde_json::to_string(&request).unwrap();
        assert!(!written.contains("somebody"), "{written}");
        let read: EvalRequest = serde_json::from_str(&written).unwrap();
        assert_eq!(&*read.terms.client, "");
        assert_eq!(read.version, VERSION);
        assert_eq!(serde_json::to_string(&read).unwrap(), written);
        assert_eq!(
            (&*read.source, read.run_timeout, read.options),
            ("#eval 1", request.run_timeout, request.options)
        );
    }
}
