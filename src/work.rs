//! What bounds a piece of work, what hears of it, and which share of it a process does. Does no work.

pub(crate) mod share;

use std::sync::Arc;

use crate::event::Observer;
use crate::limits::{CancelFlag, Deadline};

/// Goes with work that may take long, through all that it calls.
#[derive(Clone, Copy)]
pub(crate) struct WorkContext<'a> {
    pub(crate) deadline: Deadline,
    pub(crate) observer: &'a Arc<dyn Observer>,
    /// Set when the work is to stop.
    pub(crate) cancel: &'a CancelFlag,
}

impl WorkContext<'_> {
    /// The same for work that begins now and may take as long.
    pub(crate) fn renewed(self) -> Self {
        Self {
            deadline: Deadline::after(self.deadline.span()),
            ..self
        }
    }
}
