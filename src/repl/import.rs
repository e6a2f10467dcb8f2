//! Which import of a header failed, and what the user is told. Looks at files, never imports.

use std::ffi::OsStr;
use std::path::PathBuf;

use crate::failure::{Failure, Kind};
use crate::lean::header::Import;

/// How many imports are tried alone at most before the search is given up.
pub(crate) const TRIED: usize = 64;

/// The modules whose `.olean` is in no folder of `lean_path`. Empty without a path: the REPL then
/// looks in places of its own.
pub(crate) fn missing(imports: &[Import], lean_path: Option<&OsStr>) -> Vec<String> {
    let Some(path) = lean_path else {
        return Vec::new();
    };
    let folders: Vec<PathBuf> = std::env::split_paths(path).collect();
    imports
        .iter()
        .filter(|import| {
            let file = relative_olean(&import.module);
            !folders.iter().any(|folder| folder.join(&file).is_file())
        })
        .map(|import| import.module.clone())
        .collect()
}

/// `Foo.Bar` → `Foo/Bar.olean`; the marks of an escaped part are not in the file name.
fn relative_olean(module: &str) -> PathBuf {
    let mut path = PathBuf::new();
    let mut part = String::new();
    let mut escaped = false;
    for c in module.chars() {
        match c {
            '«' => escaped = true,
            '»' => escaped = false,
            '.' if !escaped => {
                path.push(&part);
                part.clear();
            }
            _ => part.push(c),
        }
    }
    path.push(format!("{part}.olean"));
    path
}

/// The failure for a header, given the modules known to be bad (perhaps none) and what Lean said
/// (perhaps nothing).
pub(crate) fn failure(imports: &[Import], bad: &[String], said: &str) -> Failure {
    let names = |modules: &mut dyn Iterator<Item = &str>| {
        modules
            .map(|module| format!("`{module}`"))
            .collect::<Vec<_>>()
            .join(", ")
    };
    let problem = if bad.is_empty() {
        let all = names(&mut imports.iter().map(|import| import.module.as_str()));
        format!("the imports {all} cannot be loaded together")
    } else {
        format!(
            "cannot import {}",
            names(&mut bad.iter().map(String::as_str))
        )
    };
    let failure = Failure::new(
        Kind::Project,
        problem,
        "check the spelling; if the module is there, build it with the Lean that the REPL was built with",
    );
    if said.is_empty() {
        failure
    } else {
        failure.caused_by(said.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_module_names_its_file() {
        assert_eq!(relative_olean("Foo.Bar"), PathBuf::from("Foo/Bar.olean"));
        assert_eq!(relative_olean("A.«b.c d»"), PathBuf::from("A/b.c d.olean"));
        assert_eq!(relative_olean("Nope"), PathBuf::from("Nope.olean"));
    }
}
