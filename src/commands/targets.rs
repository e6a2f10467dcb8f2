//! What `leanrepl extract` extracts from: modules, files and libraries, as the command line names them.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::cli::extract::ExtractArgs;
use crate::commands::options::ProjectOptions;
use crate::extract::extractor::Extractor;
use crate::extract::order::{SourceFile, Target};
use crate::failure::{Failure, Kind};
use crate::lean::module_name::ModuleName;
use crate::lean::options::ModuleOptions;
use crate::limits::CancelFlag;
use crate::process::launch::Launch;
use crate::project::input;
use crate::project::sources::modules_below;
use crate::settings::Toolchain;
use crate::setup::prefault::search_path::SearchPath;
use crate::ui::Ui;

/// Fails if the command line names no target, more than one, or one that the extractor cannot read.
///
/// # Errors
/// Just that.
pub(crate) fn check(args: &ExtractArgs, extractor: &Extractor) -> Result<(), Failure> {
    let given = [
        ("--imports", !args.imports.is_empty()),
        ("--read", !args.read.is_empty()),
        ("--library", args.library.is_some()),
    ];
    let given: Vec<&str> = given
        .into_iter()
        .filter(|(_, is_given)| *is_given)
        .map(|(name, _)| name)
        .collect();
    let wrong = |problem: String, hint: &str| Err(Failure::new(Kind::Usage, problem, hint));
    let name = extractor.name();
    match (given.as_slice(), extractor.reads_sources()) {
        ([], true) => wrong(
            format!("it is not said what `{name}` is extracted from"),
            "name files with `--read FILE…`, or a library with `--library LIB`",
        ),
        ([], false) => wrong(
            format!("it is not said what `{name}` is extracted from"),
            "name modules with `--imports MODULE…`, or a library with `--library LIB`",
        ),
        (["--imports"], true) => wrong(
            format!("`{name}` reads sources, and compiled modules have none"),
            "name files with `--read FILE…`, or a library with `--library LIB`",
        ),
        (["--read"], false) => wrong(
            format!("`{name}` reads compiled modules, not sources"),
            "name modules with `--imports MODULE…`, or a library with `--library LIB`",
        ),
        ([_], _) => Ok(()),
        (several, _) => {
            let problem = format!(
                "{} are given, but an extraction has one target",
                several.join(" and ")
            );
            wrong(problem, "run it once for each")
        }
    }
}

/// What is to be extracted.
///
/// # Errors
/// A name that is none, a file that cannot be read, a library that is not there.
pub(crate) fn find(
    args: &ExtractArgs,
    extractor: &Extractor,
    toolchain: &Toolchain,
    launch: &Launch,
    ui: &Ui,
    interrupt: &CancelFlag,
) -> Result<Target, Failure> {
    if !args.imports.is_empty() {
        let names = args.imports.iter().map(|name| module(name));
        let mut names = names.collect::<Result<Vec<_>, _>>()?;
        names.sort();
        names.dedup();
        return Ok(Target::Imports(names));
    }
    let mut options = ProjectOptions::read(toolchain, ui, interrupt)?;
    let Some(library) = &args.library else {
        let files = args.read.iter().map(|path| {
            source(
                path,
                input::display_name(path),
                None,
                &mut options,
                ui,
                interrupt,
            )
        });
        return Ok(Target::Sources {
            library: None,
            files: files.collect::<Result<_, _>>()?,
        });
    };
    let found = modules_of(library, extractor.reads_sources(), &options, launch)?;
    if !extractor.reads_sources() {
        let modules = found.into_iter().map(|(module, _)| module).collect();
        return Ok(Target::Library {
            name: library.clone(),
            modules,
        });
    }
    let files = found.into_iter().map(|(module, path)| {
        source(
            &path,
            module.to_string(),
            Some(module.to_string()),
            &mut options,
            ui,
            interrupt,
        )
    });
    let files = files.collect::<Result<_, _>>()?;
    Ok(Target::Sources {
        library: Some(library.clone()),
        files,
    })
}

/// A name of a module.
fn module(name: &str) -> Result<ModuleName, Failure> {
    let is_text = !name.contains(|letter: char| letter.is_control() || letter.is_whitespace());
    ModuleName::parse(name).filter(|_| is_text).ok_or_else(|| {
        Failure::new(
            Kind::Usage,
            format!("`{name}` is not the name of a module"),
            "write it as in an `import` of Lean, for example `Init.Data.List`",
        )
    })
}

/// A source with its options.
fn source(
    path: &Path,
    name: String,
    module: Option<String>,
    options: &mut ProjectOptions,
    ui: &Ui,
    interrupt: &CancelFlag,
) -> Result<SourceFile, Failure> {
    let text = input::read(path, ui, interrupt).map_err(|failure| {
        if failure.kind() == Kind::Interrupted {
            return failure;
        }
        let problem = format!(
            "cannot use `{}`: {}",
            input::display_name(path),
            failure.problem()
        );
        let outer = Failure::new(failure.kind(), problem, failure.hint());
        match failure.causes().as_slice() {
            [] => outer,
            causes => outer.caused_by(causes.join("\n")),
        }
    })?;
    let options = options
        .of(path, ui)
        .unwrap_or_else(|| Arc::new(ModuleOptions::default()));
    Ok(SourceFile {
        path: path.to_owned(),
        name,
        text,
        module,
        options,
    })
}

/// The modules of a library with their sources, or with their compiled files: those of the Lake file, else those
/// in the folders that Lean searches.
fn modules_of(
    library: &str,
    wants_sources: bool,
    options: &ProjectOptions,
    launch: &Launch,
) -> Result<Vec<(ModuleName, PathBuf)>, Failure> {
    if let Some((folder, is_one)) = options.lake().and_then(|lake| lake.sources_of(library)) {
        let plain: PathBuf = folder.components().collect();
        return complete(modules_below(&plain, "lean", &is_one), library, &plain);
    }
    let extension = if wants_sources { "lean" } else { "olean" };
    let is_of = |module: &ModuleName| module.root() == library;
    for folder in SearchPath::of(launch).folders() {
        if !folder.join(library).is_dir()
            && !folder.join(format!("{library}.{extension}")).is_file()
        {
            continue;
        }
        let found = modules_below(folder, extension, &|_| true);
        let found = found.map(|found| {
            found
                .into_iter()
                .filter(|(module, _)| is_of(module))
                .collect()
        });
        return complete(found, library, folder);
    }
    Err(Failure::new(
        Kind::Usage,
        format!("there is no library `{library}`"),
        "name a `lean_lib` of the Lake file, or the first part of the names of modules in LEAN_PATH",
    ))
}

/// The modules that were found, of which there must be one.
fn complete(
    found: std::io::Result<Vec<(ModuleName, PathBuf)>>,
    library: &str,
    folder: &Path,
) -> Result<Vec<(ModuleName, PathBuf)>, Failure> {
    let refused = |hint: &str| {
        let problem = format!(
            "the library `{library}` has no modules in `{}`",
            folder.display()
        );
        Failure::new(Kind::Usage, problem, hint)
    };
    match found {
        Ok(found) if found.is_empty() => Err(refused(
            "check its name, and `srcDir` and `globs` in the Lake file",
        )),
        Ok(found) => Ok(found),
        Err(err) => Err(refused("check that the folder is there and can be read").caused_by(err)),
    }
}
