//! The directory of a result: who may write into it, what is in it already, and how a result gets there.
//!
//! ```text
//! DIR/.spool/     rows of units, until the result is complete; `lock`, `run.json`, `stage/`
//! DIR/data/       the shards
//! DIR/_schema.json, README.md, _manifest.json
//! ```

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use crate::extract::disk;
use crate::extract::manifest::Manifest;
use crate::extract::run_file::RunFile;
use crate::failure::{Failure, Kind};
use crate::table::schema::Schema;

/// The folder of the spool in the directory.
const SPOOL: &str = ".spool";

/// Where the spool of the directory `root` is.
pub(crate) fn spool_of(root: &Path) -> PathBuf {
    root.join(SPOOL)
}

/// The mark of a directory into which shares are being packed: what is in it can be made again.
const PACKING: &str = "packing";

/// Where shards are written before they are all there.
const STAGE: &str = "stage";

/// The files beside the shards.
const SCHEMA: &str = "_schema.json";
const CARD: &str = "README.md";
const MANIFEST: &str = "_manifest.json";

/// A directory that this process alone writes into.
#[derive(Debug)]
pub(crate) struct OutputDir {
    root: PathBuf,
    /// What an earlier run left that can be gone on with.
    pub(crate) earlier: Earlier,
    /// Locked as long as it is open.
    _lock: File,
}

/// What is in a directory at the start.
#[derive(Debug)]
pub(crate) enum Earlier {
    /// Nothing.
    Nothing,
    /// A run that did not come to its end.
    Run(Box<RunFile>),
    /// A complete result.
    Result(Box<Manifest>),
}

/// The files of a result beside its shards.
pub(crate) struct Beside<'a> {
    pub(crate) schema: &'a Schema,
    pub(crate) card: &'a str,
    pub(crate) manifest: &'a Manifest,
}

impl OutputDir {
    /// Takes a directory for a result. `resume` allows one in which an extraction has been at work.
    ///
    /// # Errors
    /// A directory with anything else in it, one in which another process is at work, and what the disk says.
    /// Nothing that was there is changed then.
    pub(crate) fn open(root: &Path, resume: bool) -> Result<Self, Failure> {
        let was_there = root.exists();
        if was_there {
            check(root, resume)?;
        }
        let spool = spool_of(root);
        fs::create_dir_all(&spool).map_err(|err| disk::failure("create", &spool, err))?;
        let lock = lock(&spool.join("lock"), root)?;
        // Another process may have been at work in between.
        check(root, resume)?;
        let earlier = if RunFile::path(&spool).exists() {
            Earlier::Run(Box::new(RunFile::read(&spool)?))
        } else if root.join(MANIFEST).exists() {
            Earlier::Result(Box::new(Manifest::read(&root.join(MANIFEST))?))
        } else {
            Earlier::Nothing
        };
        Ok(Self {
            root: root.to_owned(),
            earlier,
            _lock: lock,
        })
    }

    /// Marks it as one into which shares are packed, so that packing can start over after a kill.
    ///
    /// # Errors
    /// What the disk says.
    pub(crate) fn mark_packing(&self) -> Result<(), Failure> {
        disk::replace(&self.spool().join(PACKING), b"")
    }

    /// The folder of the spool.
    pub(crate) fn spool(&self) -> PathBuf {
        spool_of(&self.root)
    }

    /// The directory itself.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// An empty folder for shards.
    ///
    /// # Errors
    /// What the disk says.
    pub(crate) fn stage(&self) -> Result<PathBuf, Failure> {
        let stage = self.spool().join(STAGE);
        disk::remove(&stage)?;
        fs::create_dir(&stage).map_err(|err| disk::failure("create", &stage, err))?;
        Ok(stage)
    }

    /// Puts the shards and what goes with them in their places, the manifest last, and removes the spool. A
    /// result without a manifest is none.
    ///
    /// # Errors
    /// What the disk says; the spool is kept then.
    pub(crate) fn publish(self, stage: &Path, beside: &Beside<'_>) -> Result<(), Failure> {
        let manifest = self.root.join(MANIFEST);
        // An earlier manifest must not describe these shards.
        disk::remove(&manifest)?;
        let data = self.root.join(disk::DATA);
        disk::remove(&data)?;
        fs::rename(stage, &data).map_err(|err| disk::failure("create", &data, err))?;
        disk::replace(
            &self.root.join(SCHEMA),
            disk::json(beside.schema)?.as_bytes(),
        )?;
        disk::replace(&self.root.join(CARD), beside.card.as_bytes())?;
        disk::replace(&manifest, disk::json(beside.manifest)?.as_bytes())?;
        self.clear()
    }

    /// Removes the spool.
    ///
    /// # Errors
    /// What the disk says.
    pub(crate) fn clear(self) -> Result<(), Failure> {
        disk::remove(&self.spool())
    }
}

/// Whether a directory may be written into.
fn check(root: &Path, resume: bool) -> Result<(), Failure> {
    let entries = fs::read_dir(root).map_err(|err| disk::failure("read", root, err))?;
    let names: Vec<_> = entries.flatten().map(|entry| entry.file_name()).collect();
    let spool = spool_of(root);
    let is_ours = RunFile::path(&spool).exists() || root.join(MANIFEST).exists();
    // A spool without a run is what another process leaves that is only starting, was refused, or was packing.
    let is_packing = spool.join(PACKING).exists();
    let is_empty = (is_packing || names.iter().all(|name| name == SPOOL)) && !is_ours;
    match (is_empty, is_ours, resume) {
        (true, ..) | (_, true, true) => Ok(()),
        (_, true, false) => Err(Failure::new(
            Kind::Usage,
            format!(
                "the directory `{}` holds an extraction already",
                root.display()
            ),
            "continue it with `--resume`, or name another directory with `--out DIR`",
        )),
        (_, false, _) => Err(Failure::new(
            Kind::Usage,
            format!(
                "the directory `{}` is not empty, and holds no extraction",
                root.display()
            ),
            "name an empty directory, or one that does not exist, with `--out DIR`",
        )),
    }
}

/// Takes the lock of a directory.
fn lock(path: &Path, root: &Path) -> Result<File, Failure> {
    let refused = |err| disk::failure("lock", path, err);
    let busy = || {
        Failure::new(
            Kind::Usage,
            format!("another extraction is at work in `{}`", root.display()),
            "wait until it has ended, or name another directory with `--out DIR`",
        )
    };
    let file = OpenOptions::new()
        .create(true)
        .append(true)
        .open(path)
        .map_err(refused)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Err(busy()),
        Err(TryLockError::Error(err)) => return Err(refused(err)),
    }
    // A process that ended in between has removed the file that was locked here.
    match (identity(path), file.metadata().map(|it| of(&it))) {
        (Ok(there), Ok(ours)) if there == ours => Ok(file),
        _ => Err(busy()),
    }
}

/// Which file a path leads to.
fn identity(path: &Path) -> io::Result<(u64, u64)> {
    fs::metadata(path).map(|metadata| of(&metadata))
}

fn of(metadata: &fs::Metadata) -> (u64, u64) {
    use std::os::unix::fs::MetadataExt as _;
    (metadata.dev(), metadata.ino())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_there_is_not_touched() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("out");
        fs::create_dir(&root).unwrap();
        fs::write(root.join("notes.txt"), "mine").unwrap();
        for resume in [false, true] {
            let refused = OutputDir::open(&root, resume).unwrap_err();
            assert!(refused.problem().contains("not empty"), "{refused}");
            assert_eq!(fs::read_dir(&root).unwrap().count(), 1);
        }
        let file = dir.path().join("file");
        fs::write(&file, "").unwrap();
        assert!(OutputDir::open(&file, true).is_err());
    }

    #[test]
    fn packing_starts_over_after_a_kill_at_any_moment() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("out");
        let out = OutputDir::open(&root, false).unwrap();
        out.mark_packing().unwrap();
        fs::create_dir(root.join(disk::DATA)).unwrap();
        fs::write(root.join(CARD), "half").unwrap();
        drop(out);
        let again = OutputDir::open(&root, false).unwrap();
        assert!(matches!(again.earlier, Earlier::Nothing));
        // A complete result is left alone, whatever lies beside it.
        fs::write(root.join(MANIFEST), "{}").unwrap();
        drop(again);
        assert!(OutputDir::open(&root, false).is_err());
    }

    #[test]
    fn two_runs_do_not_share_a_directory() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("out");
        let one = OutputDir::open(&root, false).unwrap();
        let refused = OutputDir::open(&root, true).unwrap_err();
        assert!(refused.problem().contains("at work"), "{refused}");
        one.clear().unwrap();
        let again = OutputDir::open(&root, false).unwrap();
        assert!(matches!(again.earlier, Earlier::Nothing));
    }
}
