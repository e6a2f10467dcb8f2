//! `leanrepl cloudflare try`: joins an image, a Worker's folder and wrangler to a trial on this machine.

use std::fs;
use std::sync::Arc;
use std::time::Instant;

use crate::cli::build_image::KindArg;
use crate::cli::cloudflare::TryArgs;
use crate::commands::build_image;
use crate::commands::exit_code::DONE;
use crate::data_dir::DataDir;
use crate::deploy::cloudflare::dev::Door;
use crate::deploy::cloudflare::folder::Folder;
use crate::deploy::cloudflare::stage::Stage;
use crate::deploy::cloudflare::tools;
use crate::deploy::cloudflare::trial::{self, Plan};
use crate::env_vars;
use crate::event::{Event, Observer, step};
use crate::failure::{Failure, Kind};
use crate::limits::{CancelFlag, Deadline, Wait};
use crate::process::sandbox::folder::Folder as Temporary;
use crate::settings::cloudflare as settings;
use crate::setup::core_lean::CoreLean;
use crate::ui::Ui;
use crate::work::WorkContext;

/// Tries a folder, or all that is made for the trial.
///
/// # Errors
/// What keeps the trial from its end. Wrong answers are reported, and are an exit code.
pub(crate) fn run(args: &TryArgs, ui: &Arc<Ui>, interrupt: &CancelFlag) -> Result<u8, Failure> {
    let start = Instant::now();
    let observer: Arc<dyn Observer> = Arc::<Ui>::clone(ui);
    let work = WorkContext {
        deadline: Deadline::after(args.timeout.get()),
        observer: &observer,
        cancel: interrupt,
    };
    match (&args.dir, args.kind) {
        (Some(dir), _) => folder(&Folder::at(dir), args, start, ui, work),
        (None, kind) => chain(args, kind.unwrap_or(KindArg::Core), start, ui, work),
    }
}

/// Builds an image, makes a folder for it, and tries that.
fn chain(
    args: &TryArgs,
    kind: KindArg,
    start: Instant,
    ui: &Arc<Ui>,
    work: WorkContext<'_>,
) -> Result<u8, Failure> {
    let core = match kind {
        // Its release is known by looking; the build needs it anyway.
        KindArg::Core => CoreLean::new(DataDir::locate()?)
            .ensure(work.deadline, work.observer.as_ref(), work.cancel)?
            .lean_version()
            .to_owned(),
        KindArg::Lean | KindArg::Mathlib => String::new(),
    };
    let chain = settings::chain(args, kind, &core)?;
    let made = build_image::built(&chain.image, ui, work.cancel)?
        .ok_or_else(|| Failure::bug("a trial's image was not built"))?;
    let _written = ui.image_for_trial(&made)?;
    let temporary = Temporary::new(&env_vars::temporary_folder()).map_err(|err| {
        Failure::new(
            Kind::Usage,
            "no folder can be made for the trial",
            "name another folder for temporary files with `TMPDIR`",
        )
        .caused_by(err)
    })?;
    let of_trial = Folder::at(temporary.path().join("leanrepl-try"));
    of_trial.make(&chain.request, false)?;
    let tried = step(ui.as_ref(), "installing wrangler through npm", || {
        tools::install(&of_trial, work)
    })
    .and_then(|()| folder(&of_trial, args, start, ui, work));
    // Thousands of files, which the end of the process would not wait for. What is left then is
    // removed by a later run.
    let _left = fs::remove_dir_all(of_trial.dir());
    tried
}

fn folder(
    folder: &Folder,
    args: &TryArgs,
    start: Instant,
    ui: &Ui,
    work: WorkContext<'_>,
) -> Result<u8, Failure> {
    let plan = settings::plan(folder)?;
    let stage = Stage::new(folder, &plan, args.port, work)?;
    let asked = Plan {
        requests: args.requests,
        patience: args.ready_timeout,
        access: plan.access,
    };
    let stay = args.stay.map(Wait::get).unwrap_or_default();
    let playing = WorkContext {
        deadline: Deadline::after(work.deadline.left().saturating_add(stay)),
        ..work
    };
    stage.play(playing, |door| {
        let within = door.within(work);
        let report = step(ui, "trying the Worker", || {
            trial::run(&stage, &within, asked)
        })?;
        let code = if report.wrong() == 0 {
            DONE
        } else {
            Kind::Remote.exit_code()
        };
        // A reader that went away has seen enough.
        let _written = ui.trial(&report, start.elapsed(), code)?;
        if let Some(stay) = args.stay {
            linger(&stage, door, stay, ui)?;
        }
        Ok(code)
    })
}

/// Leaves the Worker running for a while, or until the user has seen enough.
fn linger(stage: &Stage, door: &Door<'_>, stay: Wait, ui: &Ui) -> Result<(), Failure> {
    let names: Vec<&str> = stage.parts.iter().map(|part| part.name.as_str()).collect();
    ui.tell(Event::Noted {
        text: &stays(stage.port, &names, stay, &door.authorization()),
    });
    match door.pause(stay.get()) {
        Err(failure) if failure.kind() == Kind::Interrupted => Ok(()),
        ended => ended,
    }
}

/// The note about a Worker that stays, with the addresses of its containers.
fn stays(port: u16, names: &[&str], stay: Wait, authorization: &str) -> String {
    let addresses = names
        .iter()
        .map(|name| format!("http://127.0.0.1:{port}/{name}"));
    let addresses = addresses.collect::<Vec<_>>().join(" and ");
    format!(
        "the Worker stays for {stay}, or until Ctrl-C, at {addresses}; its key goes with `Authorization: {authorization}`"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_worker_that_stays_is_told_with_its_time_and_its_addresses() {
        assert_eq!(
            stays(
                8787,
                &["core-4-28-0", "lean-4-27-0"],
                Wait::secs(3600),
                "Bearer 0a"
            ),
            "the Worker stays for 1h, or until Ctrl-C, at http://127.0.0.1:8787/core-4-28-0 and \
             http://127.0.0.1:8787/lean-4-27-0; its key goes with `Authorization: Bearer 0a`"
        );
    }
}
