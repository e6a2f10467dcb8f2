//! From spools to shards: all rows, in the order of their units. Never extracts.

#[cfg(feature = "extract")]
use std::num::NonZeroUsize;
use std::path::Path;

use crate::extract::manifest::{ShardEntry, UnitEntry};
use crate::extract::order::PackOptions;
use crate::extract::spool::{Spool, SpoolReader};
use crate::extract::unit::UnitName;
use crate::failure::{Failure, Kind};
use crate::limits::CancelFlag;
use crate::table::schema::Schema;

/// The most threads that encode.
#[cfg(feature = "extract")]
const MOST_THREADS: NonZeroUsize = NonZeroUsize::MIN.saturating_add(3);

/// Whether this build can write Parquet.
pub(crate) const HAS_PARQUET: bool = cfg!(feature = "extract");

/// The failure of a build that cannot.
pub(crate) fn no_parquet() -> Failure {
    Failure::new(
        Kind::Usage,
        "this build of leanrepl does not write Parquet",
        "use a release binary, or build with `cargo build --release --features extract`; `--jsonl` writes JSON lines \
         with every build",
    )
}

/// Fails if rows of that schema cannot be packed so.
///
/// # Errors
/// A key that is not one of the columns.
pub(crate) fn check(options: &PackOptions, schema: &Schema) -> Result<(), Failure> {
    if schema.field(&options.key).is_some() {
        return Ok(());
    }
    let names: Vec<String> = schema
        .fields
        .iter()
        .map(|field| format!("`{}`", field.name))
        .collect();
    Err(Failure::new(
        Kind::Usage,
        format!("there is no column `{}`", options.key),
        format!("choose one of {} with `--shard-key`", names.join(", ")),
    ))
}

/// The spools in which the rows of units are.
pub(crate) struct Sources<'a> {
    pub(crate) spools: &'a [Spool],
}

impl Sources<'_> {
    /// The rows of a unit, from the first spool that has it.
    ///
    /// # Errors
    /// A unit that is in none, and a file that is damaged.
    pub(crate) fn read(&self, unit: &UnitName) -> Result<SpoolReader, Failure> {
        let spool = self
            .spools
            .iter()
            .find(|spool| spool.has(unit))
            .ok_or_else(|| {
                Failure::new(
                    Kind::Usage,
                    format!("the rows of `{}` are in no spool", unit.name),
                    "name the directories of all shares, and complete each with `--resume`",
                )
            })?;
        spool.read(unit)
    }
}

/// Writes the shards into an empty folder.
///
/// # Errors
/// Rows that do not fit the schema, a damaged spool, a full disk, the interrupt of the user, a build without
/// Parquet.
pub(crate) fn pack(
    units: &[UnitName],
    sources: &Sources<'_>,
    schema: &Schema,
    options: &PackOptions,
    folder: &Path,
    interrupt: &CancelFlag,
) -> Result<(Vec<UnitEntry>, Vec<ShardEntry>), Failure> {
    let mut writer = Writer::open(folder, schema, options)?;
    let mut entries = Vec::new();
    for unit in units {
        let mut rows = sources.read(unit)?;
        while let Some(row) = rows.next_row()? {
            if interrupt.is_set() {
                return Err(interrupted());
            }
            writer.push(&row)?;
        }
        entries.extend(rows.kept().map(|kept| UnitEntry {
            unit: unit.clone(),
            kept,
        }));
    }
    Ok((entries, writer.finish()?))
}

/// Writes Parquet.
#[cfg(feature = "extract")]
struct Writer(crate::table::parquet::ShardWriter);

#[cfg(feature = "extract")]
impl Writer {
    fn open(folder: &Path, schema: &Schema, options: &PackOptions) -> Result<Self, Failure> {
        use crate::table::parquet::{ShardOptions, ShardWriter};

        let threads = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
        let options = ShardOptions {
            key: options.key.clone(),
            shards: options.shards,
            batch_rows: options.batch_rows,
            threads: threads.min(MOST_THREADS),
        };
        Ok(Self(ShardWriter::new(folder, schema.clone(), options)?))
    }

    fn push(&mut self, row: &str) -> Result<(), Failure> {
        Ok(self.0.push(row)?)
    }

    fn finish(self) -> Result<Vec<ShardEntry>, Failure> {
        let shards = self.0.finish()?.into_iter().map(|shard| ShardEntry {
            file: format!("{}/{}", crate::extract::disk::DATA, shard.file),
            rows: shard.rows,
            bytes: shard.bytes,
            sha256: shard.sha256,
        });
        Ok(shards.collect())
    }
}

/// Takes the place of the writer where there is none.
#[cfg(not(feature = "extract"))]
enum Writer {}

#[cfg(not(feature = "extract"))]
impl Writer {
    fn open(_folder: &Path, _schema: &Schema, _options: &PackOptions) -> Result<Self, Failure> {
        Err(no_parquet())
    }

    fn push(&mut self, _row: &str) -> Result<(), Failure> {
        match *self {}
    }

    fn finish(self) -> Result<Vec<ShardEntry>, Failure> {
        match self {}
    }
}

/// What a user reads who stopped it.
pub(crate) fn interrupted() -> Failure {
    Failure::new(
        Kind::Interrupted,
        "stopped by the user",
        "continue with `--resume`: complete units are kept",
    )
}
