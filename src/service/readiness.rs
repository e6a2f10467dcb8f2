//! Whether sources are taken, from the state of the pool. Asks no session.

use std::fmt;

use crate::engine::pool::PoolState;
use crate::failure::Failure;
use crate::lean::header;

/// How far the service is; displayed in the words of `/health`.
#[derive(Debug, Clone)]
pub(crate) enum Readiness {
    /// The first session is on its way.
    Starting,
    /// The same, and the base header imports Mathlib, which takes a while.
    ImportingMathlib,
    /// A session has passed its probe.
    Ready,
    /// The last start of a session failed.
    Failed(Failure),
    /// No new work is taken any more.
    ShuttingDown,
}

impl Readiness {
    /// The readiness of a pool that is in this state, or of one that is not there yet.
    pub(crate) fn new(state: Option<&PoolState>, imports_mathlib: bool) -> Self {
        let failure = state.and_then(|state| state.failure.as_ref());
        match (state, failure) {
            (Some(state), _) if state.is_draining => Self::ShuttingDown,
            (Some(state), _) if state.is_ready => Self::Ready,
            (_, Some(failure)) => Self::Failed(failure.clone()),
            _ if imports_mathlib => Self::ImportingMathlib,
            _ => Self::Starting,
        }
    }
}

impl fmt::Display for Readiness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Starting => f.write_str("starting"),
            Self::ImportingMathlib => f.write_str("importing Mathlib"),
            Self::Ready => f.write_str("ready"),
            Self::Failed(failure) => write!(f, "error: {failure}"),
            Self::ShuttingDown => f.write_str("shutting down"),
        }
    }
}

/// Whether a pool takes a source. Between the end of one session and the start of the next it does: the
/// source waits in the queue.
pub(crate) fn takes_sources(state: &PoolState) -> bool {
    // A session has reported its version once it has passed its probe.
    !state.is_draining && (state.is_ready || state.lean_version.is_some())
}

/// Whether these imports bring Mathlib.
pub(crate) fn imports_mathlib(imports: &str) -> bool {
    let imports = header::split(imports).imports;
    imports.iter().any(|import| import.module == "Mathlib")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A pool whose first session is on its way.
    fn starting() -> PoolState {
        PoolState {
            is_ready: false,
            ..PoolState::of_no_pool()
        }
    }

    #[test]
    fn the_words_say_how_far_the_pool_is() {
        let failed = PoolState {
            failure: Some(Failure::bug("no `lean`")),
            ..starting()
        };
        let ready = PoolState {
            is_ready: true,
            ..failed.clone()
        };
        let draining = PoolState {
            is_draining: true,
            ..ready.clone()
        };
        for (state, imports_mathlib, words) in [
            (None, false, "starting"),
            (None, true, "importing Mathlib"),
            (Some(starting()), true, "importing Mathlib"),
            (Some(failed), true, "error: no `lean`"),
            (Some(ready), true, "ready"),
            (Some(draining), true, "shutting down"),
        ] {
            let readiness = Readiness::new(state.as_ref(), imports_mathlib);
            assert_eq!(readiness.to_string(), words);
        }
    }

    #[test]
    fn a_source_waits_for_the_next_session_but_not_for_the_first() {
        assert!(!takes_sources(&starting()));
        let between = PoolState {
            lean_version: Some("4.27.0".to_owned()),
            ..starting()
        };
        assert!(takes_sources(&between));
        let draining = PoolState {
            is_draining: true,
            ..between
        };
        assert!(!takes_sources(&draining));
    }

    #[test]
    fn only_mathlib_itself_counts_as_mathlib() {
        assert!(imports_mathlib("import Lean\nimport Mathlib"));
        assert!(!imports_mathlib("import Mathlib.Logic.Basic"));
        assert!(!imports_mathlib(""));
    }
}
