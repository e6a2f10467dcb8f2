//! A Worker's folder: what was written there, what the user changed since, and how it is written anew.
//! Never overwrites a change of the user's unasked, and decides about all files before it writes one.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use similar::TextDiff;

use crate::deploy::cloudflare::config::{self, Old};
use crate::deploy::cloudflare::files::{self, File};
use crate::deploy::cloudflare::jsonc;
use crate::deploy::cloudflare::name::WorkerName;
use crate::deploy::cloudflare::plan::{Plan, WorkerRequest};
use crate::digest;
use crate::failure::{Failure, Kind};

/// The file that remembers.
pub(crate) const RECORD: &str = "leanrepl.json";

/// The largest file that is read.
const LARGEST_BYTES: u64 = 4 << 20;

/// How many lines of differences are shown.
const DIFF_LINES: usize = 200;

/// What a folder was made for, and what was written.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Record {
    /// Of this file's form, now 1.
    version: u32,
    pub(crate) plan: Plan,
    /// The SHA-256 digest of each file as it was written.
    written: BTreeMap<String, String>,
}

/// What became of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It was not there.
    Created,
    /// It was there and is new now.
    Updated,
    /// It is as it was.
    Same,
    /// It holds changes of the user's, and there was nothing new to write.
    Kept,
}

impl Fate {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Updated => "updated",
            Self::Same => "unchanged",
            Self::Kept => "kept, with your changes",
        }
    }
}

/// What a run made of a folder.
#[derive(Debug)]
pub(crate) struct Made {
    /// What the folder is made for now.
    pub(crate) plan: Plan,
    /// What became of each file, by its path in the folder.
    pub(crate) fates: Vec<(&'static str, Fate)>,
}

/// A folder with a Worker, or for one.
#[derive(Debug)]
pub(crate) struct Folder {
    dir: PathBuf,
}

impl Folder {
    /// The folder at a path; it need not exist.
    pub(crate) fn at(dir: impl Into<PathBuf>) -> Self {
        Self { dir: dir.into() }
    }

    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    /// What the folder was made for, if leanrepl made it.
    ///
    /// # Errors
    /// A record that cannot be read.
    pub(crate) fn record(&self) -> Result<Option<Record>, Failure> {
        let Some(text) = self.read(RECORD)? else {
            return Ok(None);
        };
        let path = self.dir.join(RECORD);
        let bad = |why: String| {
            Failure::new(
                Kind::Usage,
                format!("`{}` cannot be used", path.display()),
                "restore it as it was, or remove it and run `leanrepl cloudflare init` with all options again",
            )
            .caused_by(why)
        };
        let record: Record = serde_json::from_str(&text).map_err(|err| bad(err.to_string()))?;
        match record.version {
            1 => Ok(Some(record)),
            other => Err(bad(format!(
                "its version is {other}, but this leanrepl knows only 1"
            ))),
        }
    }

    /// Its `wrangler.jsonc`.
    ///
    /// # Errors
    /// One that cannot be read.
    pub(crate) fn config(&self) -> Result<Option<jsonc::Value>, Failure> {
        let text = self.read(config::FILE)?;
        text.map(|text| jsonc::Value::read(&text))
            .transpose()
            .map_err(|why| {
                Failure::new(
                    Kind::Usage,
                    format!(
                        "`{}` is no JSON with comments",
                        self.dir.join(config::FILE).display()
                    ),
                    "correct it at the place that is named",
                )
                .caused_by(why)
            })
    }

    /// The text of a file, if it is there.
    ///
    /// # Errors
    /// One that cannot be read, or that is far too large.
    pub(crate) fn read(&self, name: &str) -> Result<Option<String>, Failure> {
        let path = self.dir.join(name);
        let read = match fs::metadata(&path) {
            Ok(found) if found.len() > LARGEST_BYTES => {
                Err(io::Error::other("it is larger than 4 MiB"))
            }
            Ok(_) => fs::read_to_string(&path),
            Err(err) => Err(err),
        };
        match read {
            Ok(text) => Ok(Some(text)),
            Err(err) if err.kind() == ErrorKind::NotFound => Ok(None),
            Err(err) => Err(Failure::new(
                Kind::Usage,
                format!("cannot read `{}`", path.display()),
                "make it a readable text file, or name another folder",
            )
            .caused_by(err)),
        }
    }

    /// Makes the folder what the request says, on top of what it was made for before. Tells what became of
    /// each file.
    ///
    /// # Errors
    /// A request that cannot be carried out; changes of the user's in a file that has to be written, unless
    /// `force` is set; a folder that cannot be written.
    pub(crate) fn make(&self, request: &WorkerRequest, force: bool) -> Result<Made, Failure> {
        if self.dir.exists() && !self.dir.is_dir() {
            return Err(Failure::new(
                Kind::Usage,
                format!("`{}` is no folder", self.dir.display()),
                "name a folder, or a path where there is nothing yet",
            ));
        }
        let (plan, written) = match self.record()? {
            Some(record) => (record.plan, record.written),
            None => (Plan::new(self.worker(request)?), BTreeMap::new()),
        };
        let plan = plan.with(request)?;
        let old = self
            .config()?
            .map(|file| Old::of(&file))
            .unwrap_or_default();
        let files = files::all(&plan, &old)?;
        let fates = self.decide(&files, &written, force)?;
        for (file, (_, fate)) in files.iter().zip(&fates) {
            if matches!(fate, Fate::Created | Fate::Updated) {
                self.write(file.path, &file.text)?;
            }
        }
        // Last, so that a run that was cut short is done again. The digest is of what leanrepl would
        // write, also where the user's changes stay.
        let digests = files
            .iter()
            .map(|file| (file.path.to_owned(), digest::of_bytes(file.text.as_bytes())));
        let record = Record {
            version: 1,
            plan,
            written: digests.collect(),
        };
        let text = serde_json::to_string_pretty(&record)
            .map_err(|err| Failure::bug("the record of the folder is no JSON").caused_by(err))?;
        self.write(RECORD, &(text + "\n"))?;
        Ok(Made {
            plan: record.plan,
            fates,
        })
    }

    /// The Worker's name: as it is wished, else that of the folder.
    fn worker(&self, request: &WorkerRequest) -> Result<WorkerName, Failure> {
        if let Some(name) = &request.worker {
            return Ok(name.clone());
        }
        let whole = std::path::absolute(&self.dir).unwrap_or_else(|_| self.dir.clone());
        let name = whole
            .components()
            .next_back()
            .map(|part| part.as_os_str().to_string_lossy().into_owned());
        name.unwrap_or_default().parse().map_err(|why: String| {
            Failure::new(
                Kind::Usage,
                "the Worker cannot be named after its folder",
                "name it with `--name NAME`",
            )
            .caused_by(why)
        })
    }

    /// What is to become of each file.
    fn decide(
        &self,
        files: &[File],
        written: &BTreeMap<String, String>,
        force: bool,
    ) -> Result<Vec<(&'static str, Fate)>, Failure> {
        let mut fates = Vec::new();
        let mut differences = Differences::default();
        for file in files {
            let there = self.read(file.path)?;
            let fate = match (&there, written.get(file.path)) {
                (None, _) => Fate::Created,
                (Some(there), _) if *there == file.text => Fate::Same,
                (Some(_), _) if force => Fate::Updated,
                (Some(there), Some(known)) if digest::of_bytes(there.as_bytes()) == *known => {
                    Fate::Updated
                }
                (Some(_), Some(known)) if digest::of_bytes(file.text.as_bytes()) == *known => {
                    Fate::Kept
                }
                (Some(there), _) => {
                    differences.add(file, there);
                    Fate::Kept
                }
            };
            fates.push((file.path, fate));
        }
        if differences.names.is_empty() {
            return Ok(fates);
        }
        Err(Failure::new(
            Kind::Usage,
            format!(
                "`{}` would lose what was changed in {}",
                self.dir.display(),
                differences.names.join(", ")
            ),
            "take over what you want to keep and run it again with `--force`; nothing was written",
        )
        .caused_by(differences))
    }

    /// Writes a file beside its place and renames it.
    fn write(&self, name: &str, text: &str) -> Result<(), Failure> {
        let path = self.dir.join(name);
        write_whole(&path, text).map_err(|err| {
            Failure::new(
                Kind::Usage,
                format!("cannot write `{}`", path.display()),
                "make room and give yourself the right to write there, or name another folder",
            )
            .caused_by(err)
        })
    }
}

/// Writes a file so that it is there whole or not at all.
fn write_whole(path: &Path, text: &str) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let beside = folder.join(format!(".{name}.tmp-{}", std::process::id()));
    let written = fs::File::create(&beside)
        .and_then(|mut file| {
            file.write_all(text.as_bytes())?;
            file.sync_all()
        })
        .and_then(|()| fs::rename(&beside, path));
    if written.is_err() {
        // The first error is the one to tell.
        let _left = fs::remove_file(&beside);
    }
    written
}

/// What would be lost, as differences from what is there to what would be written.
#[derive(Debug, Default)]
struct Differences {
    names: Vec<String>,
    lines: Vec<String>,
}

impl Differences {
    fn add(&mut self, file: &File, there: &str) {
        self.names.push(format!("`{}`", file.path));
        let diff = TextDiff::from_lines(there, &file.text);
        let text = diff
            .unified_diff()
            .header(&format!("{} as it is", file.path), "as it would be written")
            .to_string();
        self.lines.extend(text.lines().map(str::to_owned));
    }
}

impl fmt::Display for Differences {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("these differences:")?;
        for line in self.lines.iter().take(DIFF_LINES) {
            write!(f, "\n{line}")?;
        }
        match self.lines.len().saturating_sub(DIFF_LINES) {
            0 => Ok(()),
            more => write!(f, "\n({more} lines more)"),
        }
    }
}

impl std::error::Error for Differences {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deploy::cloudflare::plan::tests::request;

    /// A folder that is gone after the test, with a Worker for one container.
    fn made() -> (tempfile::TempDir, Folder) {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::at(dir.path().join("lean"));
        folder.make(&request(&["lean-4-27-0"]), false).unwrap();
        (dir, folder)
    }

    /// What became of a file in a second run.
    fn fate(folder: &Folder, names: &[&str], force: bool, path: &str) -> Fate {
        let fates = folder.make(&request(names), force).unwrap().fates;
        fates.into_iter().find(|(name, _)| *name == path).unwrap().1
    }

    #[test]
    fn a_second_run_changes_nothing_and_another_container_changes_what_it_must() {
        let (_dir, folder) = made();
        let before = folder.read(RECORD).unwrap();
        let fates = folder.make(&WorkerRequest::default(), false).unwrap().fates;
        assert!(
            fates.iter().all(|(_, fate)| *fate == Fate::Same),
            "{fates:?}"
        );
        assert_eq!(folder.read(RECORD).unwrap(), before);
        let names = ["mathlib-4-27-0"];
        assert_eq!(
            fate(&folder, &names, false, "wrangler.jsonc"),
            Fate::Updated
        );
        let index = folder.read("src/index.ts").unwrap().unwrap();
        assert!(index.contains("Lean_4_27_0") && index.contains("Mathlib_4_27_0"));
    }

    #[test]
    fn a_change_of_the_users_stays_unless_it_is_in_the_way() {
        let (_dir, folder) = made();
        folder.write("src/worker.ts", "// mine\n").unwrap();
        assert_eq!(
            fate(&folder, &["lean-4-28-0"], false, "src/worker.ts"),
            Fate::Kept
        );
        folder.write("src/index.ts", "// mine too\n").unwrap();
        let before = folder.read("wrangler.jsonc").unwrap();
        let failure = folder.make(&request(&["lean-4-29-0"]), false).unwrap_err();
        assert!(
            failure
                .problem()
                .ends_with("would lose what was changed in `src/index.ts`"),
            "{failure}"
        );
        assert!(
            failure.causes()[0].contains("\n-// mine too\n+//"),
            "{:?}",
            failure.causes()
        );
        assert_eq!(folder.read("wrangler.jsonc").unwrap(), before);
        assert_eq!(
            fate(&folder, &["lean-4-29-0"], true, "src/index.ts"),
            Fate::Updated
        );
    }

    #[test]
    fn a_file_that_leanrepl_did_not_write_is_not_overwritten() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("package.json"), "{}").unwrap();
        let folder = Folder::at(dir.path());
        let mut request = request(&["lean-4-27-0"]);
        request.worker = Some("lean".parse().unwrap());
        let failure = folder.make(&request, false).unwrap_err();
        assert!(failure.problem().contains("`package.json`"), "{failure}");
        assert!(!dir.path().join("wrangler.jsonc").exists());
    }

    #[test]
    fn what_was_deployed_is_read_from_the_file_even_if_it_was_edited() {
        let (_dir, folder) = made();
        let text = folder.read("wrangler.jsonc").unwrap().unwrap();
        folder
            .write("wrangler.jsonc", &text.replace("\"v1\"", "\"mine\""))
            .unwrap();
        folder.make(&request(&["lean-4-28-0"]), true).unwrap();
        let config = folder.config().unwrap().unwrap();
        let tags: Vec<_> = config
            .list("migrations")
            .iter()
            .map(|step| step.get("tag").unwrap().text())
            .collect();
        assert_eq!(tags, [Some("mine"), Some("v2")]);
    }

    #[test]
    fn a_record_that_cannot_be_read_is_named() {
        let (_dir, folder) = made();
        for text in ["", "{}", "{\"version\": 2}"] {
            folder.write(RECORD, text).unwrap();
            let failure = folder.make(&WorkerRequest::default(), false).unwrap_err();
            assert!(failure.problem().contains("leanrepl.json"), "{failure}");
        }
    }
}
