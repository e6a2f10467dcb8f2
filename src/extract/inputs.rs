//! What the rows of a unit depend on beside the unit: compiled modules, by the bytes of their files. Reads
//! files, asks no Lean.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use crate::digest;
use crate::failure::{Failure, Kind};
use crate::lean::module_name::ModuleName;
use crate::lean::olean;
use crate::limits::CancelFlag;
use crate::setup::prefault::search_path::SearchPath;

/// The parts of a module's file that may lie beside it (`findOLeanParts` in Lean/Environment.lean).
const BESIDE: [&str; 2] = [".server", ".private"];

/// Digests of compiled modules, each with all that it imports. Each file is read once.
pub(crate) struct Inputs {
    path: SearchPath,
    known: HashMap<ModuleName, Known>,
}

/// What is known of a module.
enum Known {
    /// Its own digest and what it imports; these come first.
    Entered(String, Vec<ModuleName>),
    /// Its digest with all that it imports.
    Done(String),
}

impl Inputs {
    /// Nothing is known yet.
    pub(crate) fn new(path: SearchPath) -> Self {
        Self {
            path,
            known: HashMap::new(),
        }
    }

    /// The digest of modules with all that they import. A module without a file counts as absent: whether
    /// that is a fault is for Lean to say.
    ///
    /// # Errors
    /// The interrupt of the user.
    pub(crate) fn digest(
        &mut self,
        modules: &[ModuleName],
        interrupt: &CancelFlag,
    ) -> Result<String, Failure> {
        let mut stack: Vec<ModuleName> = modules.to_vec();
        while let Some(module) = stack.last().cloned() {
            if interrupt.is_set() {
                return Err(Failure::new(
                    Kind::Interrupted,
                    "stopped by the user",
                    "run it again to start over",
                ));
            }
            match self.known.get(&module) {
                Some(Known::Done(_)) => {
                    stack.pop();
                }
                Some(Known::Entered(own, imports)) => {
                    // Modules that import each other cannot be compiled; a digest is made all the same.
                    let digest = self.merged(own, imports);
                    self.known.insert(module, Known::Done(digest));
                    stack.pop();
                }
                None => {
                    let (own, imports) = read(self.path.file(&module).as_deref());
                    let new = imports
                        .iter()
                        .filter(|import| !self.known.contains_key(import));
                    stack.extend(new.cloned());
                    self.known.insert(module, Known::Entered(own, imports));
                }
            }
        }
        Ok(self.merged("", modules))
    }

    /// The digest of a module's own with those of modules that are done.
    fn merged(&self, own: &str, modules: &[ModuleName]) -> String {
        let mut text = own.to_owned();
        for module in modules {
            let digest = match self.known.get(module) {
                Some(Known::Done(digest)) => digest.as_str(),
                Some(Known::Entered(own, _)) => own.as_str(),
                None => "",
            };
            // Writing to a string cannot fail.
            let _written = write!(text, "\n{module} {digest}");
        }
        digest::of_bytes(text.as_bytes())
    }
}

/// The digest of a module's files, and what it imports.
fn read(path: Option<&Path>) -> (String, Vec<ModuleName>) {
    let Some((path, bytes)) = path.and_then(|path| Some((path, fs::read(path).ok()?))) else {
        return ("absent".to_owned(), Vec::new());
    };
    let mut digests = digest::of_bytes(&bytes);
    for ending in BESIDE {
        let mut beside = path.to_owned().into_os_string();
        beside.push(ending);
        if let Ok((digest, _bytes)) = digest::of_file(Path::new(&beside)) {
            digests.push_str(&digest);
        }
    }
    let imports = olean::read(&*bytes)
        .map(|olean| olean.imports)
        .unwrap_or_default();
    (
        digests,
        imports.into_iter().map(|import| import.module).collect(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lean::olean::olean_file::OleanFile;

    fn name(text: &str) -> ModuleName {
        ModuleName::parse(text).unwrap()
    }

    /// Writes the file of a module with those imports.
    fn write(folder: &Path, module: &str, imports: &[&str], filling: usize) {
        let file = OleanFile {
            imports: imports.iter().map(|&name| name.to_owned()).collect(),
            filling,
            ..OleanFile::default()
        };
        fs::write(folder.join(format!("{module}.olean")), file.bytes()).unwrap();
    }

    fn digest(folder: &Path, modules: &[&str]) -> String {
        let mut inputs = Inputs::new(SearchPath::new(vec![folder.to_owned()]));
        let modules: Vec<ModuleName> = modules.iter().map(|text| name(text)).collect();
        inputs.digest(&modules, &CancelFlag::default()).unwrap()
    }

    #[test]
    fn a_change_anywhere_below_changes_the_digest_and_no_other() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path();
        write(folder, "Top", &["Left", "Right"], 10);
        write(folder, "Left", &["Bottom"], 10);
        write(folder, "Right", &["Bottom"], 10);
        write(folder, "Bottom", &[], 10);
        write(folder, "Other", &[], 10);
        let before = digest(folder, &["Top"]);
        assert_eq!(digest(folder, &["Top"]), before);
        write(folder, "Other", &[], 99);
        assert_eq!(digest(folder, &["Top"]), before);
        write(folder, "Bottom", &[], 99);
        assert_ne!(digest(folder, &["Top"]), before);
        assert_ne!(digest(folder, &["Left"]), digest(folder, &["Right"]));
    }

    #[test]
    fn a_circle_and_a_missing_file_end() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path();
        write(folder, "A", &["B", "Missing"], 10);
        write(folder, "B", &["A"], 10);
        let before = digest(folder, &["A"]);
        write(folder, "B", &["A"], 99);
        assert_ne!(digest(folder, &["A"]), before);
    }
}
