//! `cargo xtask test`: sets up what the tests need and runs all of them.

use std::path::Path;

use anyhow::Context;
use leanrepl::internals::{Kind, sandbox};

use crate::cargo;
use crate::chaos::{self, Level, Lie, Wrong};
use crate::conformance;
use crate::dist::{self, Profile};
use crate::docker;
use crate::lanes::{self, Job};
use crate::programs::answers;
use crate::sum::{Args, Sum};

/// Test targets whose ignored tests need core Lean or its Node, to be root, or clients from elsewhere: those
/// that take longest first, so that none is left to run alone at the end.
const CORE_TARGETS: &[&str] = &[
    "real_lean",
    "serve",
    "core_host",
    "core_repl",
    "core_bodies",
    "real_worker",
    "core_programs",
    "extract_core",
    "extract_lean",
    "cli",
    "extract_readers",
    "scale",
    "core_install",
    "real_oleans",
];

/// How the names of those unit tests begin that need a kernel that can confine sessions.
const SANDBOX_TESTS: &str = "process::sandbox::";

/// The same for the tests of `leanrepl serve`.
const CONFINED_TESTS: &str = "confined::";

/// The folder of the transcripts whose release core Lean's REPL keeps to.
const CONFORMANCE: &str = "v4.27.0/test";

/// Names the folder of the REPL's own transcripts, for the test that reads them.
const TRANSCRIPTS: &str = "LEANREPL_TRANSCRIPTS";

/// How many requests the run of chaos makes that is one of the tests.
const CHAOS_REQUESTS: u64 = 1500;

/// Its seed, always the same, so that a failure can be looked into.
const CHAOS_SEED: u64 = 4;

/// How many requests are made to REPLs that put their memory back before each source.
const RESTORED_REQUESTS: u64 = 500;

/// How many requests are made to REPLs that lie.
const LIES: u64 = 150;

/// How many requests are made without isolation: hostile sources are few among them.
const SHARED_REQUESTS: u64 = 450;

/// Runs all tests; tells whether all is well.
pub(crate) fn run(root: &Path, args: &Args) -> anyhow::Result<bool> {
    let mut sum = Sum::default();
    sum.begin("tests that need nothing but Rust");
    sum.add_run(root, &["--no-fail-fast"])?;
    if std::env::var_os(TRANSCRIPTS).is_some() {
        sum.begin("tests that need the REPL's own transcripts");
        sum.add_run(root, &["--test", "transcripts", "--", "--ignored"])?;
    }
    sum.begin("a new door in a copy of the sources");
    sum.add_run(root, &["--test", "toy_door", "--", "--ignored"])?;
    sum.begin("tests that need elan");
    if answers("elan") {
        let words = ["--no-fail-fast", "--test", "cli", "build_elan::"];
        sum.add_run(root, &[&words[..], &["--", "--ignored"]].concat())?;
    } else {
        let text = "elan (no elan; on Debian: apt-get install elan)";
        sum.absent.push(text.to_owned());
    }
    sum.begin("tests that need redis-server");
    if answers("redis-server") {
        let words = ["--no-fail-fast", "--test", "redis", "--", "--ignored"];
        sum.add_run(root, &words)?;
    } else {
        let text = "Redis (no redis-server; on Debian: apt-get install redis-server)";
        sum.absent.push(text.to_owned());
    }
    run_confined(root, &mut sum)?;
    run_chaos(root, &mut sum);
    run_on_core_and_docker(root, &mut sum)?;
    Ok(sum.finish(args))
}

/// Runs the tests on core Lean and those on a real Docker Engine where they are or can be installed, side by
/// side if the machine has room for that.
fn run_on_core_and_docker(root: &Path, sum: &mut Sum) -> anyhow::Result<()> {
    sum.begin("the static binary");
    let binary = dist::binary(root, Profile::Trial, &root.join("target/static"))?;
    let mut jobs = Vec::new();
    sum.begin("tests that need Docker");
    if let Some(reason) = docker::lack() {
        sum.absent.push(format!("Docker ({reason})"));
    } else {
        let binary = binary.canonicalize().context("the binary is lost")?;
        let mut job = Job::ignored("Docker", &["--test", "real_docker"], &[]);
        job.vars = vec![("LEANREPL_STATIC", binary.display().to_string())];
        jobs.push(job);
    }
    sum.begin("tests that need core Lean");
    let core = set_up_core(root)?;
    match &core {
        Core::Ready => jobs.extend(core_jobs(root, sum)?),
        Core::Unavailable(reason) => sum.absent.push(format!("core Lean ({reason})")),
        Core::Broken => sum.broken += 1,
    }
    let lanes = lanes::count();
    sum.begin(&format!(
        "tests that need core Lean or Docker, {lanes} at a time"
    ));
    lanes::run(root, jobs, lanes, sum)?;
    if let Some(folder) = std::env::var_os(TRANSCRIPTS).filter(|_| matches!(core, Core::Ready)) {
        sum.begin("core Lean against the REPL's own transcripts");
        sum.broken += usize::from(!conforms(root, Path::new(&folder))?);
    }
    Ok(())
}

/// The parts of the tests on core Lean.
fn core_jobs(root: &Path, sum: &mut Sum) -> anyhow::Result<Vec<Job>> {
    let declared = cargo::test_targets(root)?;
    let mut jobs = Vec::new();
    // What others had their turn with, if it can be run at all.
    let skipped = ["build_elan::", SANDBOX_TESTS, CONFINED_TESTS];
    for target in CORE_TARGETS {
        if declared.iter().any(|name| name == target) {
            jobs.push(Job::ignored(target, &["--test", target], &skipped));
        } else {
            let text = format!("{target} (Cargo.toml declares no such test target)");
            sum.absent.push(text);
        }
    }
    jobs.push(Job::ignored("unit tests", &["--lib"], &skipped));
    Ok(jobs)
}

/// Whether core Lean answers the transcripts of the release that its REPL keeps to, but for wording.
/// All of them do, so that the number cannot fall. They run in a copy, since they write files.
fn conforms(root: &Path, transcripts: &Path) -> anyhow::Result<bool> {
    let copy = root.join("target/conformance");
    if copy.exists() {
        std::fs::remove_dir_all(&copy).context("cannot clear the folder of transcripts")?;
    }
    std::fs::create_dir_all(copy.join("test")).context("cannot make a folder")?;
    let from = transcripts.join(CONFORMANCE);
    for entry in std::fs::read_dir(&from).with_context(|| format!("no {}", from.display()))? {
        let path = entry.context("cannot list the transcripts")?.path();
        if let Some(name) = path.file_name().filter(|_| path.is_file()) {
            std::fs::copy(&path, copy.join("test").join(name)).context("cannot copy")?;
        }
    }
    conformance::run(&conformance::Args::of_core(copy.join("test")))
}

/// Runs the tests of the sandbox where the kernel offers one; elsewhere they stay ignored.
fn run_confined(root: &Path, sum: &mut Sum) -> anyhow::Result<()> {
    sum.begin("tests that need a kernel that can confine sessions");
    let offer = sandbox::Offer::of_this_kernel();
    if !(offer.files && offer.calls) {
        println!("xtask: this one cannot");
        sum.cannot_confine = true;
        return Ok(());
    }
    for words in [
        &["--test", "sandbox", "--", "--ignored"][..],
        &["--test", "serve", "--", "--ignored", CONFINED_TESTS],
        &["--lib", "--", "--ignored", SANDBOX_TESTS],
    ] {
        sum.add_run(root, &[&["--no-fail-fast"], words].concat())?;
    }
    Ok(())
}

/// Short runs of chaos, and some on REPLs that lie or that share what sources leave: these have to be found out, for a check that cannot
/// fail is none.
fn run_chaos(root: &Path, sum: &mut Sum) {
    sum.begin("chaos");
    let args = chaos::Args {
        requests: CHAOS_REQUESTS,
        seed: Some(CHAOS_SEED),
        // These programs are there from the tests.
        debug: true,
        confined: false,
        isolation: Level::Client,
        lie: None,
    };
    let finds = |args: &chaos::Args, wanted: &dyn Fn(&[Wrong]) -> bool| {
        // A run that breaks off found nothing.
        chaos::run(root, args).map_or_else(
            |err| {
                println!("xtask: {err:#}");
                false
            },
            |wrongs| wanted(&wrongs),
        )
    };
    sum.add_check("a short run of chaos", finds(&args, &<[Wrong]>::is_empty));
    let restored = chaos::Args {
        requests: RESTORED_REQUESTS,
        isolation: Level::Source,
        ..args.clone()
    };
    sum.add_check(
        "a short run of chaos on REPLs that put their memory back",
        finds(&restored, &<[Wrong]>::is_empty),
    );
    let lies: [(Lie, u64, &[Wrong], &str); 3] = [
        (
            Lie::Opposite,
            LIES,
            &[Wrong::Untrue],
            "a lie about the verdict",
        ),
        (
            Lie::Foreign,
            LIES,
            &[Wrong::Foreign],
            "the reply to another text",
        ),
        (
            Lie::Shared,
            SHARED_REQUESTS,
            &[Wrong::Poisoned, Wrong::Stolen],
            "what hostile sources do to other clients without isolation",
        ),
    ];
    for (lie, requests, wanted, what) in lies {
        let args = chaos::Args {
            requests,
            lie: Some(lie),
            ..args.clone()
        };
        let found = finds(&args, &|wrongs| {
            wanted.iter().all(|wrong| wrongs.contains(wrong))
        });
        sum.add_check(&format!("chaos finds {what}"), found);
    }
}

/// Whether core Lean can be used.
enum Core {
    /// It is installed.
    Ready,
    /// This machine lacks something for it.
    Unavailable(String),
    /// leanrepl could not install it, though all is there.
    Broken,
}

/// Installs core Lean into the user's cache, as a user would.
fn set_up_core(root: &Path) -> anyhow::Result<Core> {
    if !answers("npm") {
        return Ok(Core::Unavailable(
            "no npm; install Node 18 or later with npm".to_owned(),
        ));
    }
    // By `cargo run`, as the README has it, so that one that fails for a user fails here.
    let status = dist::run_cargo(root, Profile::Trial, &["core", "install"])?;
    let remote = i32::from(Kind::Remote.exit_code());
    Ok(match status.code() {
        Some(0) => Core::Ready,
        Some(code) if code == remote => {
            Core::Unavailable("the package registry cannot be used, see above".to_owned())
        }
        _ => {
            println!("xtask: `leanrepl core install` ended with {status}");
            Core::Broken
        }
    })
}
