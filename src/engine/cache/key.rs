//! What a kept record depends on, as one digest. Pure.

use std::fmt;

use sha2::{Digest, Sha256};

/// Names a kept record.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key([u8; 32]);

impl Key {
    /// Its bytes.
    pub(crate) fn bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for Key {
    /// As 64 hexadecimal digits.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The environment that a source starts from: which Lean, and which modules in which state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Environment {
    /// SHA-256 of all of it, as hexadecimal.
    pub digest: String,
    /// The toolchain, as [`crate::session::identity::Identity`] has it.
    pub toolchain: String,
    /// The REPL, as [`crate::session::identity::Identity`] has it.
    pub repl: String,
    /// All modules that are imported, directly or not, in alphabetical order.
    pub modules: std::sync::Arc<[String]>,
}

/// The layout of keys and values; raised when either changes its meaning.
pub(crate) const LAYOUT: u8 = 1;

/// Makes a key of parts, each with its length, so that no two lists of parts are the same bytes.
pub(crate) struct KeyMaker(Sha256);

impl KeyMaker {
    pub(crate) fn new() -> Self {
        let mut digest = Sha256::new();
        digest.update(u32::from(LAYOUT).to_le_bytes());
        Self(digest)
    }

    /// Adds a part.
    #[must_use]
    pub(crate) fn with(mut self, part: &[u8]) -> Self {
        self.0.update((part.len() as u64).to_le_bytes());
        self.0.update(part);
        self
    }

    pub(crate) fn key(self) -> Key {
        Key(self.0.finalize().into())
    }
}
