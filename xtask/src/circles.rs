//! Circles of imports: files of `src` that all lead to each other.

use std::collections::{BTreeMap, BTreeSet};

use crate::paths;
use crate::sources::Source;

/// Which file imports which, with where and what: `12: a::b::Item`.
type Graph<'a> = BTreeMap<&'a str, BTreeMap<&'a str, String>>;

/// The circles: one line with the files of each, and one for each import inside it. Unit tests
/// do not count, nor does the declaration of a module; handing a name on with `pub use` does.
pub(crate) fn problems(sources: &[Source]) -> anyhow::Result<Vec<String>> {
    let graph = graph(sources)?;
    let mut problems = Vec::new();
    for circle in circles(&graph) {
        let names: Vec<&str> = circle.iter().copied().collect();
        problems.push(format!("circle of {}", names.join(", ")));
        for (from, targets) in graph.iter().filter(|(from, _)| circle.contains(*from)) {
            for (to, what) in targets.iter().filter(|(to, _)| circle.contains(*to)) {
                problems.push(format!("  {from}:{what} -> {to}"));
            }
        }
    }
    Ok(problems)
}

/// Which file imports which. A path leads to the file of its longest part that is a module with
/// a file of its own.
fn graph(sources: &[Source]) -> anyhow::Result<Graph<'_>> {
    let files: BTreeMap<Vec<String>, &str> = sources
        .iter()
        .filter(|source| source.path != "src/main.rs")
        .filter_map(|source| Some((paths::module_of(&source.path)?, source.path.as_str())))
        .collect();
    let mut graph = Graph::new();
    for source in sources {
        let from = source.path.as_str();
        let targets = graph.entry(from).or_default();
        for named in paths::named(from, &source.lines_without_tests().join("\n"))? {
            let mut parts = (0..=named.path.len()).rev();
            let to = parts.find_map(|end| files.get(named.path.get(..end)?).copied());
            if let Some(to) = to.filter(|to| *to != from) {
                let what = || format!("{}: {}", named.line, named.path.join("::"));
                targets.entry(to).or_insert_with(what);
            }
        }
    }
    Ok(graph)
}

/// The sets of files, of more than one, that all lead to each other.
fn circles<'a>(graph: &Graph<'a>) -> BTreeSet<BTreeSet<&'a str>> {
    let reached: BTreeMap<&str, BTreeSet<&str>> = graph
        .keys()
        .map(|file| (*file, reach(graph, file)))
        .collect();
    let leads = |from: &str, to: &str| reached.get(from).is_some_and(|files| files.contains(to));
    let circle = |file: &&'a str| -> BTreeSet<&'a str> {
        let both = |other: &&&str| leads(file, other) && leads(other, file);
        graph.keys().filter(both).copied().collect()
    };
    let all = graph.keys().map(circle);
    all.filter(|circle| circle.len() > 1).collect()
}

/// All files that one leads to.
fn reach<'a>(graph: &Graph<'a>, file: &str) -> BTreeSet<&'a str> {
    let mut reached = BTreeSet::new();
    let mut waiting = vec![file];
    while let Some(file) = waiting.pop() {
        for target in graph.get(file).into_iter().flat_map(BTreeMap::keys) {
            if reached.insert(*target) {
                waiting.push(target);
            }
        }
    }
    reached
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The problems of made-up files.
    fn of(files: &[(&str, &str)]) -> Vec<String> {
        let source = |(path, text): &(&str, &str)| Source {
            path: (*path).to_owned(),
            text: (*text).to_owned(),
        };
        let sources: Vec<Source> = files.iter().map(source).collect();
        problems(&sources).expect("is Rust")
    }

    #[test]
    fn files_that_lead_to_each_other_are_a_circle() {
        let files = [
            ("src/a/mod.rs", "mod one;\nmod two;\n"),
            (
                "src/a/one.rs",
                "use super::two::{\n    Two,\n    three,\n};\n",
            ),
            ("src/a/two.rs", "fn f() { crate::b::f() }\n"),
            ("src/b.rs", "\nuse crate::a::one;\nuse crate::c::C;\n"),
            ("src/c.rs", "pub struct C;\n"),
        ];
        assert_eq!(
            of(&files),
            [
                "circle of src/a/one.rs, src/a/two.rs, src/b.rs",
                "  src/a/one.rs:2: a::two::Two -> src/a/two.rs",
                "  src/a/two.rs:1: b::f -> src/b.rs",
                "  src/b.rs:2: a::one -> src/a/one.rs",
            ]
        );
    }

    #[test]
    fn two_circles_are_two() {
        let files = [
            ("src/a.rs", "use crate::b::B;"),
            ("src/b.rs", "use crate::a::A; use crate::c::C;"),
            ("src/c.rs", "use crate::d::D;"),
            ("src/d.rs", "use crate::c::C;"),
        ];
        let problems = of(&files);
        let heads = problems.iter().filter(|line| line.starts_with("circle"));
        assert_eq!(heads.count(), 2, "{problems:?}");
    }

    #[test]
    fn declaring_a_module_is_no_import_but_handing_on_its_names_is() {
        let child = ("src/a/b.rs", "use super::A;");
        let parent = ("src/a/mod.rs", "mod b;\npub struct A;");
        assert_eq!(of(&[parent, child]), [""; 0]);
        let parent = ("src/a/mod.rs", "mod b;\npub use b::B;\npub struct A;");
        assert_eq!(of(&[parent, child]).len(), 3);
    }

    #[test]
    fn comments_and_tests_are_no_imports() {
        let files = [
            (
                "src/a.rs",
                "// use crate::b::B;\n/// As [`crate::b::B`].\nstruct A;",
            ),
            ("src/b.rs", "use crate::a::A;"),
        ];
        assert_eq!(of(&files), [""; 0]);
        let files = [
            (
                "src/a.rs",
                "#[cfg(test)]\nmod tests {\n    use crate::b::B;\n}\n",
            ),
            ("src/b.rs", "use crate::a::A;"),
            ("src/b/tests.rs", "use crate::a::A;\nuse super::*;"),
        ];
        assert_eq!(of(&files), [""; 0]);
    }
}
