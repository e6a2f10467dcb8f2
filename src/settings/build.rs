//! What the command line says about a REPL to be built.

use std::path::Path;

use crate::cli::build::BuildArgs;
use crate::failure::{Failure, Kind};
use crate::project::Project;
use crate::settings::find_project;
use crate::setup::build::{COMMUNITY, Wanted};

/// The project for which a REPL is built.
///
/// # Errors
/// None around the working folder, or a named one that is none.
pub(crate) fn project(args: &BuildArgs) -> Result<Project, Failure> {
    find_project(args.project.as_deref(), Path::new("."))?.ok_or_else(|| {
        Failure::new(
            Kind::Project,
            "no Lake project is around this folder",
            "run it in a folder with a `lean-toolchain` and a Lake file, or name one with `--project DIR`",
        )
    })
}

/// The source that is built. A folder is named by its whole path, since git runs elsewhere.
pub(crate) fn source(args: &BuildArgs) -> Wanted {
    let address = args.repl_repo.as_deref().unwrap_or(COMMUNITY);
    let folder = Path::new(address).canonicalize();
    let folder = folder.ok().filter(|folder| folder.is_dir());
    Wanted {
        repository: folder.map_or_else(|| address.to_owned(), |path| path.display().to_string()),
        reference: args.repl_ref.clone(),
    }
}
