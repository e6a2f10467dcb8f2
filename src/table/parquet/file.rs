//! One shard: its batch and its file.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ::parquet::arrow::ArrowWriter;
use ::parquet::arrow::arrow_writer::ArrowWriterOptions;
use ::parquet::basic::{Compression, ZstdLevel};
use ::parquet::file::properties::{EnabledStatistics, WriterProperties, WriterVersion};
use arrow_schema::SchemaRef;
use serde::Serialize;

use super::columns::{self, Batch};
use super::error::WriteError;
use crate::digest;
use crate::table::schema::Schema;

/// The name that Lean Scout's files give to the root of their schema.
const ROOT: &str = "schema";

/// A file of the table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Shard {
    /// Its name in the directory.
    pub file: String,
    /// How many rows it has.
    pub rows: u64,
    /// Its length.
    pub bytes: u64,
    /// Its digest, as lower-case hexadecimal.
    pub sha256: String,
}

/// What all shards have in common.
pub(super) struct Format {
    pub(super) schema: Schema,
    arrow: SchemaRef,
    options: ArrowWriterOptions,
    dir: PathBuf,
    batch_rows: usize,
}

impl Format {
    /// Files of this schema in the directory, with a row group for each so many rows.
    pub(super) fn new(schema: Schema, dir: &Path, batch_rows: usize) -> Self {
        // Level 1, as Lean Scout has it, and the default of the crate.
        let zstd = Compression::ZSTD(ZstdLevel::default());
        let properties = WriterProperties::builder()
            .set_writer_version(WriterVersion::PARQUET_1_0)
            .set_compression(zstd)
            .set_dictionary_enabled(true)
            .set_statistics_enabled(EnabledStatistics::Chunk)
            // Without statistics of pages there is no use in an index of them.
            .set_offset_index_disabled(true)
            // Row groups end where batches end.
            .set_max_row_group_row_count(None)
            .build();
        Self {
            arrow: columns::arrow_schema(&schema),
            options: ArrowWriterOptions::new()
                .with_properties(properties)
                .with_schema_root(ROOT.to_owned()),
            schema,
            dir: dir.to_owned(),
            batch_rows,
        }
    }
}

/// A shard that takes rows.
pub(super) struct ShardFile {
    format: Arc<Format>,
    name: String,
    path: PathBuf,
    batch: Batch,
    rows: u64,
    /// The file, from the first full batch on.
    writer: Option<ArrowWriter<File>>,
}

impl ShardFile {
    /// The shard of this number. Touches no file.
    pub(super) fn new(format: &Arc<Format>, shard: u32) -> Self {
        let name = format!("part-{shard:03}.parquet");
        Self {
            path: format.dir.join(&name),
            name,
            batch: Batch::new(&format.schema, &format.arrow),
            rows: 0,
            writer: None,
            format: Arc::clone(format),
        }
    }

    /// Adds a row; `number` is its own among all, for errors.
    pub(super) fn push(&mut self, line: &str, number: u64) -> Result<(), WriteError> {
        let pushed = self.batch.push(&self.format.schema, line);
        pushed.map_err(|error| WriteError::Row { row: number, error })?;
        if self.batch.len() >= self.format.batch_rows {
            self.write_batch()?;
        }
        Ok(())
    }

    /// Writes the batch as a row group.
    fn write_batch(&mut self) -> Result<(), WriteError> {
        let encoding =
            |err: ::parquet::errors::ParquetError| WriteError::of_parquet(&self.path, err);
        let rows = self.batch.len() as u64;
        let batch = self.batch.take().map_err(|err| encoding(err.into()))?;
        let writer = match &mut self.writer {
            Some(writer) => writer,
            none => {
                let file = File::create_new(&self.path);
                let file = file.map_err(|err| WriteError::of_file(&self.path, err))?;
                let schema = Arc::clone(&self.format.arrow);
                let options = self.format.options.clone();
                let writer = ArrowWriter::try_new_with_options(file, schema, options);
                none.insert(writer.map_err(encoding)?)
            }
        };
        writer.write(&batch).map_err(encoding)?;
        writer.flush().map_err(encoding)?;
        self.rows += rows;
        Ok(())
    }

    /// Writes what is left and the footer, and waits until the disk has it.
    pub(super) fn finish(mut self) -> Result<Shard, WriteError> {
        if self.batch.len() > 0 {
            self.write_batch()?;
        }
        if let Some(mut writer) = self.writer {
            // Not `into_inner`, whose errors have lost that of the file.
            let finished = writer.finish();
            finished.map_err(|err| WriteError::of_parquet(&self.path, err))?;
            let synced = writer.inner().sync_all();
            synced.map_err(|err| WriteError::of_file(&self.path, err))?;
        }
        let digest = digest::of_file(&self.path);
        let (sha256, bytes) = digest.map_err(|err| WriteError::of_file(&self.path, err))?;
        Ok(Shard {
            file: self.name,
            rows: self.rows,
            bytes,
            sha256,
        })
    }
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use super::*;
    use crate::failure::Failure;
    use serde_json::json;

    /// What a shard on a full disk fails with when it gets rows of so many bytes.
    fn on_full_disk(bytes: usize) -> Failure {
        let json =
            json!({"fields": [{"name": "s", "type": {"datatype": "string"}, "nullable": true}]});
        let schema = Schema::from_json(&json).unwrap();
        let format = Arc::new(Format::new(schema, Path::new("d"), 2));
        let mut shard = ShardFile::new(&format, 7);
        let full = File::options().write(true).open("/dev/full").unwrap();
        let writer = ArrowWriter::try_new_with_options(
            full,
            Arc::clone(&format.arrow),
            format.options.clone(),
        );
        shard.writer = Some(writer.unwrap());
        // Digests do not compress.
        let text: String = (0..bytes / 64)
            .map(|number| digest::of_bytes(&number.to_le_bytes()))
            .collect();
        let line = json!({"s": text}).to_string();
        let pushed = (0..3).try_for_each(|number| shard.push(&line, number));
        Failure::from(
            pushed
                .and_then(|()| shard.finish().map(|_| ()))
                .unwrap_err(),
        )
    }

    #[test]
    fn a_full_disk_is_an_error_that_names_the_file() {
        // The file has a buffer: few bytes are written at its end, many before it.
        for bytes in [64, 1_000_000] {
            let failure = on_full_disk(bytes);
            assert_eq!(failure.problem(), "cannot write `d/part-007.parquet`");
            assert!(
                failure.hint().starts_with("free some space"),
                "{}",
                failure.hint()
            );
        }
    }
}
