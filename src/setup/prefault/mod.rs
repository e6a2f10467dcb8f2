//! Reads the compiled modules of an import ahead, so that Lean finds them in memory. Lean maps them
//! and touches a page here and a page there, one after the other: on a cold disk the import waits
//! for each. Never writes, never starts anything and never fails: what could not be read is reported.

mod closure;
pub(crate) mod search_path;
mod walk;
mod windows;

use std::fmt::Write as _;

use crate::event::{Event, Observer};
use crate::lean::header::Split;
use crate::lean::module_name::ModuleName;
use crate::limits::{Bytes, CancelFlag, Deadline};
use crate::machine;
use crate::process::launch::Launch;
use search_path::SearchPath;
use walk::Walk;

pub use closure::{Closure, Stopped};

/// The share of the memory that is free now, in percent, which read files may fill: the session
/// that imports them needs room of its own.
const MEMORY_PERCENT: u64 = 75;

/// The closure of what those modules import, without reading more of it than the imports.
pub fn closure(
    modules: &[ModuleName],
    path: &SearchPath,
    deadline: Deadline,
    interrupt: &CancelFlag,
) -> Closure {
    Walk::new(path.clone(), None).run(modules, deadline, interrupt, &mut |_read| ())
}

/// Reads the closure of what those modules import, at most `memory` of it.
pub fn read_ahead(
    modules: &[ModuleName],
    path: &SearchPath,
    memory: Bytes,
    deadline: Deadline,
    interrupt: &CancelFlag,
    advanced: &mut dyn FnMut(u64),
) -> Closure {
    Walk::new(path.clone(), Some(memory)).run(modules, deadline, interrupt, advanced)
}

/// Reads ahead what sources with those headers import in a child that is started so, and tells the
/// observer the result; none if nothing was read. To be called right before the import.
pub fn before_import(
    headers: &[Split],
    launch: &Launch,
    deadline: Deadline,
    observer: &dyn Observer,
    interrupt: &CancelFlag,
) -> Option<Closure> {
    let note = |text: &str| observer.tell(Event::Noted { text });
    let path = SearchPath::of(launch);
    if path.is_empty() {
        note("nothing is read ahead, since neither `LEAN_PATH` nor `LEAN_SYSROOT` is set");
        return None;
    }
    let Some(memory) = machine::memory() else {
        note("nothing is read ahead, since this system does not tell how much memory is free");
        return None;
    };
    let room = Bytes::new(memory.available.get() / 100 * MEMORY_PERCENT);
    observer.tell(Event::StepStarted {
        label: "reading compiled modules ahead",
        total_bytes: None,
    });
    let mut advanced = |done_bytes| observer.tell(Event::StepAdvanced { done_bytes });
    let closure = read_ahead(
        &imported(headers),
        &path,
        room,
        deadline,
        interrupt,
        &mut advanced,
    );
    observer.tell(Event::StepFinished);
    note(&summary(&closure));
    Some(closure)
}

/// The modules that sources with those headers import: `Init` too, unless they say `prelude`.
pub fn imported(headers: &[Split]) -> Vec<ModuleName> {
    let names = headers.iter().flat_map(|header| {
        let init = (!header.prelude).then_some("Init");
        let named = header.imports.iter().map(|import| import.module.as_str());
        init.into_iter().chain(named)
    });
    let mut modules: Vec<ModuleName> = names.filter_map(ModuleName::parse).collect();
    modules.sort();
    modules.dedup();
    modules
}

/// One sentence about what was read.
fn summary(closure: &Closure) -> String {
    let mut text = format!(
        "read {} of {} modules ahead in {:.1} s",
        Bytes::new(closure.read_bytes),
        closure.modules,
        closure.elapsed.as_secs_f64()
    );
    match closure.missing.as_slice() {
        [] => {}
        [one] => {
            let _written = write!(text, "; `{one}` is missing");
        }
        [first, rest @ ..] => {
            let more = rest.len();
            let _written = write!(text, "; `{first}` and {more} more are missing");
        }
    }
    text.push_str(match closure.stopped {
        None => "",
        Some(Stopped::Deadline) => "; the rest was left out because the time was over",
        Some(Stopped::Memory) => "; the rest was left out because it does not fit in free memory",
        Some(Stopped::Interrupted) => "; the rest was left out because of the interrupt",
    });
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lean::header;
    use crate::lean::olean::olean_file::OleanFile;
    use std::fs;
    use std::path::Path;
    use std::sync::Mutex;
    use std::time::Duration;

    /// A deadline that no test meets.
    fn later() -> Deadline {
        Deadline::after(Duration::from_secs(60))
    }

    fn modules(names: &[&str]) -> Vec<ModuleName> {
        let name = |name: &&str| ModuleName::parse(name).unwrap();
        names.iter().map(name).collect()
    }

    /// Writes the file of a module with those imports; says how long it is.
    fn write(folder: &Path, file: &str, imports: &[&str]) -> u64 {
        let bytes = OleanFile {
            imports: imports.iter().map(|&name| name.to_owned()).collect(),
            filling: 40_000,
            ..OleanFile::default()
        }
        .bytes();
        let path = folder.join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, &bytes).unwrap();
        u64::try_from(bytes.len()).unwrap()
    }

    /// A diamond with a tail, and one module that nothing imports; says how long all but that are.
    fn diamond(folder: &Path) -> u64 {
        write(folder, "P/Unused.olean", &["P.Top"]);
        write(folder, "P/Top.olean", &["P.Left", "P.Right"])
            + write(folder, "P/Left.olean", &["P.Bottom"])
            + write(folder, "P/Right.olean", &["P.Bottom", "P.Left"])
            + write(folder, "P/Bottom.olean", &[])
    }

    /// Reads ahead with that much memory.
    fn read(folder: &Path, names: &[&str], memory: u64) -> Closure {
        let path = SearchPath::new(vec![folder.to_owned()]);
        let memory = Bytes::new(memory);
        let interrupt = CancelFlag::default();
        read_ahead(
            &modules(names),
            &path,
            memory,
            later(),
            &interrupt,
            &mut |_| (),
        )
    }

    #[test]
    fn each_module_of_the_closure_is_read_once_and_no_other() {
        let dir = tempfile::tempdir().unwrap();
        let bytes = diamond(dir.path());
        let closure = read(dir.path(), &["P.Top", "P.Right"], u64::MAX);
        assert_eq!((closure.modules, closure.files), (4, 4));
        assert_eq!((closure.bytes, closure.read_bytes), (bytes, bytes));
        assert_eq!(closure.lean_versions, ["4.28.0"]);
        assert_eq!(closure.missing, []);
        assert_eq!(closure.stopped, None);
    }

    #[test]
    fn a_closure_without_reading_reads_only_the_imports() {
        let dir = tempfile::tempdir().unwrap();
        let bytes = diamond(dir.path());
        let path = SearchPath::new(vec![dir.path().to_owned()]);
        let closure = closure(&modules(&["P.Top"]), &path, later(), &CancelFlag::default());
        assert_eq!(
            (closure.modules, closure.bytes, closure.read_bytes),
            (4, bytes, 0)
        );
    }

    #[test]
    fn the_parts_that_lean_reads_belong_to_it_and_others_do_not() {
        let dir = tempfile::tempdir().unwrap();
        let mut bytes = write(dir.path(), "A.olean", &["B"]) + write(dir.path(), "B.olean", &[]);
        // `B` has a private part without the part before it, which Lean never opens.
        for name in ["A.olean.server", "A.olean.private", "A.ir"] {
            fs::write(dir.path().join(name), name).unwrap();
            bytes += u64::try_from(name.len()).unwrap();
        }
        for name in ["B.olean.private", "B.ilean", "A.trace"] {
            fs::write(dir.path().join(name), name).unwrap();
        }
        let closure = read(dir.path(), &["A"], u64::MAX);
        assert_eq!((closure.modules, closure.files), (2, 5));
        assert_eq!(closure.read_bytes, bytes);
    }

    #[test]
    fn a_missing_and_a_damaged_module_are_told_and_stop_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let bytes = write(dir.path(), "P/A.olean", &["P.Gone", "Q", "P.Broken", "P.B"])
            + write(dir.path(), "P/B.olean", &[]);
        fs::write(dir.path().join("P/Broken.olean"), "none").unwrap();
        let closure = read(dir.path(), &["P.A"], u64::MAX);
        assert_eq!(closure.missing, modules(&["P.Gone", "Q"]));
        assert_eq!((closure.modules, closure.unreadable), (3, 1));
        assert_eq!(closure.read_bytes, bytes + 4);
        assert_eq!(
            summary(&Closure {
                elapsed: Duration::ZERO,
                read_bytes: 2048,
                ..closure
            }),
            "read 2.0 KiB of 3 modules ahead in 0.0 s; `P.Gone` and 1 more are missing"
        );
    }

    #[test]
    fn no_more_is_read_than_fits_in_memory() {
        let dir = tempfile::tempdir().unwrap();
        let bytes = diamond(dir.path());
        let closure = read(dir.path(), &["P.Top"], bytes - 1);
        assert_eq!(closure.stopped, Some(Stopped::Memory));
        assert_eq!(closure.bytes, bytes);
        assert!(closure.read_bytes < bytes && closure.read_bytes > bytes / 2);
    }

    #[test]
    fn a_deadline_and_an_interrupt_end_it() {
        let dir = tempfile::tempdir().unwrap();
        diamond(dir.path());
        let path = SearchPath::new(vec![dir.path().to_owned()]);
        let top = modules(&["P.Top"]);
        let interrupt = CancelFlag::default();
        let over = Deadline::after(Duration::ZERO);
        let stopped = closure(&top, &path, over, &interrupt).stopped;
        assert_eq!(stopped, Some(Stopped::Deadline));
        interrupt.set();
        let stopped = closure(&top, &path, later(), &interrupt).stopped;
        assert_eq!(stopped, Some(Stopped::Interrupted));
    }

    #[test]
    fn a_pipe_in_the_place_of_a_module_holds_nobody_up() {
        let dir = tempfile::tempdir().unwrap();
        let pipe = dir.path().join("A.olean");
        let run = crate::process::run::Run::new("mkfifo").arg(&pipe);
        run.finish(&crate::event::Unobserved, &CancelFlag::default())
            .unwrap();
        assert_eq!(read(dir.path(), &["A"], u64::MAX).missing, modules(&["A"]));
    }

    /// Remembers notes and progress.
    #[derive(Default)]
    struct Heard(Mutex<Vec<String>>);

    impl Observer for Heard {
        fn tell(&self, event: Event<'_>) {
            let text = match event {
                Event::Noted { text } => text.split(" in ").next().unwrap().to_owned(),
                Event::StepStarted { label, .. } => label.to_owned(),
                _ => return,
            };
            self.0.lock().unwrap().push(text);
        }
    }

    #[test]
    fn what_a_header_imports_is_read_and_told_or_told_why_not() {
        let dir = tempfile::tempdir().unwrap();
        write(dir.path(), "Init.olean", &[]);
        write(dir.path(), "P.olean", &[]);
        let headers = [
            header::split("import P\n"),
            header::split("prelude\nimport P\n"),
        ];
        assert_eq!(imported(&headers), modules(&["Init", "P"]));
        assert_eq!(imported(&headers[1..]), modules(&["P"]));
        let heard = Heard::default();
        let launch = |path: &Path| Launch {
            vars: vec![("LEAN_PATH".into(), path.into())],
            ..Launch::new("repl")
        };
        let interrupt = CancelFlag::default();
        let before = |path| before_import(&headers, &launch(path), later(), &heard, &interrupt);
        assert_eq!(before(dir.path()).unwrap().modules, 2);
        assert!(before(Path::new("")).is_none());
        let [started, read, none] = heard.0.into_inner().unwrap().try_into().unwrap();
        assert_eq!(started, "reading compiled modules ahead");
        assert!(
            read.starts_with("read ") && read.ends_with(" of 2 modules ahead"),
            "{read}"
        );
        assert!(
            none.starts_with("nothing is read ahead, since neither"),
            "{none}"
        );
    }
}
