//! Which module stands for a project, as its Lake file says. A Lake file may be a program; it is not
//! run, so that the answer can be wrong for an unusual one, and a user can always name a module.

use std::fs;
use std::path::Path;

use toml::{Table, Value};

/// The module that imports the project's own library: that of its default library, else of its first
/// one, else the package's name with a capital letter. None if the Lake file says nothing of the kind.
pub(crate) fn root_library(root: &Path) -> Option<String> {
    // Lake prefers `lakefile.lean` if there are both.
    if let Ok(text) = fs::read_to_string(root.join("lakefile.lean")) {
        return in_lean(&text);
    }
    in_toml(&fs::read_to_string(root.join("lakefile.toml")).ok()?)
}

/// That of a `lakefile.toml`.
fn in_toml(text: &str) -> Option<String> {
    let table: Table = text.parse().ok()?;
    let strings = |value: Option<&Value>| -> Vec<String> {
        let list = value.and_then(Value::as_array).into_iter().flatten();
        list.filter_map(|value| value.as_str().map(str::to_owned))
            .collect()
    };
    let defaults = strings(table.get("defaultTargets"));
    let libraries: Vec<(&str, Option<String>)> = table
        .get("lean_lib")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(|library| {
            let name = library.get("name")?.as_str()?;
            Some((name, strings(library.get("roots")).into_iter().next()))
        })
        .collect();
    let is_default = |(name, _): &&(&str, _)| defaults.iter().any(|default| default == name);
    let library = libraries.iter().find(is_default).or(libraries.first());
    match library {
        Some((_, Some(module))) => Some(module.clone()),
        Some((name, None)) => Some((*name).to_owned()),
        None => table.get("name")?.as_str().map(capitalized),
    }
}

/// That of a `lakefile.lean`: the first name after `lean_lib`, rather one that is marked as a default.
fn in_lean(text: &str) -> Option<String> {
    let text = without_comments(text);
    let words: Vec<&str> = text
        .split(|c: char| c.is_whitespace() || "{}()".contains(c))
        .filter(|word| !word.is_empty())
        .collect();
    let named = |keyword: &str| {
        let after = words.windows(2).enumerate();
        let pairs = after.filter_map(move |(index, pair)| match pair {
            [word, name] if *word == keyword => Some((index, plain(name))),
            _ => None,
        });
        pairs.collect::<Vec<_>>()
    };
    let libraries = named("lean_lib");
    let is_default = |(index, _): &&(usize, &str)| {
        let before = index.checked_sub(1).and_then(|before| words.get(before));
        before.is_some_and(|word| word.contains("default_target"))
    };
    let library = libraries.iter().find(is_default).or(libraries.first());
    match library {
        Some((_, name)) => Some((*name).to_owned()),
        None => named("package").first().map(|(_, name)| capitalized(name)),
    }
}

/// A name without the marks of an escaped one and without quotes.
fn plain(name: &str) -> &str {
    name.trim_matches(['«', '»', '"'])
}

/// The name with its first letter in upper case.
fn capitalized(name: &str) -> String {
    let mut chars = name.chars();
    chars.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(chars).collect()
    })
}

/// The text without `-- …` and `/- … -/`, the latter possibly nested.
fn without_comments(text: &str) -> String {
    let mut kept = String::new();
    let mut depth = 0_usize;
    let mut rest = text;
    loop {
        let mut chars = rest.chars();
        let Some(first) = chars.next() else {
            return kept;
        };
        if rest.starts_with("/-") {
            depth = depth.saturating_add(1);
            chars.next();
        } else if depth > 0 && rest.starts_with("-/") {
            depth = depth.saturating_sub(1);
            chars.next();
            kept.push(' ');
        } else if depth == 0 && rest.starts_with("--") {
            chars = chars.as_str().trim_start_matches(|c| c != '\n').chars();
        } else if depth == 0 {
            kept.push(first);
        }
        rest = chars.as_str();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_toml_file_names_its_library() {
        for (text, module) in [
            ("name = \"p\"\n[[lean_lib]]\nname = \"Foo\"\n", Some("Foo")),
            (
                "defaultTargets = [\"Bar\"]\n[[lean_lib]]\nname = \"Foo\"\n[[lean_lib]]\nname = \"Bar\"\n",
                Some("Bar"),
            ),
            (
                "[[lean_lib]]\nname = \"foo\"\nroots = [\"Foo.All\", \"Foo.More\"]\n",
                Some("Foo.All"),
            ),
            ("name = \"tower\"\n", Some("Tower")),
            ("version = \"1\"\n", None),
            ("= broken", None),
        ] {
            assert_eq!(in_toml(text).as_deref(), module, "{text}");
        }
    }

    #[test]
    fn a_lean_file_names_its_library() {
        for (text, module) in [
            (
                "import Lake\nopen Lake DSL\npackage REPL {\n}\nlean_lib REPL {\n}\n\
                 @[default_target]\nlean_exe repl where\n",
                Some("REPL"),
            ),
            (
                "package p where\nlean_lib Old\n@[default_target]\nlean_lib «New» where\n",
                Some("New"),
            ),
            (
                "package p\n-- lean_lib Foo\n/- lean_lib /- x -/ Bar -/\nlean_lib Baz",
                Some("Baz"),
            ),
            ("package «my-tower» where\n", Some("My-tower")),
            ("import Lake", None),
            ("lean_lib", None),
        ] {
            assert_eq!(in_lean(text).as_deref(), module, "{text}");
        }
    }
}
