//! `leanrepl eval`: joins inputs, sessions and the user.

use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use serde_json::{Value, json};

use crate::cli::eval::EvalArgs;
use crate::commands::{DONE, core, exit_code};
use crate::env_vars;
use crate::event::{Event, Observer};
use crate::failure::{Failure, Kind};
use crate::limits::Interrupt;
use crate::process::launch::Launch;
use crate::repl::eval::EvalSettings;
use crate::repl::evaluated::{Counts, Evaluated};
use crate::repl::input;
use crate::repl::schedule::{self, Progress, Work};
use crate::repl::session::SessionLimits;
use crate::settings::{self, Source, Toolchain};
use crate::ui::Ui;

/// Evaluates all files and reports each as it finishes.
///
/// # Errors
/// What keeps every file from being evaluated.
pub(crate) fn run(args: &EvalArgs, ui: &Arc<Ui>, interrupt: &Interrupt) -> Result<u8, Failure> {
    let start = Instant::now();
    let stdin = [PathBuf::from("-")];
    let files = if args.files.is_empty() {
        &stdin[..]
    } else {
        &args.files
    };
    let toolchain = settings::choose_toolchain(args)?;
    ui.tell(Event::Chosen {
        text: &toolchain.why,
    });
    let mut report = Report {
        ui,
        counts: Counts::default(),
        worst: DONE,
        toolchain: describe(&toolchain),
    };
    ui.files_started(files.len());
    let mut work = Vec::new();
    for file in files {
        match input::read(file) {
            Ok(text) => work.push(Work {
                name: input::display_name(file),
                text,
            }),
            Err(failure) => report.add(&Evaluated::undecided(
                &input::display_name(file),
                Arc::from(""),
                failure,
            ))?,
        }
    }
    let ran = if work.is_empty() {
        Ok(())
    } else {
        evaluate(args, &toolchain, work, interrupt, &mut report)
    };
    if ui.stdout_closed() {
        return Ok(DONE);
    }
    match ran {
        // A failure sets the interrupt too, to stop the other sessions: so it is looked at first.
        Err(failure) if failure.kind() != Kind::Interrupted => return Err(failure),
        _ if interrupt.is_set() => report.worst = Kind::Interrupted.exit_code(),
        _ => {}
    }
    // A reader that went away before the summary has seen every file.
    let _written = ui.summary(&report.counts, start.elapsed(), report.worst)?;
    Ok(report.worst)
}

/// Runs the texts in sessions.
fn evaluate(
    args: &EvalArgs,
    toolchain: &Toolchain,
    work: Vec<Work>,
    interrupt: &Interrupt,
    report: &mut Report<'_>,
) -> Result<(), Failure> {
    let settings = eval_settings(args, toolchain, launch(toolchain, report.ui, interrupt)?);
    let observer: Arc<dyn Observer> = Arc::<Ui>::clone(report.ui);
    let mut failed = None;
    let ran = schedule::run(
        work,
        usize::from(args.jobs),
        &settings,
        interrupt,
        &observer,
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

/// How the chosen Lean is started.
pub(crate) fn launch(
    toolchain: &Toolchain,
    ui: &Arc<Ui>,
    interrupt: &Interrupt,
) -> Result<Launch, Failure> {
    match &toolchain.source {
        Source::Core => Ok(core::ensure(ui, interrupt)?.launch()),
        Source::Binary(path) => Ok(Launch {
            program: path.clone(),
            args: Vec::new(),
            vars: env_vars::cleaned(),
            dir: None,
        }),
    }
}

/// What holds for every text of this run.
fn eval_settings(args: &EvalArgs, toolchain: &Toolchain, launch: Launch) -> EvalSettings {
    EvalSettings {
        launch,
        expected_lean: toolchain.expected_lean.clone(),
        limits: SessionLimits {
            memory: Some(args.memory),
            reply: args.max_reply,
        },
        timeout: args.timeout,
        import_timeout: args.import_timeout,
        options: settings::command_options(args),
        fail_on_sorry: args.fail_on_sorry,
        fail_on_warning: args.fail_on_warning,
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
        self.worst = self.worst.max(exit_code(evaluated));
        self.counts.add(&evaluated.verdict);
        self.ui
            .file_done(evaluated, &self.toolchain)
            .map(|_written| ())
    }
}
