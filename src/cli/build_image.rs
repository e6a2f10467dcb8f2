//! `leanrepl build-image`, and the commands that images run.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::limits::Wait;

/// Builds an image that serves Lean, tries it and names it.
///
/// The server in it listens on port 8000. The image is built by Docker's daemon, tried in a container
/// without a network (a true text, a false one, one without end) and named only then.
#[derive(Debug, Args)]
pub(crate) struct BuildImageArgs {
    /// What is in it; by default `lean` with `--toolchain`, else `core`.
    #[arg(long, value_enum)]
    pub(crate) kind: Option<KindArg>,
    /// The same as `--kind mathlib`.
    #[arg(long, conflicts_with = "kind")]
    pub(crate) mathlib: bool,
    /// The release of Lean, for example v4.27.0.
    #[arg(long, value_name = "RELEASE")]
    pub(crate) toolchain: Option<String>,
    /// The image to start from. For `lean` and `mathlib` it has a project in `/project`, with elan or
    /// Lake; for `mathlib` ghcr.io/ldct/mathlib4 at the release if absent.
    #[arg(long, value_name = "IMAGE")]
    pub(crate) base: Option<String>,
    /// The image that the last stage of `lean` and `mathlib` starts from; debian:bookworm-slim if
    /// absent.
    #[arg(long, value_name = "IMAGE")]
    pub(crate) runtime_base: Option<String>,
    /// Make the project in the build, from Ubuntu, elan and Mathlib's cache.
    #[arg(long, requires = "toolchain")]
    pub(crate) from_scratch: bool,
    /// Keep files that a running Lean never reads.
    #[arg(long)]
    pub(crate) keep_all: bool,
    /// The repository of the REPL, as an address or a folder of the base.
    #[arg(long, value_name = "URL|PATH")]
    pub(crate) repl_repo: Option<String>,
    /// The tag, branch or whole commit of the REPL; chosen by the release if absent.
    #[arg(long, value_name = "REF")]
    pub(crate) repl_ref: Option<String>,
    /// The leanrepl that goes into the image; the one that runs if absent.
    #[arg(long, value_name = "FILE")]
    pub(crate) server_binary: Option<PathBuf>,
    /// The name of the image; may be given several times. Default: `leanrepl:` with the kind and the
    /// release.
    #[arg(short, long = "tag", value_name = "NAME")]
    pub(crate) tags: Vec<String>,
    /// A variable of the build, such as a proxy; may be given several times.
    #[arg(long = "build-arg", value_name = "NAME=VALUE", value_parser = pair)]
    pub(crate) build_args: Vec<(String, String)>,
    /// A label of the image; may be given several times.
    #[arg(long = "label", value_name = "NAME=VALUE", value_parser = pair)]
    pub(crate) labels: Vec<(String, String)>,
    /// Do all steps again, even those that Docker has done before.
    #[arg(long)]
    pub(crate) no_cache: bool,
    /// The platform of the image, for example linux/amd64; that of Docker's daemon if absent.
    #[arg(long, value_name = "OS/ARCHITECTURE")]
    pub(crate) platform: Option<String>,
    /// The network of the steps of the build, for example host; Docker's default if absent.
    #[arg(long, value_name = "MODE")]
    pub(crate) network: Option<String>,
    /// Push the image under each of its names.
    #[arg(long, requires = "tags")]
    pub(crate) push: bool,
    /// Name the image without trying it.
    #[arg(long)]
    pub(crate) no_smoke: bool,
    /// With the trial: longest wait for the server to be ready.
    #[arg(long, value_name = "TIME", default_value = "10m")]
    pub(crate) ready_timeout: Wait,
    /// Longest wait for all of it.
    #[arg(long, value_name = "TIME", default_value = "3h")]
    pub(crate) timeout: Wait,
    /// Write the Dockerfile and build nothing.
    #[arg(long, conflicts_with_all = ["context", "push", "json"])]
    pub(crate) print: bool,
    /// Leave the Dockerfile and all that it needs in a folder, for `docker build DIR`, and build nothing.
    #[arg(long, value_name = "DIR", conflicts_with_all = ["push", "json"])]
    pub(crate) context: Option<PathBuf>,
    /// Write one JSON object of type `image`.
    #[arg(long)]
    pub(crate) json: bool,
}

/// What is in an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum KindArg {
    /// The Lean from the npm registry, on Node.
    Core,
    /// A toolchain without Mathlib.
    Lean,
    /// A toolchain with Mathlib.
    Mathlib,
}

/// Asks the server on this machine, as the health check of an image does.
///
/// The port is that of `LEAN_SERVER_PORT`. The answer is written as one JSON object; the exit code is 0
/// if its status is one of success.
#[derive(Debug, Args)]
pub(crate) struct ProbeArgs {
    /// The path to ask for.
    #[arg(long, value_name = "PATH", default_value = "/")]
    pub(crate) path: String,
    /// Let the server evaluate this text.
    #[arg(long, value_name = "TEXT")]
    pub(crate) post: Option<String>,
    /// With `--post`: how long the text may run, in seconds.
    #[arg(long, value_name = "N", requires = "post")]
    pub(crate) run_seconds: Option<u64>,
    /// Longest wait for the answer; without `--post` 4s if absent.
    #[arg(long, value_name = "TIME")]
    pub(crate) timeout: Option<Wait>,
}

/// Puts the REPL of a project and all that a running Lean reads into one folder.
#[derive(Debug, Args)]
pub(crate) struct GatherArgs {
    /// The folder of the Lake project, for which `leanrepl build` was run.
    #[arg(long, value_name = "DIR")]
    pub(crate) project: PathBuf,
    /// The new folder.
    #[arg(long, value_name = "DIR")]
    pub(crate) into: PathBuf,
    /// Keep files that a running Lean never reads.
    #[arg(long)]
    pub(crate) keep_all: bool,
}

/// A name and a value.
fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("write NAME=VALUE".to_owned()),
    }
}
