//! All REPLs that were built: which of them are there, and when a new one is built.

use std::fs;
use std::path::PathBuf;

use crate::data_dir::DataDir;
use crate::elan::lake::Lake;
use crate::failure::{Failure, Kind};
use crate::setup::build::built::Built;
use crate::setup::build::job::Job;
use crate::setup::build::wanted::{For, Wanted};
use crate::work::WorkContext;

/// The folder of the cache that holds all REPLs.
const FOLDER: &str = "repl";

/// Names the folder of the REPL that was asked for last, among those of one toolchain.
const SELECTED: &str = "selected";

/// All built REPLs of a cache.
#[derive(Debug, Clone)]
pub(crate) struct Shelf {
    cache: DataDir,
}

impl Shelf {
    pub(crate) fn new(cache: DataDir) -> Self {
        Self { cache }
    }

    /// The REPL that was asked for last with this toolchain. Needs no network and writes nothing.
    pub(crate) fn selected(&self, whose: &For) -> Option<Built> {
        let folder = self.folder(whose);
        let name = fs::read_to_string(folder.join(SELECTED)).ok()?;
        Built::open(&folder.join(name.trim()), whose)
    }

    /// The REPL for this toolchain from that source, if it was built before.
    fn find(&self, whose: &For, wanted: &Wanted) -> Option<Built> {
        let entries = fs::read_dir(self.folder(whose)).ok()?;
        let mut built = entries
            .flatten()
            // Those of a build under way, or of one that was killed.
            .filter(|entry| !entry.file_name().to_string_lossy().starts_with('.'))
            .filter_map(|entry| Built::open(&entry.path(), whose));
        let is_wanted = |built: &Built| {
            built.record.repository == wanted.repository
                && built.record.reference == wanted.reference
        };
        built.find(is_wanted)
    }

    /// The REPL for this toolchain from that source: found, else built. From then on it is the one
    /// that is used with this toolchain.
    ///
    /// # Errors
    /// All that can go wrong with git, Lake and the disk, a release without a tag, and a REPL that
    /// does not answer or is of another version.
    pub(crate) fn ensure(
        &self,
        whose: &For,
        wanted: &Wanted,
        why_toolchain: &str,
        lake: &Lake,
        work: WorkContext<'_>,
    ) -> Result<Built, Failure> {
        if let Some(built) = self.find(whose, wanted) {
            self.select(whose, &built)?;
            return Ok(built);
        }
        self.build(whose, wanted, why_toolchain, lake, work, Old::Keep)
    }

    /// As `ensure`, without a network: what was not built before is a failure.
    pub(crate) fn ensure_offline(&self, whose: &For, wanted: &Wanted) -> Result<Built, Failure> {
        let Some(built) = self.find(whose, wanted) else {
            return Err(Failure::new(
                Kind::Build,
                format!(
                    "no REPL for `{}` is in the cache `{}`, and `--offline` forbids to fetch one",
                    whose.toolchain,
                    self.cache.root().display()
                ),
                "run `leanrepl build` once without `--offline`",
            ));
        };
        self.select(whose, &built)?;
        Ok(built)
    }

    /// Builds the REPL, unless another process does so meanwhile and `old` is to be kept.
    pub(crate) fn build(
        &self,
        whose: &For,
        wanted: &Wanted,
        why_toolchain: &str,
        lake: &Lake,
        work: WorkContext<'_>,
        old: Old,
    ) -> Result<Built, Failure> {
        lake.need()?;
        let name = format!("{FOLDER}-{}", whose.key());
        let purpose = format!("building the REPL for {}", whose.toolchain);
        let observer = work.observer.as_ref();
        let lock = self
            .cache
            .lock(&name, &purpose, work.deadline, observer, work.cancel)?;
        let found = self.find(whose, wanted).filter(|_| old == Old::Keep);
        let built = match found {
            Some(built) => built,
            None => Job {
                cache: &self.cache,
                lock: &lock,
                folder: self.folder(whose),
                whose,
                wanted,
                why_toolchain,
                lake,
                work,
            }
            .run()?,
        };
        self.select(whose, &built)?;
        Ok(built)
    }

    /// Makes it the one that is used with its toolchain.
    fn select(&self, whose: &For, built: &Built) -> Result<(), Failure> {
        if self.selected(whose).as_ref() == Some(built) {
            return Ok(());
        }
        let name = built.dir.file_name().unwrap_or_default();
        let path = self.folder(whose).join(SELECTED);
        let beside = path.with_file_name(format!(".{SELECTED}-{}", std::process::id()));
        fs::write(&beside, name.as_encoded_bytes())
            .and_then(|()| fs::rename(&beside, &path))
            .map_err(|err| self.cache.failure("write", &path, err))
    }

    /// The folder of all REPLs for this toolchain.
    fn folder(&self, whose: &For) -> PathBuf {
        self.cache.root().join(FOLDER).join(whose.key())
    }
}

/// What is done with a REPL that is there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Old {
    /// It is used.
    Keep,
    /// It is replaced.
    Replace,
}
