//! The API keys of `leanrepl serve`: where they come from, and whether the texts that run could read
//! the file that they are in. Never shows a key.

use std::fs;
use std::path::Path;

use crate::cli::serve::ServeArgs;
use crate::cli::shared::SandboxArg;
use crate::env_vars;
use crate::event::{Event, Observer};
use crate::failure::{Failure, Kind};
use crate::process::launch::Launch;
use crate::process::sandbox;
use crate::service::keys::{KeyLimits, Keys};
use crate::settings::value::{count, text};
use crate::settings::{Source, Toolchain};

/// Who may call.
///
/// # Errors
/// A file that cannot be read or holds no key, or a rate that is none.
pub(crate) fn of(args: &ServeArgs) -> Result<Keys, Failure> {
    if args
        .key_rate
        .is_some_and(|rate| !rate.is_finite() || rate <= 0.0)
    {
        return Err(Failure::new(
            Kind::Usage,
            "`--key-rate` is no number above 0",
            "write how many requests a second a key may make, such as `--key-rate 5`",
        ));
    }
    let limits = KeyLimits {
        concurrency: args.key_concurrency.map(count),
        rate: args.key_rate,
    };
    let Some(path) = &args.api_keys else {
        let ours = text(env_vars::API_KEYS)?;
        let text = match ours {
            Some(text) => text,
            None => text(env_vars::SERVER_API_KEY)?.unwrap_or_default(),
        };
        return Keys::parse(&text, limits);
    };
    let unusable = |problem: &str| {
        Failure::new(
            Kind::Usage,
            format!("{problem} `{}`", path.display()),
            "name a file with one key a line with `--api-keys FILE`",
        )
    };
    let text = fs::read_to_string(path)
        .map_err(|err| unusable("cannot read the API keys from").caused_by(err))?;
    let keys = Keys::parse(&text, limits)?;
    if keys.is_empty() {
        // Whoever names a file means to ask for keys.
        return Err(unusable("there is no API key in"));
    }
    Ok(keys)
}

/// What can be told of the places that sessions will read before anything is started or installed.
pub(crate) fn foreseen(chosen: &Toolchain, core: Option<&Path>) -> Launch {
    let program = match &chosen.source {
        Source::Binary(path) => path.as_path(),
        Source::Core | Source::Project(_) => Path::new(""),
    };
    let reads = match (&chosen.source, &chosen.project) {
        (Source::Core, _) => core.map(Path::to_owned),
        (Source::Project(_), Some(project)) => Some(project.root.join(".lake")),
        _ => None,
    };
    Launch {
        vars: env_vars::cleaned(),
        reads: reads.into_iter().collect(),
        ..Launch::new(program)
    }
}

/// Makes sure that the confined sessions of a launch cannot read the file of keys.
///
/// # Errors
/// A file in a place that they read ([`Kind::Usage`]).
pub(crate) fn keep_from_sessions(args: &ServeArgs, launch: &Launch) -> Result<(), Failure> {
    let Some(file) = &args.api_keys else {
        return Ok(());
    };
    if args.sandbox == SandboxArg::Off {
        return Ok(());
    }
    let Some(root) = sandbox::exposing(launch, file) else {
        return Ok(());
    };
    Err(Failure::new(
        Kind::Usage,
        format!(
            "the texts that run could read the API keys in `{}`, because every session reads `{}`",
            file.display(),
            root.display()
        ),
        "move the file to a place of its own, such as `/etc/leanrepl/keys`, and name it with `--api-keys FILE`",
    ))
}

/// Says so if nothing keeps the sessions of a launch from the file of keys.
pub(crate) fn warn_if_open(args: &ServeArgs, launch: &Launch, observer: &dyn Observer) {
    if let Some(file) = &args.api_keys
        && !sandbox::in_force(launch).files
    {
        observer.tell(Event::Noted {
            text: &format!(
                "sessions are not kept from files: the texts that run can read the API keys in `{}`",
                file.display()
            ),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::elan::{Active, Origin};
    use crate::lean;
    use crate::project::Project;

    #[test]
    fn a_file_of_keys_among_the_modules_of_a_project_is_foreseen() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        for name in [".lake/build/lib", "core-lean/lib"] {
            fs::create_dir_all(root.join(name)).unwrap();
            fs::write(root.join(name).join("keys"), "s3cret").unwrap();
        }
        let chosen = |source| Toolchain {
            source,
            why: String::new(),
            expected_lean: None,
            project: Some(Project { root: root.clone() }),
            options_from: None,
        };
        let core = root.join("core-lean");
        let exposing = |chosen: &Toolchain, name: &str| {
            sandbox::exposing(&foreseen(chosen, Some(&core)), &root.join(name))
        };
        let with_core = chosen(Source::Core);
        assert_eq!(
            exposing(&with_core, "core-lean/lib/keys"),
            Some(core.clone())
        );
        assert_eq!(exposing(&with_core, ".lake/build/lib/keys"), None);
        let active = Active {
            toolchain: lean::toolchain::Toolchain::parse("leanprover/lean4:v4.27.0").unwrap(),
            origin: Origin::Variable,
        };
        let with_project = chosen(Source::Project(active));
        assert_eq!(
            exposing(&with_project, ".lake/build/lib/keys"),
            Some(root.join(".lake"))
        );
        assert_eq!(exposing(&with_project, "core-lean/lib/keys"), None);
    }
}
