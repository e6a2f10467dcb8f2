//! Builds that go wrong: nothing is left of them, and nothing has a name.

use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::rig::{LABEL, Rig, Seen, Source, debian, docker, left_over, try_docker};
use crate::server;

/// Whether an image of that name is there.
fn is_there(name: &str) -> bool {
    try_docker(&["image", "inspect", name]).code == Some(0)
}

/// Presses Ctrl-C.
fn interrupt(child: &Child) {
    let pid = Pid::from_raw(child.id().try_into().unwrap()).unwrap();
    kill_process(pid, Signal::INT).unwrap();
}

#[test]
#[ignore = "needs Docker and core Lean; run cargo xtask test"]
fn a_server_that_lies_or_dies_gets_no_name() {
    let mut rig = Rig::new();
    let bases = [
        (
            server::lying(&mut rig),
            "did not report a false text as rejected",
        ),
        (
            server::dying(&mut rig),
            "ended with exit code 9 before it was ready",
        ),
    ];
    for (base, problem) in bases {
        let name = rig.name();
        let seen = rig.build(&["--kind", "core", "--base", &base, "--tag", &name]);
        assert_eq!(seen.code, Some(4), "{seen:?}");
        assert!(seen.stderr.contains(problem), "{seen:?}");
        assert!(seen.stderr.contains("docker image rm sha256:"), "{seen:?}");
        assert!(!is_there(&name));
        assert_eq!(left_over(), "");
    }
}

#[test]
#[ignore = "needs Docker and core Lean; run cargo xtask test"]
fn ctrl_c_leaves_no_container_and_no_name() {
    let mut rig = Rig::new();
    // The step that tries Lean does not end.
    let dockerfile = format!(
        "FROM {}\nENV PATH=/usr/local/sbin:/usr/local/bin:/usr/bin:/bin\nCOPY leanrepl /usr/local/sbin/leanrepl\n",
        debian("bookworm")
    );
    let files = [(
        "leanrepl",
        Source::Script("#!/bin/sh\necho waiting\nsleep 1000\n"),
    )];
    let base = rig.image(&dockerfile, &files);
    let name = rig.name();
    let before = docker(&["ps", "--all", "--quiet"]);
    let mut command = rig.command(&["--kind", "core", "--base", &base, "--tag", &name]);
    let child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // Until the step runs; what ends earlier fails below.
    let deadline = Instant::now() + Duration::from_secs(120);
    while docker(&["ps", "--quiet"]).is_empty() && Instant::now() < deadline {
        std::thread::yield_now();
    }
    interrupt(&child);
    let seen = Seen::of(child.wait_with_output().unwrap());
    assert_eq!(seen.code, Some(130), "{seen:?}");
    let deadline = Instant::now() + Duration::from_secs(60);
    while docker(&["ps", "--all", "--quiet"]) != before && Instant::now() < deadline {
        std::thread::yield_now();
    }
    assert_eq!(docker(&["ps", "--all", "--quiet"]), before);
    assert!(!is_there(&name));
}

#[test]
#[ignore = "needs Docker and core Lean; run cargo xtask test"]
fn a_trial_that_does_not_end_is_cut_short_by_its_deadline_and_by_ctrl_c() {
    let mut rig = Rig::new();
    let (base, name) = (server::sleeping(&mut rig), rig.name());
    let args = ["--kind", "core", "--base", &base, "--tag", &name];
    let seen = rig.build(&[&args[..], &["--ready-timeout", "2s"]].concat());
    assert_eq!(seen.code, Some(4), "{seen:?}");
    assert!(seen.stderr.contains("was not ready within 2s"), "{seen:?}");
    assert_eq!(left_over(), "");
    let mut command = rig.command(&args);
    let child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let deadline = Instant::now() + Duration::from_secs(120);
    let runs = || docker(&["ps", "--quiet", "--filter", &format!("label={LABEL}=smoke")]);
    while runs().is_empty() && Instant::now() < deadline {
        std::thread::yield_now();
    }
    interrupt(&child);
    let seen = Seen::of(child.wait_with_output().unwrap());
    assert_eq!(seen.code, Some(130), "{seen:?}");
    assert_eq!(left_over(), "");
    assert!(!is_there(&name));
}

#[test]
#[ignore = "needs Docker; run cargo xtask test"]
fn a_base_without_a_project_and_one_that_does_not_exist_are_told_apart() {
    let mut rig = Rig::new();
    let (base, name) = (debian("bookworm"), rig.name());
    let args = |base: &str| -> Seen {
        rig.build(&[
            "--kind",
            "lean",
            "--base",
            base,
            "--runtime-base",
            &debian("bookworm"),
            "--tag",
            &name,
        ])
    };
    let seen = args(&base);
    assert_eq!(seen.code, Some(4), "{seen:?}");
    assert!(
        seen.stderr
            .contains("RUN leanrepl build --project /project"),
        "{seen:?}"
    );
    assert!(seen.stderr.contains("`/project`"), "{seen:?}");
    let seen = args("localhost:1/no/such:base");
    assert_eq!(seen.code, Some(6), "{seen:?}");
    assert!(
        seen.stderr.contains("the base `localhost:1/no/such:base`"),
        "{seen:?}"
    );
    assert!(!is_there(&name));
    assert_eq!(left_over(), "");
}
