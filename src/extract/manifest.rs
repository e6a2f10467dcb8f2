//! What a result is and how it was made, as `_manifest.json` has it. Pure, but for reading that file.

use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::extract::disk;
use crate::extract::identity::RunIdentity;
use crate::extract::order::PackOptions;
use crate::extract::run_file::{FailedUnit, RunFile};
use crate::extract::spool::Kept;
use crate::extract::unit::UnitName;
use crate::failure::{Failure, Kind};

/// Of the file; changes when a field changes its meaning.
const FORMAT: u32 = 1;

/// The file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Manifest {
    pub(crate) format: u32,
    /// The version of leanrepl that packed it.
    pub(crate) leanrepl: String,
    /// What all rows depend on.
    #[serde(flatten)]
    pub(crate) identity: RunIdentity,
    /// What the Lean that was used cannot know, one sentence each.
    pub(crate) limits: Vec<String>,
    pub(crate) num_shards: u32,
    pub(crate) batch_rows: u64,
    /// The column whose value chooses the shard of a row.
    pub(crate) shard_key: String,
    pub(crate) rows: u64,
    /// In the order of their rows.
    pub(crate) units: Vec<UnitEntry>,
    /// Left out.
    pub(crate) failed: Vec<FailedUnit>,
    pub(crate) shards: Vec<ShardEntry>,
}

/// A unit and what it gave.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct UnitEntry {
    #[serde(flatten)]
    pub(crate) unit: UnitName,
    #[serde(flatten)]
    pub(crate) kept: Kept,
}

/// A shard.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ShardEntry {
    /// Relative to the manifest.
    pub(crate) file: String,
    pub(crate) rows: u64,
    pub(crate) bytes: u64,
    pub(crate) sha256: String,
}

impl Manifest {
    /// The manifest of a run whose units are packed.
    pub(crate) fn new(
        run: &RunFile,
        options: &PackOptions,
        units: Vec<UnitEntry>,
        shards: Vec<ShardEntry>,
    ) -> Self {
        Self {
            format: FORMAT,
            leanrepl: env!("CARGO_PKG_VERSION").to_owned(),
            identity: run.identity.clone(),
            limits: run.limits.clone(),
            num_shards: options.shards.get(),
            batch_rows: u64::try_from(options.batch_rows.get()).unwrap_or(u64::MAX),
            shard_key: options.key.clone(),
            rows: units.iter().map(|unit| unit.kept.rows).sum(),
            units,
            failed: run.failed.clone(),
            shards,
        }
    }

    /// Whether this is the result of that run, packed so.
    pub(crate) fn is_of(&self, run: &RunFile, options: &PackOptions) -> bool {
        let units = self.units.iter().map(|entry| &entry.unit);
        self.identity == run.identity
            && units.eq(run.units.iter())
            && self.failed.is_empty()
            && self.num_shards == options.shards.get()
            && usize::try_from(self.batch_rows) == Ok(options.batch_rows.get())
            && self.shard_key == options.key
    }

    /// Reads one.
    ///
    /// # Errors
    /// A file that cannot be read or is not one of ours.
    pub(crate) fn read(path: &Path) -> Result<Self, Failure> {
        let text = fs::read_to_string(path).map_err(|err| disk::failure("read", path, err))?;
        let found: Option<Self> = serde_json::from_str(&text).ok();
        found
            .filter(|manifest| manifest.format == FORMAT)
            .ok_or_else(|| {
                Failure::new(
                    Kind::Usage,
                    format!(
                        "`{}` is not the manifest of an extraction of this version",
                        path.display()
                    ),
                    "name another directory with `--out DIR`",
                )
            })
    }
}
