//! What can be extracted: the built-in extractors and plugins, with their schemas. Never starts anything.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::failure::{Failure, Kind};
use crate::table::schema::Schema;

/// The extractors that leanrepl has itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Builtin {
    /// Names and types of constants.
    Types,
    /// Which constants a constant uses.
    ConstDep,
    /// Steps of tactic proofs.
    Tactics,
    /// Declarations, for a search over them.
    Decls,
}

/// All of them, in the order in which they are listed.
pub(crate) const BUILTINS: [Builtin; 4] = [
    Builtin::Types,
    Builtin::ConstDep,
    Builtin::Tactics,
    Builtin::Decls,
];

impl Builtin {
    /// Its name, as in tables and manifests.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Types => "types",
            Self::ConstDep => "const_dep",
            Self::Tactics => "tactics",
            Self::Decls => "decls",
        }
    }

    /// The constant that it is in Lean, in the namespace `LeanRepl.Extract`.
    pub(crate) fn constant(self) -> &'static str {
        match self {
            Self::ConstDep => "constDep",
            Self::Types | Self::Tactics | Self::Decls => self.name(),
        }
    }

    /// What its rows are, in a few words.
    pub(crate) fn about(self) -> &'static str {
        match self {
            Self::Types => "names and types of constants",
            Self::ConstDep => "constants that each constant uses",
            Self::Tactics => "steps of tactic proofs, with goals before and after",
            Self::Decls => "declarations with what a search needs",
        }
    }

    /// The column whose value chooses the shard of a row.
    pub(crate) fn key(self) -> &'static str {
        match self {
            Self::Tactics => "ppTac",
            Self::Types | Self::ConstDep | Self::Decls => "name",
        }
    }

    /// The one of that name; `-` stands for `_`.
    pub(crate) fn named(name: &str) -> Option<Self> {
        let name = name.replace('-', "_");
        BUILTINS.into_iter().find(|it| it.name() == name)
    }

    /// Its columns.
    ///
    /// # Errors
    /// A bug: the schema is part of the program.
    pub(crate) fn schema(self) -> Result<Schema, Failure> {
        let text = match self {
            Self::Types => include_str!("schemas/types.json"),
            Self::ConstDep => include_str!("schemas/const_dep.json"),
            Self::Tactics => include_str!("schemas/tactics.json"),
            Self::Decls => include_str!("schemas/decls.json"),
        };
        let unreadable = |err: &dyn std::error::Error| {
            Failure::bug(format!(
                "the schema of `{}` cannot be read: {err}",
                self.name()
            ))
        };
        let json: Value = serde_json::from_str(text).map_err(|err| unreadable(&err))?;
        Schema::from_json(&json).map_err(|err| unreadable(&err))
    }
}

/// What makes the rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Extractor {
    /// One of ours.
    Builtin(Builtin),
    /// One that a Lean file defines.
    Plugin(Plugin),
}

/// An extractor of the user's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Plugin {
    /// The constant that holds it, of the type `LeanRepl.Extract.Extractor`.
    pub(crate) constant: String,
    /// The file that defines the constant.
    pub(crate) file: PathBuf,
    /// What is in the file.
    pub(crate) source: String,
}

impl Extractor {
    /// The one that a command line names: one of ours, unless a plugin's file is named too.
    ///
    /// # Errors
    /// An unknown extractor, and a name that is no identifier of Lean.
    pub(crate) fn choose(name: &str, plugin: Option<(&Path, &str)>) -> Result<Self, Failure> {
        if let Some((file, source)) = plugin {
            if !is_identifier(name) {
                return Err(Failure::new(
                    Kind::Usage,
                    format!(
                        "`{name}` cannot be the name of a constant, so no plugin can define it"
                    ),
                    "name the constant of the type `LeanRepl.Extract.Extractor` that the plugin's file defines",
                ));
            }
            return Ok(Self::Plugin(Plugin {
                constant: name.to_owned(),
                file: file.to_owned(),
                source: source.to_owned(),
            }));
        }
        Builtin::named(name).map(Self::Builtin).ok_or_else(|| {
            let names = BUILTINS.map(|it| format!("`{}`", it.name())).join(", ");
            Failure::new(
                Kind::Usage,
                format!("there is no extractor `{name}`"),
                format!("choose one of {names}, or name the file that defines it with `--plugin FILE.lean`"),
            )
        })
    }

    /// Its name.
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Builtin(builtin) => builtin.name(),
            Self::Plugin(plugin) => &plugin.constant,
        }
    }

    /// Whether its rows come from sources that are elaborated, not from compiled modules.
    pub(crate) fn reads_sources(&self) -> bool {
        *self == Self::Builtin(Builtin::Tactics)
    }
}

/// Whether a text can stand in a command where the name of a constant is expected.
fn is_identifier(name: &str) -> bool {
    let is_part = |part: &str| {
        let mut letters = part.chars();
        letters
            .next()
            .is_some_and(|first| first.is_alphabetic() || first == '_')
            && letters.all(|letter| letter.is_alphanumeric() || "_'!?".contains(letter))
    };
    name.split('.').all(is_part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_schema_is_one_and_has_its_key() {
        for builtin in BUILTINS {
            let schema = builtin.schema().unwrap();
            assert!(schema.field(builtin.key()).is_some(), "{}", builtin.name());
        }
    }

    #[test]
    fn an_extractor_is_found_by_either_spelling() {
        for (name, builtin) in [
            ("const-dep", Builtin::ConstDep),
            ("const_dep", Builtin::ConstDep),
            ("types", Builtin::Types),
        ] {
            assert_eq!(
                Extractor::choose(name, None).unwrap(),
                Extractor::Builtin(builtin)
            );
        }
        let problem = Extractor::choose("typos", None).unwrap_err();
        assert_eq!(problem.problem(), "there is no extractor `typos`");
        assert_eq!(problem.kind(), Kind::Usage);
    }

    #[test]
    fn the_constant_of_a_plugin_is_an_identifier() {
        let file = Path::new("a.lean");
        assert!(Extractor::choose("Depth.of'", Some((file, ""))).is_ok());
        for name in ["", "a.", "a b", "a\n#eval 1", "1a", "«a»", "..", "a/b"] {
            assert!(Extractor::choose(name, Some((file, ""))).is_err(), "{name}");
        }
    }
}
