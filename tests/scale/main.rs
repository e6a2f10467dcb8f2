//! The scripts of `examples/scale`, run by the engines that they are for: shares on several workers find together what
//! one plain run finds. Sources are evaluated by a fake REPL.

#![expect(
    clippy::disallowed_methods,
    reason = "the engines are run without the code that runs programs"
)]
#![expect(clippy::unwrap_used, reason = "a broken set-up fails the test")]

#[path = "../clients/python.rs"]
mod python;
mod site;

use std::path::Path;
use std::process::Command;

use python::{python, run, script};
use site::{FILES, REPL, Site, example, verdicts};

/// Ray: a download of 80 MB.
const RAY: [&[&str]; 1] = [&["ray==2.60.0"]];

/// Dask with its scheduler: 6 MB.
const DASK: [&[&str]; 1] = [&["dask==2026.8.0", "distributed==2026.8.0"]];

/// The schemas of Kubernetes: 23 MB.
const KUBERNETES: [&[&str]; 1] = [&["kubernetes-validate==1.37.0"]];

/// Runs one of the scripts in Python twice with two workers: the second time nothing is evaluated.
fn check_engine(example_name: &str, python: &Path) {
    let site = Site::new();
    let evaluate = || {
        let mut command = site.command(python);
        command
            .arg(example(example_name))
            .args(["--local", "2", "--shards", "3", "--verdicts", "verdicts"])
            .args(["--eval-options", &format!("--repl {REPL}")])
            .args(site.files());
        let output = command.output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        // Some files are rejected.
        assert_eq!(output.status.code(), Some(1), "{stderr}");
        verdicts(&String::from_utf8(output.stdout).unwrap())
    };
    assert_eq!(evaluate(), site.plain());
    let asked = site.asked();
    assert_eq!(evaluate(), site.plain());
    // Only the plain run that it was compared with asked anything.
    assert_eq!(site.asked() - asked, site.asked_by_plain());
}

#[test]
#[ignore = "needs Python and PyPI; run cargo xtask test"]
fn ray_evaluates_shares_on_two_workers() {
    check_engine("ray_eval.py", &python("ray", &RAY));
}

#[test]
#[ignore = "needs Python and PyPI; run cargo xtask test"]
fn dask_evaluates_shares_on_two_workers() {
    check_engine("dask_eval.py", &python("dask", &DASK));
}

#[test]
#[ignore = "needs Python and PyPI; run cargo xtask test"]
fn the_job_is_one_that_kubernetes_takes_and_its_pods_evaluate_all_files() {
    let job = example("kubernetes-job.yaml");
    let python = python("kubernetes", &KUBERNETES);
    run(Command::new(python.with_file_name("kubernetes-validate"))
        .arg("--strict")
        .arg(&job));
    let read = run(Command::new(&python).arg(script("job.py")).arg(&job));
    let (shards, command) = read.split_once('\n').unwrap();
    let site = Site::new();
    for index in 0..shards.parse().unwrap() {
        let mut pod = site.command(Path::new("/bin/sh"));
        pod.args(["-c", command])
            .env("JOB_COMPLETION_INDEX", format!("{index}"))
            .env("SHARDS", shards)
            .env("EVAL_OPTIONS", format!("--repl {REPL}"))
            .env("FILES", site.path("files"))
            .env("VERDICTS", site.path("verdicts"));
        run(&mut pod);
    }
    assert_eq!(site.merged(), site.plain());
}

#[test]
#[ignore = "needs shellcheck, bash and Python; run cargo xtask test"]
fn a_slurm_array_evaluates_all_files_and_goes_on_where_it_was() {
    let script = example("slurm-array.sh");
    run(Command::new("shellcheck").arg(&script));
    let site = Site::new();
    site.add("files/late.lean", "--! once late.flag hang\n");
    let files = site.files().join("\n") + "\n";
    site.add("files.txt", &files);
    let submit = || {
        let mut sbatch = site.command(Path::new("sbatch"));
        sbatch
            .arg(&script)
            .args(["files.txt", "verdicts"])
            .env("EVAL_OPTIONS", format!("--repl {REPL} --timeout 2s"));
        sbatch.output().unwrap()
    };
    let first = submit();
    let said = String::from_utf8_lossy(&first.stderr).into_owned();
    assert_eq!(first.status.code(), Some(5), "{said}");
    assert!(said.contains("since `SLURM_ARRAY_TASK_ID` is 3"), "{said}");
    let asked = site.asked();
    // Only the file that was undecided is evaluated.
    let second = submit();
    let said = String::from_utf8_lossy(&second.stderr).into_owned();
    assert_eq!(second.status.code(), Some(0), "{said}");
    assert!(site.asked() - asked < asked, "{said}");
    let merged = site.merged();
    assert_eq!((merged.len(), &merged), (FILES + 1, &site.plain()));
}
