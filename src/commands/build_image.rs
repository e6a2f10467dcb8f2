//! `leanrepl build-image`: joins the recipe, Docker and the user.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use crate::cli::build_image::BuildImageArgs;
use crate::cli::{DataFormat, RunCommand};
use crate::commands::RunContext;
use crate::commands::exit_code::DONE;
use crate::data_dir::DataDir;
use crate::deploy::docker::binary::Binary;
use crate::deploy::docker::recipe::{ImageRequest, Order, Recipe};
use crate::deploy::docker::{BuildOptions, Daemon, Made};
use crate::event::{Event, Observer};
use crate::failure::{Failure, Kind};
use crate::limits::{CancelFlag, Deadline};
use crate::settings::image::{self, Wanted};
use crate::setup::core_lean::CoreLean;
use crate::ui::Ui;
use crate::work::WorkContext;

impl RunCommand<RunContext> for BuildImageArgs {
    /// Builds an image, or writes what it would be built from.
    ///
    /// # Errors
    /// What keeps it from being built, tried, named or pushed.
    fn run(self, context: &RunContext) -> Result<u8, Failure> {
        let RunContext { ui, interrupt, .. } = context;
        if let Some(made) = built(&self, ui, interrupt)? {
            // A reader that went away has seen enough: the image is there.
            let _written = ui.image_made(&made)?;
        }
        Ok(DONE)
    }

    fn format(&self) -> DataFormat {
        DataFormat::json_if(self.json)
    }
}

/// The image, or none if only what it would be built from was to be written.
///
/// # Errors
/// What keeps it from being built, tried, named or pushed.
pub(super) fn built(
    args: &BuildImageArgs,
    ui: &Arc<Ui>,
    interrupt: &CancelFlag,
) -> Result<Option<Made>, Failure> {
    let start = Instant::now();
    let observer: Arc<dyn Observer> = Arc::<Ui>::clone(ui);
    let work = WorkContext {
        deadline: Deadline::after(args.timeout.get()),
        observer: &observer,
        cancel: interrupt,
    };
    let wanted = image::wanted(args)?;
    let names = image::names(args, &wanted)?;
    image::check_platform(args)?;
    let binary = Binary::choose(args.server_binary.as_deref(), ui.as_ref())?;
    let daemon = if args.print || args.context.is_some() {
        None
    } else {
        // Before core Lean is installed for it: without Docker there is no use for it.
        let daemon = Daemon::connect(work)?;
        ui.tell(Event::Chosen {
            text: &daemon.choice(),
        });
        check_architecture(args, &binary, &daemon)?;
        Some(daemon)
    };
    let order = Order {
        request: request(wanted, &binary, work)?,
        base: args.base.clone(),
        binary,
        labels: args.labels.iter().cloned().collect(),
    };
    let recipe = Recipe::new(&order)?;
    let Some(daemon) = daemon else {
        leave(args.context.as_deref(), &recipe, ui)?;
        return Ok(None);
    };
    let made = make(args, recipe, &daemon, names, work)?;
    Ok(Some(Made {
        elapsed: start.elapsed(),
        ..made
    }))
}

/// What is in the image, with the files that this takes.
fn request(
    wanted: Wanted,
    binary: &Binary,
    work: WorkContext<'_>,
) -> Result<ImageRequest, Failure> {
    match wanted {
        Wanted::Toolchain(toolchain) => Ok(ImageRequest::Toolchain(toolchain)),
        Wanted::Core => CoreLean::new(DataDir::locate()?)
            .portable(
                binary.processor(),
                work.deadline,
                work.observer.as_ref(),
                work.cancel,
            )
            .map(ImageRequest::Core),
    }
}

/// Writes the Dockerfile to stdout, or all that it needs to a folder.
fn leave(folder: Option<&Path>, recipe: &Recipe, ui: &Ui) -> Result<(), Failure> {
    // A reader that went away has seen enough.
    let _written = match folder {
        None => ui.data_line(recipe.dockerfile.trim_end())?,
        Some(folder) => {
            recipe.context.leave_in(folder)?;
            let shown = folder.display();
            let size = recipe.context.size()?;
            ui.data_line(&format!(
                "{shown} holds a Dockerfile and all that it needs ({size}): docker build --tag NAME {shown}"
            ))?
        }
    };
    Ok(())
}

/// Builds, tries, names and pushes.
fn make(
    args: &BuildImageArgs,
    recipe: Recipe,
    daemon: &Daemon,
    names: Vec<String>,
    work: WorkContext<'_>,
) -> Result<Made, Failure> {
    for base in &recipe.bases {
        daemon.need(base, args.platform.as_deref(), work)?;
    }
    let options = BuildOptions {
        build_args: args.build_args.iter().cloned().collect(),
        no_cache: args.no_cache,
        platform: args.platform.clone(),
        network: args.network.clone(),
    };
    let built = daemon.build(recipe.context, &options, &recipe.hints, work)?;
    let smoke = if args.no_smoke {
        None
    } else {
        Some(daemon.smoke(&built.id, &recipe.trial, args.ready_timeout, work)?)
    };
    for name in &names {
        daemon.tag(&built.id, name, work)?;
    }
    let mut digest = None;
    if args.push {
        for name in &names {
            digest = daemon.push(name, work)?.or(digest);
        }
    }
    let base_size = match recipe.bases.last() {
        Some(base) => Some(daemon.image(base, work)?.size),
        None => None,
    };
    Ok(Made {
        image: daemon.image(&built.id, work)?,
        base_size,
        names,
        digest,
        steps: built.steps,
        gathered: daemon.gathered(&built.id, work)?,
        smoke,
        elapsed: std::time::Duration::ZERO,
    })
}

/// A leanrepl for another processor than that of the image would fail in a step of the build only.
fn check_architecture(
    args: &BuildImageArgs,
    binary: &Binary,
    daemon: &Daemon,
) -> Result<(), Failure> {
    let platform = args.platform.as_deref();
    let of_image = platform
        .and_then(|platform| platform.split('/').nth(1))
        .unwrap_or(&daemon.architecture);
    if of_image == binary.architecture {
        return Ok(());
    }
    Err(Failure::new(
        Kind::Usage,
        format!(
            "the leanrepl for the image is of {}, the image of {of_image}",
            binary.architecture
        ),
        "name one for the image's processor with `--server-binary FILE`, or another platform with `--platform`",
    ))
}
