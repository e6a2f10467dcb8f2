//! Looks at all that an evaluation depends on. Changes nothing: it never lets elan or Lake fetch
//! anything, installs nothing and writes nothing. Every look has a deadline, so that a program that
//! hangs is a fact like others.

mod core;
pub(crate) mod fact;
pub(crate) mod installed;
mod modules;
mod project;
mod room;
mod tools;

use crate::data_dir::DataDir;
use crate::elan::Elan;
use crate::failure::{Failure, Kind};
use crate::project::Project;
use crate::work::WorkContext;

use fact::Fact;

/// Looks at everything. With a project, what its own Lean needs counts as needed, else what core
/// Lean needs.
///
/// # Errors
/// Only an interrupt: all else is a fact.
pub(crate) fn examine(
    project: Option<&Project>,
    cache: &DataDir,
    work: WorkContext<'_>,
) -> Result<Vec<Fact>, Failure> {
    let elan = Elan::locate();
    // Programs that may hang wait side by side.
    let (elan_fact, docker, wrangler, node) = std::thread::scope(|scope| {
        let elan_fact = scope.spawn(|| tools::elan(&elan, project.is_some(), work));
        let docker = scope.spawn(|| tools::docker(work));
        let wrangler = scope.spawn(|| tools::wrangler(work));
        let node = tools::node(work);
        (
            joined(elan_fact.join()),
            joined(docker.join()),
            joined(wrangler.join()),
            node,
        )
    });
    let mut facts = Vec::new();
    let mut wants = room::Wants::core();
    if let Some(project) = project {
        facts.push(Fact::ok("project", project.root.display().to_string()));
        facts.push(elan_fact?);
        wants = project::look(project, &elan, cache, work, &mut facts);
    } else {
        let fact = Fact::not_needed("project", "no Lake project is around this folder");
        facts.extend([fact, elan_fact?]);
    }
    let core = core::look(cache, project.is_none(), node);
    if project.is_none() && core.is_there {
        wants = wants.with_core_installed();
    }
    facts.extend(room::look(&wants, cache));
    facts.extend(core.facts);
    facts.push(docker?);
    facts.push(wrangler?);
    if work.cancel.is_set() {
        return Err(Failure::new(
            Kind::Interrupted,
            "stopped before everything was looked at",
            "run `leanrepl doctor` again",
        ));
    }
    Ok(facts)
}

fn joined(found: std::thread::Result<Fact>) -> Result<Fact, Failure> {
    found.map_err(|_panic| Failure::bug("a look at this machine broke off"))
}
