//! Sessions that serve one text in their life, whatever happens around it.

use std::collections::BTreeMap;
use std::time::Duration;

use leanrepl::internals::evaluate::SubmitError;
use leanrepl::internals::judge::Verdict;
use leanrepl::internals::{PoolSettings, RecycleReason, WearLimits};

use crate::rig::{Rig, drain, job, kill, run, start, submit, wait, wait_for};

/// What each text of these tests has in it besides its number.
const MARK: &str = "-- text ";

/// A pool whose sessions serve one text each.
fn settings(rig: &Rig, sessions: usize, spares: usize) -> PoolSettings {
    PoolSettings {
        sessions,
        spares,
        wear: WearLimits {
            single_use: true,
            ..WearLimits::default()
        },
        ..rig.settings()
    }
}

/// Fails the test if a process was given two texts; says how many processes each text was given to.
fn processes_by_text(rig: &Rig) -> BTreeMap<String, usize> {
    let mut texts: BTreeMap<i32, Vec<String>> = BTreeMap::new();
    for logged in rig.log() {
        if let Some((_, number)) = logged.cmd().split_once(MARK) {
            let number = number.lines().next().unwrap();
            texts.entry(logged.pid).or_default().push(number.to_owned());
        }
    }
    let mut counts = BTreeMap::new();
    for (pid, texts) in texts {
        assert_eq!(texts.len(), 1, "process {pid} was given {texts:?}");
        for text in texts {
            *counts.entry(text).or_default() += 1;
        }
    }
    counts
}

#[test]
fn no_process_is_given_two_texts_whatever_becomes_of_them() {
    // Each line, and how many processes may have been given it.
    let lines = [
        ("#eval 1", 1..=1),
        ("--! error no", 1..=1),
        ("import Mathlib\n#check Real", 1..=1),
        ("--! die", 2..=2),
        ("--! die-mid-reply", 1..=2),
        ("--! wrong-type", 1..=1),
        ("--! hang", 1..=1),
        ("--! slow 20", 0..=1),
    ];
    for (sessions, spares) in [(1, 0), (1, 1), (3, 2)] {
        let rig = Rig::new("");
        let pool = start(settings(&rig, sessions, spares));
        let answers: Vec<_> = (0..40)
            .map(|index| {
                let (line, _) = &lines[index % lines.len()];
                let mut it = job(&format!("{line}\n{MARK}{index}"));
                it.terms.client = format!("client {}", index % 3).into();
                if line.contains("hang") {
                    it.run_timeout = Duration::from_millis(100);
                }
                if line.contains("slow") {
                    it.terms.cancel.set();
                }
                submit(&pool, it)
            })
            .collect();
        for (index, answer) in answers.into_iter().enumerate() {
            match answer.get() {
                Ok(_) => {}
                Err(SubmitError::Cancelled) => {
                    assert!(lines[index % lines.len()].0.contains("slow"));
                }
                Err(refusal) => panic!("{refusal:?}"),
            }
        }
        let counts = processes_by_text(&rig);
        for index in 0..40 {
            let (line, expected) = &lines[index % lines.len()];
            let count = counts.get(&index.to_string()).copied().unwrap_or_default();
            assert!(expected.contains(&count), "`{line}` ran {count} times");
        }
        drain(&pool);
        rig.assert_nothing_runs();
    }
}

#[test]
fn a_used_session_is_not_used_again_even_if_no_other_can_start() {
    let rig = Rig::new("");
    let pool = start(settings(&rig, 2, 0));
    wait_for(&pool, "both are ready", |state| state.sessions.idle == 2);
    let slow = submit(&pool, job(&format!("--! slow 1000\n{MARK}0")));
    wait("it runs", || !rig.pids_of("slow").is_empty());
    // From here on no session comes up: the pool knows it before the slow text is done.
    rig.flags("--at-start die");
    let busy = rig.pids_of("slow");
    let other = rig.processes().into_iter().find(|pid| !busy.contains(pid));
    kill(other.unwrap());
    wait_for(&pool, "a start has failed", |state| {
        state.restarts.of(RecycleReason::Start) > 0
    });
    assert_eq!(slow.get().unwrap().verdict, Verdict::Accepted);
    let next = submit(&pool, job(&format!("#eval 1\n{MARK}1"))).get();
    assert!(matches!(next, Err(SubmitError::NoSession(_))), "{next:?}");
    rig.flags("");
    wait_for(&pool, "it recovers", |state| state.is_ready);
    run(&pool, &format!("#eval 1\n{MARK}2"));
    let counts = processes_by_text(&rig);
    assert_eq!(counts.len(), 2, "{counts:?}");
}
