//! What bounds the looks. Looks at nothing.

use std::sync::Arc;
use std::time::Duration;

use crate::event::Observer;
use crate::limits::{CancelFlag, Deadline};

/// What bounds the looks, and who hears of the commands that are run.
#[derive(Clone, Copy)]
pub(crate) struct Looks<'a> {
    /// The longest that one look may take.
    pub(crate) patience: Duration,
    /// Who is told.
    pub(crate) observer: &'a Arc<dyn Observer>,
    /// Whether to stop.
    pub(crate) interrupt: &'a CancelFlag,
}

impl Looks<'_> {
    /// The end of a look that begins now.
    pub(super) fn deadline(&self) -> Deadline {
        Deadline::after(self.patience)
    }
}
