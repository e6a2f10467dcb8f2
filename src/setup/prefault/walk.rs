//! The walk through the imports: threads that look at modules and read files. Never decides how much
//! memory is free.

use std::collections::{BTreeSet, HashSet, VecDeque};
use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Instant;

use crate::lean::module_name::ModuleName;
use crate::lean::olean;
use crate::limits::{Bytes, CancelFlag, Deadline, TICK};
use crate::setup::prefault::closure::{Closure, NAMED, Stopped};
use crate::setup::prefault::search_path::SearchPath;
use crate::setup::prefault::windows::Windows;

/// How many threads walk. They wait for the disk, not for a processor; more of them at once let it
/// or its network serve more at once.
const THREADS: usize = 16;

/// How much a thread reads before it looks whether to stop.
const CHUNK_BYTES: usize = 1024 * 1024;

/// A walk, shared with its threads. They are not waited for at a deadline, since a read from a dead
/// network disk may never come back.
#[derive(Clone)]
pub(crate) struct Walk(Arc<Shared>);

/// What the threads share.
struct Shared {
    path: SearchPath,
    /// How much may be read; nothing but the imports if absent.
    memory: Option<Bytes>,
    ends: AtomicBool,
    read_bytes: AtomicU64,
    /// What is to be done and what was found.
    state: Mutex<State>,
    /// Wakes threads that wait for more to do.
    changed: Condvar,
}

/// What is to be done and what was found.
#[derive(Default)]
struct State {
    met: HashSet<ModuleName>,
    modules: Vec<ModuleName>,
    /// Files to read, in the order in which they were met.
    files: VecDeque<PathBuf>,
    /// How many bytes these and the files that were read have.
    wanted_bytes: u64,
    busy: usize,
    done: bool,
    /// Modules without a file.
    missing: BTreeSet<ModuleName>,
    found: Closure,
}

/// One piece of work.
enum Job {
    /// Learn the imports of a module.
    Look(ModuleName),
    /// Read a file.
    Read(PathBuf),
}

/// What a look at a module finds.
struct Look {
    /// What it imports; none if the file does not tell.
    olean: Option<olean::Olean>,
    /// Its files with their lengths; none if it has none.
    files: Vec<(PathBuf, u64)>,
}

impl Walk {
    /// A walk that has not begun.
    pub(crate) fn new(path: SearchPath, memory: Option<Bytes>) -> Self {
        Self(Arc::new(Shared {
            path,
            memory,
            ends: AtomicBool::new(false),
            read_bytes: AtomicU64::new(0),
            state: Mutex::default(),
            changed: Condvar::new(),
        }))
    }

    /// Walks from those modules until nothing is left, or a limit is met. `advanced` hears now and
    /// then how many bytes were read.
    pub(crate) fn run(
        self,
        modules: &[ModuleName],
        deadline: Deadline,
        interrupt: &CancelFlag,
        advanced: &mut dyn FnMut(u64),
    ) -> Closure {
        let start = Instant::now();
        let over = || {
            let interrupted = interrupt.is_set().then_some(Stopped::Interrupted);
            interrupted.or_else(|| deadline.is_over().then_some(Stopped::Deadline))
        };
        let mut state = self.0.state();
        state.add(modules.iter().cloned());
        let mut stopped = over();
        if stopped.is_none() {
            self.start_threads();
        }
        while !state.done && stopped.is_none() {
            drop(state);
            advanced(self.0.read_bytes.load(Ordering::Relaxed));
            state = self.0.wait(self.0.state());
            stopped = over();
        }
        if !state.done {
            state.found.stopped = stopped;
        }
        self.0.ends.store(true, Ordering::Relaxed);
        self.0.changed.notify_all();
        Closure {
            elapsed: start.elapsed(),
            read_bytes: self.0.read_bytes.load(Ordering::Relaxed),
            missing: state.missing.iter().take(NAMED).cloned().collect(),
            ..state.found.clone()
        }
    }
}

impl Walk {
    fn start_threads(&self) {
        for _ in 0..THREADS {
            let shared = Arc::clone(&self.0);
            // Fewer threads do the same work; without any, the deadline ends the wait.
            let _thread = thread::Builder::new()
                .name("read-ahead".to_owned())
                .spawn(move || shared.work());
        }
    }
}

impl Shared {
    fn work(&self) {
        let mut buffer = Vec::new();
        while let Some(job) = self.next() {
            match job {
                Job::Look(module) => {
                    let look = self.look(&module);
                    self.looked(module, look);
                }
                Job::Read(path) => {
                    buffer.resize(CHUNK_BYTES, 0);
                    self.read(&path, &mut buffer);
                }
            }
            self.state().busy -= 1;
            self.changed.notify_all();
        }
    }

    /// The next thing to do; waits for it while others may still find some. Modules come first,
    /// since they lead to more.
    fn next(&self) -> Option<Job> {
        let mut state = self.state();
        loop {
            if self.ends.load(Ordering::Relaxed) {
                return None;
            }
            let module = state.modules.pop().map(Job::Look);
            let job = module.or_else(|| state.files.pop_front().map(Job::Read));
            if job.is_some() {
                state.busy += 1;
                return job;
            }
            if state.busy == 0 {
                state.done = true;
                self.changed.notify_all();
                return None;
            }
            state = self.wait(state);
        }
    }

    /// Learns what a module imports and which files it has.
    fn look(&self, module: &ModuleName) -> Look {
        let mut look = Look {
            olean: None,
            files: Vec::new(),
        };
        let Some(path) = self.path.file(module) else {
            return look;
        };
        let Some(bytes) = length(&path) else {
            return look;
        };
        look.olean =
            Windows::open(&path, bytes, &self.ends).and_then(|windows| olean::read(&windows).ok());
        look.files.push((path.clone(), bytes));
        // As `findOLeanParts` and `loadIR?` in Lean/Environment.lean: the second part only behind
        // the first; older toolchains write none of them.
        let beside = |ending: &str| {
            let mut path = path.clone().into_os_string();
            path.push(ending);
            let path = PathBuf::from(path);
            length(&path).map(|length| (path, length))
        };
        if let Some(server) = beside(".server") {
            look.files.push(server);
            look.files.extend(beside(".private"));
        }
        let code = path.with_extension("ir");
        look.files
            .extend(length(&code).map(|length| (code, length)));
        look
    }

    /// Takes note of what a look found.
    fn looked(&self, module: ModuleName, look: Look) {
        let mut state = self.state();
        if look.files.is_empty() {
            state.missing.insert(module);
            return;
        }
        state.found.modules += 1;
        match look.olean {
            Some(olean) => {
                state.found.add_version(olean.lean_version);
                state.add(olean.imports.into_iter().map(|import| import.module));
            }
            None => state.found.unreadable += 1,
        }
        for (path, length) in look.files {
            state.found.files += 1;
            state.found.bytes = state.found.bytes.saturating_add(length);
            let Some(memory) = self.memory else {
                continue;
            };
            let wanted = state.wanted_bytes.saturating_add(length);
            if wanted > memory.get() {
                state.found.stopped.get_or_insert(Stopped::Memory);
            } else {
                state.wanted_bytes = wanted;
                state.files.push_back(path);
            }
        }
    }

    /// Reads a whole file and forgets it; the system keeps it.
    fn read(&self, path: &Path, buffer: &mut [u8]) {
        let Ok(file) = File::open(path) else {
            return;
        };
        let mut at = 0;
        while !self.ends.load(Ordering::Relaxed) {
            match file.read_at(buffer, at) {
                Ok(0) | Err(_) => return,
                Ok(count) => {
                    let count = u64::try_from(count).unwrap_or_default();
                    at = at.saturating_add(count);
                    self.read_bytes.fetch_add(count, Ordering::Relaxed);
                }
            }
        }
    }

    /// The state; a thread's panic must not stop the others.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until something changes, at most a tick.
    fn wait<'a>(&self, state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        match self.changed.wait_timeout(state, TICK) {
            Ok((state, _)) => state,
            Err(poisoned) => poisoned.into_inner().0,
        }
    }
}

impl State {
    /// Adds modules that were not met before.
    fn add(&mut self, modules: impl Iterator<Item = ModuleName>) {
        for module in modules {
            if self.met.insert(module.clone()) {
                self.modules.push(module);
            }
        }
    }
}

/// The length of a file; none if it is no plain file.
fn length(path: &Path) -> Option<u64> {
    let metadata = fs::metadata(path).ok()?;
    metadata.is_file().then_some(metadata.len())
}
