//! `leanrepl serve`: joins the port, the pool and the user.

use std::fs;
use std::sync::Arc;
use std::thread;

use crate::cli::serve::ServeArgs;
use crate::cli::shared::OutputArgs;
use crate::commands::{DONE, eval};
use crate::event::Event;
use crate::event::Observer;
use crate::failure::Failure;
use crate::limits::{Bytes, Interrupt};
use crate::pool::Pool;
use crate::repl::identity::{Identity, LeanRepl};
use crate::serve::logs::LogObserver;
use crate::serve::options::Toolchain;
use crate::serve::{self, Door, MakePool};
use crate::settings::serve::{self as settings, Machine, Size};
use crate::settings::{Ask, Source, choose};
use crate::ui::Ui;

/// Serves until the user wants to stop.
///
/// # Errors
/// What keeps the server from starting.
pub(crate) fn run(
    args: ServeArgs,
    output: &OutputArgs,
    ui: &Arc<Ui>,
    interrupt: &Interrupt,
) -> Result<u8, Failure> {
    let chosen = choose(Ask {
        repl: args.repl.as_deref(),
        toolchain: args.toolchain,
        project: args.project.as_deref(),
        near: std::path::Path::new("."),
    })?;
    let size = Size::choose(&args, machine(), chosen.source == Source::Core);
    let toolchain = Toolchain {
        source: chosen.source.name(),
        why: chosen.why.clone(),
    };
    let options = settings::options(&args, size, toolchain)?;
    let (format, level) = settings::logs(&args, output);
    serve::logs::start(format, level);
    let door = Door::open(&settings::listen(&args)?)?;
    // A reader that only wanted the address may be gone after it.
    let _written = ui.data_line(&format!("http://{}", door.address()))?;
    LogObserver.tell(Event::Chosen { text: &chosen.why });
    let make_pool: MakePool = {
        let (ui, interrupt) = (Arc::clone(ui), interrupt.clone());
        Box::new(move || {
            let launch = eval::launch(&chosen, &ui, &interrupt)?;
            let identity = Identity {
                toolchain: chosen.source.name().to_owned(),
                repl: launch.program.display().to_string(),
                manifest: None,
            };
            let lean = LeanRepl {
                launch,
                identity: identity.clone(),
                expected_lean: chosen.expected_lean.clone(),
            };
            let pool = Pool::start(settings::pool(&args, size, lean), Arc::new(LogObserver));
            Ok((pool, identity))
        })
    };
    serve::run(door, options, make_pool, interrupt)?;
    Ok(DONE)
}

/// What there is for sessions: in a container what that may use.
fn machine() -> Machine {
    let number = |path: &str| -> Option<u64> { fs::read_to_string(path).ok()?.trim().parse().ok() };
    let total = fs::read_to_string("/proc/meminfo").ok().and_then(|text| {
        let line = text
            .lines()
            .find_map(|line| line.strip_prefix("MemTotal:"))?;
        let kilobytes: u64 = line.split_whitespace().next()?.parse().ok()?;
        Some(kilobytes * 1024)
    });
    let group = number("/sys/fs/cgroup/memory.max");
    Machine {
        cores: thread::available_parallelism().map_or(1, usize::from),
        memory: total.into_iter().chain(group).min().map(Bytes::new),
    }
}
