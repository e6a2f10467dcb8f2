//! Processes that a text starts and that leave its session's group, by a double fork and `setsid`:
//! on a native REPL that is not confined they must not outlive the text either.

use std::fs;
use std::time::Duration;

use leanrepl::internals::UndecidedReason;
use leanrepl::internals::evaluate::SubmitError;
use leanrepl::internals::judge::Verdict;
use leanrepl::internals::{Bytes, PoolSettings, RecycleReason, SessionLimits};

use crate::rig::{Rig, drain, job, kill, run, start, submit, wait, wait_for};

/// The process that a session has inherited from one that has ended.
fn orphan_of(rig: &Rig, session: i32) -> Option<i32> {
    let mut processes = rig.processes().into_iter();
    processes.find(|pid| {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let fields = stat.rsplit_once(") ").map(|(_, after_name)| after_name);
        let mut fields = fields.unwrap_or_default().split(' ').skip(1);
        let (parent, leader) = (fields.next(), fields.nth(1));
        // The one in between has left neither the group nor the session.
        parent == Some(&session.to_string()) && leader == Some(&pid.to_string())
    })
}

#[test]
fn what_a_text_leaves_behind_ends_with_the_text() {
    let rig = Rig::new("");
    let pool = rig.pool();
    let first = run(&pool, "--! spawn-orphan 1000\n#eval 1");
    assert_eq!(first.verdict, Verdict::Accepted);
    assert_eq!(rig.processes(), rig.pids_of("spawn-orphan"));
    // The session has done no wrong.
    assert_eq!(run(&pool, "#eval 1").session, first.session);
    drain(&pool);
    rig.assert_nothing_runs();
}

#[test]
fn what_a_text_leaves_behind_ends_with_its_session_however_that_ends() {
    for end in ["hang", "die", "segv", "wrong-type", "flood-stdout endless"] {
        let rig = Rig::new("");
        let pool = rig.pool();
        let mut it = job(&format!(
            "--! spawn-orphan 1000\n--! spawn-orphan 1000\n--! {end}"
        ));
        it.run_timeout = Duration::from_secs(3);
        let answer = submit(&pool, it).get().unwrap();
        assert_eq!(answer.verdict, Verdict::Undecided, "{end}");
        let used = rig.pids_of("spawn-orphan");
        let next = run(&pool, "#eval 1");
        assert_eq!(next.verdict, Verdict::Accepted);
        // Whoever looks after the answer finds nothing of the sessions that are gone.
        let runs = rig.processes();
        assert!(runs.iter().all(|pid| !used.contains(pid)), "{end}");
        assert_eq!(runs, rig.pids_of("#eval 1"), "{end}");
    }
}

#[test]
fn what_a_killed_session_leaves_behind_is_found_while_others_of_its_kind_go_on() {
    let rig = Rig::new("");
    let pool = start(PoolSettings {
        sessions: 2,
        ..rig.settings()
    });
    let jobs = [1, 2].map(|number| job(&format!("--! spawn-orphan 1000\n--! hang\n-- {number}")));
    let cancels = [0, 1].map(|index| jobs[index].terms.cancel.clone());
    let answers = jobs.map(|job| submit(&pool, job));
    let sessions = || [1, 2].map(|number| rig.pids_of(&format!("-- {number}")).first().copied());
    let orphans = || sessions().map(|session| orphan_of(&rig, session?));
    wait("both have left one", || {
        orphans().iter().all(Option::is_some)
    });
    let [killed, _] = sessions().map(Option::unwrap);
    let [its_own, of_the_other] = orphans().map(Option::unwrap);
    // The text is tried again, so that there may be a third one soon.
    kill(killed);
    wait("its own is gone", || !rig.processes().contains(&its_own));
    assert!(rig.processes().contains(&of_the_other));
    for cancel in cancels {
        cancel.set();
    }
    for answer in answers {
        assert!(matches!(answer.get(), Err(SubmitError::Cancelled)));
    }
    drain(&pool);
    rig.assert_nothing_runs();
}

#[test]
fn memory_that_a_process_without_parents_holds_counts_for_its_session() {
    let rig = Rig::new("");
    let pool = start(rig.settings_with(|spec| {
        spec.limits = SessionLimits {
            memory: Some(Bytes::mib(60)),
            ..SessionLimits::default()
        };
    }));
    let answer = run(&pool, "--! spawn-orphan 100000000\n--! hang");
    assert_eq!(answer.reason, Some(UndecidedReason::Memory));
    assert!(answer.peak_memory > 60 << 20, "{}", answer.peak_memory);
    drain(&pool);
    rig.assert_nothing_runs();
}

#[test]
fn memory_that_is_shared_counts_for_its_session() {
    let rig = Rig::new("");
    let pool = start(rig.settings_with(|spec| {
        spec.limits = SessionLimits {
            memory: Some(Bytes::mib(60)),
            ..SessionLimits::default()
        };
    }));
    let answer = run(&pool, "--! try shared 100000000\n--! hang");
    assert_eq!(answer.reason, Some(UndecidedReason::Memory));
    drain(&pool);
    rig.assert_nothing_runs();
}

#[test]
fn a_session_in_which_a_text_goes_on_after_its_answer_is_replaced() {
    let rig = Rig::new("");
    let pool = rig.pool();
    let first = run(&pool, "--! spin\n#eval 1");
    assert_eq!(first.verdict, Verdict::Accepted);
    wait_for(&pool, "the session is replaced", |state| {
        state.restarts.of(RecycleReason::BusyIdle) == 1 && state.sessions.idle == 1
    });
    assert!(
        rig.pids_of("spin")
            .iter()
            .all(|pid| !rig.processes().contains(pid)),
        "it goes on"
    );
    let next = run(&pool, "--! error no");
    assert_eq!(next.verdict, Verdict::Rejected);
    assert_ne!(next.session, first.session);
    drain(&pool);
    rig.assert_nothing_runs();
}
