//! The chosen Lean, ready to be started. Joins the ways to one to the commands that need one.

use std::io;
use std::path::Path;
use std::sync::Arc;

use crate::commands::core;
use crate::digest;
use crate::env_vars;
use crate::failure::{Failure, Kind};
use crate::limits::Interrupt;
use crate::process::launch::Launch;
use crate::project::Project;
use crate::repl::identity::{Identity, LeanRepl};
use crate::settings::{Source, Toolchain};
use crate::ui::Ui;

/// The Lean that was chosen; core Lean is installed if need be.
///
/// # Errors
/// What the installer says, or a REPL that cannot be read.
pub(crate) fn prepare(
    chosen: &Toolchain,
    ui: &Arc<Ui>,
    interrupt: &Interrupt,
) -> Result<LeanRepl, Failure> {
    let (launch, identity) = match &chosen.source {
        Source::Core => {
            let installed = core::ensure(ui, interrupt)?;
            let (toolchain, repl) = installed.identity();
            let identity = Identity {
                toolchain,
                repl,
                manifest: manifest_digest(chosen.project.as_ref())?,
            };
            (installed.launch(), identity)
        }
        Source::Binary(path) => {
            let launch = Launch {
                program: path.clone(),
                args: Vec::new(),
                vars: env_vars::cleaned(),
                dir: None,
            };
            let identity = Identity {
                toolchain: path.display().to_string(),
                repl: binary_digest(path)?,
                manifest: manifest_digest(chosen.project.as_ref())?,
            };
            (launch, identity)
        }
    };
    Ok(LeanRepl {
        launch,
        identity,
        expected_lean: chosen.expected_lean.clone(),
    })
}

/// The digest of the REPL that the user named. One that is not there has none, and its start then
/// says so.
fn binary_digest(path: &Path) -> Result<String, Failure> {
    let Ok(found) = which::which(path) else {
        return Ok(String::new());
    };
    let (sha256, _bytes) = digest::of_file(&found).map_err(|err| {
        Failure::new(
            Kind::Project,
            format!("cannot read the REPL `{}`", found.display()),
            "make it readable, so that its pickles are told from those of another REPL",
        )
        .caused_by(err)
    })?;
    Ok(sha256)
}

/// The digest of the project's manifest, if it has one.
fn manifest_digest(project: Option<&Project>) -> Result<Option<String>, Failure> {
    let Some(project) = project else {
        return Ok(None);
    };
    let path = project.root.join("lake-manifest.json");
    match digest::of_file(&path) {
        Ok((sha256, _bytes)) => Ok(Some(sha256)),
        Err(err) if err.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(err) => Err(Failure::new(
            Kind::Project,
            format!("cannot read `{}`", path.display()),
            "check its permissions",
        )
        .caused_by(err)),
    }
}
