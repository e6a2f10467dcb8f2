//! Measures the two ways to the environment of a pickle, each run in a process of its own, and
//! writes down the faster one. Never decides what a source starts from.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::data_dir::DataDir;
use crate::event::{Event, Step};
use crate::failure::{Failure, Kind};
use crate::limits::Deadline;
use crate::session::factory::SessionFactory;
use crate::session::opening::{EnvError, OpenSession};
use crate::session::pickle::imports::checked_header;
use crate::session::pickle::load::{Verified, verify};
use crate::session::pickle::place::Place;
use crate::session::pickle::probe;
use crate::session::pickle::sidecar::{Compared, Sidecar, Timing, Way};

/// Writing here drops the page cache; only root may (Documentation/admin-guide/sysctl/vm.rst in
/// Linux).
const DROP_CACHES: &str = "/proc/sys/vm/drop_caches";

/// Pages, and the entries of folders as well: an import looks up thousands of files.
const PAGES_AND_ENTRIES: &str = "3";

/// What to measure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Plan {
    /// How often each way is run warm; the median counts.
    pub(crate) runs: u16,
    /// Whether to drop the page cache of the machine, if that is permitted.
    pub(crate) cold: bool,
}

/// What one way took, run by run.
#[derive(Debug, Default)]
struct Runs {
    /// With the files in the page cache.
    warm: Vec<Duration>,
    /// Without.
    cold: Option<Duration>,
    /// The most memory of all runs.
    peak: Option<u64>,
}

/// Measures and writes the result into the sidecar, which it gives.
///
/// # Errors
/// No pickle that fits, a run that fails, the interrupt.
pub(crate) fn run(
    place: &Place,
    plan: Plan,
    factory: &SessionFactory,
    cache: &DataDir,
) -> Result<Sidecar, Failure> {
    let observer = factory.observer.as_ref();
    let patience = Deadline::after(factory.spec.import_timeout.get().saturating_mul(4));
    let lock = place.lock(cache, patience, observer, &factory.cancel)?;
    let pickle = verify(place, &factory.spec.lean.identity)?.ok_or_else(|| {
        Failure::new(
            Kind::Build,
            format!(
                "there is no pickle at `{}` to compare",
                place.pickle().display()
            ),
            "make it first with `leanrepl pickle`",
        )
    })?;
    let workshop = place.workshop(&lock)?;
    let compared = measure(&pickle, plan, factory)?;
    let sidecar = Sidecar {
        compared: Some(compared),
        ..pickle.sidecar
    };
    workshop.publish_sidecar(&sidecar.to_json()?)?;
    Ok(sidecar)
}

/// Runs both ways as planned.
fn measure(pickle: &Verified, plan: Plan, factory: &SessionFactory) -> Result<Compared, Failure> {
    let mut import = Runs::default();
    let mut unpickle = Runs::default();
    let cold = plan.cold && drop_page_cache(factory);
    if cold {
        let (took, peak) = once(Way::Import, "cold", pickle, factory)?;
        import.cold = Some(took);
        import.peak = import.peak.max(peak);
        if drop_page_cache(factory) {
            let (took, peak) = once(Way::Pickle, "cold", pickle, factory)?;
            unpickle.cold = Some(took);
            unpickle.peak = unpickle.peak.max(peak);
        }
    } else {
        // Whatever was in the page cache before, after this it is what an import needs.
        once(Way::Import, "not counted", pickle, factory)?;
    }
    // In turns, so that a machine that grows busy does not do it to one of them alone.
    for _ in 0..plan.runs.max(1) {
        for (way, runs) in [(Way::Import, &mut import), (Way::Pickle, &mut unpickle)] {
            let (took, peak) = once(way, "warm", pickle, factory)?;
            runs.warm.push(took);
            runs.peak = runs.peak.max(peak);
        }
    }
    let (import, pickle) = (import.timing(), unpickle.timing());
    // The import is the simpler way, so a tie goes to it.
    let faster = if pickle.warm_seconds < import.warm_seconds {
        Way::Pickle
    } else {
        Way::Import
    };
    Ok(Compared {
        faster,
        import,
        pickle,
    })
}

impl Runs {
    fn timing(mut self) -> Timing {
        self.warm.sort();
        let median = self.warm.get(self.warm.len() / 2).copied();
        Timing {
            warm_seconds: median.unwrap_or_default().as_secs_f64(),
            cold_seconds: self.cold.map(|cold| cold.as_secs_f64()),
            peak_memory_bytes: self.peak,
        }
    }
}

/// One run: the time from the start of a process to a proven environment, and its peak memory.
fn once(
    way: Way,
    label: &str,
    pickle: &Verified,
    factory: &SessionFactory,
) -> Result<(Duration, Option<u64>), Failure> {
    let label = format!("measuring: {} ({label})", way.name());
    let _step = Step::begin(factory.observer.as_ref(), &label);
    let start = Instant::now();
    factory.open().and_then(|mut open| {
        match way {
            Way::Import => import(pickle, &mut open, factory.spec.import_timeout.get())
                .map_err(EnvError::into_failure)?,
            Way::Pickle => pickle
                .unpickle(&mut open, factory.spec.import_timeout.get())
                .map(|_env| ())
                .map_err(|error| pickle.unusable(error))?,
        }
        Ok((start.elapsed(), open.session.peak_resident_bytes()))
    })
}

/// Makes the pickle's environment without the pickle, and proves it by the same probes.
fn import(pickle: &Verified, open: &mut OpenSession, wait: Duration) -> Result<(), EnvError> {
    let sidecar = &pickle.sidecar;
    let split = checked_header(&sidecar.imports).map_err(EnvError::Refused)?;
    let mut env = open.environment(&split, wait)?;
    if let Some(prelude) = &sidecar.prelude {
        env = open.run(prelude, env, wait)?.env;
    }
    probe::check(open, env, &sidecar.probes, wait)
}

/// Drops the page cache of the machine; says whether it could. That it may not is no failure.
fn drop_page_cache(factory: &SessionFactory) -> bool {
    rustix::fs::sync();
    match fs::write(Path::new(DROP_CACHES), PAGES_AND_ENTRIES) {
        Ok(()) => true,
        Err(err) => {
            let text = format!(
                "no cold figures: the page cache may not be dropped here (`{DROP_CACHES}`: {err})"
            );
            factory.observer.tell(Event::Noted { text: &text });
            false
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_of_the_runs_counts() {
        let runs = Runs {
            warm: [9, 1, 2].map(Duration::from_secs).to_vec(),
            cold: Some(Duration::from_secs(30)),
            peak: Some(7),
        };
        let timing = runs.timing();
        assert_eq!(
            (timing.warm_seconds, timing.cold_seconds),
            (2.0, Some(30.0))
        );
    }
}
