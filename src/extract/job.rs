//! What all workers of an extraction share. Does nothing.

use serde_json::Value;

use crate::extract::extractor::Extractor;
use crate::lean::module_name::ModuleName;
use crate::limits::{CancelFlag, Wait};
use crate::session::factory::SessionFactory;

/// What is extracted, and how.
pub(crate) struct Job {
    /// Its sessions; its flag ends them all.
    pub(crate) factory: SessionFactory,
    pub(crate) extractor: Extractor,
    /// The modules that were asked for; none for sources.
    pub(crate) roots: Vec<ModuleName>,
    /// What a plugin is given.
    pub(crate) config: Value,
    /// The longest wait for one reply.
    pub(crate) timeout: Wait,
    /// The most rows in one reply.
    pub(crate) page_rows: u64,
    /// About how many bytes of rows a reply may hold.
    pub(crate) page_bytes: u64,
}

impl Job {
    /// The flag that ends all of its sessions.
    pub(crate) fn stop(&self) -> &CancelFlag {
        &self.factory.cancel
    }
}
