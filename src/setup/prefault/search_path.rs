//! The folders in which Lean looks for compiled modules. Never reads a module.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use crate::env_vars;
use crate::lean::module_name::ModuleName;
use crate::process::launch::Launch;

/// The folders in their order. Clones share what was found out.
#[derive(Debug, Clone)]
pub struct SearchPath {
    folders: Vec<PathBuf>,
    /// Where each package is, as far as it was asked for.
    packages: Arc<Mutex<HashMap<String, Option<PathBuf>>>>,
}

impl SearchPath {
    /// From folders.
    pub fn new(folders: Vec<PathBuf>) -> Self {
        Self {
            folders,
            packages: Arc::default(),
        }
    }

    /// What a child started so will search: `LEAN_PATH`, then the library of its Lean if the
    /// variables say where that is. Relative folders start at the child's own.
    pub fn of(launch: &Launch) -> Self {
        let path = launch.var(env_vars::LEAN_PATH.name);
        let sysroot = launch.var(env_vars::LEAN_SYSROOT.name);
        let named = path.into_iter().flat_map(std::env::split_paths);
        let library = sysroot.map(|root| Path::new(root).join("lib/lean"));
        let start = launch.dir.clone().unwrap_or_default();
        let folders = named.chain(library).filter(|path| path != Path::new(""));
        Self::new(folders.map(|path| start.join(path)).collect())
    }

    /// The folders in their order.
    pub(crate) fn folders(&self) -> &[PathBuf] {
        &self.folders
    }

    /// Whether there is no folder at all.
    pub fn is_empty(&self) -> bool {
        self.folders.is_empty()
    }

    /// The `.olean` of a module, which need not exist; none if no folder has its package.
    ///
    /// Lean chooses the folder by the first part of the name alone (`SearchPath.findRoot` in
    /// Lean/Util/Path.lean), so a module that is missing there is not looked for in later folders.
    pub(crate) fn file(&self, module: &ModuleName) -> Option<PathBuf> {
        let mut packages = self.packages.lock().unwrap_or_else(PoisonError::into_inner);
        let root = module.root();
        let folder = if let Some(known) = packages.get(root) {
            known.clone()
        } else {
            let has = |folder: &&PathBuf| {
                folder.join(root).is_dir() || folder.join(format!("{root}.olean")).exists()
            };
            let found = self.folders.iter().find(has).cloned();
            packages.insert(root.to_owned(), found.clone());
            found
        };
        let mut path = folder?.join(module.path()).into_os_string();
        path.push(".olean");
        Some(path.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    /// The file of a module.
    fn file(path: &SearchPath, module: &str) -> Option<PathBuf> {
        path.file(&ModuleName::parse(module).unwrap())
    }

    #[test]
    fn the_first_folder_with_the_package_has_all_of_its_modules() {
        let dir = tempfile::tempdir().unwrap();
        let (first, second) = (dir.path().join("first"), dir.path().join("second"));
        fs::create_dir_all(first.join("A")).unwrap();
        fs::create_dir_all(second.join("A")).unwrap();
        fs::write(second.join("A/Only.olean"), "").unwrap();
        fs::write(second.join("B.olean"), "").unwrap();
        let path = SearchPath::new(vec![first.clone(), second.clone()]);
        assert_eq!(file(&path, "A.Only"), Some(first.join("A/Only.olean")));
        assert_eq!(file(&path, "B.x.y"), Some(second.join("B/x/y.olean")));
        assert_eq!(file(&path, "«B».«x.y»"), Some(second.join("B/x.y.olean")));
        assert_eq!(file(&path, "C"), None);
    }

    #[test]
    fn a_child_searches_its_own_variables_from_its_own_folder() {
        let launch = Launch {
            vars: vec![
                ("LEAN_SYSROOT".into(), "/lean".into()),
                ("LEAN_PATH".into(), "/a::b".into()),
            ],
            dir: Some("/work".into()),
            ..Launch::new("repl")
        };
        let folders = SearchPath::of(&launch).folders;
        let expected = ["/a", "/work/b", "/lean/lib/lean"];
        assert_eq!(folders, expected.map(PathBuf::from));
    }
}
