//! The compiled modules of real core Lean. `cargo xtask test` installs it and runs these.

#![expect(clippy::unwrap_used, reason = "a broken set-up fails the test")]

use std::path::{Path, PathBuf};
use std::time::Duration;

use leanrepl::internals::olean::{self, Flags, Olean};
use leanrepl::internals::prefault::{Closure, SearchPath, closure};
use leanrepl::internals::{CancelFlag, CoreLean, DataDir, Deadline, module_name::ModuleName};

/// The folder of its modules.
fn folder() -> PathBuf {
    let core = CoreLean::new(DataDir::locate().unwrap()).find().unwrap();
    core.launch().var("LEAN_PATH").unwrap().into()
}

/// The closure of those modules.
fn closure_of(modules: &[&str]) -> Closure {
    let name = |name: &&str| ModuleName::parse(name).unwrap();
    let modules: Vec<ModuleName> = modules.iter().map(name).collect();
    let deadline = Deadline::after(Duration::from_secs(60));
    let path = SearchPath::new(vec![folder()]);
    closure(&modules, &path, deadline, &CancelFlag::default())
}

/// What a file says about itself.
fn read(path: &Path) -> Olean {
    let bytes = std::fs::read(path).unwrap();
    olean::read(bytes.as_slice()).unwrap()
}

/// All files below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    paths
        .flat_map(|path| {
            if path.is_dir() {
                files(&path)
            } else {
                vec![path]
            }
        })
        .collect()
}

#[test]
#[ignore = "needs core Lean; run cargo xtask test"]
fn every_module_of_core_lean_is_read_and_imports_only_what_is_there() {
    let files = files(&folder());
    assert!(files.len() > 2000);
    for path in files {
        let olean = read(&path);
        assert_eq!(olean.lean_version.as_deref(), Some("4.28.0-pre"));
        for import in olean.imports {
            let module = folder().join(import.module.path()).with_extension("olean");
            assert!(module.is_file(), "{} of {}", import.module, path.display());
            assert!(import.flags.is_some());
        }
    }
}

#[test]
#[ignore = "needs core Lean; run cargo xtask test"]
fn a_module_imports_what_its_source_says_and_as_it_says() {
    let olean = read(&folder().join("Init/WF.olean"));
    let exported = Flags {
        all: false,
        exported: true,
        meta: false,
    };
    let imports: Vec<(String, Flags)> = olean
        .imports
        .iter()
        .map(|import| (import.module.to_string(), import.flags.unwrap()))
        .collect();
    // Init/WF.lean begins with `public import Init.BinderNameHint` and
    // `public import Init.Data.Nat.Basic`.
    let expected = ["Init.BinderNameHint", "Init.Data.Nat.Basic"];
    assert_eq!(imports, expected.map(|name| (name.to_owned(), exported)));
}

#[test]
#[ignore = "needs core Lean; run cargo xtask test"]
fn the_closure_of_a_library_is_whole() {
    let init = closure_of(&["Init"]);
    let lean = closure_of(&["Init", "Lean"]);
    for found in [&init, &lean] {
        assert_eq!((found.missing.len(), found.unreadable), (0, 0));
    }
    let below = |name: &str| files(&folder().join(name)).len() + 1;
    // Each library's own module imports all others of it.
    assert_eq!(init.modules, below("Init"));
    assert!(lean.modules >= below("Init") + below("Lean"));
}
