//! What an extraction is about, in a file beside its spool, so that it can be resumed and packed. Pure, but
//! for reading and writing that file.

use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::extract::disk;
use crate::extract::identity::RunIdentity;
use crate::extract::unit::UnitName;
use crate::failure::{Failure, Kind};
use crate::work::share::Share;

/// Of the file; changes when a field changes its meaning.
pub(crate) const FORMAT: u32 = 1;

/// Its name in the folder of the spool.
const NAME: &str = "run.json";

/// The file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RunFile {
    pub(crate) format: u32,
    pub(crate) identity: RunIdentity,
    /// What this Lean cannot know, one sentence each.
    pub(crate) limits: Vec<String>,
    /// All units, sorted by name.
    pub(crate) units: Vec<UnitName>,
    /// The units that failed and are left out, with why.
    pub(crate) failed: Vec<FailedUnit>,
    /// The part that this run extracts; null for all.
    pub(crate) share: Option<Share>,
}

/// A unit that gave no rows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FailedUnit {
    pub(crate) name: String,
    pub(crate) problem: String,
}

impl RunFile {
    /// Where it is in the folder of a spool.
    pub(crate) fn path(spool: &Path) -> PathBuf {
        spool.join(NAME)
    }

    /// Reads it.
    ///
    /// # Errors
    /// A file that is not there, or not one of ours.
    pub(crate) fn read(spool: &Path) -> Result<Self, Failure> {
        let path = Self::path(spool);
        let text = fs::read_to_string(&path).map_err(|err| {
            let hint = "name directories in which `leanrepl extract` has written a spool";
            let problem = format!("there is no extraction in `{}`", place(spool).display());
            Failure::new(Kind::Usage, problem, hint).caused_by(err)
        })?;
        let strange = |why: String| {
            Failure::new(
                Kind::Usage,
                format!("`{}` cannot be understood", path.display()),
                "name another directory with `--out`, or delete this one if nothing in it is needed",
            )
            .caused_by(why)
        };
        let file: Self = serde_json::from_str(&text).map_err(|err| strange(err.to_string()))?;
        if file.format != FORMAT {
            return Err(strange(format!(
                "it has the format {}, and this is {FORMAT}",
                file.format
            )));
        }
        Ok(file)
    }

    /// Writes it.
    ///
    /// # Errors
    /// What the disk says.
    pub(crate) fn write(&self, spool: &Path) -> Result<(), Failure> {
        disk::replace(&Self::path(spool), disk::json(self)?.as_bytes())
    }
}

/// The directory of a result, as the user named it, from the folder of its spool.
fn place(spool: &Path) -> &Path {
    spool.parent().unwrap_or(spool)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::extract::identity::tests::identity;

    #[test]
    fn a_file_comes_back_and_a_strange_one_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        assert!(
            RunFile::read(dir.path())
                .unwrap_err()
                .problem()
                .contains("no extraction")
        );
        let file = RunFile {
            format: FORMAT,
            identity: identity(),
            limits: Vec::new(),
            units: vec![UnitName {
                name: "A".to_owned(),
                digest: "d".to_owned(),
            }],
            failed: Vec::new(),
            share: Some(Share { index: 1, count: 3 }),
        };
        file.write(dir.path()).unwrap();
        assert_eq!(RunFile::read(dir.path()).unwrap(), file);
        for text in ["", "{}", "[]"] {
            fs::write(RunFile::path(dir.path()), text).unwrap();
            let refused = RunFile::read(dir.path()).unwrap_err();
            assert!(
                refused.problem().contains("cannot be understood"),
                "{refused}"
            );
        }
        RunFile { format: 9, ..file }.write(dir.path()).unwrap();
        assert!(RunFile::read(dir.path()).unwrap_err().causes()[0].contains("format 9"));
    }
}
