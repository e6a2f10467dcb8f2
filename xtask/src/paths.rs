//! The paths from the root of the crate that a file of `src` names, in `use` and anywhere else.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::anyhow;
use proc_macro2::{TokenStream, TokenTree};

/// A path that a file names.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Named {
    /// The line, from 1.
    pub(crate) line: usize,
    /// The names after `crate::`.
    pub(crate) path: Vec<String>,
}

/// The module that a file of `src` defines: the names after `crate::`. The root has none.
pub(crate) fn module_of(file: &str) -> Option<Vec<String>> {
    let inside = file.strip_prefix("src/")?.strip_suffix(".rs")?;
    let mut names: Vec<String> = inside.split('/').map(str::to_owned).collect();
    let is_root = ["lib", "main"].contains(&inside);
    if is_root || names.last().is_some_and(|name| name == "mod") {
        names.pop();
    }
    Some(names)
}

/// The paths that the code of `file` names. Comments and strings do not count, and neither does
/// the declaration of a module.
pub(crate) fn named(file: &str, code: &str) -> anyhow::Result<BTreeSet<Named>> {
    let module = module_of(file).ok_or_else(|| anyhow!("`{file}` is not in `src`"))?;
    let code: TokenStream = code
        .parse()
        .map_err(|err| anyhow!("`{file}` cannot be read: {err}"))?;
    let mut found = BTreeSet::new();
    Scope::name_all(module, code, &mut found);
    Ok(found)
}

/// One module, with what its short names stand for.
struct Scope<'found> {
    /// Its path.
    module: Vec<String>,
    /// The paths of the modules that it declares and of what it imports.
    short: BTreeMap<String, Vec<String>>,
    /// The paths named so far.
    found: &'found mut BTreeSet<Named>,
}

impl<'found> Scope<'found> {
    /// Adds all paths that the code of a module names.
    fn name_all(module: Vec<String>, code: TokenStream, found: &'found mut BTreeSet<Named>) {
        let tokens: Vec<TokenTree> = code.into_iter().collect();
        let children = tokens.windows(2).filter_map(|pair| match pair {
            [TokenTree::Ident(word), TokenTree::Ident(name)] if word == "mod" => {
                let name = name.to_string();
                Some((name.clone(), [module.as_slice(), &[name]].concat()))
            }
            _ => None,
        });
        let short = children.collect();
        let mut scope = Self {
            module,
            short,
            found,
        };
        scope.walk(&tokens);
    }

    /// Adds the paths that a part of the module names.
    fn walk(&mut self, tokens: &[TokenTree]) {
        let mut rest = tokens;
        while let Some((token, after)) = rest.split_first() {
            rest = match (token, after) {
                (TokenTree::Ident(word), [TokenTree::Ident(name), after @ ..]) if word == "mod" => {
                    if let [TokenTree::Group(body), ..] = after {
                        let module = [self.module.as_slice(), &[name.to_string()]].concat();
                        Scope::name_all(module, body.stream(), self.found);
                    }
                    after.get(1..).unwrap_or_default()
                }
                (TokenTree::Ident(word), _) if word == "use" => {
                    let end = after.iter().position(|token| is_mark(token, ';'));
                    let (tree, after) = after.split_at(end.unwrap_or_default());
                    self.import(&[], tree);
                    after
                }
                (TokenTree::Ident(_), _) => {
                    let (names, line, after) = names_at(rest);
                    if names.len() > 1 {
                        self.add(&names, line);
                    }
                    after
                }
                (TokenTree::Group(group), _) => {
                    self.walk(&group.stream().into_iter().collect::<Vec<_>>());
                    after
                }
                _ => after,
            };
        }
    }

    /// Adds what the trees of a `use` import, which stand below the path `above`.
    fn import(&mut self, above: &[String], trees: &[TokenTree]) {
        let trees = trees.split(|token| is_mark(token, ','));
        for tree in trees.filter(|tree| !tree.is_empty()) {
            let (names, line, rest) = names_at(tree);
            let mut path = [above, &names].concat();
            if let [TokenTree::Group(group)] = rest {
                self.import(&path, &group.stream().into_iter().collect::<Vec<_>>());
                continue;
            }
            if path.len() > 1 {
                path.pop_if(|last| last == "self");
            }
            let short = match rest {
                [.., TokenTree::Ident(alias)] => Some(alias.to_string()),
                _ => path.last().cloned(),
            };
            if let (Some(path), Some(short)) = (self.add(&path, line), short) {
                self.short.insert(short, path);
            }
        }
    }

    /// Adds a path if it leads into the crate, and returns it from the root.
    fn add(&mut self, names: &[String], line: usize) -> Option<Vec<String>> {
        let (first, mut rest) = names.split_first()?;
        let mut path = match first.as_str() {
            "crate" => Vec::new(),
            "self" => self.module.clone(),
            "super" => self.module.split_last()?.1.to_vec(),
            _ => self.short.get(first)?.clone(),
        };
        while let [above, below @ ..] = rest
            && above == "super"
        {
            path.pop();
            rest = below;
        }
        path.extend_from_slice(rest);
        self.found.insert(Named {
            line,
            path: path.clone(),
        });
        Some(path)
    }
}

/// The names of the path that the tokens begin with, its line, and what follows the last `::`.
fn names_at(tokens: &[TokenTree]) -> (Vec<String>, usize, &[TokenTree]) {
    let line = tokens.first().map_or(0, |token| token.span().start().line);
    let mut names = Vec::new();
    let mut rest = tokens;
    while let [TokenTree::Ident(name), after @ ..] = rest {
        names.push(name.to_string());
        rest = match after {
            [one, two, after @ ..] if is_mark(one, ':') && is_mark(two, ':') => after,
            _ => return (names, line, after),
        };
    }
    (names, line, rest)
}

/// Whether a token is this mark.
fn is_mark(token: &TokenTree, mark: char) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == mark)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The paths that a made-up file names, each as `line path`.
    fn of(file: &str, code: &str) -> Vec<String> {
        let found = named(file, code).expect("is Rust");
        found
            .into_iter()
            .map(|named| format!("{} {}", named.line, named.path.join("::")))
            .collect()
    }

    #[test]
    fn super_and_self_lead_to_whole_paths() {
        let code =
            "use super::{c::Item, self as above};\nuse self::d::f;\nfn f() { super::super::g() }\n";
        assert_eq!(
            of("src/a/b/mod.rs", code),
            ["1 a", "1 a::c::Item", "2 a::b::d::f", "3 g"]
        );
    }

    #[test]
    fn short_names_stand_for_what_they_import_or_declare() {
        let code = "pub(crate) mod child;\nuse crate::{x, y::{z as w, self}};\nfn f() { child::f(x::g(), w::h::<y::T>()) }\n";
        assert_eq!(
            of("src/a.rs", code),
            [
                "2 x",
                "2 y",
                "2 y::z",
                "3 a::child::f",
                "3 x::g",
                "3 y::T",
                "3 y::z::h"
            ]
        );
    }

    #[test]
    fn a_module_inside_the_file_is_one_step_further_down() {
        let code = "mod inner {\n    use super::One;\n    use super::super::Two;\n}\n";
        assert_eq!(of("src/a/b.rs", code), ["2 a::b::One", "3 a::Two"]);
    }

    #[test]
    fn comments_strings_and_other_crates_name_no_path() {
        let code = "//! See [`crate::ui`].\nuse std::fs; // crate::x\n/* crate::x */ fn f() -> &'static str { \"crate::x\" }\n";
        assert_eq!(of("src/a.rs", code), [""; 0]);
    }

    #[test]
    fn paths_inside_macros_count() {
        let code = "fn f() { format!(\"{}\", crate::x::y()) }";
        assert_eq!(of("src/a.rs", code), ["1 x::y"]);
    }
}
