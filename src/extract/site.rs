//! Hears the workers of one extraction: plans what is missing, counts rows, and keeps or ends what fails.

use crate::extract::lines::Lines;
use crate::extract::order::Order;
use crate::extract::output::Earlier;
use crate::extract::pack;
use crate::extract::plan::{self, Plan};
use crate::extract::report::{Foreman, Listing, Planned, Report};
use crate::extract::run_file::{FORMAT, FailedUnit, RunFile};
use crate::extract::spool::Spool;
use crate::extract::summary::{Progress, other_run};
use crate::extract::unit::Unit;
use crate::failure::Failure;
use crate::limits::CancelFlag;
use crate::table::schema::Schema;
use crate::work::share::Share;

/// What is known once it is planned.
pub(crate) struct Made {
    pub(crate) run: RunFile,
    pub(crate) schema: Schema,
    /// How many units are this run's, and how many of them were there, with how many rows.
    pub(crate) selected: usize,
    pub(crate) kept: usize,
    pub(crate) kept_rows: u64,
    pub(crate) is_up_to_date: bool,
}

/// Hears the workers.
pub(crate) struct Site<'a, 'b> {
    pub(crate) order: &'a Order,
    pub(crate) interrupt: &'a CancelFlag,
    pub(crate) on: &'a mut dyn FnMut(Progress<'_>),
    pub(crate) spool: Spool,
    pub(crate) earlier: Option<&'a Earlier>,
    pub(crate) lines: Option<Lines<'b>>,
    pub(crate) made: Option<Made>,
    pub(crate) failed: Vec<FailedUnit>,
    /// Whether the failure that ended it was Lean's refusal.
    pub(crate) is_refusal: bool,
    pub(crate) rows: u64,
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
            return Err(other_run(what, &theirs, &ours));
        }
        if share != run.share {
            let shown = |share: Option<Share>| {
                share.map_or_else(
                    || "all".to_owned(),
                    |it| format!("{}/{}", it.index, it.count),
                )
            };
            return Err(other_run("share", &shown(share), &shown(run.share)));
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
        let packing = self.order.packing.with_key_of(&identity.key);
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
