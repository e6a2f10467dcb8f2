//! `leanrepl cloudflare`: joins a Worker's folder to the user.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use crate::cli::cloudflare::{
    CheckArgs, CloudflareAction, CloudflareArgs, CostArgs, DeployArgs, InitArgs,
};
use crate::cli::{DataFormat, RunCommand};
use crate::commands::RunContext;
use crate::commands::cloudflare_try;
use crate::commands::exit_code::DONE;
use crate::deploy::cloudflare::check::{self, Finding, Looked, Seen};
use crate::deploy::cloudflare::config;
use crate::deploy::cloudflare::container::Container;
use crate::deploy::cloudflare::cost;
use crate::deploy::cloudflare::folder::{Folder, Made};
use crate::deploy::cloudflare::image::ImageRef;
use crate::deploy::cloudflare::instance::Disk;
use crate::deploy::cloudflare::jsonc::Value;
use crate::deploy::cloudflare::local;
use crate::deploy::cloudflare::name::RouteName;
use crate::deploy::cloudflare::plan::WorkerRequest;
use crate::deploy::cloudflare::tools;
use crate::event::{Event, Observer, step};
use crate::failure::{Failure, Kind};
use crate::limits::{Bytes, CancelFlag, Deadline, Wait};
use crate::settings;
use crate::ui::Ui;
use crate::work::WorkContext;

/// Longest wait for what Docker says of images.
const LOOK: Wait = Wait::secs(20);

impl RunCommand<RunContext> for CloudflareArgs {
    /// Does what is asked for.
    ///
    /// # Errors
    /// What keeps it from being done.
    fn run(self, context: &RunContext) -> Result<u8, Failure> {
        let RunContext { ui, interrupt, .. } = context;
        match &self.action {
            CloudflareAction::Init(args) => init(args, ui, interrupt),
            CloudflareAction::Try(args) => cloudflare_try::run(args, ui, interrupt),
            CloudflareAction::Cost(args) => cost(args, ui),
            CloudflareAction::Check(args) => check(args, ui, interrupt),
            CloudflareAction::Deploy(args) => deploy(args, ui, interrupt),
        }
    }

    fn format(&self) -> DataFormat {
        DataFormat::json_if(match &self.action {
            CloudflareAction::Cost(cost) => cost.json,
            CloudflareAction::Check(check) => check.json,
            CloudflareAction::Try(trial) => trial.json,
            CloudflareAction::Init(_) | CloudflareAction::Deploy(_) => false,
        })
    }
}

fn init(args: &InitArgs, ui: &Arc<Ui>, interrupt: &CancelFlag) -> Result<u8, Failure> {
    let folder = Folder::at(&args.dir);
    let observer: Arc<dyn Observer> = Arc::<Ui>::clone(ui);
    let work = WorkContext {
        deadline: Deadline::after(LOOK.get()),
        observer: &observer,
        cancel: interrupt,
    };
    let mut request = settings::cloudflare::request(args);
    request.measured = measured(&request, work)?;
    let Made { plan, fates } = folder.make(&request, args.force)?;
    for (path, fate) in fates {
        // A reader that went away has seen enough; the files are written either way.
        let _written = ui.data_line(&format!(
            "{}: {}",
            args.dir.join(path).display(),
            fate.word()
        ))?;
    }
    for known in plan.containers.iter().filter(|_| !plan.stub) {
        let mut sizes = request.measured.iter();
        let size = sizes.find(|(name, _)| *name == known.name);
        let by = by_what(known, size.map(|(_, size)| *size));
        ui.tell(Event::Noted {
            text: &format!("`{}` runs on `{}`, {by}", known.name, known.instance_type),
        });
    }
    Ok(DONE)
}

/// What Docker says of the images that were named and are on this machine, but for those of which the
/// user says the size.
fn measured(
    request: &WorkerRequest,
    work: WorkContext<'_>,
) -> Result<Vec<(RouteName, Bytes)>, Failure> {
    let mut measured = Vec::new();
    for (name, image) in request.containers.iter().filter(|_| !request.stub) {
        let mut said = request.image_size.iter();
        let is_said = said.any(|size| size.name.as_ref().is_none_or(|other| other == name));
        if let (Some(image), false) = (image, is_said)
            && let Some(size) = local::size(image.as_str(), work)?
        {
            measured.push((name.clone(), size));
        }
    }
    Ok(measured)
}

/// By what the instance type of a container was chosen; `size` is what Docker says of its image.
fn by_what(known: &Container, size: Option<Bytes>) -> String {
    if known.type_was_named {
        return "as you named it".to_owned();
    }
    match (size, known.memory_bytes) {
        (Some(size), Some(_)) => format!(
            "by its image on this machine ({}) and the memory that you gave",
            Disk(size)
        ),
        (Some(size), None) => format!(
            "by its image on this machine ({}) and the memory that such containers take; `--memory` says what yours was measured to take",
            Disk(size)
        ),
        (None, _) if !known.is_guessed() => "by the sizes that you gave".to_owned(),
        (None, _) => "by what such images take; `--image-size` and `--memory` say what yours was measured to take".to_owned(),
    }
}

fn cost(args: &CostArgs, ui: &Ui) -> Result<u8, Failure> {
    let loads = settings::cloudflare::loads(args)?;
    let _written = ui.cost(&cost::estimate(&loads))?;
    Ok(DONE)
}

/// Looks for what is wrong.
fn check(args: &CheckArgs, ui: &Arc<Ui>, interrupt: &CancelFlag) -> Result<u8, Failure> {
    let folder = Folder::at(&args.dir);
    let observer: Arc<dyn Observer> = Arc::<Ui>::clone(ui);
    let work = WorkContext {
        deadline: Deadline::after(args.timeout.get()),
        observer: &observer,
        cancel: interrupt,
    };
    let (_, findings) = look(&folder, !args.no_docker, work)?;
    let _written = ui.findings(&findings)?;
    if !findings.is_empty() {
        let code = Kind::Usage.exit_code();
        let _written = ui.checked(findings.len(), code)?;
        return Ok(code);
    }
    if !args.no_wrangler {
        step(ui.as_ref(), "letting wrangler look", || {
            tools::dry_run(&folder, work)
        })?;
    }
    let _written = ui.checked(0, DONE)?;
    Ok(DONE)
}

/// Checks, pushes, deploys and waits.
fn deploy(args: &DeployArgs, ui: &Arc<Ui>, interrupt: &CancelFlag) -> Result<u8, Failure> {
    let folder = Folder::at(&args.dir);
    let observer: Arc<dyn Observer> = Arc::<Ui>::clone(ui);
    let relay: Arc<dyn Observer> = Arc::new(Relay(Arc::clone(ui)));
    let within = || WorkContext {
        deadline: Deadline::after(args.timeout.get()),
        observer: &relay,
        cancel: interrupt,
    };
    let work = within();
    let quiet = WorkContext {
        observer: &observer,
        ..work
    };
    let (images, findings) = look(&folder, true, quiet)?;
    if !findings.is_empty() {
        let _written = ui.findings(&findings)?;
        let code = Kind::Usage.exit_code();
        let _written = ui.checked(findings.len(), code)?;
        return Ok(code);
    }
    step(ui.as_ref(), "checking", || tools::dry_run(&folder, quiet))?;
    let here = images
        .iter()
        .filter(|(_, seen)| matches!(seen, Seen::Here(_)));
    for (image, _) in here.filter(|_| !args.no_push) {
        if let Ok(image) = ImageRef::settled(image) {
            let label = format!("pushing {image}");
            step(ui.as_ref(), &label, || tools::push(&folder, &image, work))?;
        }
    }
    let said = step(ui.as_ref(), "deploying", || tools::deploy(&folder, work))?;
    let Some(address) = args.url.clone().or(said) else {
        ui.tell(Event::Noted {
            text: "wrangler names no address on workers.dev; to wait until it is ready, name one with `--url`",
        });
        return Ok(DONE);
    };
    let address = address.trim_end_matches('/');
    if !args.no_wait {
        wait(&folder, address, ui, within())?;
    }
    let _written = ui.data_line(address)?;
    Ok(DONE)
}

/// Waits until all containers under an address are ready.
fn wait(folder: &Folder, address: &str, ui: &Ui, work: WorkContext<'_>) -> Result<(), Failure> {
    let plan = settings::cloudflare::plan(folder)?;
    let containers = plan.containers.iter();
    let names: Vec<&str> = containers.map(|known| known.name.as_str()).collect();
    step(ui, "waiting until it is ready", || {
        tools::wait_until_ready(address, &names, work)
    })
}

/// What Docker knows of the images, and all that is wrong.
fn look(
    folder: &Folder,
    ask_docker: bool,
    work: WorkContext<'_>,
) -> Result<(BTreeMap<String, Seen>, Vec<Finding>), Failure> {
    let config = folder.config()?.ok_or_else(|| {
        Failure::new(
            Kind::Usage,
            format!("`{}` holds no `{}`", folder.dir().display(), config::FILE),
            "name a folder that `leanrepl cloudflare init` made",
        )
    })?;
    let containers = config.list("containers").iter();
    let references: Vec<ImageRef> = containers
        .filter_map(|container| ImageRef::settled(container.get("image")?.text()?).ok())
        .collect();
    let images = if ask_docker {
        tools::look(&references, work)?
    } else {
        BTreeMap::new()
    };
    let main = config.get("main").and_then(Value::text);
    // What lies outside the folder is not looked at; wrangler will.
    let inside = main.filter(|path| !Path::new(path).is_absolute() && !path.contains(".."));
    let main = inside.map(|path| folder.read(path)).transpose()?.flatten();
    let record = folder.record()?;
    let findings = check::findings(&Looked {
        config: &config,
        main: main.as_deref(),
        plan: record.as_ref().map(|record| &record.plan),
        images: &images,
    });
    Ok((images, findings))
}

/// Shows what programs say as they say it: a deploy is long, and people want to follow it.
struct Relay(Arc<Ui>);

impl Observer for Relay {
    fn tell(&self, event: Event<'_>) {
        match event {
            Event::CommandOutput { line } => self.0.relayed(line),
            event => self.0.tell(event),
        }
    }
}
