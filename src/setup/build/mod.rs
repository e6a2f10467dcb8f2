//! REPLs built from source, one for each toolchain: which of them are there, and how a new one comes
//! about. Never guesses a tag in silence, and never puts a REPL in its place that has not answered.

mod git;
mod handshake;
mod job;
mod patch;
pub(crate) mod record;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::data_dir::DataDir;
use crate::elan::lake::Lake;
use crate::event::Observer;
use crate::failure::{Failure, Kind};
use crate::lean::release::Release;
use crate::lean::toolchain::Toolchain;
use crate::limits::{CancelFlag, Deadline};

use crate::session::identity::Identity;

use record::Record;

/// The repository that is built unless another one is named.
pub(crate) const COMMUNITY: &str = "https://github.com/leanprover-community/repl";

/// The folder of the cache that holds all REPLs.
const FOLDER: &str = "repl";

/// Names the folder of the REPL that was asked for last, among those of one toolchain.
const SELECTED: &str = "selected";

/// A toolchain for which a REPL is there or wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct For {
    /// The toolchain.
    pub(crate) toolchain: Toolchain,
    /// Its Lean's version: that in its name, else what it says.
    pub(crate) lean: String,
}

/// Which source is built.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Wanted {
    /// The repository, as git takes it.
    pub(crate) repository: String,
    /// A tag, branch or commit; chosen by the toolchain's release if absent.
    pub(crate) reference: Option<String>,
}

/// A REPL that was built and has answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Built {
    /// Its folder.
    pub(crate) dir: PathBuf,
    /// What it is.
    pub(crate) record: Record,
}

/// What bounds a build, and who hears of it.
#[derive(Clone, Copy)]
pub(crate) struct Circumstances<'a> {
    /// When to give up.
    pub(crate) deadline: Deadline,
    /// Who is told.
    pub(crate) observer: &'a Arc<dyn Observer>,
    /// Whether to stop.
    pub(crate) interrupt: &'a CancelFlag,
}

impl For {
    /// The toolchain with its Lean's version. Lean is asked only if the name does not say it.
    ///
    /// # Errors
    /// A Lean that cannot be run.
    pub(crate) fn of(
        toolchain: &Toolchain,
        lake: &Lake,
        around: Circumstances<'_>,
    ) -> Result<Self, Failure> {
        let lean = match toolchain.release() {
            Some(release) => release.to_string(),
            None => {
                lake.lean_version(around.deadline, around.observer.as_ref(), around.interrupt)?
            }
        };
        Ok(Self {
            toolchain: toolchain.clone(),
            lean,
        })
    }

    /// The release, if its Lean is one.
    fn release(&self) -> Option<Release> {
        self.lean.parse().ok()
    }

    /// A name for its folder. What a channel, a link or a folder stands for may change, so their
    /// version is part of it.
    fn key(&self) -> String {
        let slug = self.toolchain.slug();
        if self.toolchain.release().is_some() {
            return slug;
        }
        let plain = |c: char| c.is_ascii_alphanumeric() || ".-_".contains(c);
        let lean = self.lean.chars();
        let lean: String = lean.map(|c| if plain(c) { c } else { '_' }).collect();
        format!("{slug}@{lean}")
    }
}

impl Built {
    /// The binary.
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

/// All built REPLs of a cache.
#[derive(Debug, Clone)]
pub(crate) struct Shelf {
    /// The cache.
    cache: DataDir,
}

impl Shelf {
    /// Those in that cache.
    pub(crate) fn new(cache: DataDir) -> Self {
        Self { cache }
    }

    /// The REPL that was asked for last with this toolchain. Needs no network and writes nothing.
    pub(crate) fn selected(&self, whose: &For) -> Option<Built> {
        let folder = self.folder(whose);
        let name = fs::read_to_string(folder.join(SELECTED)).ok()?;
        open(&folder.join(name.trim()), whose)
    }

    /// The REPL for this toolchain from that source, if it was built before.
    fn find(&self, whose: &For, wanted: &Wanted) -> Option<Built> {
        let entries = fs::read_dir(self.folder(whose)).ok()?;
        let mut built = entries
            .flatten()
            // Those of a build under way, or of one that was killed.
            .filter(|entry| !entry.file_name().to_string_lossy().starts_with('.'))
            .filter_map(|entry| open(&entry.path(), whose));
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
        around: Circumstances<'_>,
    ) -> Result<Built, Failure> {
        if let Some(built) = self.find(whose, wanted) {
            self.select(whose, &built)?;
            return Ok(built);
        }
        self.build(whose, wanted, why_toolchain, lake, around, Old::Keep)
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
        around: Circumstances<'_>,
        old: Old,
    ) -> Result<Built, Failure> {
        lake.need()?;
        let name = format!("{FOLDER}-{}", whose.key());
        let purpose = format!("building the REPL for {}", whose.toolchain);
        let observer = around.observer.as_ref();
        let lock = self
            .cache
            .lock(&name, &purpose, around.deadline, observer, around.interrupt)?;
        let found = self.find(whose, wanted).filter(|_| old == Old::Keep);
        let built = match found {
            Some(built) => built,
            None => job::Job {
                cache: &self.cache,
                lock: &lock,
                folder: self.folder(whose),
                whose,
                wanted,
                why_toolchain,
                lake,
                around,
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

/// The REPL in that folder, if it is whole and for that toolchain.
fn open(dir: &Path, whose: &For) -> Option<Built> {
    let record = Record::read(dir)?;
    let dir = dir.to_owned();
    let built = Built { dir, record };
    let length = fs::metadata(built.binary()).ok()?.len();
    let is_whole = length == built.record.binary_bytes;
    (is_whole && built.record.toolchain == whose.toolchain.to_string()).then_some(built)
}
