//! `leanrepl cloudflare`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use crate::cli::build_image::KindArg;
use crate::deploy::cloudflare::image::ImageRef;
use crate::deploy::cloudflare::instance::InstanceType;
use crate::deploy::cloudflare::name::{RouteName, WorkerName};
use crate::deploy::cloudflare::scoped::Scoped;
use crate::limits::{Bytes, Wait};

/// Writes, checks and deploys a Cloudflare Worker in front of containers that serve Lean.
#[derive(Debug, Args)]
pub(crate) struct CloudflareArgs {
    /// What to do.
    #[command(subcommand)]
    pub(crate) action: CloudflareAction,
}

/// What can be done with a Worker.
#[derive(Debug, Subcommand)]
pub(crate) enum CloudflareAction {
    /// Writes a folder that `npx wrangler deploy` takes as it is, or changes one.
    Init(Box<InitArgs>),
    /// Runs it on this machine, lets its containers answer, and measures how long that takes.
    Try(Box<TryArgs>),
    /// Estimates what a month costs, with the arithmetic.
    Cost(CostArgs),
    /// Finds what wrangler does not notice, then lets wrangler look without deploying.
    Check(CheckArgs),
    /// Checks, pushes the images, deploys, and waits until it is ready.
    Deploy(DeployArgs),
}

/// Writes a folder that `npx wrangler deploy` takes as it is, or changes one.
///
/// In a folder that was made before, what is not named stays as it is; migrations are added, never
/// rewritten; files that you changed are left alone, and where they would have to be written the difference
/// is shown and nothing is written. A VALUE is for all containers, NAME=VALUE for one.
#[derive(Debug, Args)]
pub(crate) struct InitArgs {
    /// The folder.
    #[arg(value_name = "DIR")]
    pub(crate) dir: PathBuf,
    /// The Worker's name, the first part of its address. Default: that of the folder.
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<WorkerName>,
    /// A container: its name in the path, for example `mathlib-4-27-0`, and its image with registry and tag.
    /// May be given several times. A stub needs no image.
    #[arg(long = "container", value_name = "NAME=IMAGE")]
    pub(crate) containers: Vec<ContainerArg>,
    /// A Worker without containers, which proves account and routes; a later run makes it real.
    #[arg(long)]
    pub(crate) stub: bool,
    /// Size of the unpacked image, as `docker image inspect` tells it. Default: by the name, `core-…`, `lean-…`
    /// or `mathlib-…`.
    #[arg(long, value_name = "[NAME=]SIZE")]
    pub(crate) image_size: Vec<Scoped<Bytes>>,
    /// Resident memory at its peak. Default: by the name.
    #[arg(long, value_name = "[NAME=]SIZE")]
    pub(crate) memory: Vec<Scoped<Bytes>>,
    /// Instance type, `lite` to `standard-4`. Default: the smallest that fits with room to spare.
    #[arg(long, value_name = "[NAME=]TYPE")]
    pub(crate) instance_type: Vec<Scoped<&'static InstanceType>>,
    /// The most instances at a time, those for `/cold` included. Default: 3.
    #[arg(long, value_name = "[NAME=]N")]
    pub(crate) max_instances: Vec<Scoped<u32>>,
    /// Over how many instances requests are spread at random. Default: 1.
    #[arg(long, value_name = "[NAME=]N")]
    pub(crate) spread: Vec<Scoped<u32>>,
    /// How long a container stays awake after its last request. Default: 10m.
    #[arg(long, value_name = "[NAME=]TIME")]
    pub(crate) sleep_after: Vec<Scoped<Wait>>,
    /// Who may ask: everybody, or who has the key, a secret of the Worker. Default: open.
    #[arg(long, value_enum)]
    pub(crate) access: Option<AccessArg>,
    /// Requests a minute from one address; 0 takes the limit away.
    #[arg(long, value_name = "N")]
    pub(crate) rate_limit: Option<u32>,
    /// Overwrite files that were changed.
    #[arg(long)]
    pub(crate) force: bool,
}

/// A container's name, and its image if there is one.
#[derive(Debug, Clone)]
pub(crate) struct ContainerArg {
    /// Its name in the path.
    pub(crate) name: RouteName,
    /// Its image.
    pub(crate) image: Option<ImageRef>,
}

impl std::str::FromStr for ContainerArg {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, image) = match text.split_once('=') {
            Some((name, image)) => (name, Some(image.parse()?)),
            None => (text, None),
        };
        let name = name.parse()?;
        Ok(Self { name, image })
    }
}

/// Who may ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum AccessArg {
    /// Everybody.
    Open,
    /// Who has the key.
    Key,
}

/// Estimates what a month costs, with the arithmetic.
///
/// Requests are taken to come at any time, each independent of the others.
#[derive(Debug, Args)]
pub(crate) struct CostArgs {
    /// A folder made by `init`, for its containers. Without one, a container on `--instance-type`.
    #[arg(value_name = "DIR", required_unless_present = "instance_type")]
    pub(crate) dir: Option<PathBuf>,
    /// Requests a day to each container, or to one.
    #[arg(long, value_name = "[NAME=]N", required = true)]
    pub(crate) requests_per_day: Vec<Scoped<u32>>,
    /// How long one request keeps Lean busy.
    #[arg(long, value_name = "TIME", default_value = "2s")]
    pub(crate) request_time: Wait,
    /// How long a container takes from its start until Lean is ready. Default: by the name; 40s for Mathlib.
    #[arg(long, value_name = "[NAME=]TIME")]
    pub(crate) wake_time: Vec<Scoped<Wait>>,
    /// Without a folder: the instance type.
    #[arg(long, value_name = "TYPE", conflicts_with = "dir")]
    pub(crate) instance_type: Option<InstanceTypeArg>,
    /// Without a folder: how long it stays awake after its last request.
    #[arg(
        long,
        value_name = "TIME",
        default_value = "10m",
        conflicts_with = "dir"
    )]
    pub(crate) sleep_after: Wait,
    /// Write one JSON object of type `cost`.
    #[arg(long)]
    pub(crate) json: bool,
}

/// An instance type by its name.
#[derive(Debug, Clone, Copy)]
pub(crate) struct InstanceTypeArg(pub(crate) &'static InstanceType);

impl std::str::FromStr for InstanceTypeArg {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        text.parse().map(Self)
    }
}

/// Runs it on this machine, lets its containers answer, and measures how long that takes.
///
/// `wrangler dev` runs the Worker in workerd and starts its containers in Docker from images of this machine.
/// Each gets a true text, a false one and one without end; the Worker is asked for what it answers by itself.
/// The folder is not touched, and nothing is left running. Exit code 0 means that all answers were right.
#[derive(Debug, Args)]
pub(crate) struct TryArgs {
    /// A folder made by `init`, after `npm install`. Without one, all is made for the trial: the image that
    /// `--kind` names, a folder, its packages.
    #[arg(
        value_name = "DIR",
        required_unless_present = "kind",
        conflicts_with = "kind"
    )]
    pub(crate) dir: Option<PathBuf>,
    /// Without a folder: what is in the image, as for `build-image`.
    #[arg(long, value_enum)]
    pub(crate) kind: Option<KindArg>,
    /// With `--kind`: the release of Lean, for example v4.27.0; core Lean is one release.
    #[arg(long, value_name = "RELEASE", requires = "kind")]
    pub(crate) toolchain: Option<String>,
    /// With `--kind`: the image to start from, as for `build-image`.
    #[arg(long, value_name = "IMAGE", requires = "kind")]
    pub(crate) base: Option<String>,
    /// With `--kind`: the leanrepl that goes into the image; the one that runs if absent.
    #[arg(long, value_name = "FILE", requires = "kind")]
    pub(crate) server_binary: Option<PathBuf>,
    /// With `--kind`: the name that the image keeps, with registry and tag. Default: `localhost/leanrepl:`
    /// with the kind and the release.
    #[arg(long, value_name = "NAME", requires = "kind")]
    pub(crate) tag: Option<ImageRef>,
    /// How often each container is asked once more, for the time of later requests.
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub(crate) requests: u16,
    /// The port of the Worker on 127.0.0.1; a free one if absent.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) port: Option<u16>,
    /// Leave it running for so long after the trial, or until Ctrl-C.
    #[arg(long, value_name = "TIME")]
    pub(crate) stay: Option<Wait>,
    /// Longest wait for a container to be ready.
    #[arg(long, value_name = "TIME", default_value = "10m")]
    pub(crate) ready_timeout: Wait,
    /// Longest wait for all of it.
    #[arg(long, value_name = "TIME", default_value = "3h")]
    pub(crate) timeout: Wait,
    /// Write one JSON object for each container, one for the routes, and a last `summary`.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Finds what wrangler does not notice, then lets wrangler look without deploying.
///
/// Exit code 0 means that nothing is wrong, 2 that something is.
#[derive(Debug, Args)]
pub(crate) struct CheckArgs {
    /// The folder.
    #[arg(value_name = "DIR", default_value = ".")]
    pub(crate) dir: PathBuf,
    /// Do not let wrangler look.
    #[arg(long)]
    pub(crate) no_wrangler: bool,
    /// Do not ask Docker for the images.
    #[arg(long)]
    pub(crate) no_docker: bool,
    /// Longest wait for wrangler and Docker together.
    #[arg(long, value_name = "TIME", default_value = "5m")]
    pub(crate) timeout: Wait,
    /// Write one JSON object for each finding, and a last `summary`.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Checks, pushes the images, deploys, and waits until it is ready.
///
/// Needs wrangler logged in, or `CLOUDFLARE_API_TOKEN`. Images that are on this machine are pushed; others are
/// taken to be in their registry.
#[derive(Debug, Args)]
pub(crate) struct DeployArgs {
    /// The folder.
    #[arg(value_name = "DIR", default_value = ".")]
    pub(crate) dir: PathBuf,
    /// Do not push images.
    #[arg(long)]
    pub(crate) no_push: bool,
    /// Do not wait until it is ready.
    #[arg(long)]
    pub(crate) no_wait: bool,
    /// The Worker's address, with `https://`. Default: what wrangler says.
    #[arg(long, value_name = "URL")]
    pub(crate) url: Option<String>,
    /// Longest wait for the check, the pushes and the deploy, and again until all is ready.
    #[arg(long, value_name = "TIME", default_value = "30m")]
    pub(crate) timeout: Wait,
}
