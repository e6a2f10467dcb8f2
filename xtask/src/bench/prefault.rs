//! `cargo xtask bench prefault`: an import on a cold disk, with and without reading ahead. What
//! imports is a stand-in that maps and touches files as Lean does, on modules made for the purpose;
//! it is not Lean, and computes nothing.

#[path = "../../../tests/olean_file.rs"]
mod olean_file;

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use leanrepl::internals::prefault::{SearchPath, closure, read_ahead};
use leanrepl::internals::{Bytes, CancelFlag, Deadline, module_name::ModuleName};

use crate::bench::prefault::olean_file::OleanFile;
use crate::bench::program::command;
use crate::bench::sample::Sample;

/// What stands in for the import.
const SCRIPT: &str = include_str!("import_stand_in.py");

/// Bytes of a module: the mean of Mathlib's.
const MODULE_BYTES: u64 = 700_000;

/// Modules that can be imported at the same depth.
const WIDTH: usize = 24;

/// Modules of the depth below that each one imports.
const FAN_OUT: usize = 4;

/// The longest that one round may take.
const ROUND: Duration = Duration::from_secs(1800);

/// A tree of modules, removed at the end.
struct Tree {
    /// Where it is.
    folder: PathBuf,
    /// The files in the order in which they are imported.
    files: Vec<PathBuf>,
}

/// The times of one round, in seconds.
#[derive(Default)]
struct Times {
    /// The import alone, cold.
    alone: Sample,
    /// The reading ahead, cold.
    ahead: Sample,
    /// The import after it.
    after: Sample,
    /// Both together.
    both: Sample,
    /// The import once more, with all in memory.
    warm: Sample,
}

/// Runs the benchmark and prints its table.
///
/// # Errors
/// A disk without room, or no Python.
pub(crate) fn run(root: &Path, bytes: u64, rounds: usize) -> Result<()> {
    if let Err(err) = drop_page_cache() {
        println!("skipped: bench prefault (the page cache cannot be dropped here: {err:#})");
        return Ok(());
    }
    let tree = Tree::make(&root.join("target/bench-prefault"), bytes)?;
    let top = ModuleName::parse("Top").context("no name")?;
    let path = SearchPath::new(vec![tree.folder.clone()]);
    let interrupt = CancelFlag::default();
    let mut times = Times::default();
    for _ in 0..rounds {
        drop_page_cache()?;
        times.alone.push(tree.import()?);
        drop_page_cache()?;
        let names = [top.clone()];
        let deadline = Deadline::after(ROUND);
        let room = Bytes::new(u64::MAX);
        let found = read_ahead(&names, &path, room, deadline, &interrupt, &mut |_| ());
        if found.files != tree.files.len() || found.read_bytes != found.bytes {
            bail!("not all was read ahead: {found:?}");
        }
        let after = tree.import()?;
        times.ahead.push(found.elapsed);
        times.after.push(after);
        times.both.push(found.elapsed + after);
        times.warm.push(tree.import()?);
    }
    let found = closure(&[top], &path, Deadline::after(ROUND), &interrupt);
    println!(
        "{} modules, {}, {rounds} rounds in turn, medians; the system reads {} ahead by itself\n",
        found.modules,
        Bytes::new(found.bytes),
        kernel_read_ahead(&tree.folder),
    );
    times.print();
    Ok(())
}

impl Tree {
    /// Writes a tree of about that many bytes.
    fn make(folder: &Path, bytes: u64) -> Result<Self> {
        let _old = fs::remove_dir_all(folder);
        let count = usize::try_from(bytes / MODULE_BYTES)?.next_multiple_of(WIDTH);
        let name = |number: usize| format!("Level{}.M{}", number / WIDTH, number % WIDTH);
        let file = |name: &str| folder.join(name.replace('.', "/")).with_extension("olean");
        let mut names: Vec<String> = (0..count).map(name).collect();
        let mut modules: Vec<(String, Vec<String>)> = Vec::new();
        for number in 0..count {
            let below = (number / WIDTH).checked_sub(1).map(|level| level * WIDTH);
            let import = |step: usize| below.map(|start| name(start + (number + step * 7) % WIDTH));
            modules.push((name(number), (0..FAN_OUT).filter_map(import).collect()));
        }
        let last = names.len().saturating_sub(WIDTH);
        modules.push((
            "Top".to_owned(),
            names.get(last..).unwrap_or_default().into(),
        ));
        names.push("Top".to_owned());
        let tree = Self {
            folder: folder.to_owned(),
            files: names.iter().map(|name| file(name)).collect(),
        };
        // Not in the order of the import, so that the disk is not laid out for it.
        let stride = 1009;
        for index in 0..modules.len() {
            let index = index * stride % modules.len();
            let (name, imports) = modules.get(index).context("no module")?;
            write(&file(name), imports)?;
        }
        if let Some(missing) = tree.files.iter().find(|path| !path.is_file()) {
            bail!("`{}` was not written", missing.display());
        }
        Ok(tree)
    }

    /// Lets the stand-in import it.
    fn import(&self) -> Result<Duration> {
        let mut child = command("python3")
            .args(["-c", SCRIPT])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("cannot run python3")?;
        let mut stdin = child.stdin.take().context("no stdin")?;
        for file in &self.files {
            writeln!(stdin, "{}", file.display())?;
        }
        drop(stdin);
        let output = child.wait_with_output()?;
        let text = String::from_utf8_lossy(&output.stdout);
        Ok(Duration::from_secs_f64(text.trim().parse()?))
    }
}

impl Drop for Tree {
    fn drop(&mut self) {
        if let Err(err) = fs::remove_dir_all(&self.folder) {
            println!("`{}` is left behind: {err}", self.folder.display());
        }
    }
}

/// Writes the file of one module.
fn write(path: &Path, imports: &[String]) -> Result<()> {
    let file = OleanFile {
        imports: imports.to_vec(),
        filling: usize::try_from(MODULE_BYTES)?,
        ..OleanFile::default()
    };
    fs::create_dir_all(path.parent().context("no folder")?)?;
    fs::write(path, file.bytes()).with_context(|| format!("cannot write `{}`", path.display()))
}

/// Writes to the disk what is not there yet, and makes the system forget what it keeps of files.
fn drop_page_cache() -> Result<()> {
    let synced = command("sync").status()?;
    if !synced.success() {
        bail!("`sync` failed");
    }
    fs::write("/proc/sys/vm/drop_caches", "1\n").context("`/proc/sys/vm/drop_caches`")
}

/// How much the system reads ahead by itself on the disk of that folder.
fn kernel_read_ahead(folder: &Path) -> String {
    use std::os::unix::fs::MetadataExt;
    let kib = fs::metadata(folder).ok().and_then(|metadata| {
        let device = metadata.dev();
        let (major, minor) = (device >> 8, device & 0xff);
        fs::read_to_string(format!("/sys/dev/block/{major}:{minor}/bdi/read_ahead_kb")).ok()
    });
    kib.map_or("an unknown amount".to_owned(), |kib| {
        format!("{} KiB", kib.trim())
    })
}

impl Times {
    /// Prints the table: medians, with the fastest and the slowest.
    fn print(&self) {
        println!("| what | median | from | to |");
        println!("|---|---|---|---|");
        for (what, sample) in [
            ("import alone, cold", &self.alone),
            ("reading ahead, cold", &self.ahead),
            ("import after it", &self.after),
            ("both together", &self.both),
            ("import with all in memory", &self.warm),
        ] {
            let seconds = |permille| sample.quantile(permille).as_secs_f64();
            let (middle, least, most) = (seconds(500), seconds(0), seconds(1000));
            println!("| {what} | {middle:.2} s | {least:.2} s | {most:.2} s |");
        }
        let gain = self.alone.p50().as_secs_f64() / self.both.p50().as_secs_f64();
        println!("\nan import with reading ahead takes 1/{gain:.2} of the time of one without");
    }
}
