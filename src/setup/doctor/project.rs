//! What a project's own Lean needs: its toolchain, its REPL, its modules, and that they are of one
//! version. Runs Lean and Lake only where they have nothing to fetch.

use crate::data_dir::DataDir;
use crate::elan::lake::Lake;
use crate::elan::{Active, Elan};
use crate::env_vars::{self, Variables};
use crate::failure::Failure;
use crate::limits::Bytes;
use crate::process::launch::Launch;
use crate::project::Project;
use crate::session::error::SessionError;
use crate::session::exchange::{Session, SessionLimits};
use crate::session::opening::{EnvError, OpenSession};
use crate::session::pickle::load;
use crate::session::pickle::place::Place;
use crate::setup::build::{Built, For, Shelf};
use crate::setup::doctor::fact::{Fact, State};
use crate::setup::doctor::modules::{self, Header};
use crate::setup::doctor::room::Wants;
use crate::setup::doctor::{installed, tools};
use crate::work::WorkContext;

/// What a REPL may take that is only asked for its version.
const LIMITS: SessionLimits = SessionLimits {
    memory: Some(Bytes::mib(8 * 1024)),
    reply: Bytes::mib(16),
};

/// Looks at a project and says what its evaluations want of the machine.
pub(super) fn look(
    project: &Project,
    elan: &Elan,
    cache: &DataDir,
    work: WorkContext<'_>,
    facts: &mut Vec<Fact>,
) -> Wants {
    let header = Header::of(project);
    let active = elan.active(&project.root);
    facts.push(toolchain(&active, elan));
    let mut has_modules = false;
    let is_there = facts.last().is_some_and(|fact| fact.state == State::Ok);
    if let Ok(active) = &active {
        let bench = Bench {
            project,
            active,
            lake: &elan.lake(&active.toolchain),
            cache,
            header: &header,
            work,
        };
        has_modules = if is_there {
            bench.look(facts)
        } else {
            bench.look_without_lean(facts)
        };
    }
    Wants::project(&project.root, header.is_mathlib, has_modules)
}

/// The toolchain, and whether it is on this machine.
fn toolchain(active: &Result<Active, Failure>, elan: &Elan) -> Fact {
    const NAME: &str = "toolchain";
    let active = match active {
        Ok(active) => active,
        Err(failure) => return Fact::failed(NAME, failure, true),
    };
    let name = active.toolchain.to_string();
    let home = installed::elan_home();
    let is_there = installed::folder(&active.toolchain, home.as_deref()).is_some();
    // Without elan, the Lake on the PATH is taken for the right one until its REPL answers.
    let without_elan = elan.program().is_none() && tools::on_path("lake").is_some();
    let fact = if is_there || without_elan {
        Fact::ok(NAME, name)
    } else {
        let hint = format!("elan toolchain install {name}");
        Fact::missing(NAME, format!("`{name}` is not installed"), hint)
    };
    fact.from(&active.origin)
}

/// A project whose toolchain is there.
struct Bench<'a> {
    project: &'a Project,
    active: &'a Active,
    lake: &'a Lake,
    cache: &'a DataDir,
    header: &'a Header,
    work: WorkContext<'a>,
}

/// Versions of Lean with what says so.
type Versions = Vec<(&'static str, String)>;

impl Bench<'_> {
    /// Looks at all that needs the toolchain; says whether the modules are there.
    fn look(&self, facts: &mut Vec<Fact>) -> bool {
        facts.push(self.lake_fact());
        let mut versions = Versions::new();
        let whose = For::of(&self.active.toolchain, self.lake, self.work.renewed());
        if let Ok(whose) = &whose {
            versions.push(("toolchain", modules::plain(&whose.lean)));
        }
        let built = whose.map(|whose| self.shelf().selected(&whose));
        facts.push(repl(&built));
        let built = built.ok().flatten();
        let variables = modules::was_built(&self.project.root).then(|| {
            self.lake.session_variables(
                &self.project.root,
                self.work.renewed().deadline,
                self.work.observer.as_ref(),
                self.work.cancel,
            )
        });
        let launch = |program| Launch {
            vars: match &variables {
                Some(Ok(variables)) => variables.clone(),
                _ => self.plain_variables(),
            },
            ..Launch::new(program)
        };
        if let Some(built) = &built {
            facts.push(self.answer(&launch(built.binary()), &mut versions));
        }
        let (fact, leans) = match &variables {
            None => (self.header.unfetched(self.project), Vec::new()),
            Some(Err(failure)) => (Fact::failed(modules::NAME, failure, true), Vec::new()),
            Some(Ok(_)) => self.header.look(&launch("lean".into()), self.work),
        };
        versions.extend(leans.into_iter().map(|lean| ("modules", lean)));
        let has_modules = fact.state != State::Missing;
        facts.push(fact);
        facts.push(agreement(&versions));
        facts.extend(built.map(|built| self.pickle(&built)));
        has_modules
    }

    /// The environment of a session that Lake says nothing about: it knows only its own Lean.
    fn plain_variables(&self) -> Variables {
        let mut variables = env_vars::without_lean(env_vars::cleaned());
        let home = installed::elan_home();
        if let Some(folder) = installed::folder(&self.active.toolchain, home.as_deref()) {
            variables.push((env_vars::LEAN_SYSROOT.name.into(), folder.into()));
        }
        variables
    }

    /// Looks at what can be seen without the toolchain; says whether the modules may be there.
    fn look_without_lean(&self, facts: &mut Vec<Fact>) -> bool {
        // Only a release says its version without being run.
        if self.active.toolchain.release().is_some() {
            let whose = For::of(&self.active.toolchain, self.lake, self.work.renewed());
            facts.push(repl(&whose.map(|whose| self.shelf().selected(&whose))));
        }
        let was_built = modules::was_built(&self.project.root);
        if !was_built {
            facts.push(self.header.unfetched(self.project));
        }
        was_built
    }

    /// The REPLs that were built.
    fn shelf(&self) -> Shelf {
        Shelf::new(self.cache.clone())
    }

    /// The pickle of the project, which no evaluation depends on.
    fn pickle(&self, built: &Built) -> Fact {
        const NAME: &str = "pickle";
        let manifest = self.project.manifest().ok().flatten();
        let identity = built.identity(manifest.map(|manifest| manifest.digest));
        let found =
            Place::of_project(&self.project.root).and_then(|place| load::verify(&place, &identity));
        match found {
            Ok(Some(pickle)) => {
                let imports = pickle.sidecar.imports.join(" ");
                Fact::ok(NAME, format!("fits, and holds `{imports}`"))
                    .from(pickle.place.pickle().display())
            }
            Ok(None) => Fact::not_needed(NAME, "none was made").with_hint("leanrepl pickle"),
            Err(failure) => Fact::failed(NAME, &failure, false).with_hint("leanrepl pickle"),
        }
    }

    fn lake_fact(&self) -> Fact {
        const NAME: &str = "lake";
        let asked = self.lake.lake().and_then(|run| {
            let run = run.arg("--version").purpose("asking for its version");
            tools::first_line(run, self.work)
        });
        match asked {
            Ok(version) => Fact::ok(NAME, version),
            Err(failure) => Fact::failed(NAME, &failure, true),
        }
    }

    /// Starts the REPL and asks it for the version of its Lean.
    fn answer(&self, launch: &Launch, versions: &mut Versions) -> Fact {
        const NAME: &str = "answer";
        let work = self.work;
        let asked = Session::start(launch, LIMITS, work.cancel, work.observer)
            .map_err(SessionError::into_failure)
            .and_then(|session| {
                OpenSession::open(session, work.deadline.span()).map_err(EnvError::into_failure)
            });
        match asked {
            Ok(open) => {
                let fact = Fact::ok(NAME, format!("the REPL runs Lean {}", open.lean_version));
                versions.push(("REPL", open.lean_version));
                fact
            }
            Err(failure) => Fact {
                hint: Some("leanrepl build --force".to_owned()),
                ..Fact::failed(NAME, &failure, true)
            },
        }
    }
}

/// The REPL that was built for the toolchain.
fn repl(built: &Result<Option<Built>, Failure>) -> Fact {
    const NAME: &str = "REPL";
    match built {
        Ok(Some(built)) => Fact::ok(NAME, built.name()).from(built.dir.display()),
        Ok(None) => Fact::missing(NAME, "not built for this toolchain", "leanrepl build"),
        Err(failure) => Fact::failed(NAME, failure, true),
    }
}

/// Whether all that says a version of Lean says the same.
fn agreement(versions: &Versions) -> Fact {
    const NAME: &str = "versions";
    let Some((_, first)) = versions.first() else {
        return Fact::not_needed(NAME, "nothing says which Lean it is");
    };
    let sayers: Vec<&str> = versions.iter().map(|(sayer, _)| *sayer).collect();
    if versions.iter().all(|(_, version)| version == first) {
        return Fact::ok(NAME, format!("Lean {first}")).from(sayers.join(", "));
    }
    let said = versions
        .iter()
        .map(|(sayer, version)| format!("{sayer} {version}"));
    let said: Vec<String> = said.collect();
    let is_of_modules = |(sayer, version): &(&str, String)| *sayer == "modules" && version != first;
    let hint = if versions.iter().any(is_of_modules) {
        "lake build"
    } else {
        "leanrepl build --force"
    };
    Fact::missing(NAME, format!("they differ: {}", said.join(", ")), hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The fact about those versions.
    fn versions(said: &[(&'static str, &str)]) -> Fact {
        let owned = |(sayer, version): &(&'static str, &str)| (*sayer, (*version).to_owned());
        agreement(&said.iter().map(owned).collect())
    }

    #[test]
    fn versions_that_agree_are_one_and_others_are_all_named() {
        let fact = versions(&[("toolchain", "4.27.0"), ("REPL", "4.27.0")]);
        assert_eq!(fact.state, State::Ok);
        assert_eq!(fact.found, "Lean 4.27.0");
        assert_eq!(fact.origin.as_deref(), Some("toolchain, REPL"));
        let fact = versions(&[("toolchain", "4.27.0"), ("REPL", "4.28.0")]);
        assert_eq!(fact.state, State::Missing);
        assert_eq!(fact.found, "they differ: toolchain 4.27.0, REPL 4.28.0");
        assert_eq!(fact.hint.as_deref(), Some("leanrepl build --force"));
        let fact = versions(&[("toolchain", "4.27.0"), ("modules", "4.26.0")]);
        assert_eq!(fact.hint.as_deref(), Some("lake build"));
        assert_eq!(versions(&[]).state, State::NotNeeded);
    }
}
