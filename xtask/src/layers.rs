//! Who may import whom: each module of `src` only what is in its own layer or below.

use crate::paths;
use crate::sources::Source;

/// The modules of the library, one a line, each with the number of its layer, lowest first.
const LAYERS: &[(usize, &str)] = &[
    (0, "event"),
    (0, "failure"),
    (0, "isolation"),
    (0, "env_vars"),
    (0, "limits"),
    (0, "digest"),
    (0, "names"),
    (0, "template"),
    (0, "files"),
    (0, "work"),
    (1, "protocol"),
    (1, "process"),
    (1, "project"),
    (1, "elan"),
    (1, "data_dir"),
    (1, "lean"),
    (1, "line_log"),
    (1, "redis"),
    (1, "table"),
    (1, "machine"),
    (1, "probe"),
    (1, "reference"),
    (2, "session"),
    (3, "setup"),
    (4, "engine"),
    (5, "service"),
    (5, "queue"),
    (6, "extract"),
    (6, "index"),
    (6, "verify"),
    (6, "proofs"),
    (6, "cluster"),
    (FRONT_DOORS, "http"),
    (FRONT_DOORS, "rpc"),
    (FRONT_DOORS, "mcp"),
    (FRONT_DOORS, "shell"),
    (FRONT_DOORS, "deploy"),
    (FACES, "cli"),
    (FACES, "settings"),
    (FACES, "ui"),
    (9, "commands"),
];

/// The layer of the ways in for other programs. They never import each other.
const FRONT_DOORS: usize = 7;

/// The layer of the faces of the command line. They never import each other, but settings are made from `cli`.
const FACES: usize = 8;

/// What is wrong, one line for each import or module that breaks a rule.
pub(crate) fn problems(sources: &[Source]) -> anyhow::Result<Vec<String>> {
    let mut problems = Vec::new();
    for source in sources {
        let file = &source.path;
        // The root of the crate may import everything.
        let Some(module) = paths::module_of(file).and_then(|path| path.into_iter().next()) else {
            continue;
        };
        if layer(&module).is_none() {
            problems.push(format!("{file}: module `{module}` is in no layer"));
            continue;
        }
        for named in paths::named(file, &source.text)? {
            let target = named.path.first().filter(|target| **target != module);
            if let Some(why) = target.and_then(|target| objection(&module, target)) {
                problems.push(format!("{file}:{}: {why}", named.line));
            }
        }
    }
    problems.dedup();
    Ok(problems)
}

/// The number of a module's layer, from 0.
fn layer(module: &str) -> Option<usize> {
    let mut modules = LAYERS.iter();
    modules
        .find(|(_, name)| *name == module)
        .map(|(layer, _)| *layer)
}

/// Why `module` may not import `target`.
fn objection(module: &str, target: &str) -> Option<String> {
    let Some(above) = layer(target) else {
        return Some(format!("`crate::{target}` is a module of no layer"));
    };
    let own = layer(module)?;
    if above > own {
        return Some(format!("`{module}` imports `{target}` of a higher layer"));
    }
    let are_apart = above == own
        && [FRONT_DOORS, FACES].contains(&own)
        && (module, target) != ("settings", "cli");
    are_apart.then(|| format!("`{module}` and `{target}` never import each other"))
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
        problems(&[source]).expect("is Rust")
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
            ["src/limits.rs:3: `limits` imports `process` of a higher layer"]
        );
    }

    #[test]
    fn setup_imports_session_and_not_the_other_way_round() {
        assert_eq!(
            of("src/setup/mod.rs", "use crate::session::Session;"),
            [""; 0]
        );
        assert_eq!(
            of("src/session/mod.rs", "use crate::setup::build;"),
            ["src/session/mod.rs:1: `session` imports `setup` of a higher layer"]
        );
    }

    #[test]
    fn super_leads_to_another_module_as_crate_does() {
        assert_eq!(
            of(
                "src/engine/eval.rs",
                "use super::super::ui::Ui;\nuse super::judge;"
            ),
            ["src/engine/eval.rs:1: `engine` imports `ui` of a higher layer"]
        );
        assert_eq!(
            of("src/limits.rs", "fn f() { super::process::run() }"),
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
