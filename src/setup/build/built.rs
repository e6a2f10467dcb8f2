//! A REPL in the cache. Starts nothing.

use std::fs;
use std::path::{Path, PathBuf};

use crate::session::identity::Identity;
use crate::setup::build::record::Record;
use crate::setup::build::wanted::For;

/// A REPL that was built and has answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Built {
    pub(crate) dir: PathBuf,
    pub(crate) record: Record,
}

impl Built {
    /// The REPL in that folder, if it is whole and for that toolchain.
    pub(super) fn open(dir: &Path, whose: &For) -> Option<Self> {
        let record = Record::read(dir)?;
        let dir = dir.to_owned();
        let built = Self { dir, record };
        let length = fs::metadata(built.binary()).ok()?.len();
        let is_whole = length == built.record.binary_bytes;
        (is_whole && built.record.toolchain == whose.toolchain.to_string()).then_some(built)
    }

    pub(crate) fn binary(&self) -> PathBuf {
        self.dir.join(&self.record.binary)
    }

    /// What a pickle that it makes depends on, in a project with that manifest.
    pub(crate) fn identity(&self, manifest: Option<String>) -> Identity {
        Identity {
            toolchain: self.record.toolchain.clone(),
            repl: format!("{} ({})", self.record.source, self.record.commit),
            manifest,
        }
    }

    /// The tag or commit, with the start of the commit's name.
    pub(crate) fn name(&self) -> String {
        let record = &self.record;
        let short: String = record.commit.chars().take(7).collect();
        if record.source == record.commit {
            return short;
        }
        format!("{} ({short})", record.source)
    }
}
