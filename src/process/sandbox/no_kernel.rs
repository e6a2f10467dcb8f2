//! The stand-in on systems and processors for which there is no confinement: it offers nothing.

use std::io;
use std::path::PathBuf;

use crate::limits::Bytes;
use crate::process::sandbox::offer::Offer;

/// No rules.
#[derive(Debug)]
pub(crate) struct Rules;

impl Rules {
    pub(crate) fn prepare(
        _offer: Offer,
        _reads: &[PathBuf],
        _writes: &[PathBuf],
        _max_file: Bytes,
    ) -> io::Result<Self> {
        Ok(Self)
    }

    /// Nothing to bound.
    #[cfg(target_os = "linux")]
    pub(crate) fn bound(&self) -> io::Result<()> {
        Ok(())
    }

    /// Nothing to put in force.
    #[cfg(target_os = "linux")]
    pub(crate) fn apply(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Offer {
    /// Nothing is offered.
    pub fn of_this_kernel() -> Self {
        Self::NOTHING
    }
}
