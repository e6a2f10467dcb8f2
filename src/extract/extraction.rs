//! One extraction from its order to its result: plans, has the workers spool what is missing, and packs.

use std::collections::{HashSet, VecDeque};
use std::fs;
use std::path::PathBuf;

use crate::extract::card::card;
use crate::extract::crew;
use crate::extract::disk;
use crate::extract::extractor::Extractor;
use crate::extract::job::Job;
use crate::extract::manifest::Manifest;
use crate::extract::order::{Order, PackOptions};
use crate::extract::output::{Beside, Earlier, OutputDir};
use crate::extract::pack::{self, Sources};
use crate::extract::plan::{self, Plan};
use crate::extract::report::{Foreman, Listing, Planned, Report};
use crate::extract::run_file::{FORMAT, FailedUnit, RunFile};
use crate::extract::spool::Spool;
use crate::extract::summary::{Ended, Progress, Summary};
use crate::extract::unit::{Unit, UnitName};
use crate::extract::worker::Worker;
use crate::failure::Failure;
use crate::limits::{Bytes, CancelFlag};
use crate::table::schema::Schema;

/// About how many bytes of rows a reply may hold.
const PAGE_BYTES: Bytes = Bytes::mib(32);

/// How much is written at once.
const CHUNK_BYTES: usize = 1024 * 1024;

/// Writes text; false if nobody reads on.
pub(crate) type WriteText<'a> = &'a mut dyn FnMut(&str) -> Result<bool, Failure>;

/// Where rows go.
pub(crate) enum Destination<'a> {
    /// Into shards in a directory, or into its spool if a share is extracted.
    Directory(OutputDir),
    /// Somewhere as JSON lines, in the order of the units.
    Lines(WriteText<'a>),
}

/// Extracts.
///
/// # Errors
/// What keeps the result from being made. Complete units of a directory are kept.
pub(crate) fn extract(
    order: &Order,
    destination: Destination<'_>,
    interrupt: &CancelFlag,
    on: &mut dyn FnMut(Progress<'_>),
) -> Result<Summary, Ended> {
    let job = job_of(order);
    let (place, dir, lines) = match destination {
        Destination::Directory(dir) => (Place::Directory(dir.spool()), Some(dir), None),
        Destination::Lines(write) => (Place::temporary()?, None, Some(write)),
    };
    let spool = Spool::at(place.folder().clone());
    let mut site = Site {
        order,
        interrupt,
        on,
        spool: spool.clone(),
        earlier: dir.as_ref().map(|dir| &dir.earlier),
        lines: lines.map(Lines::new),
        made: None,
        failed: Vec::new(),
        is_refusal: false,
        rows: 0,
    };
    let ran = crew::run(&job, order.jobs, &spool, interrupt, &mut site);
    let Site {
        made,
        failed,
        is_refusal,
        rows,
        lines,
        ..
    } = site;
    if lines.is_some_and(|lines| lines.is_closed) {
        return Ok(Summary {
            rows,
            ..Summary::default()
        });
    }
    if let Err(failure) = ran {
        return Err(Ended {
            failure,
            is_refusal,
        });
    }
    let Some(made) = made else {
        return Err(Failure::bug("an extraction ended without a plan").into());
    };
    let mut summary = Summary {
        extractor: made.run.identity.extractor.clone(),
        units: made.selected,
        kept_units: made.kept,
        failed,
        rows: made.kept_rows.saturating_add(rows),
        is_up_to_date: made.is_up_to_date,
        limits: made.run.limits.clone(),
        ..Summary::default()
    };
    if let Some(dir) = dir {
        finish(dir, made, &spool, &mut summary, order, interrupt, on)?;
    }
    Ok(summary)
}

/// The schema of a plugin, as a worker says.
///
/// # Errors
/// A plugin that does not compile or is none, and a session that does not start.
pub(crate) fn plugin_schema(order: &Order) -> Result<Schema, Failure> {
    let job = job_of(order);
    let Extractor::Plugin(plugin) = &order.extractor else {
        return Err(Failure::bug(
            "the schema of a built-in extractor was asked from a worker",
        ));
    };
    let found = Worker::open(&job)?.schema(plugin);
    found
        .map(|(schema, _)| schema)
        .map_err(|error| error.into_failure(&plugin.constant))
}

/// What the workers share.
fn job_of(order: &Order) -> Job {
    Job {
        factory: order.factory.clone(),
        extractor: order.extractor.clone(),
        roots: order.target.roots(),
        config: order.config.clone(),
        timeout: order.timeout,
        page_rows: order.page_rows,
        page_bytes: PAGE_BYTES.get(),
    }
}

/// Packs what is spooled, unless it is a share or the result is there already.
fn finish(
    dir: OutputDir,
    made: Made,
    spool: &Spool,
    summary: &mut Summary,
    order: &Order,
    interrupt: &CancelFlag,
    on: &mut dyn FnMut(Progress<'_>),
) -> Result<(), Failure> {
    summary.directory = Some(dir.root().to_owned());
    let run = RunFile {
        failed: summary.failed.clone(),
        ..made.run
    };
    if let Earlier::Result(manifest) = &dir.earlier
        && made.is_up_to_date
    {
        summary.rows = manifest.rows;
        summary.add_shards(manifest);
        return dir.clear();
    }
    run.write(&dir.spool())?;
    if order.share.is_some() {
        summary.is_share = true;
        return Ok(());
    }
    let packing = order.packing(&run.identity.key);
    on(Progress::Packing);
    let manifest = publish(
        dir,
        &run,
        std::slice::from_ref(spool),
        &made.schema,
        &packing,
        interrupt,
    )?;
    summary.rows = manifest.rows;
    summary.add_shards(&manifest);
    Ok(())
}

/// Packs the units of a run from spools into a directory.
///
/// # Errors
/// What keeps it from being complete; the spool is kept then.
pub(crate) fn publish(
    dir: OutputDir,
    run: &RunFile,
    spools: &[Spool],
    schema: &Schema,
    packing: &PackOptions,
    interrupt: &CancelFlag,
) -> Result<Manifest, Failure> {
    let failed: HashSet<&str> = run.failed.iter().map(|unit| unit.name.as_str()).collect();
    let units: Vec<UnitName> = run
        .units
        .iter()
        .filter(|unit| !failed.contains(unit.name.as_str()))
        .cloned()
        .collect();
    let stage = dir.stage()?;
    let sources = Sources { spools };
    let (entries, shards) = pack::pack(&units, &sources, schema, packing, &stage, interrupt)?;
    let manifest = Manifest::new(run, packing, entries, shards);
    let mut text = schema.to_json();
    text.push('\n');
    let beside = Beside {
        schema: &text,
        card: &card(&manifest, schema),
        manifest: &manifest,
    };
    dir.publish(&stage, &beside)?;
    Ok(manifest)
}

/// Where rows are spooled.
enum Place {
    /// In the directory of the result.
    Directory(PathBuf),
    /// In a private temporary directory, deleted at the end.
    Temporary(PathBuf),
}

impl Place {
    fn temporary() -> Result<Self, Failure> {
        use std::hash::{BuildHasher as _, Hasher as _};
        use std::os::unix::fs::DirBuilderExt as _;

        let random = std::collections::hash_map::RandomState::new()
            .build_hasher()
            .finish();
        let name = format!("leanrepl-extract-{}-{random:016x}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        // It must not have been made by another user.
        let made = fs::DirBuilder::new().mode(0o700).create(&folder);
        made.map_err(|err| disk::failure("create", &folder, err))?;
        Ok(Self::Temporary(folder))
    }

    fn folder(&self) -> &PathBuf {
        match self {
            Self::Directory(folder) | Self::Temporary(folder) => folder,
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Self::Temporary(folder) = self {
            // What cannot be deleted now is for those who tidy up temporary directories.
            let _left = fs::remove_dir_all(folder);
        }
    }
}

/// What is known once it is planned.
struct Made {
    run: RunFile,
    schema: Schema,
    /// How many units are this run's, and how many of them were there, with how many rows.
    selected: usize,
    kept: usize,
    kept_rows: u64,
    is_up_to_date: bool,
}

/// Hears the workers.
struct Site<'a, 'b> {
    order: &'a Order,
    interrupt: &'a CancelFlag,
    on: &'a mut dyn FnMut(Progress<'_>),
    spool: Spool,
    earlier: Option<&'a Earlier>,
    lines: Option<Lines<'b>>,
    made: Option<Made>,
    failed: Vec<FailedUnit>,
    /// Whether the failure that ended it was Lean's refusal.
    is_refusal: bool,
    rows: u64,
}

impl Site<'_, '_> {
    /// Whether what is in the directory is of the same run.
    fn compare(&self, run: &RunFile) -> Result<(), Failure> {
        let (identity, share) = match self.earlier {
            Some(Earlier::Run(earlier)) => (&earlier.identity, earlier.share),
            Some(Earlier::Result(manifest)) => (&manifest.identity, run.share),
            Some(Earlier::Nothing) | None => return Ok(()),
        };
        if let Some((what, theirs, ours)) = identity.difference(&run.identity) {
            return Err(crate::extract::summary::other_run(what, &theirs, &ours));
        }
        if share != run.share {
            let shown = |share: Option<crate::extract::run_file::Share>| {
                share.map_or_else(
                    || "all".to_owned(),
                    |it| format!("{}/{}", it.index, it.count),
                )
            };
            return Err(crate::extract::summary::other_run(
                "share",
                &shown(share),
                &shown(run.share),
            ));
        }
        Ok(())
    }

    /// The units that are missing, and how many are there.
    fn missing(&self, selected: Vec<Unit>) -> (Vec<Unit>, usize, u64) {
        let (mut kept, mut rows) = (0, 0_u64);
        let missing = selected
            .into_iter()
            .filter(|unit| match self.spool.kept(&unit.name()) {
                Some(found) => {
                    kept += 1;
                    rows = rows.saturating_add(found.rows);
                    false
                }
                None => true,
            });
        let missing: Vec<Unit> = missing.collect();
        (missing, kept, rows)
    }
}

impl Foreman for Site<'_, '_> {
    fn plan(&mut self, listing: Listing) -> Result<Planned, Failure> {
        let Plan {
            identity,
            schema,
            units,
        } = plan::plan(self.order, &listing, self.interrupt)?;
        let packing = self.order.packing(&identity.key);
        pack::check(&packing, &schema)?;
        let run = RunFile {
            format: FORMAT,
            identity,
            limits: self.order.limits.clone(),
            units: units.iter().map(Unit::name).collect(),
            failed: Vec::new(),
            share: self.order.share,
        };
        self.compare(&run)?;
        let is_up_to_date = matches!(self.earlier, Some(Earlier::Result(manifest)) if manifest.is_of(&run, &packing));
        let share = self.order.share;
        let numbered = units.into_iter().enumerate();
        let selected: Vec<Unit> = numbered
            .filter(|(number, _)| share.is_none_or(|share| share.has(*number)))
            .map(|(_, unit)| unit)
            .collect();
        let count = selected.len();
        if self.lines.is_none() && !is_up_to_date {
            run.write(self.spool.folder())?;
            self.spool.sweep(&run.units)?;
        }
        if let Some(lines) = &mut self.lines {
            lines.expect(&selected);
        }
        let (missing, kept, kept_rows) = if is_up_to_date {
            (Vec::new(), count, 0)
        } else {
            self.missing(selected)
        };
        (self.on)(Progress::Planned {
            units: count,
            kept,
            limits: &run.limits,
        });
        let made = Made {
            run,
            schema: schema.clone(),
            selected: count,
            kept,
            kept_rows,
            is_up_to_date,
        };
        self.made = Some(made);
        Ok(Planned {
            units: missing,
            schema,
        })
    }

    fn hear(&mut self, report: Report) -> Result<(), Failure> {
        match report {
            Report::Rows(rows) => {
                self.rows = self.rows.saturating_add(rows);
                (self.on)(Progress::Rows(self.rows));
            }
            Report::Done(unit) => {
                (self.on)(Progress::Unit);
                if let Some(lines) = &mut self.lines {
                    lines.done(&unit, true, &self.spool)?;
                }
            }
            Report::Failed(unit, failure, is_refusal) => {
                if !self.order.keep_going {
                    self.is_refusal = is_refusal;
                    return Err(failure);
                }
                (self.on)(Progress::Failed(&failure));
                (self.on)(Progress::Unit);
                let causes = failure.causes();
                let why = causes
                    .first()
                    .map_or(String::new(), |cause| format!(": {cause}"));
                let problem = format!("{}{why}", failure.problem());
                self.failed.push(FailedUnit {
                    name: unit.name.clone(),
                    problem,
                });
                self.failed.sort_by(|one, other| one.name.cmp(&other.name));
                if let Some(lines) = &mut self.lines {
                    lines.done(&unit, false, &self.spool)?;
                }
            }
            Report::Listed(_) | Report::Lost(_) => {}
        }
        Ok(())
    }
}

/// Rows that are written as soon as all units before theirs are written.
struct Lines<'a> {
    write: WriteText<'a>,
    /// Units that are not written, in their order; each with whether it is done and has rows.
    waiting: VecDeque<(UnitName, Option<bool>)>,
    /// Whether nobody reads on.
    is_closed: bool,
}

impl<'a> Lines<'a> {
    fn new(write: WriteText<'a>) -> Self {
        Self {
            write,
            waiting: VecDeque::new(),
            is_closed: false,
        }
    }

    fn expect(&mut self, units: &[Unit]) {
        self.waiting = units.iter().map(|unit| (unit.name(), None)).collect();
    }

    /// Takes note of a unit, and writes all whose turn it is.
    fn done(&mut self, unit: &UnitName, has_rows: bool, spool: &Spool) -> Result<(), Failure> {
        // Units are done nearly in their order, so it is near the front.
        if let Some((_, state)) = self.waiting.iter_mut().find(|(name, _)| name == unit) {
            *state = Some(has_rows);
        }
        while let Some((_, Some(has_rows))) = self.waiting.front() {
            let has_rows = *has_rows;
            let Some((unit, _)) = self.waiting.pop_front() else {
                break;
            };
            if has_rows {
                self.write_unit(&unit, spool)?;
                spool.forget(&unit)?;
            }
        }
        Ok(())
    }

    fn write_unit(&mut self, unit: &UnitName, spool: &Spool) -> Result<(), Failure> {
        let mut rows = spool.read(unit)?;
        let mut chunk = String::new();
        while let Some(row) = rows.next_row()? {
            chunk.push_str(&row);
            chunk.push('\n');
            if chunk.len() >= CHUNK_BYTES {
                self.put(&chunk)?;
                chunk.clear();
            }
        }
        self.put(&chunk)
    }

    fn put(&mut self, text: &str) -> Result<(), Failure> {
        if text.is_empty() || (self.write)(text)? {
            return Ok(());
        }
        self.is_closed = true;
        // Ends the extraction; it is no failure, as `is_closed` says.
        Err(pack::interrupted())
    }
}
