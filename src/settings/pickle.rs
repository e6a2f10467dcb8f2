//! What the command line says about pickles.

use std::path::Path;

use crate::cli::eval::BaseArg;
use crate::cli::pickle::PickleArgs;
use crate::data_dir::DataDir;
use crate::digest;
use crate::failure::{Failure, Kind};
use crate::project::Project;
use crate::session::base::BaseChoice;
use crate::session::identity::Identity;
use crate::session::pickle::place::{DEFAULT_NAME, Place};
use crate::settings::{Source, Toolchain};

/// The modules to pickle: those named, else Mathlib for a project that depends on it, else the
/// project's own library; for core Lean `Lean`.
///
/// # Errors
/// No module named, and no project that says what to import.
pub(crate) fn imports(args: &PickleArgs, toolchain: &Toolchain) -> Result<Vec<String>, Failure> {
    if !args.imports.is_empty() {
        return Ok(args.imports.clone());
    }
    if toolchain.source == Source::Core {
        // `Init` is there in any case, so that a pickle of it would save nothing; `Lean` is the
        // largest import that core Lean has.
        return Ok(vec!["Lean".to_owned()]);
    }
    let project = toolchain.project.as_ref();
    let manifest = project.map(Project::manifest).transpose()?.flatten();
    if manifest.is_some_and(|manifest| manifest.has_package("mathlib")) {
        return Ok(vec!["Mathlib".to_owned()]);
    }
    project
        .and_then(Project::root_library)
        .map(|library| vec![library])
        .ok_or_else(|| {
            Failure::new(
                Kind::Usage,
                "it is not known what to pickle",
                "name a module with `--import MODULE`, for example `--import Mathlib`",
            )
        })
}

/// Where a pickle is: where the user says, else in the project, else in the cache under what it
/// depends on.
///
/// # Errors
/// A name that is none for a pickle, or no cache folder.
pub(crate) fn place(
    named: Option<&Path>,
    toolchain: &Toolchain,
    identity: &Identity,
) -> Result<Place, Failure> {
    if let Some(path) = named {
        return Place::at(path);
    }
    if let Some(project) = &toolchain.project {
        return Place::of_project(&project.root);
    }
    let key = digest::of_bytes(format!("{}\n{}", identity.toolchain, identity.repl).as_bytes());
    let folder = DataDir::locate()?.root().join("pickles");
    Place::at(
        &folder
            .join(key.get(..16).unwrap_or(&key))
            .join(DEFAULT_NAME),
    )
}

/// What files are to start from: a pickle that is named is wanted.
pub(crate) fn choice(base: Option<BaseArg>, pickle: Option<&Path>) -> Result<BaseChoice, Failure> {
    match (base, pickle) {
        (Some(BaseArg::Import), Some(_)) => Err(Failure::new(
            Kind::Usage,
            "`--base import` uses no pickle, but `--pickle` names one",
            "leave out one of `--base import` and `--pickle`",
        )),
        (Some(BaseArg::Import), None) => Ok(BaseChoice::Import),
        (Some(BaseArg::Pickle), _) | (None, Some(_)) => Ok(BaseChoice::Pickle),
        (Some(BaseArg::Auto), _) | (None, None) => Ok(BaseChoice::Auto),
    }
}
