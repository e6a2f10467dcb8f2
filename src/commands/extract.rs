//! `leanrepl extract`: joins what was asked for, the sessions and the user.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::Value;

use crate::cli::extract::{ExtractArgs, ExtractCommand, IgnoredArgs, PackArgs, PackingArgs};
use crate::cli::{DataFormat, RunCommand};
use crate::commands::RunContext;
use crate::commands::exit_code::{DONE, REJECTED};
use crate::commands::lean;
use crate::commands::session::Plan;
use crate::commands::targets;
use crate::event::{Event, Observer};
use crate::extract::extraction::{self, Destination};
use crate::extract::extractor::{BUILTINS, Extractor};
use crate::extract::order::{Order, Packing, Target};
use crate::extract::output::OutputDir;
use crate::extract::summary::{Ended, Progress, Summary};
use crate::extract::{pack, packing};
use crate::failure::{Failure, Kind};
use crate::limits::{Bytes, CancelFlag};
use crate::project::input;
use crate::session::base::BaseEnv;
use crate::session::exchange::SessionLimits;
use crate::session::factory::SessionFactory;
use crate::settings::{self, Source, Toolchain};
use crate::ui::Ui;
use crate::ui::extract::Meter;
use crate::work::share::Share;

/// The longest reply: rows of a page, and a row that is long itself.
const REPLY: Bytes = Bytes::mib(512);

/// What core Lean's package has not, and so no row can have.
const CORE_LIMITS: [&str; 3] = [
    "core Lean has no bodies of private and non-exposed definitions and no proofs of theorems of its own modules: their dependencies are those of the type",
    "core Lean has no doc strings of `Init` and `Std`",
    "core Lean has no positions of the declarations of its own modules",
];

impl RunCommand<RunContext> for ExtractArgs {
    /// Extracts, packs or lists.
    ///
    /// # Errors
    /// What keeps the result from being made.
    fn run(self, context: &RunContext) -> Result<u8, Failure> {
        let ui = &context.ui;
        warn_of_ignored(&self.ignored, ui);
        match &self.command {
            Some(ExtractCommand::Pack(args)) => return run_pack(args, context),
            None if self.list => return list(ui),
            None => {}
        }
        let name = self
            .extractor
            .as_deref()
            .or(self.command_word.as_deref())
            .unwrap_or_default();
        let plugin = match &self.plugin {
            Some(path) => Some((path.as_path(), read_plugin(path, ui, &context.interrupt)?)),
            None => None,
        };
        let extractor = Extractor::choose(
            name,
            plugin.as_ref().map(|(path, text)| (*path, text.as_ref())),
        )?;
        if self.schema
            && let Extractor::Builtin(builtin) = &extractor
        {
            let _written = ui.data_line(&builtin.schema()?.to_json())?;
            return Ok(DONE);
        }
        run_extraction(&self, extractor, context)
    }

    fn format(&self) -> DataFormat {
        let of_pack = match &self.command {
            Some(ExtractCommand::Pack(args)) => args.json,
            None => false,
        };
        DataFormat::json_if(self.json || of_pack)
    }
}

/// Says once that options of Lean Scout have no effect.
fn warn_of_ignored(args: &IgnoredArgs, ui: &Ui) {
    let given = [
        ("--scoutPath", args.scout_path.is_some()),
        ("--scoutDir", args.scout_dir.is_some()),
        ("--cmdRoot", args.cmd_root.is_some()),
        ("--parquet", args.parquet),
    ];
    let names: Vec<String> = given
        .into_iter()
        .filter(|(_, is_given)| *is_given)
        .map(|(name, _)| format!("`{name}`"))
        .collect();
    if !names.is_empty() {
        ui.tell(Event::Noted {
            text: &format!("{} of Lean Scout has no effect here", names.join(", ")),
        });
    }
}

/// Lists the extractors with their columns.
fn list(ui: &Ui) -> Result<u8, Failure> {
    for builtin in BUILTINS {
        let schema = builtin.schema()?;
        let _written = ui.extractor(builtin.name(), builtin.about(), &schema)?;
    }
    Ok(DONE)
}

/// The file of a plugin.
fn read_plugin(path: &Path, ui: &Ui, interrupt: &CancelFlag) -> Result<Arc<str>, Failure> {
    input::read(path, ui, interrupt).map_err(|failure| {
        let problem = format!("cannot use the plugin `{}`", input::display_name(path));
        Failure::new(failure.kind(), problem, failure.hint()).caused_by(failure)
    })
}

/// Where rows are to go, before anything is known of them.
enum Goal {
    Directory(OutputDir),
    File(PathBuf),
    Stdout,
    /// Only the schema of a plugin is wanted.
    Schema,
}

impl Goal {
    /// Takes the place for the rows.
    ///
    /// # Errors
    /// No place or one that cannot be used.
    fn choose(args: &ExtractArgs, share: Option<Share>) -> Result<Self, Failure> {
        if args.resume && args.out.is_none() {
            return Err(Failure::new(
                Kind::Usage,
                "`--resume` continues an extraction in a directory, and none is named",
                "name it with `--out DIR`",
            ));
        }
        match (&args.out, &args.jsonl) {
            _ if args.schema => Ok(Self::Schema),
            (Some(_), _) if share.is_none() && !pack::HAS_PARQUET => Err(pack::no_parquet()),
            (Some(dir), _) => OutputDir::open(dir, args.resume).map(Self::Directory),
            (None, Some(path)) if path.as_os_str() == "-" => Ok(Self::Stdout),
            (None, Some(path)) => Ok(Self::File(path.clone())),
            (None, None) => Err(Failure::new(
                Kind::Usage,
                "it is not said where the rows go",
                "name a directory with `--out DIR`, or write JSON lines with `--jsonl`",
            )),
        }
    }
}

/// Extracts.
fn run_extraction(
    args: &ExtractArgs,
    extractor: Extractor,
    context: &RunContext,
) -> Result<u8, Failure> {
    let RunContext { ui, interrupt, .. } = context;
    if !args.schema {
        targets::check(args, &extractor)?;
    }
    let config = config(args.config.as_deref())?;
    let share = settings::share::choose(args.shard.as_deref())?;
    if let Some((share, why)) = &share {
        let text = format!(
            "extracting share {} of {} (from 0), since {why}",
            share.index, share.count
        );
        ui.tell(Event::Noted { text: &text });
    }
    let share = share.map(|(share, _)| share);
    let goal = Goal::choose(args, share)?;
    let near = settings::first_file(&args.read).to_owned();
    let toolchain = settings::choose_toolchain(&args.lean, &near)?;
    ui.tell(Event::Chosen {
        text: &toolchain.why,
    });
    let factory = factory(args, &toolchain, context)?;
    let target = if args.schema {
        Target::Imports(Vec::new())
    } else {
        targets::find(
            args,
            &extractor,
            &toolchain,
            &factory.spec.lean.launch,
            ui,
            interrupt,
        )?
    };
    let order = Order {
        extractor,
        config,
        target,
        factory,
        limits: limits(&toolchain),
        share,
        jobs: usize::from(args.jobs),
        page_rows: args.page_rows,
        timeout: args.timeout,
        keep_going: args.keep_going,
        packing: packing_of(&args.packing),
    };
    let mut meter = Meter::new();
    let mut on = |progress: Progress<'_>| ui.extracting(&mut meter, &progress);
    let ended = match goal {
        Goal::Schema => {
            let _written = ui.data_line(&extraction::plugin_schema(&order)?.to_json())?;
            return Ok(DONE);
        }
        Goal::Directory(dir) => {
            extraction::extract(&order, Destination::Directory(dir), interrupt, &mut on)
        }
        Goal::Stdout => {
            let mut write = |text: &str| Ok(ui.data(text)? == crate::ui::Written::Done);
            extraction::extract(&order, Destination::Lines(&mut write), interrupt, &mut on)
        }
        Goal::File(path) => to_file(&order, &path, interrupt, &mut on),
    };
    finish(ended, &meter, ui)
}

/// Extracts into a file, which is written beside its place and renamed.
fn to_file(
    order: &Order,
    path: &Path,
    interrupt: &CancelFlag,
    on: &mut dyn FnMut(Progress<'_>),
) -> Result<Summary, Ended> {
    let refused = |err| {
        Failure::new(
            Kind::Build,
            format!("cannot write `{}`", path.display()),
            "make room or make it writable, or name another file with `--jsonl FILE`",
        )
        .caused_by(err)
    };
    // A device or a pipe has no place beside it.
    let is_plain = path.metadata().map_or(true, |metadata| metadata.is_file());
    let beside = if is_plain {
        let mut beside = path.to_owned().into_os_string();
        beside.push(format!(".{}.tmp", std::process::id()));
        PathBuf::from(beside)
    } else {
        path.to_owned()
    };
    let opened = if is_plain {
        File::create(&beside)
    } else {
        File::options().write(true).open(&beside)
    };
    let mut file = BufWriter::new(opened.map_err(refused)?);
    let mut write = |text: &str| {
        file.write_all(text.as_bytes())
            .map(|()| true)
            .map_err(refused)
    };
    let ended = extraction::extract(order, Destination::Lines(&mut write), interrupt, on);
    let done = ended.and_then(|summary| {
        file.flush().map_err(refused)?;
        if is_plain {
            std::fs::rename(&beside, path).map_err(refused)?;
        }
        Ok(summary)
    });
    if done.is_err() && is_plain {
        // What is left of it would only be in the way.
        let _left = std::fs::remove_file(&beside);
    }
    done
}

/// Shows what came out, and chooses the exit code.
fn finish(ended: Result<Summary, Ended>, meter: &Meter, ui: &Ui) -> Result<u8, Failure> {
    match ended {
        Ok(summary) => {
            let code = if summary.failed.is_empty() {
                DONE
            } else {
                REJECTED
            };
            let _written = ui.extracted(&summary, meter, code)?;
            Ok(code)
        }
        Err(Ended {
            failure,
            is_refusal: true,
        }) => {
            ui.failure(&failure);
            Ok(REJECTED)
        }
        Err(Ended { failure, .. }) => Err(failure),
    }
}

/// What a plugin is given.
fn config(text: Option<&str>) -> Result<Value, Failure> {
    text.map_or(Ok(Value::Null), |text| {
        serde_json::from_str(text).map_err(|err| {
            let hint = "write for example `--config '{\"depth\": 3}'`";
            Failure::new(Kind::Usage, "the value of `--config` is not JSON", hint).caused_by(err)
        })
    })
}

/// What the chosen Lean cannot know.
fn limits(toolchain: &Toolchain) -> Vec<String> {
    match toolchain.source {
        Source::Core => CORE_LIMITS.map(str::to_owned).to_vec(),
        Source::Binary(_) | Source::Project(_) => Vec::new(),
    }
}

/// Starts the sessions of an extraction, which have a flag of their own: one failure ends them all.
fn factory(
    args: &ExtractArgs,
    toolchain: &Toolchain,
    context: &RunContext,
) -> Result<SessionFactory, Failure> {
    let RunContext { ui, interrupt, .. } = context;
    let lean = lean::prepare(toolchain, ui, interrupt)?;
    let plan = Plan {
        toolchain,
        sandbox: args.sandbox,
        limits: SessionLimits {
            memory: Some(args.session.memory),
            reply: REPLY,
        },
        import_timeout: args.session.import_timeout,
        base: BaseEnv::Import,
        isolation: None,
    };
    Ok(SessionFactory {
        spec: Arc::new(plan.spec(lean, ui.as_ref())?),
        cancel: CancelFlag::default(),
        observer: Arc::<Ui>::clone(ui),
    })
}

/// How rows are to become shards.
fn packing_of(args: &PackingArgs) -> Packing {
    Packing {
        shards: args.num_shards,
        batch_rows: args.batch_rows,
        shard_key: args.shard_key.clone(),
    }
}

/// Packs shares.
fn run_pack(args: &PackArgs, context: &RunContext) -> Result<u8, Failure> {
    if !pack::HAS_PARQUET {
        return Err(pack::no_parquet());
    }
    let out = OutputDir::open(&args.out, false)?;
    let meter = Meter::new();
    let summary = packing::pack(
        &args.dirs,
        out,
        &packing_of(&args.packing),
        &context.interrupt,
    )?;
    finish(Ok(summary), &meter, &context.ui)
}
