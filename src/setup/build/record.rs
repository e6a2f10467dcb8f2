//! What is written down beside a built REPL: all that it takes to know whether it is the one that is
//! wanted, and where each choice came from.

use std::fs;
use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};

/// The file's name.
const FILE: &str = "record.json";

/// Raised when a field goes or changes its meaning; a record of another version is not used.
pub(crate) const VERSION: u32 = 1;

/// A built REPL.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Record {
    pub(crate) version: u32,
    /// The toolchain it was built with, such as `leanprover/lean4:v4.27.0`.
    pub(crate) toolchain: String,
    /// Where that came from, as "… says so".
    pub(crate) toolchain_origin: String,
    /// The version that Lean says it has, such as `4.27.0`.
    pub(crate) lean: String,
    pub(crate) repository: String,
    /// What `--repl-ref` named, if it did.
    pub(crate) reference: Option<String>,
    /// The tag, branch or commit that was checked out.
    pub(crate) source: String,
    pub(crate) commit: String,
    pub(crate) why: String,
    /// What was changed in the source before it was built.
    pub(crate) patches: Vec<String>,
    /// Whether it has to be primed before it unpickles; always so for a source that was named, which
    /// may be older than its Lean.
    pub(crate) needs_priming: bool,
    /// The binary, from the folder of this file.
    pub(crate) binary: String,
    /// The SHA-256 of the binary, as hexadecimal.
    pub(crate) binary_sha256: String,
    pub(crate) binary_bytes: u64,
    /// The version of leanrepl that built it.
    pub(crate) built_by: String,
}

impl Record {
    /// Reads the record of a folder; none if there is none that can be used.
    pub(crate) fn read(folder: &Path) -> Option<Self> {
        let text = fs::read(folder.join(FILE)).ok()?;
        let record: Self = serde_json::from_slice(&text).ok()?;
        (record.version == VERSION).then_some(record)
    }

    /// Writes it into the folder.
    pub(crate) fn write(&self, folder: &Path) -> io::Result<()> {
        let mut text = serde_json::to_string_pretty(self)?;
        text.push('\n');
        fs::write(folder.join(FILE), text)
    }
}
