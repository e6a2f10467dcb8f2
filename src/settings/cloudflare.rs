//! What the command line says about a Worker.

use crate::cli::build_image::{BuildImageArgs, KindArg};
use crate::cli::cloudflare::{AccessArg, CostArgs, InitArgs, TryArgs};
use crate::deploy::cloudflare::container::Container;
use crate::deploy::cloudflare::cost::{self, Load};
use crate::deploy::cloudflare::folder::{Folder, RECORD};
use crate::deploy::cloudflare::image::ImageRef;
use crate::deploy::cloudflare::instance::InstanceType;
use crate::deploy::cloudflare::name::{RouteName, WorkerName};
use crate::deploy::cloudflare::plan::{Access, Plan, WorkerRequest};
use crate::deploy::cloudflare::scoped::Scoped;
use crate::failure::{Failure, Kind};
use crate::lean::release::Release;
use crate::limits::Wait;

/// What `init` is asked for.
pub(crate) fn request(args: &InitArgs) -> WorkerRequest {
    let containers = args.containers.iter();
    let sleeps = args.sleep_after.iter();
    WorkerRequest {
        worker: args.name.clone(),
        stub: args.stub,
        access: args.access.map(|access| match access {
            AccessArg::Open => Access::Open,
            AccessArg::Key => Access::Key,
        }),
        rate_limit: args.rate_limit,
        containers: containers
            .map(|known| (known.name.clone(), known.image.clone()))
            .collect(),
        // Docker is asked later, by who may run it.
        measured: Vec::new(),
        image_size: args.image_size.clone(),
        memory: args.memory.clone(),
        instance_type: args.instance_type.clone(),
        max_instances: args.max_instances.clone(),
        spread: args.spread.clone(),
        sleep_after_seconds: sleeps
            .map(|sleep| Scoped {
                name: sleep.name.clone(),
                // A container cannot stay awake for no time at all.
                value: sleep.value.get().as_secs().max(1),
            })
            .collect(),
    }
}

/// The plan of a folder that leanrepl made.
///
/// # Errors
/// A folder that it did not make.
pub(crate) fn plan(folder: &Folder) -> Result<Plan, Failure> {
    let record = folder.record()?;
    record.map(|record| record.plan).ok_or_else(|| {
        Failure::new(
            Kind::Usage,
            format!("`{}` holds no `{RECORD}`", folder.dir().display()),
            "name a folder that `leanrepl cloudflare init` made",
        )
    })
}

/// What runs, as far as the costs go.
///
/// # Errors
/// A folder that leanrepl did not make, and a value for a container that it does not have.
pub(crate) fn loads(args: &CostArgs) -> Result<Vec<Load>, Failure> {
    let seconds = |wait: Wait| wait.get().as_secs_f64();
    if let Some(instance) = args.instance_type {
        return Ok(vec![Load {
            name: "one container".to_owned(),
            instance: instance.0,
            spread: 1,
            requests: value(&args.requests_per_day, None).unwrap_or(0),
            request_seconds: seconds(args.request_time),
            wake_seconds: value(&args.wake_time, None).map_or(cost::wake_seconds(None), seconds),
            sleep_after_seconds: seconds(args.sleep_after),
        }]);
    }
    let plan = plan(&Folder::at(args.dir.clone().unwrap_or_default()))?;
    let names = args.requests_per_day.iter().map(|scoped| &scoped.name);
    let named = names
        .chain(args.wake_time.iter().map(|scoped| &scoped.name))
        .flatten();
    for name in named {
        if !plan.containers.iter().any(|known| known.name == *name) {
            return Err(Failure::new(
                Kind::Usage,
                format!("there is no container `{name}` in that folder"),
                "name one that `wrangler.jsonc` has, or leave the name out",
            ));
        }
    }
    plan.containers
        .iter()
        .map(|known| load(args, known))
        .collect()
}

/// What one container of a folder does.
fn load(args: &CostArgs, container: &Container) -> Result<Load, Failure> {
    let name = Some(&container.name);
    let instance = InstanceType::named(&container.instance_type).ok_or_else(|| {
        Failure::new(
            Kind::Usage,
            format!("the container `{}` has no instance type yet", container.name),
            "give it an image with `leanrepl cloudflare init`, or ask with `--instance-type` and without a folder",
        )
    })?;
    let wake = value(&args.wake_time, name).map(|wait| wait.get().as_secs_f64());
    Ok(Load {
        name: container.name.to_string(),
        instance,
        spread: container.spread,
        requests: value(&args.requests_per_day, name).unwrap_or(0),
        request_seconds: args.request_time.get().as_secs_f64(),
        wake_seconds: wake.unwrap_or_else(|| cost::wake_seconds(container.name.kind())),
        #[expect(clippy::cast_precision_loss, reason = "far below 2^53 seconds")]
        sleep_after_seconds: container.sleep_after_seconds as f64,
    })
}

/// The value for a container: its own before that for all, the last before the first.
fn value<T: Copy>(values: &[Scoped<T>], name: Option<&RouteName>) -> Option<T> {
    let own = values
        .iter()
        .rev()
        .find(|scoped| name.is_some() && scoped.name.as_ref() == name);
    let all = || values.iter().rev().find(|scoped| scoped.name.is_none());
    own.or_else(all).map(|scoped| scoped.value)
}

/// What is made for a trial without a folder.
#[derive(Debug)]
pub(crate) struct Chain {
    pub(crate) image: BuildImageArgs,
    pub(crate) request: WorkerRequest,
}

/// What is made for a trial of `kind`; `core` is the release of core Lean.
///
/// # Errors
/// A kind that needs a release, without one or with one that is none.
pub(crate) fn chain(args: &TryArgs, kind: KindArg, core: &str) -> Result<Chain, Failure> {
    let (word, release) = match (kind, &args.toolchain) {
        (KindArg::Core, _) => ("core", numbers(core)),
        (KindArg::Lean, toolchain) => ("lean", named(toolchain.as_deref())?),
        (KindArg::Mathlib, toolchain) => ("mathlib", named(toolchain.as_deref())?),
    };
    let unnamed = |err: String| Failure::bug("a trial's container has no name").caused_by(err);
    let name: RouteName = format!("{word}-{}", release.replace('.', "-"))
        .parse()
        .map_err(unnamed)?;
    let image = match &args.tag {
        Some(tag) => tag.clone(),
        None => ImageRef::parse(&format!("localhost/leanrepl:{word}-{release}"))
            .map_err(|unfit| unnamed(unfit.to_string()))?,
    };
    let image_args = BuildImageArgs {
        kind: Some(kind),
        mathlib: false,
        toolchain: args.toolchain.clone(),
        base: args.base.clone(),
        runtime_base: None,
        from_scratch: false,
        keep_all: false,
        repl_repo: None,
        repl_ref: None,
        server_binary: args.server_binary.clone(),
        tags: vec![image.to_string()],
        build_args: Vec::new(),
        labels: Vec::new(),
        no_cache: false,
        platform: None,
        network: None,
        push: false,
        // It is tried all the same, behind its Worker.
        no_smoke: true,
        ready_timeout: args.ready_timeout,
        timeout: args.timeout,
        print: false,
        context: None,
        json: args.json,
    };
    let worker: Result<WorkerName, String> = "leanrepl-try".parse();
    Ok(Chain {
        image: image_args,
        request: WorkerRequest {
            worker: Some(worker.map_err(unnamed)?),
            // So that it is seen that nobody gets in without the key.
            access: Some(Access::Key),
            containers: vec![(name, Some(image))],
            ..WorkerRequest::default()
        },
    })
}

/// The numbers of a release that the user named.
fn named(toolchain: Option<&str>) -> Result<String, Failure> {
    let text = toolchain.ok_or_else(|| {
        Failure::new(
            Kind::Usage,
            "a trial of this kind needs a release of Lean",
            "name one, for example `--toolchain v4.27.0`",
        )
    })?;
    let short = text.strip_prefix("leanprover/lean4:").unwrap_or(text);
    let release: Release = short.parse().map_err(|err| {
        Failure::new(
            Kind::Usage,
            format!("`{text}` is no toolchain that an image can be built for"),
            "name a release, for example `--toolchain v4.27.0`",
        )
        .caused_by(err)
    })?;
    Ok(numbers(&release.to_string()))
}

/// A release without what follows its numbers: `4.28.0` of `4.28.0-pre`.
fn numbers(release: &str) -> String {
    let is_part = |letter: &char| letter.is_ascii_digit() || *letter == '.';
    release.chars().take_while(is_part).collect()
}
