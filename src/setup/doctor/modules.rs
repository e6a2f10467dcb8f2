//! The compiled modules of a project. Never builds or fetches one.

use std::path::Path;

use crate::lean::module_name::ModuleName;
use crate::process::launch::Launch;
use crate::project::Project;
use crate::setup::doctor::fact::Fact;
use crate::setup::prefault::search_path::SearchPath;
use crate::setup::prefault::{self, Closure};
use crate::work::WorkContext;

/// What this fact is called.
pub(super) const NAME: &str = "modules";

/// The package that brings its modules along, ready to be fetched.
const MATHLIB: &str = "mathlib";

/// What a project's sources are likely to import, and how it is brought about.
#[derive(Debug, Clone)]
pub(super) struct Header {
    /// The module; none if the Lake file does not tell.
    pub(super) module: Option<String>,
    pub(super) is_mathlib: bool,
}

impl Header {
    /// Mathlib if the project depends on it, else the project's own library.
    pub(super) fn of(project: &Project) -> Self {
        let manifest = project.manifest().ok().flatten();
        let is_mathlib = manifest.is_some_and(|manifest| manifest.has_package(MATHLIB));
        Self {
            module: if is_mathlib {
                Some("Mathlib".to_owned())
            } else {
                project.root_library()
            },
            is_mathlib,
        }
    }

    /// The command that brings the modules.
    fn hint(&self) -> &'static str {
        if self.is_mathlib {
            "lake exe cache get && lake build"
        } else {
            "lake build"
        }
    }

    /// What is said where Lake was not asked, since it would fetch what is not there.
    pub(super) fn unfetched(&self, project: &Project) -> Fact {
        let place = project.root.join(".lake");
        Fact::missing(NAME, "nothing was built in this project yet", self.hint())
            .from(place.display())
    }

    /// Looks for all that the module imports in a session started so; the answer says which Leans
    /// wrote the files, too.
    pub(super) fn look(&self, launch: &Launch, work: WorkContext<'_>) -> (Fact, Vec<String>) {
        let Some(module) = self.module.as_deref().and_then(ModuleName::parse) else {
            let fact = Fact::not_needed(NAME, "the Lake file does not tell which library it has");
            return (fact, Vec::new());
        };
        let path = SearchPath::of(launch);
        let names = [module.clone()];
        let found = prefault::closure(&names, &path, work.renewed().deadline, work.cancel);
        let versions = found.lean_versions.iter().map(|text| plain(text));
        let versions = versions.collect();
        (self.fact(&module, &found), versions)
    }

    /// The fact about a closure.
    fn fact(&self, module: &ModuleName, found: &Closure) -> Fact {
        let count = found.modules;
        let origin = format!("the closure of `{module}`");
        let fact = match found.missing.as_slice() {
            [] if found.unreadable > 0 => {
                let text = format!("{} of {count} cannot be read", found.unreadable);
                Fact::missing(NAME, text, self.hint())
            }
            [] if found.stopped.is_some() => {
                Fact::ok(NAME, format!("{count} looked at in time, all there"))
            }
            [] => Fact::ok(NAME, format!("{count}, all there")),
            [one] => Fact::missing(NAME, format!("`{one}` is missing"), self.hint()),
            [first, rest @ ..] => {
                let text = format!("`{first}` and {} more are missing", rest.len());
                Fact::missing(NAME, text, self.hint())
            }
        };
        fact.from(origin)
    }
}

/// A version as `Lean.versionString` begins: a build that is no release calls itself `4.28.0-pre` in
/// its files and on the command line, and `4.28.0` when it is asked inside.
pub(super) fn plain(version: &str) -> String {
    version.trim_end_matches("-pre").to_owned()
}

/// Whether Lake has been at work in the project, so that it can be asked without fetching anything.
pub(super) fn was_built(root: &Path) -> bool {
    root.join(".lake").is_dir()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::setup::doctor::fact::State;
    use crate::setup::prefault::Stopped;

    /// The fact about a closure of Mathlib with that many modules.
    fn fact(missing: &[&str], unreadable: usize, stopped: Option<Stopped>) -> Fact {
        let name = |name: &&str| ModuleName::parse(name).unwrap();
        let header = Header {
            module: Some("Mathlib".to_owned()),
            is_mathlib: true,
        };
        let closure = Closure {
            modules: 7,
            missing: missing.iter().map(name).collect(),
            unreadable,
            stopped,
            ..Closure::default()
        };
        header.fact(&name(&"Mathlib"), &closure)
    }

    #[test]
    fn a_module_that_is_missing_or_damaged_has_to_be_fetched() {
        let hint = Some("lake exe cache get && lake build");
        for (missing, unreadable, found) in [
            (&["A"][..], 0, "`A` is missing"),
            (&["A", "B", "C"][..], 1, "`A` and 2 more are missing"),
            (&[][..], 2, "2 of 7 cannot be read"),
        ] {
            let fact = fact(missing, unreadable, None);
            assert_eq!(fact.state, State::Missing);
            assert_eq!(fact.found, found);
            assert_eq!(fact.hint.as_deref(), hint);
        }
    }

    #[test]
    fn a_look_that_was_cut_short_says_so() {
        assert_eq!(fact(&[], 0, None).found, "7, all there");
        let cut = fact(&[], 0, Some(Stopped::Deadline));
        assert_eq!(cut.state, State::Ok);
        assert_eq!(cut.found, "7 looked at in time, all there");
    }
}
