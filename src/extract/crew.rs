//! The workers of an extraction: threads that take units in their order, spool the rows, and report. One
//! function waits for them all. Never decides what is to be extracted and never packs.

use std::collections::VecDeque;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use crate::extract::bundle::Bundle;
use crate::extract::extractor::Extractor;
use crate::extract::job::Job;
use crate::extract::pack;
use crate::extract::report::{Foreman, Listing, Report};
use crate::extract::spool::Spool;
use crate::extract::unit::{Input, Unit};
use crate::extract::worker::Worker;
use crate::failure::{Failure, Kind};
use crate::limits::{CancelFlag, TICK};
use crate::table::schema::Schema;

/// How many units go to a worker at once: each is an item of a request, which Lean has to elaborate.
const MOST_UNITS: usize = 64;

/// Extracts with at most `jobs` workers, and returns when all have ended.
///
/// # Errors
/// The interrupt of the user, what the foreman says, and a session that does not start.
pub(crate) fn run(
    job: &Job,
    jobs: usize,
    spool: &Spool,
    interrupt: &CancelFlag,
    foreman: &mut dyn Foreman,
) -> Result<(), Failure> {
    let queue = Queue::default();
    let (sender, receiver) = sync_channel(jobs.saturating_mul(4).max(16));
    thread::scope(|scope| {
        let start = |is_first: bool, sender: SyncSender<Report>| {
            let hand = Hand {
                job,
                queue: &queue,
                spool,
                sender,
                is_first,
            };
            let named = thread::Builder::new().name("extract".to_owned());
            let spawned = named.spawn_scoped(scope, move || hand.work());
            spawned.map(drop).map_err(|err| {
                Failure::new(Kind::Session, "cannot start a thread", "lower `--jobs`")
                    .caused_by(err)
            })
        };
        let led = start(true, sender.clone()).and_then(|()| {
            let more =
                |count: usize| (1..jobs.min(count)).try_for_each(|_| start(false, sender.clone()));
            lead(job, &queue, &receiver, interrupt, foreman, more)
        });
        // All workers end, and none waits for a place in the channel.
        if led.is_err() {
            job.stop().set();
        }
        queue.close();
        drop(receiver);
        led
    })
}

/// Hears the workers until all units are done.
fn lead(
    job: &Job,
    queue: &Queue,
    receiver: &Receiver<Report>,
    interrupt: &CancelFlag,
    foreman: &mut dyn Foreman,
    start_more: impl Fn(usize) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let mut left: Option<usize> = None;
    while left != Some(0) {
        if interrupt.is_set() {
            return Err(pack::interrupted());
        }
        match receiver.recv_timeout(TICK) {
            Ok(Report::Listed(listing)) => {
                let planned = foreman.plan(listing)?;
                left = Some(planned.units.len());
                let bundles = bundles(planned.units, job.page_rows);
                let count = bundles.len();
                queue.fill(bundles, planned.schema);
                start_more(count)?;
            }
            Ok(Report::Lost(failure)) => return Err(failure),
            Ok(report) => {
                if matches!(report, Report::Done(..) | Report::Failed(..)) {
                    left = left.map(|left| left.saturating_sub(1));
                }
                foreman.hear(report)?;
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => {
                return Err(Failure::bug("all workers ended, and units are left"));
            }
        }
    }
    Ok(())
}

/// Units that go to one worker at once: as many small ones as fill a reply, or a single one.
fn bundles(units: Vec<Unit>, page_rows: u64) -> Vec<Vec<Unit>> {
    let mut bundles: Vec<Vec<Unit>> = Vec::new();
    let mut room = 0;
    for unit in units {
        let size = match &unit.input {
            Input::Module { constants, .. } => *constants,
            Input::Source { .. } => u64::MAX,
        };
        match bundles.last_mut() {
            Some(last) if size <= room && last.len() < MOST_UNITS => {
                last.push(unit);
                room = room.saturating_sub(size);
            }
            _ => {
                bundles.push(vec![unit]);
                room = page_rows.saturating_sub(size);
            }
        }
    }
    bundles
}

/// Units that no worker has taken.
#[derive(Default)]
struct Queue {
    state: Mutex<QueueState>,
    changed: Condvar,
}

#[derive(Default)]
struct QueueState {
    bundles: VecDeque<Vec<Unit>>,
    /// None before anything is planned.
    schema: Option<Schema>,
    is_closed: bool,
}

impl Queue {
    fn fill(&self, bundles: Vec<Vec<Unit>>, schema: Schema) {
        let mut state = self.state();
        state.bundles = bundles.into();
        state.schema = Some(schema);
        self.changed.notify_all();
    }

    /// Nothing more is taken.
    fn close(&self) {
        self.state().is_closed = true;
        self.changed.notify_all();
    }

    /// The next bundle, and the schema of its rows; waits for the plan. None at the end.
    fn next(&self, stop: &CancelFlag) -> Option<(Vec<Unit>, Schema)> {
        let mut state = self.state();
        loop {
            if state.is_closed || stop.is_set() {
                return None;
            }
            if let Some(schema) = state.schema.clone() {
                return state.bundles.pop_front().map(|bundle| (bundle, schema));
            }
            state = match self.changed.wait_timeout(state, TICK) {
                Ok((state, _)) => state,
                Err(poisoned) => poisoned.into_inner().0,
            };
        }
    }

    fn state(&self) -> MutexGuard<'_, QueueState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One thread.
struct Hand<'a> {
    job: &'a Job,
    queue: &'a Queue,
    spool: &'a Spool,
    sender: SyncSender<Report>,
    /// Whether it tells what there is to extract.
    is_first: bool,
}

impl<'a> Hand<'a> {
    fn work(self) {
        if let Err(failure) = self.try_work() {
            self.tell(Report::Lost(failure));
        }
    }

    /// # Errors
    /// A session that does not start, a list that does not come, a disk that refuses.
    fn try_work(&self) -> Result<(), Failure> {
        let job = self.job;
        let mut worker = None;
        if self.is_first {
            worker = Some(self.list()?);
        }
        while let Some((units, schema)) = self.queue.next(self.job.stop()) {
            let bundle = Bundle {
                job,
                spool: self.spool,
                schema: &schema,
                tell: &|report| self.tell(report),
            };
            bundle.extract(units, &mut worker)?;
        }
        Ok(())
    }

    /// Opens a worker and reports what it finds out.
    fn list(&self) -> Result<Worker<'a>, Failure> {
        let mut worker = Worker::open(self.job)?;
        let lean_version = worker.lean_version().to_owned();
        let plugin = match &self.job.extractor {
            Extractor::Plugin(plugin) => {
                let schema = worker.schema(plugin).map_err(|error| {
                    let name = format!("{} in {}", plugin.constant, plugin.file.display());
                    no_extractor(error.into_failure(&name))
                })?;
                Some(schema)
            }
            Extractor::Builtin(_) => None,
        };
        let modules = if self.job.extractor.reads_sources() {
            Vec::new()
        } else {
            worker
                .modules()
                .map_err(|error| error.into_failure("the list of modules"))?
        };
        self.tell(Report::Listed(Listing {
            lean_version,
            modules,
            plugin,
        }));
        Ok(worker)
    }

    /// Reports; where the report is no longer heard, the work ends with the queue.
    fn tell(&self, report: Report) {
        let _unheard = self.sender.send(report);
    }
}

/// A plugin that is none.
fn no_extractor(failure: Failure) -> Failure {
    if failure.kind() == Kind::Interrupted {
        return failure;
    }
    Failure::new(
        Kind::Usage,
        "the plugin defines no extractor of that name",
        "define a constant of the type `LeanRepl.Extract.Extractor` in its file, and name it in the place of the extractor",
    )
    .caused_by(failure)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unit(name: &str, constants: u64) -> Unit {
        Unit {
            name: name.to_owned(),
            digest: String::new(),
            input: Input::Module {
                parts: vec![name.to_owned()],
                constants,
            },
        }
    }

    #[test]
    fn small_units_share_a_request_and_large_ones_do_not() {
        let units = vec![
            unit("a", 3),
            unit("b", 0),
            unit("c", 7),
            unit("d", 1),
            unit("e", 99),
            unit("f", 1),
        ];
        let names: Vec<Vec<String>> = bundles(units, 10)
            .into_iter()
            .map(|units| units.into_iter().map(|unit| unit.name).collect())
            .collect();
        assert_eq!(
            names,
            [vec!["a", "b", "c"], vec!["d"], vec!["e"], vec!["f"]]
        );
        let many = (0..200).map(|index| unit(&index.to_string(), 0)).collect();
        assert!(
            bundles(many, 10)
                .iter()
                .all(|bundle| bundle.len() <= MOST_UNITS)
        );
    }
}
