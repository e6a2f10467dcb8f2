//! One extraction from its order to its result: plans, has the workers spool what is missing, and packs.

use std::collections::HashSet;

use crate::extract::card::card;
use crate::extract::crew;
use crate::extract::extractor::Extractor;
use crate::extract::job::Job;
use crate::extract::lines::{Lines, WriteText};
use crate::extract::manifest::Manifest;
use crate::extract::order::{Order, PackOptions};
use crate::extract::output::{Beside, Earlier, OutputDir};
use crate::extract::pack::{self, Sources};
use crate::extract::place::Place;
use crate::extract::run_file::RunFile;
use crate::extract::site::{Made, Site};
use crate::extract::spool::Spool;
use crate::extract::summary::{Ended, Progress, Summary};
use crate::extract::unit::UnitName;
use crate::extract::worker::Worker;
use crate::failure::Failure;
use crate::limits::{Bytes, CancelFlag};
use crate::table::schema::Schema;

/// About how many bytes of rows a reply may hold.
const PAGE_BYTES: Bytes = Bytes::mib(32);

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
    let packing = order.packing.with_key_of(&run.identity.key);
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
    let beside = Beside {
        schema,
        card: &card(&manifest, schema),
        manifest: &manifest,
    };
    dir.publish(&stage, &beside)?;
    Ok(manifest)
}
