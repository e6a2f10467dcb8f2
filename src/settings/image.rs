//! What the command line says about an image.

use crate::cli::build_image::{BuildImageArgs, KindArg};
use crate::deploy::docker::recipe::{Toolchain, unnamed};
use crate::failure::{Failure, Kind};
use crate::lean::release::Release;
use crate::reference::Reference;

/// The platforms for which there is a leanrepl. The variant of arm64 may be said.
const PLATFORMS: [&str; 3] = ["linux/amd64", "linux/arm64", "linux/arm64/v8"];

/// What is to be in an image.
#[derive(Debug, Clone)]
pub(crate) enum Wanted {
    /// Core Lean.
    Core,
    /// A toolchain.
    Toolchain(Toolchain),
}

/// What is to be in the image.
///
/// # Errors
/// A release that is none, and options that do not go together.
pub(crate) fn wanted(args: &BuildImageArgs) -> Result<Wanted, Failure> {
    let kind = match (args.kind, args.mathlib, &args.toolchain) {
        (Some(kind), _, _) => kind,
        (None, true, _) => KindArg::Mathlib,
        (None, false, Some(_)) => KindArg::Lean,
        (None, false, None) => KindArg::Core,
    };
    let release = args.toolchain.as_deref().map(release).transpose()?;
    if kind == KindArg::Core {
        let idle = [
            ("--toolchain", args.toolchain.is_some()),
            ("--runtime-base", args.runtime_base.is_some()),
            ("--keep-all", args.keep_all),
            ("--repl-repo", args.repl_repo.is_some()),
            ("--repl-ref", args.repl_ref.is_some()),
        ];
        return match idle.iter().find(|(_, is_given)| *is_given) {
            None => Ok(Wanted::Core),
            Some((flag, _)) => Err(Failure::new(
                Kind::Usage,
                format!(
                    "`{flag}` means nothing for core Lean, which is one release without a project"
                ),
                format!(
                    "leave out `{flag}`, or choose a toolchain with `--kind lean` or `--mathlib`"
                ),
            )),
        };
    }
    if args.from_scratch && args.base.is_some() {
        return Err(Failure::new(
            Kind::Usage,
            "`--from-scratch` makes the project that `--base` would bring",
            "leave out one of `--from-scratch` and `--base`",
        ));
    }
    if release.is_none() && args.base.is_none() {
        return Err(unnamed());
    }
    let has_mathlib = kind == KindArg::Mathlib;
    Ok(Wanted::Toolchain(Toolchain {
        release,
        has_mathlib,
        // There are images with Mathlib, but none with a toolchain only.
        from_scratch: args.from_scratch || (!has_mathlib && args.base.is_none()),
        repl_repo: args.repl_repo.clone(),
        repl_ref: args.repl_ref.clone(),
        keep_all: args.keep_all,
        runtime: args.runtime_base.clone(),
    }))
}

/// The names of the image. Docker looks at them only after the build.
///
/// # Errors
/// A name that Docker does not take.
pub(crate) fn names(args: &BuildImageArgs, wanted: &Wanted) -> Result<Vec<String>, Failure> {
    for name in &args.tags {
        Reference::parse(name).map_err(|flaw| {
            Failure::new(
                Kind::Usage,
                format!("the image cannot be named `{name}`"),
                "give a name such as `me/lean-core:v4.28.0` with `--tag NAME`",
            )
            .caused_by(flaw)
        })?;
    }
    if !args.tags.is_empty() {
        return Ok(args.tags.clone());
    }
    Ok(vec![match wanted {
        Wanted::Core => "leanrepl:core".to_owned(),
        Wanted::Toolchain(toolchain) => {
            let kind = if toolchain.has_mathlib {
                "mathlib"
            } else {
                "lean"
            };
            let release = toolchain
                .release
                .map_or_else(String::new, |release| format!("-v{release}"));
            format!("leanrepl:{kind}{release}")
        }
    }])
}

/// Whether there can be an image for the platform. Docker says so only in the build.
///
/// # Errors
/// A platform for which there is no leanrepl.
pub(crate) fn check_platform(args: &BuildImageArgs) -> Result<(), Failure> {
    match args.platform.as_deref() {
        Some(platform) if !PLATFORMS.contains(&platform) => Err(Failure::new(
            Kind::Usage,
            format!("`{platform}` is no platform that an image can be built for"),
            "name `--platform linux/amd64` or `--platform linux/arm64`",
        )),
        _ => Ok(()),
    }
}

/// The release that a text names, with or without the name of its repository.
fn release(text: &str) -> Result<Release, Failure> {
    let name = text.strip_prefix("leanprover/lean4:").unwrap_or(text);
    name.parse().map_err(|err| {
        Failure::new(
            Kind::Usage,
            format!("`{text}` is no toolchain that an image can be built for"),
            "name a release, for example `--toolchain v4.27.0`",
        )
        .caused_by(err)
    })
}
