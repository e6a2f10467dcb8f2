//! Which environment a source starts from: worked out once for each header, and looked at again as files may
//! change.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::engine::cache::closure::Closure;
use crate::engine::cache::key::{Environment, KeyMaker};
use crate::engine::record::BaseKind;
use crate::env_vars;
use crate::lean::header::{self, Split};
use crate::lean::module_name::ModuleName;
use crate::session::base::BaseEnv;
use crate::session::spec::SessionSpec;
use crate::setup::prefault;
use crate::setup::prefault::search_path::SearchPath;

/// How long what the file system said of modules is taken as said now.
const FRESH: Duration = Duration::from_secs(1);

/// The most headers that are remembered; clients name them, so that they need a bound.
const MAX_HEADERS: usize = 256;

/// What a source starts from.
#[derive(Debug, Clone)]
pub(crate) struct Start {
    pub(crate) environment: Arc<Environment>,
    /// What its record has to say that it started from.
    pub(crate) base: BaseKind,
    /// Whether the modules are the same as when they were first looked at in this process, before any session
    /// imported them for a source: only then a session certainly has them as they are now.
    pub(crate) is_first: bool,
}

/// What is known of a header.
struct Known {
    closure: Closure,
    start: Start,
    looked: Instant,
}

/// The environments of the headers that sources have.
pub struct Environments {
    base: BaseEnv,
    /// Toolchain, REPL and manifest.
    identity: [String; 3],
    path: SearchPath,
    library: Option<PathBuf>,
    known: Mutex<HashMap<(String, bool), Known>>,
}

impl Environments {
    /// Those of sessions of that specification.
    pub fn new(spec: &SessionSpec) -> Self {
        let launch = &spec.lean.launch;
        let sysroot = launch.var(env_vars::LEAN_SYSROOT.name);
        let identity = &spec.lean.identity;
        let made = Self {
            base: spec.base.clone(),
            identity: [
                identity.toolchain.clone(),
                identity.repl.clone(),
                identity.manifest.clone().unwrap_or_default(),
            ],
            path: SearchPath::of(launch),
            library: sysroot.map(|root| PathBuf::from(root).join("lib/lean")),
            known: Mutex::default(),
        };
        // Sessions import these before any source asks for them.
        for header in &spec.preload {
            made.of(&header::split(header));
        }
        made
    }

    /// What a source with that header starts from; none if that cannot be worked out, and then its record is
    /// neither looked for nor kept.
    pub(crate) fn of(&self, split: &Split) -> Option<Start> {
        self.find(split, FRESH)
    }

    /// The same, if that is known and needs no look at a file.
    pub(crate) fn known(&self, split: &Split) -> Option<Start> {
        let pickle = self.base.serving(split).ok()?;
        let all = self.known.try_lock().ok()?;
        let known = all.get(&(split.canonical(), pickle.is_some()))?;
        (known.looked.elapsed() < FRESH || known.closure.has_no_files())
            .then(|| known.start.clone())
    }

    /// Whether the source has started from that: the files are looked at now.
    pub(crate) fn is_still(&self, split: &Split, start: &Start) -> bool {
        let now = self.find(split, Duration::ZERO);
        start.is_first
            && now.is_some_and(|now| now.is_first && now.environment == start.environment)
    }

    /// As [`Self::of`], where the files are looked at again after that time.
    fn find(&self, split: &Split, fresh: Duration) -> Option<Start> {
        // An import that is refused gives no record that could be kept.
        let pickle = self.base.serving(split).ok()?;
        let key = (split.canonical(), pickle.is_some());
        let mut all = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let mut before = all.get_mut(&key);
        if let Some(known) = &mut before
            && (known.looked.elapsed() < fresh || known.closure.is_unchanged())
        {
            known.looked = Instant::now();
            return Some(known.start.clone());
        }
        let is_first = before.is_none();
        if is_first && all.len() >= MAX_HEADERS {
            return None;
        }
        let looked = Instant::now();
        let roots = match pickle {
            Some(pickle) => names(&pickle.sidecar.imports)?,
            None => prefault::imported(std::slice::from_ref(split)),
        };
        let closure = Closure::of(roots, &self.path, self.library.as_deref()).ok()?;
        let pickle = pickle.map(|pickle| pickle.sidecar.pickle.sha256.as_str());
        let start = Start {
            environment: Arc::new(self.environment(&closure, split, pickle)),
            base: pickle.map_or(BaseKind::Import, |_| BaseKind::Pickle),
            is_first,
        };
        let known = Known {
            closure,
            start: start.clone(),
            looked,
        };
        all.insert(key, known);
        Some(start)
    }

    /// The environment with all that tells it from others.
    fn environment(&self, closure: &Closure, split: &Split, pickle: Option<&str>) -> Environment {
        let [toolchain, repl, manifest] = &self.identity;
        // How modules are imported is in the header, and so is their order.
        let header = split.canonical();
        let parts = [
            toolchain.as_str(),
            repl,
            manifest,
            pickle.unwrap_or_default(),
            &header,
            &closure.digest,
        ];
        let maker = parts
            .iter()
            .fold(KeyMaker::new(), |maker, part| maker.with(part.as_bytes()));
        Environment {
            digest: maker.key().to_string(),
            toolchain: toolchain.clone(),
            repl: repl.clone(),
            modules: Arc::clone(&closure.modules),
        }
    }
}

/// The names of modules; none if one is no name.
fn names(modules: &[String]) -> Option<Vec<ModuleName>> {
    modules.iter().map(|name| ModuleName::parse(name)).collect()
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;
    use crate::lean::olean::olean_file::OleanFile;
    use crate::process::launch::Launch;
    use crate::session::identity::{Identity, LeanRepl};

    /// Sessions that find modules in a folder.
    fn environments(folder: &Path, toolchain: &str) -> Environments {
        let mut launch = Launch::new("none");
        launch
            .vars
            .push((env_vars::LEAN_PATH.name.into(), folder.into()));
        Environments::new(&SessionSpec::new(LeanRepl {
            launch,
            identity: Identity {
                toolchain: toolchain.to_owned(),
                repl: "r".to_owned(),
                manifest: None,
            },
            expected_lean: None,
        }))
    }

    fn write(folder: &Path, filling: usize) {
        let file = OleanFile {
            filling,
            ..OleanFile::default()
        };
        fs::write(folder.join("Own.olean"), file.bytes()).unwrap();
    }

    #[test]
    fn what_was_imported_before_a_change_is_not_kept_after_it() {
        let dir = tempfile::tempdir().unwrap();
        write(dir.path(), 3);
        let known = environments(dir.path(), "t");
        let own = header::split("import Own\n");
        let other = header::split("import Init\n");
        let [first, untouched] = [&own, &other].map(|split| known.of(split).unwrap());
        assert!(first.is_first && known.is_still(&own, &first));
        write(dir.path(), 99);
        assert!(!known.is_still(&own, &first));
        // A session may hold the module as it was: what it finds is not kept under the new state either.
        let after = known.find(&own, Duration::ZERO).unwrap();
        assert_ne!(after.environment.digest, first.environment.digest);
        assert!(!after.is_first && !known.is_still(&own, &after));
        assert!(known.is_still(&other, &untouched));
        // A process that starts now imports it as it is.
        let later = environments(dir.path(), "t");
        let fresh = later.of(&own).unwrap();
        assert_eq!(fresh.environment, after.environment);
        assert!(fresh.is_first);
    }

    #[test]
    fn another_toolchain_or_another_way_to_import_is_another_environment() {
        let dir = tempfile::tempdir().unwrap();
        write(dir.path(), 3);
        let digest = |toolchain: &str, text: &str| {
            let known = environments(dir.path(), toolchain);
            let start = known.of(&header::split(text)).unwrap();
            start.environment.digest.clone()
        };
        let plain = digest("t", "import Own");
        assert_eq!(digest("t", "/- a comment -/ import Own"), plain);
        for (toolchain, text) in [
            ("other", "import Own"),
            ("t", "import Own\nimport Init"),
            ("t", "module\nimport Own"),
            ("t", "module\nimport all Own"),
        ] {
            assert_ne!(digest(toolchain, text), plain, "{text}");
        }
    }
}
