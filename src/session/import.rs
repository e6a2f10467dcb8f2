//! Which import of a header failed, and what the user reads about it. Looks at files, never imports.

use std::ffi::OsStr;
use std::path::PathBuf;

use crate::failure::{Failure, Kind};
use crate::lean::header::{Import, Split};
use crate::lean::module_name::ModuleName;

/// The first parts of the names of all modules that come with Lean.
const OF_LEAN: [&str; 3] = ["Init", "Std", "Lean"];

/// What to do in general.
const GENERAL: &str = "check the spelling; if the module is there, build it with the Lean that the REPL was built with";

/// What to do where each import of a source with `prelude` can be had alone.
const PRELUDE: &str = "a source with `prelude` has only what it imports, and leanrepl tells by `Nat` whether an \
    import worked: import a module that has it, such as `Init.Prelude`, or leave `prelude` out";

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

/// The failure for a header, given the modules known to be bad (perhaps none), the advice of the REPL about
/// modules that it does not have, and what Lean said (perhaps nothing).
pub(crate) fn failure(
    split: &Split,
    bad: &[String],
    import_hint: Option<&'static str>,
    said: &str,
) -> Failure {
    let imports = &split.imports;
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
    let is_of_lean = |module: &String| {
        let root = ModuleName::parse(module).map(|name| name.root().to_owned());
        root.is_some_and(|root| OF_LEAN.contains(&root.as_str()))
    };
    let hint = match import_hint {
        Some(hint) if !bad.iter().all(is_of_lean) => hint,
        _ if split.prelude && bad.is_empty() => PRELUDE,
        _ => GENERAL,
    };
    let failure = Failure::new(Kind::Project, problem, hint);
    if said.is_empty() {
        failure
    } else {
        failure.caused_by(said.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lean::header;

    #[test]
    fn an_import_that_fails_has_advice_that_fits_it() {
        const CORE: Option<&str> = Some("core");
        let hint = |text: &str, bad: &[&str], advice| {
            let bad: Vec<String> = bad.iter().map(|name| (*name).to_owned()).collect();
            let failure = failure(&header::split(text), &bad, advice, "");
            failure.hint().to_owned()
        };
        for (text, bad, advice, expected) in [
            ("import Mathlib", ["Mathlib"].as_slice(), CORE, "core"),
            ("import Mathlib", &["Mathlib"], None, GENERAL),
            ("import Std.Nope", &["Std.Nope"], CORE, GENERAL),
            ("import Std.Nope import A", &["Std.Nope", "A"], CORE, "core"),
            ("prelude import A", &[], None, PRELUDE),
            ("prelude import A", &[], CORE, PRELUDE),
            ("prelude import A", &["A"], None, GENERAL),
            ("import A", &[], CORE, GENERAL),
        ] {
            assert_eq!(hint(text, bad, advice), expected, "{text} {bad:?}");
        }
    }

    #[test]
    fn a_module_names_its_file() {
        assert_eq!(relative_olean("Foo.Bar"), PathBuf::from("Foo/Bar.olean"));
        assert_eq!(relative_olean("A.«b.c d»"), PathBuf::from("A/b.c d.olean"));
        assert_eq!(relative_olean("Nope"), PathBuf::from("Nope.olean"));
    }
}
