//! What sources start from: their own imports, or a pickle. Decides which pickle serves which source;
//! never loads one.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use crate::event::{Event, Observer};
use crate::failure::{Failure, Kind};
use crate::lean::header::Split;
use crate::session::identity::Identity;
use crate::session::pickle::load::{Verified, verify};
use crate::session::pickle::place::Place;
use crate::session::pickle::sidecar::Way;

/// What the user wants sources to start from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BaseChoice {
    /// The pickle, or nothing.
    Pickle,
    /// Never a pickle.
    Import,
    /// The pickle if there is one that fits and changes no meaning.
    Auto,
}

/// What sources start from.
#[derive(Debug, Clone, PartialEq)]
pub enum BaseEnv {
    /// Their imports.
    Import,
    /// A pickle, for those sources that it serves.
    Pickle {
        /// The pickle.
        pickle: Arc<Verified>,
        /// Whether the user asked for it: then a source that it does not serve is a failure.
        strict: bool,
    },
}

impl BaseEnv {
    /// The file that a session has to read besides the modules of Lean.
    pub fn file(&self) -> Option<&Path> {
        match self {
            Self::Import => None,
            Self::Pickle { pickle, .. } => Some(pickle.place.pickle()),
        }
    }

    /// The SHA-256 of the pickle, if there is one.
    pub fn digest(&self) -> Option<&str> {
        match self {
            Self::Import => None,
            Self::Pickle { pickle, .. } => Some(&pickle.sidecar.pickle.sha256),
        }
    }

    /// Decides. A pickle with a prelude changes what a source means, so that it is used only if chosen.
    ///
    /// # Errors
    /// A choice of a pickle that is not there or does not fit.
    pub fn choose(
        choice: BaseChoice,
        place: &Place,
        identity: &Identity,
        observer: &dyn Observer,
    ) -> Result<Self, Failure> {
        let found = match choice {
            BaseChoice::Import => return Ok(Self::Import),
            BaseChoice::Pickle | BaseChoice::Auto => verify(place, identity),
        };
        let path = place.pickle();
        let pickle = match (choice, found) {
            (BaseChoice::Pickle, Err(failure)) => return Err(failure),
            (BaseChoice::Pickle, Ok(None)) => return Err(missing(path)),
            (_, Err(failure)) => {
                let text = format!("{}; importing instead", failure.problem());
                observer.tell(Event::Noted { text: &text });
                return Ok(Self::Import);
            }
            (_, Ok(None)) => return Ok(Self::Import),
            (_, Ok(Some(pickle))) => pickle,
        };
        let path = path.display();
        if choice == BaseChoice::Auto
            && let Some(why) = objection(&pickle)
        {
            let text = format!("not using the pickle `{path}`: {why}");
            observer.tell(Event::Chosen { text: &text });
            return Ok(Self::Import);
        }
        let text = format!(
            "the pickle `{path}` fits; it holds `{}`",
            pickle.sidecar.imports.join(" ")
        );
        observer.tell(Event::Chosen { text: &text });
        Ok(Self::Pickle {
            pickle: Arc::new(pickle),
            strict: choice == BaseChoice::Pickle,
        })
    }

    /// The pickle that the source with this header starts from; none if it runs its imports.
    ///
    /// # Errors
    /// A source that imports something else than the pickle that the user asked for.
    pub fn serving(&self, split: &Split) -> Result<Option<&Arc<Verified>>, Failure> {
        let Self::Pickle { pickle, strict } = self else {
            return Ok(None);
        };
        let has_no_header = split.body_offset == 0;
        // A source without a header means core Lean's `Init` alone, unless the user says that it is
        // written for the pickle.
        if fits(split, &pickle.sidecar.imports) || (*strict && has_no_header) {
            return Ok(Some(pickle));
        }
        if !strict {
            return Ok(None);
        }
        Err(Failure::new(
            Kind::Project,
            format!(
                "the pickle `{}` holds `{}`, and the file does not import just that",
                pickle.place.pickle().display(),
                pickle.sidecar.imports.join(" ")
            ),
            "use `--base auto` to run the imports of such files",
        ))
    }
}

/// Why a pickle is not used unless it is asked for.
fn objection(pickle: &Verified) -> Option<&'static str> {
    let sidecar = &pickle.sidecar;
    if sidecar.prelude.is_some() {
        return Some(
            "it has a prelude, which changes what a file means; ask for it with `--base pickle`",
        );
    }
    let slower = sidecar
        .compared
        .is_some_and(|compared| compared.faster == Way::Import);
    slower.then_some("`leanrepl pickle --compare` found the import to be faster")
}

/// Whether a header imports exactly these modules, in any order, and in no special way.
fn fits(split: &Split, modules: &[String]) -> bool {
    let is_plain = !split.module && !split.prelude;
    let all_plain = split
        .imports
        .iter()
        .all(|import| !(import.public || import.meta || import.all || import.runtime));
    let imported: BTreeSet<&str> = split
        .imports
        .iter()
        .map(|import| import.module.as_str())
        .collect();
    is_plain && all_plain && imported == modules.iter().map(String::as_str).collect()
}

/// The failure for a pickle that was asked for and is not there.
fn missing(path: &Path) -> Failure {
    Failure::new(
        Kind::Build,
        format!("there is no pickle at `{}`", path.display()),
        "make it with `leanrepl pickle`, name another one with `--pickle FILE`, or go without it with `--base import`",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lean::header;
    use crate::session::pickle::sidecar::tests::sidecar;

    /// A pickle of these imports that is not read.
    fn pickle(imports: &[&str]) -> Arc<Verified> {
        let mut sidecar = sidecar();
        sidecar.imports = imports.iter().map(|name| (*name).to_owned()).collect();
        Arc::new(Verified {
            place: Place::at(Path::new("/x.olean")).unwrap(),
            sidecar,
        })
    }

    #[test]
    fn a_pickle_serves_texts_that_import_just_what_it_holds() {
        for (text, strict, expected) in [
            ("import A\nimport B\n#eval 1", false, Some(true)),
            ("import B import A -- x", false, Some(true)),
            ("import B\nimport A\nimport A", false, Some(true)),
            ("import A", false, Some(false)),
            ("import A", true, None),
            ("import A import B import C", true, None),
            ("#eval 1", false, Some(false)),
            ("#eval 1", true, Some(true)),
            ("module\nimport A\nimport B", true, None),
            ("prelude", true, None),
            ("public import A\nimport B", false, Some(false)),
        ] {
            let pickle = pickle(&["A", "B"]);
            let base = BaseEnv::Pickle { pickle, strict };
            let served = base
                .serving(&header::split(text))
                .map(|pickle| pickle.is_some());
            assert_eq!(served.ok(), expected, "{text}, strict {strict}");
        }
        assert_eq!(
            BaseEnv::Import.serving(&header::split("import A")).unwrap(),
            None
        );
    }

    #[test]
    fn only_a_pickle_that_changes_no_meaning_and_saves_time_is_used_unasked() {
        let mut it = Arc::unwrap_or_clone(pickle(&["A"]));
        assert!(objection(&it).is_some_and(|why| why.contains("prelude")));
        it.sidecar.prelude = None;
        assert_eq!(objection(&it), None);
        if let Some(compared) = &mut it.sidecar.compared {
            compared.faster = Way::Import;
        }
        assert!(objection(&it).is_some_and(|why| why.contains("--compare")));
        it.sidecar.compared = None;
        assert_eq!(objection(&it), None);
    }
}
