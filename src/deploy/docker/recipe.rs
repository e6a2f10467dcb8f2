//! From a request for an image to a Dockerfile and the files it needs. Never talks to Docker and writes
//! nothing.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::deploy::docker::binary::Binary;
use crate::deploy::docker::build::Hints;
use crate::deploy::docker::context::Context;
use crate::deploy::docker::image::LABEL;
use crate::failure::{Failure, Kind};
use crate::lean::release::Release;
use crate::lean::trial::Trial;
use crate::setup::core_lean::portable::Portable;
use crate::template::fill;

/// The port on which the server in an image listens.
pub(crate) const PORT: u16 = 8000;

/// How long running texts may go on when a container is stopped: Docker kills it after 10 s, unless it
/// is told otherwise, and a text whose end is not awaited gets no answer.
const GRACE: &str = "8s";

/// Who runs the server: a number that no base gives to anybody.
const USER: &str = "10001:10001";

/// The base of a last stage: small, and of a glibc that is new enough for Node and Lean.
const SLIM: &str = "debian:bookworm-slim";

/// The pickle in an image of a toolchain.
const PICKLE: &str = "/opt/leanrepl/mathlib_env.olean";

/// The base of a project from scratch.
const SCRATCH: &str = "ubuntu:24.04";

/// Images that hold a project with Mathlib, by release.
const MATHLIB: &str = "ghcr.io/ldct/mathlib4";

/// What is in an image.
#[derive(Debug, Clone)]
pub(crate) enum ImageRequest {
    /// Core Lean on Node.
    Core(Portable),
    /// A toolchain with a project.
    Toolchain(Toolchain),
}

/// A toolchain with its project.
#[derive(Debug, Clone)]
pub(crate) struct Toolchain {
    /// Which one; none if the base decides.
    pub(crate) release: Option<Release>,
    pub(crate) has_mathlib: bool,
    /// Whether the project is made in the build, instead of being in the base.
    pub(crate) from_scratch: bool,
    /// The repository of the REPL, if not the usual one.
    pub(crate) repl_repo: Option<String>,
    /// The tag or commit of the REPL, if not the one that fits.
    pub(crate) repl_ref: Option<String>,
    /// Whether what no running Lean reads is kept.
    pub(crate) keep_all: bool,
    /// What the last stage is based on, if not the usual image.
    pub(crate) runtime: Option<String>,
}

/// What an image is made of, and how.
#[derive(Debug, Clone)]
pub(crate) struct Order {
    pub(crate) request: ImageRequest,
    /// What it is based on, if not the usual image.
    pub(crate) base: Option<String>,
    pub(crate) binary: Binary,
    pub(crate) labels: BTreeMap<String, String>,
}

/// All that a build needs.
#[derive(Debug)]
pub(crate) struct Recipe {
    pub(crate) dockerfile: String,
    pub(crate) context: Context,
    /// The images that the stages are based on; the last stage's comes last.
    pub(crate) bases: Vec<String>,
    /// What a user can do when a step fails.
    pub(crate) hints: Hints,
    /// Texts by which the image is tried.
    pub(crate) trial: Trial,
}

impl Recipe {
    /// The recipe for an order.
    ///
    /// # Errors
    /// A name that cannot stand in a Dockerfile, a file that is not there, and an order that says too
    /// little.
    pub(crate) fn new(order: &Order) -> Result<Self, Failure> {
        let mut context = Context::default();
        context.add_file("leanrepl", order.binary.path.clone())?;
        let (dockerfile, bases, trial) = match &order.request {
            ImageRequest::Core(portable) => core(order, portable, &mut context)?,
            ImageRequest::Toolchain(toolchain) => lean(order, toolchain, &mut context)?,
        };
        context.add_text("Dockerfile", dockerfile.clone());
        Ok(Self {
            dockerfile,
            context,
            bases,
            hints: hints(),
            trial,
        })
    }
}

/// The Dockerfile of core Lean.
fn core(
    order: &Order,
    portable: &Portable,
    context: &mut Context,
) -> Result<(String, Vec<String>, Trial), Failure> {
    let base = image(order.base.as_deref().unwrap_or(SLIM), "--base")?;
    for (path, source) in &portable.files {
        context.add_file(&format!("core-lean/{path}"), source.clone())?;
    }
    for (path, text) in &portable.texts {
        context.add_text(&format!("core-lean/{path}"), text.clone());
    }
    let kind = format!("core Lean {}", portable.lean);
    let labels = labels(order, &kind, &portable.toolchain, base)?;
    let text = fill(
        "Dockerfile.core",
        include_str!("../../../templates/Dockerfile.core"),
        &[
            ("lean", &portable.lean),
            ("version", env!("CARGO_PKG_VERSION")),
            ("base", base),
            ("port", &PORT.to_string()),
            ("user", USER),
            ("label", LABEL),
            ("start_period", "1m"),
            ("labels", &labels),
            (
                "entrypoint",
                &array(&["leanrepl", "serve", "--grace", GRACE, "--toolchain", "core"])?,
            ),
        ],
    )?;
    Ok((text, vec![base.to_owned()], Trial::core()))
}

/// The Dockerfile of a toolchain.
fn lean(
    order: &Order,
    toolchain: &Toolchain,
    context: &mut Context,
) -> Result<(String, Vec<String>, Trial), Failure> {
    let base = base(order, toolchain)?;
    let base = image(&base, "--base")?.to_owned();
    let runtime = toolchain.runtime.as_deref().unwrap_or(SLIM);
    let runtime = image(runtime, "--runtime-base")?;
    let (project, build, library) = project(toolchain, context)?;
    let keep_all = toolchain.keep_all.then_some(", \"--keep-all\"");
    let (import, trial, memory, start) = if toolchain.has_mathlib {
        ("Mathlib", Trial::mathlib(), "14GiB", "5m")
    } else {
        ("Lean", Trial::core(), "8GiB", "1m")
    };
    let release = release_name(toolchain);
    let what = if toolchain.has_mathlib {
        format!("Mathlib for the toolchain {release}")
    } else {
        format!("Lean, the toolchain {release}")
    };
    let text = fill(
        "Dockerfile.lean",
        include_str!("../../../templates/Dockerfile.lean"),
        &[
            ("what", &what),
            ("version", env!("CARGO_PKG_VERSION")),
            ("base", &base),
            ("project", &project),
            ("build", &build),
            ("library", &library),
            ("keep_all", keep_all.unwrap_or_default()),
            ("runtime", runtime),
            ("port", &PORT.to_string()),
            ("import", import),
            ("pickle", PICKLE),
            ("memory", memory),
            ("user", USER),
            ("label", LABEL),
            ("start_period", start),
            ("labels", &labels(order, &what, &release, runtime)?),
            ("entrypoint", &server(toolchain.has_mathlib)?),
        ],
    )?;
    Ok((text, vec![base, runtime.to_owned()], trial))
}

/// The command by which an image of a toolchain starts. A text that imports something else than the
/// pickle holds runs its imports, and a container begins with a cold disk.
fn server(has_mathlib: bool) -> Result<String, Failure> {
    let mut words = vec!["leanrepl", "serve", "--grace", GRACE];
    words.extend(["--repl", "/opt/leanrepl/repl", "--base", "auto"]);
    words.extend(["--pickle", PICKLE, "--prefault"]);
    if has_mathlib {
        words.extend(["--header", "import Mathlib"]);
    }
    array(&words)
}

/// The toolchain as a user knows it.
fn release_name(toolchain: &Toolchain) -> String {
    let release = toolchain.release.as_ref();
    release.map_or_else(
        || "of its base".to_owned(),
        |release| format!("leanprover/lean4:v{release}"),
    )
}

/// What the first stage is based on.
fn base(order: &Order, toolchain: &Toolchain) -> Result<String, Failure> {
    if let Some(base) = &order.base {
        return Ok(base.clone());
    }
    if toolchain.from_scratch {
        return Ok(SCRATCH.to_owned());
    }
    match &toolchain.release {
        Some(release) => Ok(format!("{MATHLIB}:v{release}")),
        None => Err(unnamed()),
    }
}

/// The lines that make a project, build the REPL and fetch Mathlib.
fn project(
    toolchain: &Toolchain,
    context: &mut Context,
) -> Result<(String, String, String), Failure> {
    let mut repl = String::new();
    for (flag, value) in [
        ("--repl-repo", &toolchain.repl_repo),
        ("--repl-ref", &toolchain.repl_ref),
    ] {
        if let Some(value) = value {
            let value = word(value, flag)?;
            // Writing to a string cannot fail.
            let _written = write!(repl, " {flag} '{value}'");
        }
    }
    if !toolchain.from_scratch {
        let build = format!("leanrepl build --project /project{repl}");
        return Ok((String::new(), build, String::new()));
    }
    let release = toolchain.release.as_ref().ok_or_else(unnamed)?;
    let (number, name) = (release.to_string(), format!("v{release}"));
    let full = format!("leanprover/lean4:{name}");
    let require = if toolchain.has_mathlib {
        format!(
            "require mathlib from git \"https://github.com/leanprover-community/mathlib4\" @ \"{name}\""
        )
    } else {
        String::new()
    };
    let lakefile = include_str!("../../../templates/lakefile.lean");
    let lakefile = fill("lakefile.lean", lakefile, &[("require", &require)])?;
    context.add_text("project/lakefile.lean", lakefile);
    context.add_text("project/lean-toolchain", format!("{full}\n"));
    let text = include_str!("../../../templates/Dockerfile.project");
    let project = fill("Dockerfile.project", text, &[("toolchain", &full)])?;
    let build = fill(
        "build.sh",
        include_str!("../../../templates/build.sh"),
        &[("repl", &repl), ("release", &name), ("number", &number)],
    )?;
    let library = if toolchain.has_mathlib {
        let text = include_str!("../../../templates/Dockerfile.mathlib");
        fill("Dockerfile.mathlib", text, &[])?.trim_end().to_owned()
    } else {
        String::new()
    };
    Ok((
        project.trim_end().to_owned(),
        build.trim_end().to_owned(),
        library,
    ))
}

/// What a user is told who names neither a toolchain nor a base.
pub(crate) fn unnamed() -> Failure {
    Failure::new(
        Kind::Usage,
        "it is not known which toolchain the image is for",
        "name a release with `--toolchain v4.27.0`, or a base that holds a project with `--base IMAGE`",
    )
}

/// The lines of a `LABEL` instruction.
fn labels(order: &Order, title: &str, toolchain: &str, base: &str) -> Result<String, Failure> {
    let mut all = BTreeMap::from([
        (LABEL.to_owned(), env!("CARGO_PKG_VERSION").to_owned()),
        (format!("{LABEL}.toolchain"), toolchain.to_owned()),
        (format!("{LABEL}.binary"), order.binary.digest.clone()),
    ]);
    let oci = |name: &str| format!("org.opencontainers.image.{name}");
    all.insert(oci("title"), format!("{title}, served by leanrepl"));
    all.insert(oci("version"), env!("CARGO_PKG_VERSION").to_owned());
    all.insert(oci("base.name"), base.to_owned());
    all.insert(oci("licenses"), "Apache-2.0".to_owned());
    all.extend(order.labels.clone());
    let pairs = all.iter().map(|(name, value)| {
        // Docker fills in variables of the build even inside quotes.
        let value = value.replace('\\', "\\\\").replace('$', "\\$");
        Ok(format!(
            "{}=\"{}\"",
            word(name, "--label")?,
            value.replace('"', "\\\"")
        ))
    });
    let pairs: Vec<String> = pairs.collect::<Result<_, Failure>>()?;
    if all.values().any(|value| value.contains('\n')) {
        return Err(Failure::new(
            Kind::Usage,
            "the value of a label has several lines",
            "give `--label NAME=VALUE` a value of one line",
        ));
    }
    Ok(pairs.join(" \\\n      "))
}

/// The name of an image, as it may stand in a Dockerfile.
fn image<'a>(name: &'a str, flag: &str) -> Result<&'a str, Failure> {
    let name = word(name, flag)?;
    if name == "scratch" {
        return Err(Failure::new(
            Kind::Usage,
            "an image cannot be based on `scratch`, which has no C library for Lean",
            format!("name a small system, such as `{SLIM}`, with `{flag} IMAGE`"),
        ));
    }
    Ok(name)
}

/// A text that is one word for Docker and for a shell.
fn word<'a>(text: &'a str, flag: &str) -> Result<&'a str, Failure> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "._-/:@+~".contains(c);
    if !text.is_empty() && !text.starts_with('-') && text.chars().all(is_plain) {
        return Ok(text);
    }
    Err(Failure::new(
        Kind::Usage,
        format!("`{text}` cannot stand in a Dockerfile"),
        format!("give `{flag}` a name of letters, digits and `._-/:@+~`"),
    ))
}

/// Words in the form in which no shell reads them.
fn array(words: &[&str]) -> Result<String, Failure> {
    serde_json::to_string(words)
        .map_err(|err| Failure::bug("cannot write the words of a command").caused_by(err))
}

/// What a user can do when a step fails, by what its line holds.
fn hints() -> Hints {
    let hint = |part, text: &str| (part, text.to_owned());
    vec![
        hint(
            "leanrepl build",
            "see that the base has a project in `/project`; name the tag of the REPL with `--repl-ref REF` \
             if the toolchain has none, or another repository with `--repl-repo`",
        ),
        hint(
            "leanrepl eval",
            "name a base with a newer system (glibc 2.28 and libstdc++ at least) with `--base IMAGE`",
        ),
        hint(
            "leanrepl pickle",
            "see that the machine has memory enough for the import; what the base left uncompiled, build \
             there first",
        ),
        hint(
            "\"gather\"",
            "see that the project in the base is built (`lake build`); keep everything with `--keep-all`",
        ),
        hint(
            "apt-get",
            "see that the steps reach the network (`--network host`, `--build-arg http_proxy=…`), or name \
             a base that holds a project with `--base IMAGE`",
        ),
        hint(
            "lake exe cache get",
            "see that there is a Mathlib of this release, and that the steps reach the network",
        ),
    ]
}
