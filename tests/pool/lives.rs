//! How sessions come, wear and go.

use std::collections::BTreeMap;
use std::time::Duration;

use leanrepl::internals::UndecidedReason;
use leanrepl::internals::evaluate::SubmitError;
use leanrepl::internals::judge::Verdict;
use leanrepl::internals::{Bytes, PoolSettings, RecycleReason, SessionLimits, WearLimits};

use crate::rig::{Logged, Rig, drain, job, kill, run, start, submit, wait, wait_for};

/// Wear limits that nothing reaches.
fn unworn() -> WearLimits {
    WearLimits {
        single_use: false,
        requests: None,
        memory: None,
        age: None,
        idle: None,
        headers: usize::MAX,
    }
}

#[test]
fn a_pool_is_ready_only_after_a_session_has_passed_its_probe() {
    let rig = Rig::new("--at-start hang");
    let pool = rig.pool();
    wait("a session starts", || !rig.processes().is_empty());
    let state = pool.state();
    assert!(!state.is_ready && state.failure.is_none() && state.lean_version.is_none());
    pool.drain(leanrepl::internals::Wait::secs(1));
    rig.assert_nothing_runs();

    let rig = Rig::new("");
    let pool = rig.pool();
    let state = wait_for(&pool, "the pool is ready", |state| state.is_ready);
    assert_eq!(state.lean_version.as_deref(), Some("4.27.0"));
    drain(&pool);
    assert!(!pool.state().is_ready);
    rig.assert_nothing_runs();
}

#[test]
fn a_text_gets_leans_verdict() {
    let rig = Rig::new("");
    let pool = rig.pool();
    let accepted = run(&pool, "#eval 1");
    assert_eq!(accepted.verdict, Verdict::Accepted);
    assert_eq!(accepted.record.messages.first().unwrap().data, "1");
    let rejected = run(&pool, "--! error no");
    assert_eq!(rejected.verdict, Verdict::Rejected);
    assert_eq!((accepted.reason, rejected.reason), (None, None));
    assert_eq!(accepted.session, rejected.session);
    assert!(rejected.peak_memory > 0);
}

#[test]
fn an_import_that_fails_is_undecided_and_costs_no_session() {
    let rig = Rig::new("");
    let pool = rig.pool();
    let answer = run(&pool, "import Nowhere\n#eval 1");
    assert_eq!(answer.verdict, Verdict::Undecided);
    assert_eq!(answer.reason, Some(UndecidedReason::Import));
    let next = run(&pool, "#eval 1");
    assert_eq!(next.session, answer.session);
}

#[test]
fn a_text_that_hangs_is_undecided_at_its_timeout_and_harms_no_other() {
    let rig = Rig::new("");
    let pool = rig.pool();
    let mut hanging = job("--! hang");
    hanging.run_timeout = Duration::from_millis(200);
    let answer = submit(&pool, hanging);
    let next = submit(&pool, job("#eval 1"));
    let answer = answer.get().unwrap();
    assert_eq!(answer.reason, Some(UndecidedReason::Timeout));
    // It was given no less than that before it was stopped.
    assert!(answer.record.times.body >= Duration::from_millis(200));
    let failure = answer.failure.unwrap();
    assert!(failure.problem().contains("did not answer within 200ms"));
    let next = next.get().unwrap();
    assert_eq!(next.verdict, Verdict::Accepted);
    assert_ne!(next.session, answer.session);
    assert_eq!(pool.state().restarts.of(RecycleReason::Timeout), 1);
    assert_eq!(rig.pids_of("hang").len(), 1, "it was tried again");
}

#[test]
fn a_text_that_kills_its_session_is_tried_once_more_and_then_undecided() {
    let rig = Rig::new("");
    let pool = rig.pool();
    let answer = submit(&pool, job("--! die 3"));
    let next = submit(&pool, job("#eval 1"));
    let answer = answer.get().unwrap();
    assert_eq!(answer.reason, Some(UndecidedReason::Crash));
    assert!(answer.failure.unwrap().problem().contains("died"));
    assert_eq!(rig.pids_of("die 3").len(), 2);
    assert_eq!(next.get().unwrap().verdict, Verdict::Accepted);
    assert_eq!(pool.state().restarts.of(RecycleReason::Died), 2);
}

#[test]
fn a_text_whose_answer_had_begun_is_not_tried_again() {
    let rig = Rig::new("");
    let pool = rig.pool();
    run(&pool, "#eval 1");
    let answer = run(&pool, "--! die-mid-reply");
    assert_eq!(answer.reason, Some(UndecidedReason::Crash));
    assert_eq!(rig.pids_of("die-mid-reply").len(), 1);
}

#[test]
fn a_session_killed_from_outside_costs_its_text_nothing() {
    let rig = Rig::new("");
    let pool = rig.pool();
    let answer = submit(&pool, job("--! slow 1000\n#eval 7"));
    wait("the text runs", || !rig.pids_of("slow").is_empty());
    kill(*rig.pids_of("slow").first().unwrap());
    let answer = answer.get().unwrap();
    assert_eq!(answer.verdict, Verdict::Accepted);
    assert_eq!(answer.record.messages.first().unwrap().data, "7");
    assert_eq!(rig.pids_of("slow").len(), 2);
}

#[test]
fn a_session_killed_beside_a_child_that_keeps_its_stdout_open_costs_its_text_nothing() {
    let rig = Rig::new("");
    let pool = rig.pool();
    let answer = submit(&pool, job("--! spawn-hang"));
    let killed = |count| {
        wait("the text runs beside its child", || {
            rig.pids_of("spawn").len() == count && rig.processes().len() == 2
        });
        kill(*rig.pids_of("spawn").last().unwrap());
    };
    killed(1);
    // The second session is the same text's, which knows nothing better than to hang again.
    killed(2);
    assert_eq!(answer.get().unwrap().verdict, Verdict::Undecided);
    assert_eq!(pool.state().restarts.of(RecycleReason::Died), 2);
    drain(&pool);
    rig.assert_nothing_runs();
}

#[test]
fn a_session_that_dies_idle_is_replaced_before_anybody_asks() {
    let rig = Rig::new("");
    let pool = rig.pool();
    let first = run(&pool, "#eval 1");
    kill(*rig.pids_of("#eval 1").first().unwrap());
    wait_for(&pool, "the death is seen", |state| {
        state.restarts.of(RecycleReason::Died) == 1 && state.sessions.idle == 1
    });
    let second = run(&pool, "#eval 2");
    assert_eq!(second.verdict, Verdict::Accepted);
    assert_ne!(first.session, second.session);
}

#[test]
fn a_text_is_given_to_no_session_that_is_dead_already() {
    let rig = Rig::new("");
    let pool = start(PoolSettings {
        sessions: 4,
        ..rig.settings()
    });
    wait_for(&pool, "all are ready", |state| state.sessions.idle == 4);
    let dead = rig.processes();
    for pid in &dead {
        kill(*pid);
    }
    // One that is killed may take a moment to end.
    wait("all have ended", || {
        let state = |pid| std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        dead.iter()
            .all(|pid| !state(pid).contains(") ") || state(pid).contains(") Z "))
    });
    let answer = run(&pool, "#eval 7");
    assert_eq!(answer.verdict, Verdict::Accepted);
    assert_eq!(answer.reason, None);
    let state = wait_for(&pool, "all are replaced", |state| state.sessions.idle == 4);
    assert_eq!(state.restarts.of(RecycleReason::Died), 4);
    assert_eq!(state.retried, 0, "a dead session was given the text");
}

#[test]
fn a_spare_takes_the_place_of_a_worn_session_at_once() {
    let rig = Rig::new("");
    let pool = start(PoolSettings {
        spares: 1,
        wear: WearLimits {
            requests: Some(3),
            ..unworn()
        },
        ..rig.settings()
    });
    wait_for(&pool, "the spare is ready", |state| {
        (state.sessions.idle, state.sessions.spare) == (1, 1)
    });
    // No other session can come up any more: only the spare can be what answers next.
    rig.flags("--at-start hang");
    let sessions: Vec<u64> = (0..5).map(|_| run(&pool, "#eval 1").session).collect();
    let (worn, spare) = sessions.split_at(3);
    assert!(worn.iter().all(|session| Some(session) == worn.first()));
    assert!(spare.iter().all(|session| Some(session) == spare.first()));
    assert_ne!(worn.first(), spare.first());
    assert_eq!(pool.state().restarts.of(RecycleReason::Requests), 1);
}

#[test]
fn without_a_spare_a_worn_session_is_replaced_when_nobody_waits() {
    let rig = Rig::new("");
    let pool = start(PoolSettings {
        wear: WearLimits {
            requests: Some(3),
            ..unworn()
        },
        ..rig.settings()
    });
    let all: Vec<_> = (0..30).map(|_| submit(&pool, job("#eval 1"))).collect();
    let mut texts: BTreeMap<u64, u64> = BTreeMap::new();
    for answer in all {
        *texts.entry(answer.get().unwrap().session).or_default() += 1;
    }
    // All waited at once, so that there was no quiet moment before the fifth and last.
    let counts: Vec<u64> = texts.into_values().collect();
    assert_eq!(counts, [6, 6, 6, 6, 6]);
    let first = run(&pool, "#eval 1").session;
    run(&pool, "#eval 1");
    run(&pool, "#eval 1");
    wait_for(&pool, "it is replaced in the quiet", |state| {
        state.restarts.of(RecycleReason::Requests) == 6 && state.sessions.idle == 1
    });
    assert_ne!(run(&pool, "#eval 1").session, first);
}

#[test]
fn a_session_that_grows_is_replaced_between_texts() {
    let rig = Rig::new("");
    let pool = start(PoolSettings {
        wear: WearLimits {
            memory: Some(Bytes::mib(40)),
            ..unworn()
        },
        ..rig.settings()
    });
    let first = run(&pool, "--! leak 60000000");
    assert_eq!(first.verdict, Verdict::Accepted);
    wait_for(&pool, "it is replaced", |state| {
        state.restarts.of(RecycleReason::Memory) == 1 && state.sessions.idle == 1
    });
    let state = pool.state();
    assert!(state.resident_bytes < 40 << 20, "{}", state.resident_bytes);
    assert_ne!(run(&pool, "#eval 1").session, first.session);
}

#[test]
fn a_text_that_takes_too_much_memory_is_undecided_for_that_reason() {
    let rig = Rig::new("");
    let pool = start(rig.settings_with(|spec| {
        spec.limits = SessionLimits {
            memory: Some(Bytes::mib(60)),
            reply: Bytes::mib(1),
        };
    }));
    let answer = run(&pool, "--! grow 200000000");
    assert_eq!(answer.reason, Some(UndecidedReason::Memory));
    assert!(answer.peak_memory > 60 << 20);
    let answer = run(&pool, "--! flood-stdout endless");
    assert_eq!(answer.reason, Some(UndecidedReason::ReplyTooLarge));
    let answer = run(&pool, "--! wrong-type");
    assert_eq!(answer.reason, Some(UndecidedReason::ProtocolError));
    assert_eq!(run(&pool, "#eval 1").reason, None);
}

#[test]
fn a_session_goes_at_its_age_and_one_that_is_not_used_goes_back_to_new() {
    for (reason, wear) in [
        (
            RecycleReason::Age,
            WearLimits {
                age: Some(Duration::from_millis(300)),
                ..unworn()
            },
        ),
        (
            RecycleReason::Idle,
            WearLimits {
                idle: Some(Duration::from_millis(300)),
                ..unworn()
            },
        ),
        (
            RecycleReason::Headers,
            WearLimits {
                headers: 1,
                ..unworn()
            },
        ),
    ] {
        let rig = Rig::new("");
        let pool = start(PoolSettings {
            wear,
            ..rig.settings()
        });
        let first = run(&pool, "import Std\n#eval 1").session;
        wait_for(&pool, "it is replaced", |state| {
            state.restarts.of(reason) >= 1 && state.sessions.idle == 1
        });
        assert_ne!(run(&pool, "#eval 1").session, first);
    }
}

#[test]
fn a_pool_that_cannot_start_says_why_and_recovers_by_itself() {
    let rig = Rig::new("--at-start die");
    let pool = rig.pool();
    let waiting = submit(&pool, job("#eval 1"));
    let Err(SubmitError::NoSession(failure)) = waiting.get() else {
        panic!("not refused");
    };
    assert!(
        failure
            .problem()
            .contains("did not start up as a Lean REPL")
    );
    assert!(failure.causes().iter().any(|cause| cause.contains("died")));
    let state = pool.state();
    assert!(!state.is_ready && state.failure.is_some());
    assert!(matches!(
        submit(&pool, job("#eval 1")).get(),
        Err(SubmitError::NoSession(_))
    ));
    rig.flags("");
    let state = wait_for(&pool, "it recovers", |state| state.is_ready);
    assert!(state.failure.is_none() && state.restarts.of(RecycleReason::Start) > 0);
    assert_eq!(run(&pool, "#eval 1").verdict, Verdict::Accepted);
}

#[test]
fn a_header_of_the_settings_is_there_before_the_pool_is_ready() {
    let rig = Rig::new("");
    let pool = start(rig.settings_with(|spec| spec.preload = vec!["import Mathlib\n".into()]));
    wait_for(&pool, "the pool is ready", |state| state.is_ready);
    assert_eq!(rig.pids_of("import Mathlib").len(), 1);
    let before = rig.log().len();
    run(&pool, "-- note\nimport Mathlib\n#check Real");
    let log = rig.log();
    let sent: Vec<&str> = log.iter().skip(before).map(Logged::cmd).collect();
    assert!(
        !sent.iter().any(|cmd| cmd.contains("import Mathlib")),
        "{sent:?}"
    );

    let rig = Rig::new("");
    let pool = start(rig.settings_with(|spec| spec.preload = vec!["import Nowhere".into()]));
    let state = wait_for(&pool, "it fails", |state| state.failure.is_some());
    assert!(!state.is_ready);
}

#[test]
fn a_new_session_knows_the_header_that_was_asked_for_last() {
    let rig = Rig::new("");
    let pool = start(PoolSettings {
        warm_recent: 1,
        ..rig.settings()
    });
    run(&pool, "import Std\n#eval 1");
    run(&pool, "import Mathlib\n#eval 1");
    kill(*rig.pids_of("#eval 1").first().unwrap());
    wait_for(&pool, "it is replaced", |state| {
        state.restarts.of(RecycleReason::Died) == 1 && state.sessions.idle == 1
    });
    assert_eq!(rig.pids_of("import Mathlib").len(), 2);
    assert_eq!(rig.pids_of("import Std").len(), 1);
}
