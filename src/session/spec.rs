//! What sessions are made of: the same for all sessions of a run, through whichever door it is asked for.

use std::sync::Arc;

use crate::isolation::Isolation;
use crate::limits::Wait;
use crate::session::base::BaseEnv;
use crate::session::exchange::SessionLimits;
use crate::session::identity::LeanRepl;

/// Everything that a session depends on.
#[derive(Debug, Clone)]
pub struct SessionSpec {
    /// What is started, with its sandbox, and which Lean that is.
    pub lean: LeanRepl,
    /// What sources start from.
    pub base: BaseEnv,
    /// What a session may use; over it, it is killed at once.
    pub limits: SessionLimits,
    /// The longest wait for a start, an import or an unpickle.
    pub import_timeout: Wait,
    /// Sources whose headers each session proves before it is ready, such as `import Mathlib`. A header
    /// that cannot be proven is a failed start.
    pub preload: Vec<Arc<str>>,
    /// How much evaluations may share; none for the highest level that does not cost a process for each
    /// source.
    pub isolation: Option<Isolation>,
}

impl SessionSpec {
    /// Sessions that start from imports, with the limits that fit Mathlib.
    pub fn new(lean: LeanRepl) -> Self {
        Self {
            lean,
            base: BaseEnv::Import,
            limits: SessionLimits::default(),
            import_timeout: Wait::secs(300),
            preload: Vec::new(),
            isolation: None,
        }
    }
}
