//! Who may import whom: each module of `src` only what is in its own layer or below.

use std::collections::BTreeSet;

use crate::sources::Source;

/// The modules of the library, lowest layer first.
const LAYERS: [&[&str]; 10] = [
    &[
        "failure", "event", "env_vars", "limits", "digest", "template",
    ],
    &[
        "protocol",
        "process",
        "project",
        "elan",
        "data_dir",
        "lean",
        "machine",
        "probe",
        "reference",
    ],
    &["session", "setup"],
    &["engine"],
    &["service", "queue"],
    &["extract", "index", "verify", "proofs", "cluster"],
    FRONT_DOORS,
    FACES,
    &["commands"],
    &["main", "lib"],
];

/// Ways in for other programs. They never import each other.
const FRONT_DOORS: &[&str] = &["http", "rpc", "mcp", "shell", "deploy"];

/// The faces of the command line. They never import each other, but settings are made from `cli`.
const FACES: &[&str] = &["cli", "settings", "ui"];

/// What is wrong, one line for each import or module that breaks a rule.
pub(crate) fn problems(sources: &[Source]) -> Vec<String> {
    let mut problems = Vec::new();
    for source in sources {
        let Some(module) = module_of(&source.path) else {
            continue;
        };
        if layer(module).is_none() {
            let path = &source.path;
            problems.push(format!("{path}: module `{module}` is in no layer"));
            continue;
        }
        for (line, target) in imports(&source.text) {
            // The root of the crate may show whatever it likes.
            if module == "main" || module == "lib" || target == module {
                continue;
            }
            if let Some(why) = objection(module, &target) {
                problems.push(format!("{}:{line}: {why}", source.path));
            }
        }
    }
    problems
}

/// The top-level module that a file of `src` belongs to.
fn module_of(path: &str) -> Option<&str> {
    let inside = path.strip_prefix("src/")?;
    let first = inside.split('/').next()?;
    Some(first.strip_suffix(".rs").unwrap_or(first))
}

/// The number of a module's layer, from 0.
fn layer(module: &str) -> Option<usize> {
    LAYERS.iter().position(|modules| modules.contains(&module))
}

/// Why `module` may not import `target`.
fn objection(module: &str, target: &str) -> Option<String> {
    let Some(above) = layer(target) else {
        return Some(format!("`crate::{target}` is a module of no layer"));
    };
    if layer(module).is_some_and(|own| above > own) {
        return Some(format!("`{module}` imports `{target}` of a higher layer"));
    }
    let are_apart = [FRONT_DOORS, FACES]
        .iter()
        .any(|group| group.contains(&module) && group.contains(&target))
        && (module, target) != ("settings", "cli");
    are_apart.then(|| format!("`{module}` and `{target}` never import each other"))
}

/// The modules named after `crate::`, each with its line from 1. Comments do not count.
fn imports(text: &str) -> BTreeSet<(usize, String)> {
    let mut found = BTreeSet::new();
    let lines: Vec<&str> = text
        .lines()
        .map(|line| line.split_once("//").map_or(line, |(code, _)| code))
        .collect();
    let code = lines.join("\n");
    let mut rest = code.as_str();
    let mut line = 1;
    while let Some((before, after)) = rest.split_once("crate::") {
        line += before.matches('\n').count();
        let is_whole_word =
            !before.ends_with(|letter: char| letter == '_' || letter.is_alphanumeric());
        if is_whole_word {
            let names = match after.strip_prefix('{') {
                Some(group) => group_names(group),
                None => vec![name(after)],
            };
            found.extend(names.into_iter().map(|name| (line, name)));
        }
        rest = after;
    }
    found
}

/// The first names of a group `a::b, c::{d, e}, f}`.
fn group_names(group: &str) -> Vec<String> {
    let mut depth = 0_usize;
    let mut names = Vec::new();
    let mut at_start = true;
    let mut rest = group;
    while let Some(letter) = rest.chars().next() {
        match letter {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => at_start = true,
            letter if at_start && !letter.is_whitespace() => {
                names.push(name(rest));
                at_start = false;
            }
            _ => {}
        }
        rest = rest.get(letter.len_utf8()..).unwrap_or_default();
    }
    names
}

/// The identifier at the start of a text.
fn name(text: &str) -> String {
    let is_part = |letter: &char| *letter == '_' || letter.is_alphanumeric();
    text.chars().take_while(is_part).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The problems of one made-up file.
    fn of(path: &str, text: &str) -> Vec<String> {
        let source = Source {
            path: path.to_owned(),
            text: text.to_owned(),
        };
        problems(&[source])
    }

    #[test]
    fn a_module_imports_its_own_layer_and_those_below() {
        let text = "use crate::failure::Kind;\nuse crate::{lean::{message, header}, limits, process};\nuse crate::protocol::wire;\n";
        assert_eq!(of("src/session/exchange.rs", text), [""; 0]);
        assert_eq!(
            of("src/commands/eval.rs", "use crate::{ui, settings, cli};"),
            [""; 0]
        );
    }

    #[test]
    fn a_higher_layer_is_refused_wherever_it_is_named() {
        assert_eq!(
            of("src/engine/eval.rs", "\nfn f() { crate::ui::print() }"),
            ["src/engine/eval.rs:2: `engine` imports `ui` of a higher layer"]
        );
        assert_eq!(
            of(
                "src/limits.rs",
                "use crate::{\n    failure::Kind,\n    process::{self, run},\n};"
            ),
            ["src/limits.rs:1: `limits` imports `process` of a higher layer"]
        );
    }

    #[test]
    fn a_comment_and_another_crate_are_no_import() {
        let text = "//! See [`crate::ui`].\nuse other_crate::ui; // crate::commands\n";
        assert_eq!(of("src/failure.rs", text), [""; 0]);
    }

    #[test]
    fn a_module_of_no_layer_is_refused_as_importer_and_as_import() {
        assert_eq!(
            of("src/helpers.rs", ""),
            ["src/helpers.rs: module `helpers` is in no layer"]
        );
        assert_eq!(
            of("src/data_dir.rs", "use crate::helpers::x;"),
            ["src/data_dir.rs:1: `crate::helpers` is a module of no layer"]
        );
    }

    #[test]
    fn front_doors_and_the_faces_of_the_command_line_stay_apart() {
        assert_eq!(
            of("src/http/routes.rs", "use crate::deploy::docker;"),
            ["src/http/routes.rs:1: `http` and `deploy` never import each other"]
        );
        assert_eq!(of("src/settings.rs", "use crate::cli::Args;"), [""; 0]);
        for (path, target) in [
            ("src/settings.rs", "ui"),
            ("src/cli/mod.rs", "settings"),
            ("src/ui/mod.rs", "cli"),
        ] {
            assert_eq!(
                of(path, &format!("use crate::{target}::x;")).len(),
                1,
                "{path}"
            );
        }
    }

    #[test]
    fn the_root_may_show_everything() {
        assert_eq!(of("src/lib.rs", "pub use crate::ui::Ui;"), [""; 0]);
    }
}
