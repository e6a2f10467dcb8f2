//! `leanrepl eval`: joins inputs, the pool and the user.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::cli::eval::{EvalArgs, FormatArg};
use crate::cli::{DataFormat, RunCommand};
use crate::commands::RunContext;
use crate::commands::cache::{CachePlan, Front};
use crate::commands::exit_code::{self, DONE};
use crate::commands::inputs;
use crate::commands::lean;
use crate::commands::options::ProjectOptions;
use crate::commands::resume::Resume;
use crate::commands::session::Plan;
use crate::engine::batch::{Batch, BatchStep};
use crate::engine::cache::lookup::Audience;
use crate::engine::evaluate::SubmitError;
use crate::engine::judge::{Judged, Policy};
use crate::engine::pool::{Pool, PoolSettings, WearLimits};
use crate::engine::record::EvalRecord;
use crate::engine::report::Counts;
use crate::engine::request::{EvalRequest, Limits};
use crate::engine::resume::RunSettings;
use crate::engine::undecided::UndecidedReason;
use crate::event::{Event, Observer};
use crate::failure::{Failure, Kind};
use crate::lean::header;
use crate::limits::{CancelFlag, Deadline, TICK, Wait};
use crate::process::sandbox::Mode;
use crate::project::input;
use crate::session::base::BaseChoice;
use crate::session::spec::SessionSpec;
use crate::settings::{self, Toolchain};
use crate::setup::prefault;
use crate::ui::Ui;

/// How many sources wait in the pool beside those that run: more than it looks through for one that fits a
/// session.
const AHEAD: usize = 512;

/// The longest wait for a session: none of our own sources goes away.
const QUEUE_TIMEOUT: Duration = Duration::from_secs(365 * 86_400);

/// Files with what is in them.
type Sources<'a> = Vec<(&'a Path, Arc<str>)>;

impl RunCommand<RunContext> for EvalArgs {
    /// Evaluates all files and reports each as it finishes.
    ///
    /// # Errors
    /// What keeps every file from being evaluated.
    fn run(self, context: &RunContext) -> Result<u8, Failure> {
        let RunContext { ui, interrupt, .. } = context;
        let start = Instant::now();
        let files = &inputs::choose(&self.files, self.shard.as_deref(), ui.as_ref())?;
        let choice = settings::pickle::choice(self.base, self.pickle.as_deref())?;
        let toolchain = settings::choose_toolchain(&self.lean, settings::first_file(&self.files))?;
        ui.tell(Event::Chosen {
            text: &toolchain.why,
        });
        let mut report = EvalReport {
            ui,
            policy: Policy {
                fail_on_sorry: self.fail_on_sorry,
                fail_on_warning: self.fail_on_warning,
            },
            counts: Counts::default(),
            worst: DONE,
            toolchain: describe(&toolchain),
            resume: match &self.resume {
                Some(path) => Some(Resume::open(path, files, ui.as_ref())?),
                None => None,
            },
        };
        let sources = read(files, interrupt, &mut report)?;
        ui.files_started(files.len());
        if !sources.is_empty() {
            evaluate(&self, choice, &toolchain, &sources, interrupt, &mut report)?;
        }
        let lost = report.resume.take().and_then(Resume::finish);
        if ui.stdout_closed() {
            return lost.map_or(Ok(DONE), Err);
        }
        if let Some(lost) = &lost {
            report.worst = lost.kind().exit_code();
        }
        if interrupt.is_set() {
            report.worst = Kind::Interrupted.exit_code();
            report.counts.unfinished = files.len().saturating_sub(report.counts.total());
        }
        // A reader that went away before the summary has seen every file.
        let _written = ui.summary(&report.counts, start.elapsed(), report.worst)?;
        lost.map_or(Ok(report.worst), Err)
    }

    fn format(&self) -> DataFormat {
        match self.format {
            _ if self.json => DataFormat::Json,
            FormatArg::Github => DataFormat::Github,
            FormatArg::Human => DataFormat::Human,
        }
    }
}

/// Reads the files; those that cannot be read are reported.
///
/// # Errors
/// The interrupt of the user.
fn read<'a>(
    files: &'a [PathBuf],
    interrupt: &CancelFlag,
    report: &mut EvalReport<'_>,
) -> Result<Sources<'a>, Failure> {
    let mut sources = Vec::new();
    for file in files {
        match input::read(file, report.ui.as_ref(), interrupt) {
            Ok(source) => sources.push((file.as_path(), source)),
            Err(failure) if failure.kind() == Kind::Interrupted => return Err(failure),
            Err(failure) => {
                let record = EvalRecord::undecided(UndecidedReason::Unavailable, failure);
                report.add(file, Arc::from(""), record)?;
            }
        }
    }
    Ok(sources)
}

/// Evaluates the sources in sessions.
fn evaluate(
    args: &EvalArgs,
    choice: BaseChoice,
    toolchain: &Toolchain,
    sources: &[(&Path, Arc<str>)],
    interrupt: &CancelFlag,
    report: &mut EvalReport<'_>,
) -> Result<(), Failure> {
    let ui = report.ui.as_ref();
    let lean = lean::prepare(toolchain, report.ui, interrupt)?;
    let mut options = ProjectOptions::read(toolchain, ui, interrupt)?;
    let requests = sources.iter().map(|(file, source)| EvalRequest {
        options: settings::command_options(args),
        lean_options: options.of(file, ui),
        find_sorry_decls: args.fail_on_sorry,
        ..EvalRequest::new(Arc::clone(source), args.limits.timeout.get())
    });
    let requests: Vec<EvalRequest> = requests.collect();
    let named = args.pickle.as_deref();
    let level = settings::isolation(args.isolation);
    let plan = Plan {
        toolchain,
        sandbox: args.sandbox,
        limits: settings::session_limits(&args.limits),
        import_timeout: args.limits.session.import_timeout,
        base: lean::base(choice, named, toolchain, &lean.identity, ui)?,
        isolation: level,
    };
    let sandbox = args.sandbox.sandbox.map(settings::sandbox_mode);
    let settings = RunSettings {
        policy: report.policy,
        identity: &lean.identity,
        base: &plan.base,
        isolation: level,
        sandbox: sandbox.map(Mode::as_str),
    };
    let (sources, requests) = report.without_known(sources, requests, settings)?;
    if requests.is_empty() {
        return Ok(());
    }
    let spec = plan.spec(lean, ui)?;
    evaluate_in(args, spec, &sources, requests, interrupt, report)
}

/// Evaluates the sources in sessions of that specification.
fn evaluate_in(
    args: &EvalArgs,
    spec: SessionSpec,
    sources: &[(&Path, Arc<str>)],
    requests: Vec<EvalRequest>,
    interrupt: &CancelFlag,
    report: &mut EvalReport<'_>,
) -> Result<(), Failure> {
    if args.prefault {
        read_ahead(&requests, &spec, report.ui, interrupt);
    }
    let jobs = usize::from(args.jobs).clamp(1, requests.len());
    let import_timeout = spec.import_timeout;
    let settings = PoolSettings::new(spec);
    let cache = CachePlan::new(
        &args.cache,
        Audience::EachClient,
        &settings.spec,
        Arc::<Ui>::clone(report.ui),
    )?;
    let pool = Pool::start(
        PoolSettings {
            wear: WearLimits {
                // A single source shares its session with none: nothing has to be put back.
                single_use: requests.len() == 1 && settings.spec.isolation.is_none(),
                ..settings.wear
            },
            sessions: jobs,
            starts: jobs,
            spares: 0,
            // The time of an import belongs to the source that it is run for.
            warm_recent: 0,
            ..settings
        },
        Arc::<Ui>::clone(report.ui),
    );
    let limits = Limits {
        queue_timeout: QUEUE_TIMEOUT,
        import_timeout: import_timeout.get(),
    };
    let waiter = thread::current();
    let wake = move || waiter.unpark();
    let front = Front::new(cache, &pool);
    let evaluate = Arc::clone(&front.evaluate);
    let batch = Batch::new(evaluate, requests, jobs + AHEAD, limits, wake);
    let taken = take(batch, sources, interrupt, report);
    if let Some(cached) = front.cached {
        cached.finish();
    }
    pool.drain(Wait::from(Duration::ZERO));
    taken
}

/// Takes the results as they come, until there are no more, or the user has seen enough.
///
/// # Errors
/// What keeps any session from starting, or output that fails.
fn take(
    mut batch: Batch,
    sources: &[(&Path, Arc<str>)],
    interrupt: &CancelFlag,
    report: &mut EvalReport<'_>,
) -> Result<(), Failure> {
    let mut has_started = false;
    while !interrupt.is_set() && !report.ui.stdout_closed() {
        let (index, result) = match batch.step() {
            BatchStep::Finished => break,
            BatchStep::Wait(longest) => {
                thread::park_timeout(longest.min(TICK));
                continue;
            }
            BatchStep::Result(item) => *item,
        };
        let record = match result {
            Ok(record) => record,
            Err(SubmitError::NoSession(failure)) if !has_started => return Err(failure),
            Err(SubmitError::Cancelled) => continue,
            Err(error) => EvalRecord::from(&error),
        };
        has_started |= record.lean.is_some();
        if let Some((file, source)) = sources.get(index) {
            report.add(file, Arc::clone(source), record)?;
        }
    }
    Ok(())
}

/// Reads the modules ahead that the sources import.
fn read_ahead(requests: &[EvalRequest], spec: &SessionSpec, ui: &Arc<Ui>, interrupt: &CancelFlag) {
    let sources = requests.iter().map(|request| &request.source);
    let headers: Vec<_> = sources.map(|source| header::split(source)).collect();
    let deadline = Deadline::after(spec.import_timeout.get());
    prefault::before_import(
        &headers,
        &spec.lean.launch,
        deadline,
        ui.as_ref(),
        interrupt,
    );
}

/// The toolchain as the JSON output shows it; the Lean version follows once a session has reported it.
fn describe(toolchain: &Toolchain) -> Value {
    json!({ "source": toolchain.source.name(), "why": toolchain.why, "lean": null })
}

/// What was reported so far.
struct EvalReport<'a> {
    ui: &'a Arc<Ui>,
    /// What rejects a source that Lean accepts.
    policy: Policy,
    counts: Counts,
    worst: u8,
    toolchain: Value,
    /// Where verdicts are kept between runs.
    resume: Option<Resume>,
}

impl EvalReport<'_> {
    /// Judges and reports one source.
    fn add(&mut self, file: &Path, source: Arc<str>, record: EvalRecord) -> Result<(), Failure> {
        self.show_version(&record);
        let judged = Judged::new(input::display_name(file), source, record, self.policy);
        if let Some(resume) = &mut self.resume {
            // Before it is shown, so that what was seen is kept.
            resume.add(file, &judged, &self.toolchain, self.ui.as_ref())?;
        }
        self.show(&judged)
    }

    /// Reports those sources whose verdict an earlier run left; gives the others.
    fn without_known<'s>(
        &mut self,
        sources: &[(&'s Path, Arc<str>)],
        requests: Vec<EvalRequest>,
        settings: RunSettings<'_>,
    ) -> Result<(Sources<'s>, Vec<EvalRequest>), Failure> {
        let mut others = Vec::new();
        for ((file, source), request) in sources.iter().zip(requests) {
            let known = match &mut self.resume {
                Some(resume) => resume.verdict(file, &request, settings)?,
                None => None,
            };
            if let Some(judged) = known {
                self.show_version(&judged.record);
                self.show(&judged)?;
            } else {
                others.push(((*file, Arc::clone(source)), request));
            }
        }
        Ok(others.into_iter().unzip())
    }

    /// Puts the version of Lean that a session has reported into the JSON.
    fn show_version(&mut self, record: &EvalRecord) {
        if let Some(lean) = &record.lean
            && let Some(version) = self.toolchain.get_mut("lean")
        {
            *version = Value::from(lean.version.as_str());
        }
    }

    /// Counts and shows one source.
    fn show(&mut self, judged: &Judged) -> Result<(), Failure> {
        self.worst = self.worst.max(exit_code::of(&judged.judgement));
        let verdict = judged.judgement.verdict;
        self.counts.add(verdict, judged.record.has_sorry());
        self.counts.kept += usize::from(judged.is_resumed || judged.record.cached);
        self.ui
            .file_done(judged, &self.toolchain)
            .map(|_written| ())
    }
}
