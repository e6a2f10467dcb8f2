//! The modules that a pickle imports ↔ the header that imports them. Pure.

use crate::failure::{Failure, Kind};
use crate::lean::header;

/// Checks that the names of modules are just that, and gives their header.
///
/// # Errors
/// A text that Lean would not read as that list of imports.
pub(crate) fn checked_header(imports: &[String]) -> Result<header::Split, Failure> {
    let text = text(imports);
    let split = header::split(&text);
    let read = split.imports.iter().map(|import| &import.module);
    if split.body_offset == text.len() && read.eq(imports) {
        return Ok(split);
    }
    let odd = imports.iter().find(|name| {
        let alone = header::split(&format!("import {name}"));
        alone.imports.first().map(|import| &import.module) != Some(*name)
    });
    Err(Failure::new(
        Kind::Usage,
        format!(
            "`{}` is not the name of a module",
            odd.map_or("", String::as_str)
        ),
        "give the name as it stands behind `import`, for example `--import Mathlib`",
    ))
}

/// The header that imports `modules`.
fn text(modules: &[String]) -> String {
    let lines: Vec<String> = modules
        .iter()
        .map(|name| format!("import {name}"))
        .collect();
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_modules_are_imported() {
        let check = |names: &[&str]| {
            let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
            checked_header(&names).map(|split| split.canonical())
        };
        assert_eq!(
            check(&["A", "B.«c d»"]).unwrap(),
            "import A\nimport B.«c d»"
        );
        for names in [
            &["A\nimport B"] as &[&str],
            &["A", ""],
            &["A #eval 1"],
            &["all A"],
            &["def"],
            &["A -- x"],
        ] {
            assert_eq!(check(names).unwrap_err().kind(), Kind::Usage, "{names:?}");
        }
    }
}
