//! The modules that a source imports, directly or not, and in which state their files are. Reads files, asks
//! no Lean.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sha2::{Digest, Sha256};

use crate::digest;
use crate::lean::module_name::ModuleName;
use crate::lean::olean::{self, Contents};
use crate::setup::prefault::search_path::SearchPath;

/// The parts of a module's file that may lie beside it (`findOLeanParts` in Lean/Environment.lean).
const PARTS: [&str; 3] = ["", ".server", ".private"];

/// The ending of the file in which Lake keeps the digest of another one.
const HASH: &str = ".hash";

/// The longest such digest, in bytes.
const MAX_HASH: u64 = 128;

/// The most modules that are looked at: some times as many as Mathlib has.
const MAX_MODULES: usize = 100_000;

/// How a file is, as far as the file system tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct State {
    bytes: u64,
    inode: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl State {
    /// Of the file at that path; none without one.
    fn of(path: &Path) -> Option<Self> {
        let found = fs::metadata(path).ok()?;
        Some(Self {
            bytes: found.len(),
            inode: found.ino(),
            modified: (found.mtime(), found.mtime_nsec()),
            changed: (found.ctime(), found.ctime_nsec()),
        })
    }
}

/// Modules with all that they import.
#[derive(Debug)]
pub(crate) struct Closure {
    /// SHA-256 of the names and contents of all of them, as hexadecimal.
    pub(crate) digest: String,
    /// Their names in alphabetical order. Of the modules of the toolchain only those that others import.
    pub(crate) modules: Arc<[String]>,
    /// The files, each with how it was before it was read.
    files: Vec<(PathBuf, Option<State>)>,
}

impl Closure {
    /// Reads the files of modules and of what they import. What lies below `library`, the modules of the
    /// toolchain, counts by name alone: the toolchain says which they are. A module without a file counts
    /// as absent.
    ///
    /// # Errors
    /// A file that cannot be read, and more modules than any library has.
    pub(crate) fn of(
        roots: Vec<ModuleName>,
        path: &SearchPath,
        library: Option<&Path>,
    ) -> io::Result<Self> {
        let mut found: BTreeMap<String, String> = BTreeMap::new();
        let mut files = Vec::new();
        let mut open = roots;
        let mut seen: BTreeSet<ModuleName> = open.iter().cloned().collect();
        while let Some(module) = open.pop() {
            if found.len() >= MAX_MODULES {
                return Err(io::Error::other("there are too many modules"));
            }
            let Some(file) = path.file(&module) else {
                found.insert(module.to_string(), "absent".to_owned());
                continue;
            };
            if library.is_some_and(|library| file.starts_with(library)) {
                found.insert(module.to_string(), "toolchain".to_owned());
                continue;
            }
            let digest = digest_of_module(&file, &mut files)?;
            found.insert(module.to_string(), digest);
            for import in imports(&file)? {
                if seen.insert(import.clone()) {
                    open.push(import);
                }
            }
        }
        let mut digest = Sha256::new();
        for (name, content) in &found {
            digest.update(format!("{name}\n{content}\n"));
        }
        Ok(Self {
            digest: digest::hexadecimal(&digest.finalize()),
            modules: found.into_keys().collect(),
            files,
        })
    }

    /// Whether all modules are those of the toolchain.
    pub(crate) fn has_no_files(&self) -> bool {
        self.files.is_empty()
    }

    /// Whether all files are as they were before they were read.
    pub(crate) fn is_unchanged(&self) -> bool {
        let mut files = self.files.iter();
        files.all(|(path, state)| State::of(path) == *state)
    }
}

/// The digest of the files of a module; what they were like before they were read is added to `files`.
fn digest_of_module(file: &Path, files: &mut Vec<(PathBuf, Option<State>)>) -> io::Result<String> {
    let mut digests = String::new();
    for part in PARTS {
        let path = with_ending(file, part);
        let state = State::of(&path);
        let content = state
            .map(|state| digest_of_file(&path, state))
            .transpose()?;
        digests.push_str(content.as_deref().unwrap_or("absent"));
        digests.push('\n');
        files.push((path, state));
    }
    Ok(digests)
}

/// What stands for the content of a file: what Lake has noted of it, if that is not older, else its SHA-256.
fn digest_of_file(path: &Path, state: State) -> io::Result<String> {
    let noted = with_ending(path, HASH);
    let is_current = |hash: &State| hash.modified >= state.modified && hash.bytes <= MAX_HASH;
    if State::of(&noted).as_ref().is_some_and(is_current)
        && let Ok(hash) = fs::read_to_string(&noted)
    {
        return Ok(format!("lake {} {}", state.bytes, hash.trim()));
    }
    let (digest, _bytes) = digest::of_file(path)?;
    Ok(digest)
}

/// What a module imports; nothing if its file tells nothing, which Lean then refuses.
fn imports(file: &Path) -> io::Result<Vec<ModuleName>> {
    let file = match File::open(file) {
        Ok(file) => file,
        Err(err) if err.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(err) => return Err(err),
    };
    let length = file.metadata()?.len();
    let imports = olean::read(&Opened { file, length }).map_or(Vec::new(), |olean| olean.imports);
    Ok(imports.into_iter().map(|import| import.module).collect())
}

/// An open file.
struct Opened {
    file: File,
    length: u64,
}

impl Contents for Opened {
    fn length(&self) -> u64 {
        self.length
    }

    fn read(&self, at: u64, into: &mut [u8]) -> bool {
        self.file.read_exact_at(into, at).is_ok()
    }
}

/// A path with something added to its end.
fn with_ending(path: &Path, ending: &str) -> PathBuf {
    let mut path = path.as_os_str().to_owned();
    path.push(ending);
    path.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lean::olean::olean_file::OleanFile;

    /// Writes the file of a module with those imports.
    fn write(folder: &Path, module: &str, imports: &[&str], filling: usize) {
        let file = OleanFile {
            imports: imports.iter().map(|&name| name.to_owned()).collect(),
            filling,
            ..OleanFile::default()
        };
        fs::create_dir_all(folder).unwrap();
        fs::write(folder.join(format!("{module}.olean")), file.bytes()).unwrap();
    }

    /// The closure of a module in `own`, where `core` holds those of the toolchain.
    fn closure(dir: &Path, module: &str) -> Closure {
        let core = dir.join("core");
        let path = SearchPath::new(vec![core.clone(), dir.join("own")]);
        let root = ModuleName::parse(module).unwrap();
        Closure::of(vec![root], &path, Some(&core)).unwrap()
    }

    #[test]
    fn a_change_anywhere_below_is_seen_and_changes_the_digest() {
        let dir = tempfile::tempdir().unwrap();
        let own = dir.path().join("own");
        write(&dir.path().join("core"), "Init", &["Deeper"], 3);
        write(&own, "Top", &["Init", "Bottom"], 3);
        write(&own, "Bottom", &["Init"], 3);
        write(&own, "Other", &[], 3);
        let before = closure(dir.path(), "Top");
        assert_eq!(*before.modules, ["Bottom", "Init", "Top"]);
        assert_eq!(closure(dir.path(), "Top").digest, before.digest);
        write(&own, "Other", &[], 99);
        assert!(before.is_unchanged());
        write(&own, "Bottom", &["Init"], 99);
        assert!(!before.is_unchanged());
        assert_ne!(closure(dir.path(), "Top").digest, before.digest);
    }

    #[test]
    fn a_part_that_appears_beside_a_module_is_seen() {
        let dir = tempfile::tempdir().unwrap();
        let own = dir.path().join("own");
        write(&own, "Top", &[], 3);
        let before = closure(dir.path(), "Top");
        fs::write(own.join("Top.olean.private"), "more").unwrap();
        assert!(!before.is_unchanged());
        assert_ne!(closure(dir.path(), "Top").digest, before.digest);
    }

    #[test]
    fn what_lake_noted_counts_unless_it_is_older_than_the_file() {
        let dir = tempfile::tempdir().unwrap();
        let own = dir.path().join("own");
        write(&own, "Top", &[], 3);
        let plain = closure(dir.path(), "Top").digest;
        fs::write(own.join("Top.olean.hash"), "1234\n").unwrap();
        let noted = closure(dir.path(), "Top").digest;
        assert_ne!(noted, plain);
        let later = std::time::SystemTime::now() + std::time::Duration::from_secs(60);
        let file = File::options()
            .write(true)
            .open(own.join("Top.olean"))
            .unwrap();
        file.set_modified(later).unwrap();
        assert_eq!(closure(dir.path(), "Top").digest, plain);
    }

    #[test]
    fn a_module_without_a_file_and_a_circle_have_a_digest() {
        let dir = tempfile::tempdir().unwrap();
        let own = dir.path().join("own");
        write(&own, "A", &["B", "Missing.C"], 3);
        write(&own, "B", &["A"], 3);
        let closure = closure(dir.path(), "A");
        assert_eq!(*closure.modules, ["A", "B", "Missing.C"]);
    }
}
