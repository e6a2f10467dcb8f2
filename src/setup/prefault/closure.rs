//! What a walk through the imports found. Reads nothing.

use std::time::Duration;

use crate::lean::module_name::ModuleName;

/// How many names of missing modules are kept.
pub(super) const NAMED: usize = 1000;

/// How many versions of Lean are kept.
const VERSIONS: usize = 4;

/// What was found, and read if that was asked for.
#[derive(Debug, Clone, Default)]
pub struct Closure {
    /// How many modules are imported, directly or not, those that are missing left out.
    pub modules: usize,
    /// How many files hold them.
    pub files: usize,
    /// How many bytes these have.
    pub bytes: u64,
    /// How many bytes were read.
    pub read_bytes: u64,
    /// How long it took.
    pub elapsed: Duration,
    /// Modules that have no file, in alphabetical order; the first thousand.
    pub missing: Vec<ModuleName>,
    /// How many modules have a file that tells no imports.
    pub unreadable: usize,
    /// The Leans that the files say they come from, in alphabetical order; a few of them.
    pub lean_versions: Vec<String>,
    /// Why it ended early, if it did.
    pub stopped: Option<Stopped>,
}

impl Closure {
    /// Takes note of the Lean that one file comes from.
    pub(super) fn add_version(&mut self, version: Option<String>) {
        let Some(version) = version else {
            return;
        };
        if let Err(place) = self.lean_versions.binary_search(&version)
            && self.lean_versions.len() < VERSIONS
        {
            self.lean_versions.insert(place, version);
        }
    }
}

/// Why a walk ended early.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stopped {
    /// The deadline passed.
    Deadline,
    /// More would not have fitted in free memory.
    Memory,
    /// The user asked.
    Interrupted,
}
