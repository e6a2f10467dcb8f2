//! What an extraction tells while it runs, and what came out. Does nothing.

use std::path::PathBuf;

use serde::Serialize;

use crate::extract::manifest::Manifest;
use crate::extract::run_file::FailedUnit;
use crate::failure::{Failure, Kind};

/// What happens.
#[derive(Debug)]
pub(crate) enum Progress<'a> {
    /// It is known what is to be done.
    Planned {
        units: usize,
        kept: usize,
        limits: &'a [String],
    },
    /// So many rows were made by now.
    Rows(u64),
    /// One more unit is done, or has failed.
    Unit,
    /// A unit is left out.
    Failed(&'a Failure),
    /// The rows are all there, and become shards.
    Packing,
}

/// The end of an extraction without a result.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) failure: Failure,
    /// Whether Lean refuses a unit, which is an answer and no fault of ours.
    pub(crate) is_refusal: bool,
}

impl From<Failure> for Ended {
    fn from(failure: Failure) -> Self {
        Self {
            failure,
            is_refusal: false,
        }
    }
}

/// What came out.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub(crate) struct Summary {
    pub(crate) extractor: String,
    /// Units of this run, with those that were there already.
    pub(crate) units: usize,
    pub(crate) kept_units: usize,
    pub(crate) failed: Vec<FailedUnit>,
    pub(crate) rows: u64,
    pub(crate) shards: usize,
    /// Of all shards.
    pub(crate) bytes: u64,
    /// Where the result is; null for JSON lines.
    pub(crate) directory: Option<PathBuf>,
    /// Whether there is a spool only, to be packed with others.
    pub(crate) is_share: bool,
    /// Whether the result was there, and nothing has changed.
    pub(crate) is_up_to_date: bool,
    /// What the Lean that was used cannot know, one sentence each.
    pub(crate) limits: Vec<String>,
}

impl Summary {
    /// Takes over what a manifest says of shards.
    pub(crate) fn add_shards(&mut self, manifest: &Manifest) {
        self.shards = manifest.shards.len();
        self.bytes = manifest.shards.iter().map(|shard| shard.bytes).sum();
    }
}

/// The failure of a directory that holds another extraction.
pub(crate) fn other_run(what: &str, theirs: &str, ours: &str) -> Failure {
    Failure::new(
        Kind::Usage,
        format!("the directory holds an extraction with another {what}: `{theirs}`, not `{ours}`"),
        "name another directory with `--out DIR`, or delete this one to start over",
    )
}
