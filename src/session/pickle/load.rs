//! From a file to a proven environment. A pickle is loaded only if its sidecar fits the REPL and the
//! file, and its environment is used only once its probes have passed. Never writes.

use std::fs;
use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::digest;
use crate::failure::{Failure, Kind};
use crate::lean::message::{EnvId, Extra};
use crate::protocol::wire::{Request, UnpickleEnvironment};
use crate::session::error::SessionError;
use crate::session::identity::Identity;
use crate::session::opening::{EnvError, OpenSession};
use crate::session::pickle::place::Place;
use crate::session::pickle::probe;
use crate::session::pickle::sidecar::Sidecar;

/// What to do about a pickle that does not fit.
const AGAIN: &str = "make it anew with `leanrepl pickle`, or go without it with `--base import`";

/// A pickle whose sidecar fits both the file and the REPL.
#[derive(Debug, Clone, PartialEq)]
pub struct Verified {
    /// Where it is.
    pub place: Place,
    /// What it is.
    pub sidecar: Sidecar,
}

/// The pickle at a place, if there is one and it is for this REPL.
///
/// # Errors
/// A pickle that does not fit, with the first difference.
pub fn verify(place: &Place, identity: &Identity) -> Result<Option<Verified>, Failure> {
    let path = place.sidecar();
    let misfit = |why: String| {
        let problem = format!(
            "the pickle `{}` cannot be used: {why}",
            place.pickle().display()
        );
        Failure::new(Kind::Build, problem, AGAIN)
    };
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(err) if err.kind() == io::ErrorKind::NotFound && !place.pickle().exists() => {
            return Ok(None);
        }
        Err(err) => {
            let why = format!("its sidecar `{}` cannot be read", path.display());
            return Err(misfit(why).caused_by(err));
        }
    };
    let sidecar = Sidecar::from_json(&text).map_err(|err| {
        misfit(format!("its sidecar `{}` is not one", path.display())).caused_by(err)
    })?;
    if let Some((what, made_with, now)) = sidecar.difference(identity) {
        let why = format!("it was made with another {what} (`{made_with}`, and now it is `{now}`)");
        return Err(misfit(why));
    }
    let (sha256, bytes) = digest::of_file(place.pickle())
        .map_err(|err| misfit("the file cannot be read".to_owned()).caused_by(err))?;
    if (&sha256, bytes) != (&sidecar.pickle.sha256, sidecar.pickle.bytes) {
        let expected = sidecar.pickle.bytes;
        let why = format!(
            "it is not the file that its sidecar was written for ({bytes} bytes, expected {expected}, digest {})",
            if sha256 == sidecar.pickle.sha256 {
                "equal"
            } else {
                "different"
            }
        );
        return Err(misfit(why));
    }
    Ok(Some(Verified {
        place: place.clone(),
        sidecar,
    }))
}

/// Why a pickle does not load into a session.
#[derive(Debug)]
pub(crate) enum UnpickleError {
    /// The session runs another Lean than the pickle was made with.
    OtherLean(Failure),
    /// The session failed, or a probe did.
    Load(EnvError),
}

impl Verified {
    /// Loads it into a session and proves its environment, once for each session.
    ///
    /// # Errors
    /// A session that runs another Lean or dies of it, or a probe that fails.
    pub(crate) fn unpickle(
        &self,
        open: &mut OpenSession,
        wait: Duration,
    ) -> Result<EnvId, UnpickleError> {
        if let Some(env) = open.pickled {
            return Ok(env);
        }
        if open.lean_version != self.sidecar.lean_version {
            return Err(UnpickleError::OtherLean(Failure::new(
                Kind::Build,
                format!(
                    "the pickle `{}` was made with Lean {}, but the REPL runs Lean {}",
                    self.place.pickle().display(),
                    self.sidecar.lean_version,
                    open.lean_version
                ),
                AGAIN,
            )));
        }
        let loaded = unpickle(open, self.place.pickle(), &self.sidecar.probes, wait);
        let (env, _took) = loaded.map_err(UnpickleError::Load)?;
        open.pickled = Some(env);
        Ok(env)
    }

    /// The failure for a pickle that fits by its sidecar and does not load.
    pub(crate) fn unusable(&self, error: UnpickleError) -> Failure {
        let cause = match error {
            UnpickleError::OtherLean(failure) => return failure,
            UnpickleError::Load(EnvError::Session(SessionError::Interrupted)) => {
                return SessionError::Interrupted.into_failure();
            }
            UnpickleError::Load(error) => error.into_failure(),
        };
        let problem = format!(
            "the pickle `{}` cannot be loaded",
            self.place.pickle().display()
        );
        Failure::new(Kind::Build, problem, AGAIN).caused_by(cause)
    }
}

/// Loads a pickle and runs the probes; the time is that of the loading alone.
pub(crate) fn unpickle(
    open: &mut OpenSession,
    pickle: &Path,
    probes: &[String],
    wait: Duration,
) -> Result<(EnvId, Duration), EnvError> {
    let start = Instant::now();
    // Up to REPL v4.29 an unpickle runs with whatever flag the command before left: an import turns
    // `initialize`d extensions off when it is done, a command on an environment turns them on
    // (`enableInitializersExecution` in REPL/Frontend.lean), and without them the first tactic that
    // looks into one kills the process. An open session has imported `Init`, so a command on that
    // is all it takes. Later REPLs need none; a few milliseconds for all are cheaper than a table
    // of versions that can be wrong.
    let base = open.base();
    open.run("example : True := trivial", base, wait)?;
    let env = open.ask_for_environment(
        &Request::UnpickleEnvironment(UnpickleEnvironment {
            unpickle_env_from: pickle.to_string_lossy().into_owned(),
            extra: Extra::default(),
        }),
        wait,
    )?;
    let took = start.elapsed();
    probe::check(open, env, probes, wait)?;
    Ok((env, took))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::pickle::sidecar::tests::sidecar;

    /// A pickle with a sidecar that fits, changed by `change`.
    fn verified(change: impl FnOnce(&mut Sidecar, &Place)) -> Result<Option<Verified>, Failure> {
        let dir = tempfile::tempdir().unwrap();
        let place = Place::at(&dir.path().join("x.olean")).unwrap();
        fs::write(place.pickle(), "pickle").unwrap();
        let (sha256, bytes) = digest::of_file(place.pickle()).unwrap();
        let mut sidecar = sidecar();
        let identity = Identity {
            toolchain: sidecar.toolchain.clone(),
            repl: sidecar.repl.clone(),
            manifest: sidecar.manifest.clone(),
        };
        sidecar.pickle.sha256 = sha256;
        sidecar.pickle.bytes = bytes;
        fs::write(place.sidecar(), sidecar.to_json().unwrap()).unwrap();
        let before = sidecar.clone();
        change(&mut sidecar, &place);
        if sidecar != before {
            fs::write(place.sidecar(), sidecar.to_json().unwrap()).unwrap();
        }
        verify(&place, &identity)
    }

    #[test]
    fn a_pickle_is_used_only_if_all_fits() {
        assert!(verified(|_, _| {}).unwrap().is_some());
        for (change, complaint) in [
            (
                (|sidecar, _| "stable".clone_into(&mut sidecar.toolchain))
                    as fn(&mut Sidecar, &Place),
                "another toolchain (`stable`",
            ),
            (
                |sidecar, _| sidecar.manifest = None,
                "another `lake-manifest.json` (`none`",
            ),
            (|sidecar, _| sidecar.version = 99, "is not one"),
            (
                |_, place| fs::write(place.sidecar(), "{").unwrap(),
                "is not one",
            ),
            (
                |_, place| fs::write(place.pickle(), "pick").unwrap(),
                "4 bytes, expected 6",
            ),
            (
                |_, place| fs::write(place.pickle(), "PICKLE").unwrap(),
                "digest different",
            ),
            (
                |_, place| fs::remove_file(place.pickle()).unwrap(),
                "the file cannot be read",
            ),
            (
                |_, place| fs::remove_file(place.sidecar()).unwrap(),
                "cannot be read",
            ),
        ] {
            let failure = verified(change).unwrap_err();
            assert!(
                failure.problem().contains(complaint),
                "{complaint}: {failure}"
            );
            assert_eq!(failure.kind(), Kind::Build);
        }
    }

    #[test]
    fn where_there_is_no_pickle_there_is_none() {
        let none = verified(|_, place| {
            fs::remove_file(place.pickle()).unwrap();
            fs::remove_file(place.sidecar()).unwrap();
        });
        assert_eq!(none.unwrap(), None);
    }
}
