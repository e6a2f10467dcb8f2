//! `leanrepl eval`: joins inputs, sessions and the user.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use serde_json::{Value, json};

use crate::cli::eval::EvalArgs;
use crate::commands::exit_code::{self, DONE};
use crate::commands::lean;
use crate::commands::options::ProjectOptions;
use crate::engine::eval::EvalSettings;
use crate::engine::evaluated::{Counts, Evaluated};
use crate::engine::judge::Policy;
use crate::engine::schedule::{self, Progress, Work};
use crate::engine::undecided::UndecidedReason;
use crate::event::{Event, Observer};
use crate::failure::{Failure, Kind};
use crate::lean::header;
use crate::limits::{CancelFlag, Deadline};
use crate::project::input;
use crate::session::base::{BaseEnv, Wish};
use crate::session::opening::SessionFactory;
use crate::settings::{self, Toolchain};
use crate::setup::prefault;
use crate::ui::Ui;

/// Evaluates all files and reports each as it finishes.
///
/// # Errors
/// What keeps every file from being evaluated.
pub(crate) fn run(args: &EvalArgs, ui: &Arc<Ui>, interrupt: &CancelFlag) -> Result<u8, Failure> {
    let start = Instant::now();
    let stdin = [PathBuf::from("-")];
    let files = if args.files.is_empty() {
        &stdin[..]
    } else {
        &args.files
    };
    if files.iter().filter(|file| input::is_stdin(file)).count() > 1 {
        return Err(Failure::new(
            Kind::Usage,
            "`-` is named twice, but stdin can be read only once",
            "name `-` once",
        ));
    }
    let wish = settings::pickle::wish(args.base, args.pickle.as_deref())?;
    let toolchain = settings::choose_toolchain(&args.lean, settings::first_file(&args.files))?;
    ui.tell(Event::Chosen {
        text: &toolchain.why,
    });
    let mut report = Report {
        ui,
        counts: Counts::default(),
        worst: DONE,
        toolchain: describe(&toolchain),
    };
    let work = read(files, interrupt, &mut report)?;
    ui.files_started(files.len());
    let ran = if work.is_empty() {
        Ok(())
    } else {
        evaluate(args, wish, &toolchain, work, interrupt, &mut report)
    };
    if ui.stdout_closed() {
        return Ok(DONE);
    }
    match ran {
        // A failure sets the interrupt too, to stop the other sessions: so it is looked at first.
        Err(failure) if failure.kind() != Kind::Interrupted => return Err(failure),
        _ if interrupt.is_set() => {
            report.worst = Kind::Interrupted.exit_code();
            report.counts.unfinished = files.len().saturating_sub(report.counts.total());
        }
        _ => {}
    }
    // A reader that went away before the summary has seen every file.
    let _written = ui.summary(&report.counts, start.elapsed(), report.worst)?;
    Ok(report.worst)
}

/// Reads the files; those that cannot be read are reported.
///
/// # Errors
/// The wish to stop.
fn read<'a>(
    files: &'a [PathBuf],
    interrupt: &CancelFlag,
    report: &mut Report<'_>,
) -> Result<Vec<(&'a Path, Work)>, Failure> {
    let mut work = Vec::new();
    for file in files {
        let name = input::display_name(file);
        match input::read(file, report.ui.as_ref(), interrupt) {
            Ok(text) => {
                let lean_options = None;
                let one = Work {
                    name,
                    text,
                    lean_options,
                };
                work.push((file.as_path(), one));
            }
            Err(failure) if failure.kind() == Kind::Interrupted => return Err(failure),
            Err(failure) => {
                let reason = UndecidedReason::Unavailable;
                report.add(&Evaluated::undecided(&name, Arc::from(""), reason, failure))?;
            }
        }
    }
    Ok(work)
}

/// Runs the texts in sessions.
fn evaluate(
    args: &EvalArgs,
    wish: Wish,
    toolchain: &Toolchain,
    work: Vec<(&Path, Work)>,
    interrupt: &CancelFlag,
    report: &mut Report<'_>,
) -> Result<(), Failure> {
    let mut lean = lean::prepare(toolchain, report.ui, interrupt)?;
    let work = with_options(work, toolchain, report.ui, interrupt)?;
    let named = args.pickle.as_deref();
    let base = lean::base(wish, named, toolchain, &lean.identity, report.ui.as_ref())?;
    lean.launch.reads.extend(base.file().map(Path::to_owned));
    lean.launch = lean::confine(args.sandbox, toolchain, lean.launch, report.ui.as_ref())?;
    let settings = eval_settings(args, base);
    let opener = SessionFactory {
        lean,
        limits: settings::session_limits(&args.limits),
        import_timeout: args.limits.session.import_timeout,
        interrupt: interrupt.clone(),
        observer: Arc::<Ui>::clone(report.ui),
    };
    if args.prefault {
        read_ahead(&work, &opener);
    }
    let mut failed = None;
    let ran = schedule::run(
        work,
        usize::from(args.jobs),
        &settings,
        &opener,
        &mut |progress| {
            let told = match progress {
                Progress::Opened(version) => report.opened(version),
                Progress::Done(evaluated) => report.add(&evaluated),
                Progress::Failed(failure) => Err(failure),
            };
            match told {
                Ok(()) if !report.ui.stdout_closed() => ControlFlow::Continue(()),
                Ok(()) => ControlFlow::Break(()),
                Err(failure) => {
                    failed = Some(failure);
                    ControlFlow::Break(())
                }
            }
        },
    );
    failed.map_or(ran, Err)
}

/// The sources with the options that the Lake file sets for their modules.
///
/// # Errors
/// The user's interrupt.
fn with_options(
    work: Vec<(&Path, Work)>,
    toolchain: &Toolchain,
    ui: &Arc<Ui>,
    interrupt: &CancelFlag,
) -> Result<Vec<Work>, Failure> {
    let mut options = ProjectOptions::read(toolchain, ui.as_ref(), interrupt)?;
    let with_options = work.into_iter().map(|(file, one)| Work {
        lean_options: options.of(file, ui.as_ref()),
        ..one
    });
    Ok(with_options.collect())
}

/// Reads the modules ahead that the texts import.
fn read_ahead(work: &[Work], opener: &SessionFactory) {
    let headers: Vec<_> = work.iter().map(|work| header::split(&work.text)).collect();
    prefault::before_import(
        &headers,
        &opener.lean.launch,
        Deadline::after(opener.import_timeout.get()),
        opener.observer.as_ref(),
        &opener.interrupt,
    );
}

/// What holds for every text of this run.
fn eval_settings(args: &EvalArgs, base: BaseEnv) -> EvalSettings {
    EvalSettings {
        base,
        // Each file has its own.
        lean_options: None,
        timeout: args.limits.timeout,
        options: settings::command_options(args),
        policy: Policy {
            fail_on_sorry: args.fail_on_sorry,
            fail_on_warning: args.fail_on_warning,
        },
    }
}

/// The toolchain as the JSON output shows it; the Lean version follows once a session has told it.
fn describe(toolchain: &Toolchain) -> Value {
    json!({ "source": toolchain.source.name(), "why": toolchain.why, "lean": null })
}

/// What was reported so far.
struct Report<'a> {
    /// The user.
    ui: &'a Arc<Ui>,
    /// How many texts got which verdict.
    counts: Counts,
    /// The exit code so far.
    worst: u8,
    /// Which Lean, for the JSON output.
    toolchain: Value,
}

impl Report<'_> {
    /// Takes note of Lean's version.
    fn opened(&mut self, version: String) -> Result<(), Failure> {
        self.ui.tell(Event::Chosen {
            text: &format!("the session runs Lean {version}"),
        });
        match self.toolchain.get_mut("lean") {
            Some(lean) => {
                *lean = Value::String(version);
                Ok(())
            }
            None => Err(Failure::bug(
                "the toolchain has no field for Lean's version",
            )),
        }
    }

    /// Reports one text.
    fn add(&mut self, evaluated: &Evaluated) -> Result<(), Failure> {
        // A text that was cut off by Ctrl-C was not evaluated; the summary says how far it came.
        if matches!(&evaluated.failure, Some(failure) if failure.kind() == Kind::Interrupted) {
            return Ok(());
        }
        self.worst = self.worst.max(exit_code::of(evaluated));
        self.counts.add(evaluated);
        self.ui
            .file_done(evaluated, &self.toolchain)
            .map(|_written| ())
    }
}
