//! The commands that images run: `leanrepl probe` and `leanrepl gather`.

use std::path::Path;
use std::sync::Arc;

use crate::cli::RunCommand;
use crate::cli::build_image::{GatherArgs, ProbeArgs};
use crate::commands::RunContext;
use crate::commands::exit_code::DONE;
use crate::data_dir::DataDir;
use crate::deploy::docker::gather::{self, Plan};
use crate::elan::Elan;
use crate::env_vars;
use crate::event::Observer;
use crate::failure::{Failure, Kind};
use crate::limits::{Deadline, Wait};
use crate::probe::{self, ProbeRequest, Question};
use crate::project::Project;
use crate::setup::build::{For, Shelf};
use crate::ui::Ui;
use crate::work::WorkContext;

/// Longest wait for Lake to say where a project's modules are. It may have to run the Lake file.
const LAKE: Wait = Wait::secs(300);

/// Longest wait for an answer that needs no Lean: a bit less than Docker waits for a health check.
const GLANCE: Wait = Wait::secs(4);

/// Longest wait for the answer to a source.
const TEXT: Wait = Wait::secs(600);

impl RunCommand<RunContext> for ProbeArgs {
    /// Asks the server on this machine.
    ///
    /// # Errors
    /// No server listens, or what listens does not answer in time.
    fn run(self, context: &RunContext) -> Result<u8, Failure> {
        let RunContext { ui, interrupt, .. } = context;
        let port = env_vars::read(env_vars::SERVER_PORT)
            .and_then(|text| text.to_str()?.parse().ok())
            .unwrap_or(8000);
        let wait = self.timeout.unwrap_or(match self.post {
            Some(_) => TEXT,
            None => GLANCE,
        });
        let question = Question {
            port,
            path: self.path.clone(),
            authorization: None,
            request: self
                .post
                .clone()
                .map_or(ProbeRequest::Look, |text| ProbeRequest::Evaluate {
                    text,
                    run_seconds: self.run_seconds,
                }),
        };
        let answer = probe::ask(&question, Deadline::after(wait.get()), interrupt).map_err(|err| {
            Failure::new(
                Kind::Remote,
                format!("no server answers on port {port} of this machine within {wait}"),
                "start one with `leanrepl serve`, or name its port with the variable `LEAN_SERVER_PORT`",
            )
            .caused_by(err)
        })?;
        let line = serde_json::to_string(&answer)
            .map_err(|err| Failure::bug("cannot write an answer").caused_by(err))?;
        // A reader that went away has seen enough.
        let _written = ui.data_line(&line)?;
        Ok(if answer.is_good() {
            DONE
        } else {
            Kind::Remote.exit_code()
        })
    }
}

impl RunCommand<RunContext> for GatherArgs {
    /// Gathers what a running Lean of a project reads.
    ///
    /// # Errors
    /// A project without a REPL, and what cannot be read or written.
    fn run(self, context: &RunContext) -> Result<u8, Failure> {
        let RunContext { ui, interrupt, .. } = context;
        let project = Project::at(&self.project)?;
        let observer: Arc<dyn Observer> = Arc::<Ui>::clone(ui);
        let work = WorkContext {
            deadline: Deadline::after(LAKE.get()),
            observer: &observer,
            cancel: interrupt,
        };
        let elan = Elan::locate();
        let active = elan.active(&project.root)?;
        let lake = elan.lake(&active.toolchain);
        let whose = For::of(&active.toolchain, &lake, work)?;
        let built = Shelf::new(DataDir::locate()?)
            .selected(&whose)
            .ok_or_else(|| {
                Failure::new(
                    Kind::Project,
                    format!("no REPL was built yet for `{}`", active.toolchain),
                    "run `leanrepl build` in the project first",
                )
            })?;
        let vars =
            lake.session_variables(&project.root, work.deadline, observer.as_ref(), interrupt)?;
        let value = |variable| env_vars::value_in(&vars, variable);
        let sysroot = value(env_vars::LEAN_SYSROOT).ok_or_else(|| {
            Failure::new(
                Kind::Project,
                "Lake does not tell where the toolchain is",
                "see that `lake env` prints `LEAN_SYSROOT` in the project",
            )
        })?;
        let modules = value(env_vars::LEAN_PATH).unwrap_or_default();
        let plan = Plan {
            repl: built.binary(),
            sysroot: Path::new(sysroot).to_owned(),
            modules: std::env::split_paths(modules).collect(),
            into: self.into.clone(),
            keep_all: self.keep_all,
        };
        let gathered = gather::run(&plan, interrupt)?;
        let _written = ui.gathered(&gathered)?;
        Ok(DONE)
    }
}
