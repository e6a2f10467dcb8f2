//! The files below a folder that stand for modules. Only names, never what is in them.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::lean::module_name::ModuleName;

/// How deep folders may be nested: more are a circle of links.
const DEEPEST: usize = 64;

/// The modules whose files, with that extension, are below a folder, sorted by name. A folder whose name begins
/// with a dot holds none.
///
/// # Errors
/// A folder that cannot be read.
pub(crate) fn modules_below(
    folder: &Path,
    extension: &str,
    is_wanted: &dyn Fn(&Path) -> bool,
) -> io::Result<Vec<(ModuleName, PathBuf)>> {
    let mut found = Vec::new();
    walk(folder, &mut Vec::new(), extension, is_wanted, &mut found)?;
    found.sort();
    Ok(found)
}

fn walk(
    folder: &Path,
    above: &mut Vec<String>,
    extension: &str,
    is_wanted: &dyn Fn(&Path) -> bool,
    found: &mut Vec<(ModuleName, PathBuf)>,
) -> io::Result<()> {
    if above.len() > DEEPEST {
        return Ok(());
    }
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let Some(name) = path.file_name().and_then(|name| name.to_str()) else {
            continue;
        };
        if path.is_dir() {
            if !name.starts_with('.') {
                above.push(name.to_owned());
                walk(&path, above, extension, is_wanted, found)?;
                above.pop();
            }
            continue;
        }
        let stem = name
            .strip_suffix(extension)
            .and_then(|stem| stem.strip_suffix('.'));
        let Some(stem) = stem.filter(|_| is_wanted(&path)) else {
            continue;
        };
        let mut parts = above.clone();
        parts.push(stem.to_owned());
        found.extend(ModuleName::new(parts).map(|module| (module, path.clone())));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modules_are_files_of_one_kind_in_visible_folders() {
        let dir = tempfile::tempdir().unwrap();
        for file in [
            "A.lean",
            "A/B.lean",
            "A/C.olean",
            ".lake/D.lean",
            "A/E.lean",
        ] {
            let path = dir.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        let names = |extension: &str| -> Vec<String> {
            let is_wanted = |path: &Path| !path.ends_with("E.lean");
            let found = modules_below(dir.path(), extension, &is_wanted).unwrap();
            found.iter().map(|(module, _)| module.to_string()).collect()
        };
        assert_eq!(names("lean"), ["A", "A.B"]);
        assert_eq!(names("olean"), ["A.C"]);
        assert!(modules_below(&dir.path().join("no"), "lean", &|_| true).is_err());
    }
}
