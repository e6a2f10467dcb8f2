//! `leanrepl extract pack`: one result from the spools of shares.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::extract::extraction::publish;
use crate::extract::order::Packing;
use crate::extract::output::{OutputDir, spool_of};
use crate::extract::pack;
use crate::extract::run_file::{FailedUnit, RunFile};
use crate::extract::spool::Spool;
use crate::extract::summary::Summary;
use crate::failure::{Failure, Kind};
use crate::limits::CancelFlag;
use crate::table::schema::Schema;

/// How many missing units are named.
const NAMED: usize = 3;

/// Packs the spools in `dirs` into `out`.
///
/// # Errors
/// Spools of different runs, units that are in none, and what keeps the result from being written.
pub(crate) fn pack(
    dirs: &[PathBuf],
    out: OutputDir,
    packing: &Packing,
    interrupt: &CancelFlag,
) -> Result<Summary, Failure> {
    let mut runs = Vec::new();
    for dir in dirs {
        let folder = spool_of(dir);
        runs.push((dir.as_path(), RunFile::read(&folder)?, Spool::at(folder)));
    }
    let run = merged(&runs)?;
    let schema = Schema::from_json(&run.identity.schema)
        .map_err(|err| Failure::bug(format!("the schema of a run cannot be read: {err}")))?;
    let packing = packing.with_key_of(&run.identity.key);
    pack::check(&packing, &schema)?;
    let spools: Vec<Spool> = runs.into_iter().map(|(_, _, spool)| spool).collect();
    check_complete(&run, &spools)?;
    let mut summary = Summary {
        extractor: run.identity.extractor.clone(),
        units: run.units.len(),
        failed: run.failed.clone(),
        directory: Some(out.root().to_owned()),
        limits: run.limits.clone(),
        ..Summary::default()
    };
    out.mark_packing()?;
    let manifest = publish(out, &run, &spools, &schema, &packing, interrupt)?;
    summary.rows = manifest.rows;
    summary.add_shards(&manifest);
    Ok(summary)
}

/// What all of the runs are about.
fn merged(runs: &[(&Path, RunFile, Spool)]) -> Result<RunFile, Failure> {
    let Some((first, run, _)) = runs.first() else {
        return Err(Failure::new(
            Kind::Usage,
            "no directory is named",
            "name the directories of all shares: `leanrepl extract pack DIR… --out DIR`",
        ));
    };
    let mut failed: BTreeMap<&str, &FailedUnit> = BTreeMap::new();
    for (dir, other, _) in runs {
        let differs = |what: &str, theirs: &str, ours: &str| {
            Failure::new(
                Kind::Usage,
                format!(
                    "`{}` and `{}` are not shares of one extraction: another {what}, `{theirs}` and `{ours}`",
                    first.display(),
                    dir.display()
                ),
                "name directories of one extraction, made by the same leanrepl on the same Lean and sources",
            )
        };
        if let Some((what, theirs, ours)) = run.identity.difference(&other.identity) {
            return Err(differs(what, &theirs, &ours));
        }
        if let Some((one, two)) = run
            .units
            .iter()
            .zip(&other.units)
            .find(|(one, two)| one != two)
        {
            return Err(differs("set of inputs", &one.name, &two.name));
        }
        if run.units.len() != other.units.len() {
            let counts = [run, other].map(|it| it.units.len().to_string());
            return Err(differs("number of units", &counts[0], &counts[1]));
        }
        failed.extend(other.failed.iter().map(|unit| (unit.name.as_str(), unit)));
    }
    Ok(RunFile {
        failed: failed.into_values().cloned().collect(),
        share: None,
        ..run.clone()
    })
}

/// Fails if a unit is in no spool, and has not failed.
fn check_complete(run: &RunFile, spools: &[Spool]) -> Result<(), Failure> {
    let is_missing = |name: &&crate::extract::unit::UnitName| {
        !spools.iter().any(|spool| spool.has(name))
            && !run.failed.iter().any(|failed| failed.name == name.name)
    };
    let missing: Vec<&str> = run
        .units
        .iter()
        .filter(is_missing)
        .map(|unit| unit.name.as_str())
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    let named: Vec<String> = missing
        .iter()
        .take(NAMED)
        .map(|name| format!("`{name}`"))
        .collect();
    let more = if missing.len() > NAMED { ", …" } else { "" };
    Err(Failure::new(
        Kind::Usage,
        format!(
            "{} of {} units are in no spool: {}{more}",
            missing.len(),
            run.units.len(),
            named.join(", ")
        ),
        "name the directories of all shares, and complete each with `--resume`",
    ))
}
