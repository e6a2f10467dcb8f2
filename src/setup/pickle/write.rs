//! From imports to a published pickle: made in one process, proven in a fresh one, and only then put
//! in its place. Never overwrites a pickle with one that was not proven.

use std::error::Error;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::data_dir::DataDir;
use crate::digest;
use crate::event::{Event, Step};
use crate::failure::{Failure, Kind};
use crate::lean::message::{EnvId, Extra};
use crate::limits::Deadline;
use crate::protocol::wire::{PickleEnvironment, Request};
use crate::session::factory::SessionFactory;
use crate::session::opening::{EnvError, OpenSession, has_errors, texts};
use crate::session::pickle::imports::checked_header;
use crate::session::pickle::load;
use crate::session::pickle::place::{Place, Workshop};
use crate::session::pickle::prelude::Prelude;
use crate::session::pickle::probe;
use crate::session::pickle::sidecar::{Cost, PickleFile, Sidecar, VERSION};

/// What is to be pickled, and where to.
#[derive(Debug, Clone)]
pub(crate) struct Order {
    /// The modules to import, in their order.
    pub(crate) imports: Vec<String>,
    /// The commands to run after the imports.
    pub(crate) prelude: Option<Prelude>,
    /// The user's own probes, besides those that are found.
    pub(crate) probes: Vec<String>,
    /// Where the pickle and its sidecar go.
    pub(crate) place: Place,
}

/// What the first process did.
struct Made {
    lean_version: String,
    /// What has to hold in the environment.
    probes: Vec<String>,
    import: Duration,
    /// The most memory that it held.
    peak: Option<u64>,
}

/// Makes, proves and publishes a pickle, and gives its sidecar.
///
/// # Errors
/// Imports that fail, a prelude that Lean objects to, a probe that fails, a REPL that dies, a disk
/// that is full, the interrupt. What was at the place before is then still there.
pub(crate) fn run(
    order: &Order,
    factory: &SessionFactory,
    cache: &DataDir,
) -> Result<Sidecar, Failure> {
    let observer = factory.observer.as_ref();
    let wait = factory.spec.import_timeout.get();
    // Another process may go through all of its steps before it is our turn.
    let patience = Deadline::after(wait.saturating_mul(4));
    let lock = order
        .place
        .lock(cache, patience, observer, &factory.cancel)?;
    let workshop = order.place.workshop(&lock)?;
    let job = Job {
        order,
        factory,
        workshop: &workshop,
        wait,
    };
    let made = job.make()?;
    let (sha256, bytes) = digest::of_file(&workshop.pickle()).map_err(|err| {
        job.not_written(
            "the REPL says that it pickled, but there is no file",
            Some(err.into()),
        )
    })?;
    let (unpickle, peak) = job.prove(&made)?;
    let sidecar = Sidecar {
        version: VERSION,
        toolchain: factory.spec.lean.identity.toolchain.clone(),
        repl: factory.spec.lean.identity.repl.clone(),
        lean_version: made.lean_version,
        manifest: factory.spec.lean.identity.manifest.clone(),
        imports: order.imports.clone(),
        prelude: order
            .prelude
            .as_ref()
            .map(|prelude| prelude.text().to_owned()),
        probes: made.probes,
        pickle: PickleFile { sha256, bytes },
        made: Cost {
            import_seconds: made.import.as_secs_f64(),
            unpickle_seconds: unpickle.as_secs_f64(),
            peak_memory_bytes: made.peak.max(peak),
        },
        compared: None,
    };
    workshop.publish(&sidecar.to_json()?)?;
    Ok(sidecar)
}

/// One run, with what its steps need.
struct Job<'a> {
    order: &'a Order,
    factory: &'a SessionFactory,
    workshop: &'a Workshop,
    /// The longest wait for each request.
    wait: Duration,
}

impl Job<'_> {
    /// Imports, probes, runs the prelude, probes again and pickles, all in one process.
    fn make(&self) -> Result<Made, Failure> {
        let order = self.order;
        let split = checked_header(&order.imports)?;
        let _step = Step::begin(
            self.factory.observer.as_ref(),
            &format!("importing {}", order.imports.join(", ")),
        );
        let mut factory = self.factory.clone();
        let writes = &mut Arc::make_mut(&mut factory.spec).lean.launch.writes;
        writes.push(self.workshop.dir().to_owned());
        let mut open = factory.open()?;
        let start = Instant::now();
        let env = open
            .environment(&split, self.wait)
            .map_err(EnvError::into_failure)?;
        let import = start.elapsed();
        let probes = self.probes(&mut open, env)?;
        let env = match &order.prelude {
            Some(prelude) => self.run_prelude(&mut open, env, prelude, &probes)?,
            None => env,
        };
        self.pickle(&mut open, env)?;
        Ok(Made {
            lean_version: open.lean_version.clone(),
            probes,
            import,
            peak: open.session.peak_resident_bytes(),
        })
    }

    /// What has to hold in the environment; all of it holds now.
    fn probes(&self, open: &mut OpenSession, env: EnvId) -> Result<Vec<String>, Failure> {
        let imports = &self.order.imports;
        let (mut probes, unknown) =
            probe::find(open, env, imports, self.wait).map_err(EnvError::into_failure)?;
        if !unknown.is_empty() && self.order.probes.is_empty() {
            let text = format!(
                "no constant of {} could be found, so that only `Nat` is looked for after an unpickle; name one with `--probe '#check NAME'`",
                unknown.join(", ")
            );
            self.factory.observer.tell(Event::Noted { text: &text });
        }
        probes.extend(self.order.probes.iter().cloned());
        probe::check(open, env, &probes, self.wait).map_err(EnvError::into_failure)?;
        Ok(probes)
    }

    /// Runs the prelude, which must go through without an error and leave the probes true.
    fn run_prelude(
        &self,
        open: &mut OpenSession,
        env: EnvId,
        prelude: &Prelude,
        probes: &[String],
    ) -> Result<EnvId, Failure> {
        let reply = open
            .run(prelude.text(), env, self.wait)
            .map_err(EnvError::into_failure)?;
        if has_errors(&reply.messages) {
            return Err(Failure::new(
                Kind::Build,
                "Lean objects to the prelude",
                "fix the file named with `--prelude`; it is run right after the imports",
            )
            .caused_by(texts(&reply.messages)));
        }
        probe::check(open, reply.env, probes, self.wait).map_err(EnvError::into_failure)?;
        Ok(reply.env)
    }

    fn pickle(&self, open: &mut OpenSession, env: EnvId) -> Result<(), Failure> {
        let path = self.workshop.pickle();
        let request = Request::PickleEnvironment(PickleEnvironment {
            pickle_to: path.to_string_lossy().into_owned(),
            env,
            extra: Extra::default(),
        });
        match open.ask_for_environment(&request, self.wait) {
            Ok(_env) if is_some_file(&path) => Ok(()),
            Ok(_env) => {
                let problem = "the REPL says that it pickled, but it wrote nothing";
                Err(self.not_written(problem, None))
            }
            Err(trouble) => {
                let failure = trouble.into_failure();
                if failure.kind() == Kind::Interrupted {
                    return Err(failure);
                }
                Err(self.not_written("the REPL could not write the pickle", Some(failure.into())))
            }
        }
    }

    /// Loads the new pickle in a process that has seen nothing of its making, and probes it.
    fn prove(&self, made: &Made) -> Result<(Duration, Option<u64>), Failure> {
        let _step = Step::begin(
            self.factory.observer.as_ref(),
            "checking the pickle in a fresh process",
        );
        let path = self.workshop.pickle();
        let mut factory = self.factory.clone();
        let spec = Arc::make_mut(&mut factory.spec);
        spec.lean.launch.reads.push(path.clone());
        let mut open = factory.open()?;
        let loaded = load::unpickle(&mut open, &path, &made.probes, self.wait);
        let (_env, took) = loaded.map_err(|trouble| {
            let cause = trouble.into_failure();
            if cause.kind() == Kind::Interrupted {
                return cause;
            }
            Failure::new(
                Kind::Build,
                "a fresh process could not use the new pickle, so it was thrown away",
                "run again with `-v` to see the requests, or go without a pickle: imports work",
            )
            .caused_by(cause)
        })?;
        Ok((took, open.session.peak_resident_bytes()))
    }

    /// A pickle that did not come about; a full disk is called that.
    fn not_written(&self, problem: &str, cause: Option<Box<dyn Error + Send + Sync>>) -> Failure {
        let failure = if self.order.place.disk_is_full() {
            self.order.place.full()
        } else {
            Failure::new(
                Kind::Build,
                problem,
                "run again with `-v` to see the requests, or name another place with `--output FILE`",
            )
        };
        match cause {
            Some(cause) => failure.caused_by(cause),
            None => failure,
        }
    }
}

/// Whether there is a file with something in it.
fn is_some_file(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|file| file.is_file() && file.len() > 0)
}
