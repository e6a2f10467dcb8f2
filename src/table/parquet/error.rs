//! Why a table cannot be written.

use std::io;
use std::path::{Path, PathBuf};

use ::parquet::errors::ParquetError;

use crate::failure::{Failure, Kind};
use crate::table::row::RowError;

/// Why a table cannot be written. What is in its directory is then worth nothing.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The column that chooses the shard is none of the table.
    #[error("there is no column `{0}` to choose the shard of a row by")]
    NoKey(String),
    /// A row does not fit the schema, or a batch is too large for a column.
    #[error("row {row}: {error}")]
    Row {
        /// The number of the row among those that were pushed, from 1.
        row: u64,
        /// What is wrong with it.
        error: RowError,
    },
    /// A file cannot be written, or not be read back for its digest.
    #[error("cannot write `{}`: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The rows of a file cannot be encoded, which the check of the rows rules out.
    #[error("cannot encode the rows of `{}`: {problem}", path.display())]
    Encoding {
        /// The file.
        path: PathBuf,
        /// What the encoder says.
        problem: String,
    },
    /// A thread does not start.
    #[error("cannot start a thread to write the table: {0}")]
    Thread(io::Error),
    /// A thread ended where it should not, or was used after an error.
    #[error("a thread that writes the table has ended early")]
    Lost,
}

impl WriteError {
    /// An error of the encoder, which may be one of the file beneath it.
    pub(super) fn of_parquet(path: &Path, err: ParquetError) -> Self {
        let path = path.to_owned();
        let err = match err {
            ParquetError::External(inner) => match inner.downcast::<io::Error>() {
                Ok(source) => {
                    return Self::File {
                        path,
                        source: *source,
                    };
                }
                Err(inner) => ParquetError::External(inner),
            },
            err => err,
        };
        Self::Encoding {
            path,
            problem: err.to_string(),
        }
    }

    /// An error of the file system.
    pub(super) fn of_file(path: &Path, source: io::Error) -> Self {
        Self::File {
            path: path.to_owned(),
            source,
        }
    }
}

/// What a user sees.
impl From<WriteError> for Failure {
    fn from(err: WriteError) -> Self {
        match err {
            WriteError::NoKey(_) => Self::new(
                Kind::Usage,
                err.to_string(),
                "name a column of the schema with `--shard-key`; `--schema` lists them",
            ),
            WriteError::Row { .. } => Self::new(
                Kind::Session,
                err.to_string(),
                "correct the extractor, so that its rows fit its schema",
            ),
            WriteError::File { path, source } => {
                let problem = format!("cannot write `{}`", path.display());
                Self::new(Kind::Build, problem, file_hint(&source)).caused_by(source)
            }
            WriteError::Thread(source) => Self::new(
                Kind::Build,
                "cannot start a thread to write the table",
                "end other programs, or raise the limit of processes (`ulimit -u`)",
            )
            .caused_by(source),
            WriteError::Encoding { .. } | WriteError::Lost => Self::bug(err.to_string()),
        }
    }
}

/// The next step after an error of a file.
fn file_hint(err: &io::Error) -> &'static str {
    // ENFILE and EMFILE have no stable name in `ErrorKind`.
    let too_many = [rustix::io::Errno::MFILE, rustix::io::Errno::NFILE];
    if too_many
        .iter()
        .any(|errno| err.raw_os_error() == Some(errno.raw_os_error()))
    {
        return "use fewer shards with `--num-shards`, or raise the limit of open files with `ulimit -n`";
    }
    match err.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            "free some space, or name a directory on another disk with `--out`, and run the same command again"
        }
        _ => "make the directory writable, or name another one with `--out`",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_of_the_disk_is_found_inside_one_of_the_encoder() {
        let inner = io::Error::from(io::ErrorKind::StorageFull);
        let err = WriteError::of_parquet(Path::new("d/part-000.parquet"), inner.into());
        let failure = Failure::from(err);
        assert_eq!(failure.problem(), "cannot write `d/part-000.parquet`");
        assert!(
            failure.hint().starts_with("free some space"),
            "{}",
            failure.hint()
        );
        assert_eq!(failure.causes(), ["no storage space"]);
    }

    #[test]
    fn too_many_open_files_and_a_bug_are_told_apart() {
        let hint = |errno: rustix::io::Errno| {
            let err = WriteError::of_file(Path::new("p"), errno.into());
            Failure::from(err).hint().to_owned()
        };
        assert!(hint(rustix::io::Errno::MFILE).contains("--num-shards"));
        assert!(hint(rustix::io::Errno::ROFS).contains("--out"));
        let bug = WriteError::of_parquet(Path::new("p"), ParquetError::General("x".to_owned()));
        assert_eq!(Failure::from(bug).kind(), Kind::Bug);
    }
}
