//! Units in the hands of one worker: request after request until each is spooled or has failed.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::extract::extractor::Extractor;
use crate::extract::job::Job;
use crate::extract::reply::ItemRows;
use crate::extract::report::Report;
use crate::extract::rows_error::RowsError;
use crate::extract::spool::{Spool, SpoolWriter};
use crate::extract::unit::{Input, Unit};
use crate::extract::worker::Worker;
use crate::failure::{Failure, Kind};
use crate::table::schema::Schema;

/// What a bundle is extracted with.
pub(crate) struct Bundle<'a, 'b> {
    pub(crate) job: &'a Job,
    pub(crate) spool: &'b Spool,
    pub(crate) schema: &'b Schema,
    pub(crate) tell: &'b dyn Fn(Report),
}

/// A unit of which rows are missing.
struct Open {
    unit: Unit,
    /// The next constant or row that is asked for.
    first: u64,
    writer: SpoolWriter,
    took: Duration,
    /// Whether it has cost a session already.
    was_tried: bool,
}

impl<'a> Bundle<'a, '_> {
    /// Extracts units, in their order.
    ///
    /// # Errors
    /// A session that does not start, and a disk that refuses. What is wrong with a unit is reported.
    pub(crate) fn extract(
        &self,
        units: Vec<Unit>,
        worker: &mut Option<Worker<'a>>,
    ) -> Result<(), Failure> {
        let mut open = VecDeque::new();
        for unit in units {
            let writer = self.spool.write(&unit.name())?;
            open.push_back(Open {
                unit,
                first: 0,
                writer,
                took: Duration::ZERO,
                was_tried: false,
            });
        }
        // After a failure that may be any of theirs, units go alone.
        let mut alone = false;
        while !open.is_empty() {
            if self.job.stop().is_set() {
                return Ok(());
            }
            let asked = self.request(&open, alone);
            let started = Instant::now();
            let session = self.ready(worker)?;
            let was_fresh = session.is_fresh();
            match ask(session, &open, &asked) {
                Ok(items) => self.take(&mut open, &asked, items, started.elapsed())?,
                Err(_) if self.job.stop().is_set() => return Ok(()),
                Err(_) if asked.len() > 1 => alone = true,
                Err(error) => {
                    let Some(mut first) = open.pop_front() else {
                        continue;
                    };
                    // A session that had done other things may have died of those.
                    if !was_fresh && !first.was_tried && !error.is_refusal() {
                        first.was_tried = true;
                        *worker = None;
                        open.push_front(first);
                    } else {
                        self.fail(&first.unit, error);
                    }
                }
            }
        }
        Ok(())
    }

    /// A session that lives and is not worn.
    fn ready<'w>(&self, worker: &'w mut Option<Worker<'a>>) -> Result<&'w mut Worker<'a>, Failure> {
        if worker
            .as_mut()
            .is_some_and(|worker| worker.is_over() || worker.is_worn())
        {
            *worker = None;
        }
        match worker {
            Some(worker) => Ok(worker),
            None => Ok(worker.insert(Worker::open(self.job)?)),
        }
    }

    /// How many constants of each of the first units are asked for next.
    fn request(&self, open: &VecDeque<Open>, alone: bool) -> Vec<u64> {
        let mut room = self.job.page_rows;
        let mut asked = Vec::new();
        for one in open {
            let left = match &one.unit.input {
                Input::Module { constants, .. } => constants.saturating_sub(one.first),
                Input::Source { .. } => room,
            };
            if !asked.is_empty() && (alone || left > room) {
                break;
            }
            asked.push(left.min(room));
            room = room.saturating_sub(left);
        }
        asked
    }

    /// Spools rows that came, and completes units.
    fn take(
        &self,
        open: &mut VecDeque<Open>,
        asked: &[u64],
        items: Vec<ItemRows>,
        took: Duration,
    ) -> Result<(), Failure> {
        let all: usize = items.iter().map(|item| item.rows.len()).sum();
        for (item, count) in items.into_iter().zip(asked) {
            let Some(mut one) = open.pop_front() else {
                break;
            };
            if let Err(failure) = self.check(&one, &item) {
                (self.tell)(Report::Failed(one.unit.name(), failure, false));
                continue;
            }
            for row in &item.rows {
                one.writer.row(row)?;
            }
            // Of a request for many units each gets its share.
            let share = fraction(item.rows.len(), all);
            one.took += took.mul_f64(share);
            (self.tell)(Report::Rows(
                u64::try_from(item.rows.len()).unwrap_or(u64::MAX),
            ));
            let next = item.next.or_else(|| match &one.unit.input {
                Input::Module { constants, .. } => {
                    Some(one.first.saturating_add(*count)).filter(|next| next < constants)
                }
                Input::Source { .. } => None,
            });
            match next {
                None => {
                    one.writer.commit(one.took)?;
                    (self.tell)(Report::Done(one.unit.name()));
                }
                Some(next) => {
                    one.first = next;
                    open.push_front(one);
                    // What follows was not started.
                    break;
                }
            }
        }
        Ok(())
    }

    /// Whether the rows are what the schema says, and go on from where they should.
    fn check(&self, one: &Open, item: &ItemRows) -> Result<(), Failure> {
        if item.next.is_some_and(|next| next <= one.first) {
            return Err(RowsError::Reply("they do not come to an end".to_owned())
                .into_failure(&one.unit.name));
        }
        for (index, row) in item.rows.iter().enumerate() {
            self.schema.check(row).map_err(|error| {
                let kind = match self.job.extractor {
                    Extractor::Plugin(_) => Kind::Usage,
                    Extractor::Builtin(_) => Kind::Session,
                };
                let number = one
                    .writer
                    .rows()
                    .saturating_add(u64::try_from(index).unwrap_or(0));
                Failure::new(
                    kind,
                    format!(
                        "row {number} of `{}`, column `{}`: {}",
                        one.unit.name, error.column, error.problem
                    ),
                    "make the rows fit the schema, or the schema the rows",
                )
            })?;
        }
        Ok(())
    }

    fn fail(&self, unit: &Unit, error: RowsError) {
        let is_refusal = error.is_refusal();
        let failure = error.into_failure(&unit.name);
        (self.tell)(Report::Failed(unit.name(), failure, is_refusal));
    }
}

/// Asks for what `asked` says of the first units.
fn ask(
    worker: &mut Worker<'_>,
    open: &VecDeque<Open>,
    asked: &[u64],
) -> Result<Vec<ItemRows>, RowsError> {
    if let Some(Open { unit, first, .. }) = open.front()
        && matches!(unit.input, Input::Source { .. })
    {
        return worker.tactics(unit, *first).map(|rows| vec![rows]);
    }
    let units = open.iter().zip(asked);
    let items: Vec<(&Unit, u64, u64)> = units
        .map(|(one, count)| (&one.unit, one.first, *count))
        .collect();
    worker.constants(&items)
}

/// A part of a whole, from 0 to 1.
fn fraction(part: usize, whole: usize) -> f64 {
    let number = |count: usize| f64::from(u32::try_from(count).unwrap_or(u32::MAX));
    if whole == 0 {
        1.0
    } else {
        number(part) / number(whole)
    }
}
