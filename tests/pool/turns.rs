//! Who waits, who runs, and what happens to those whose client goes away.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use leanrepl::internals::UndecidedReason;
use leanrepl::internals::evaluate::{Evaluate as _, SubmitError};
use leanrepl::internals::judge::Verdict;
use leanrepl::internals::{
    Bytes, Deadline, Isolation, PoolSettings, QueueLimits, RecycleReason, Wait,
};

use crate::alone::{alone, resident};
use crate::rig::{Rig, drain, job, run, start, submit, wait, wait_for};

#[test]
fn a_client_that_goes_away_leaves_the_queue_and_frees_its_session() {
    let rig = Rig::new("");
    let pool = rig.pool();
    let running = job("--! hang");
    let stop_running = running.terms.cancel.clone();
    let running = submit(&pool, running);
    wait("the text runs", || !rig.pids_of("hang").is_empty());
    let queued = job("#eval 1");
    queued.terms.cancel.set();
    assert!(matches!(
        submit(&pool, queued).get(),
        Err(SubmitError::Cancelled)
    ));
    let next = submit(&pool, job("#eval 2"));
    stop_running.set();
    assert!(matches!(running.get(), Err(SubmitError::Cancelled)));
    assert_eq!(next.get().unwrap().verdict, Verdict::Accepted);
    assert_eq!(pool.state().restarts.of(RecycleReason::Cancelled), 1);
    assert_eq!(rig.pids_of("hang").len(), 1);
    assert!(rig.pids_of("#eval 1").is_empty());
}

#[test]
fn patience_counts_the_wait_in_the_queue_and_the_run() {
    let rig = Rig::new("");
    let pool = rig.pool();
    let running = submit(&pool, {
        let mut job = job("--! hang");
        job.terms.client_deadline = Deadline::after(Duration::from_secs(3));
        job
    });
    wait("the text runs", || !rig.pids_of("hang").is_empty());
    let mut late = job("#eval 1");
    late.terms.client_deadline = Deadline::after(Duration::from_millis(50));
    assert!(matches!(
        submit(&pool, late).get(),
        Err(SubmitError::QueueTimeout { waited }) if waited >= Duration::from_millis(50)
    ));
    let answer = running.get().unwrap();
    assert_eq!(answer.reason, Some(UndecidedReason::Timeout));
    assert_eq!(answer.verdict, Verdict::Undecided);
}

#[test]
fn a_full_queue_refuses_with_a_time_to_come_back() {
    let rig = Rig::new("");
    let pool = start(PoolSettings {
        queue: QueueLimits {
            jobs: 2,
            bytes: Bytes::mib(1),
        },
        ..rig.settings()
    });
    let running = job("--! hang");
    let stop = running.terms.cancel.clone();
    let running = submit(&pool, running);
    wait("the text runs", || !rig.pids_of("hang").is_empty());
    let waiting = [submit(&pool, job("#eval 1")), submit(&pool, job("#eval 2"))];
    assert_eq!(pool.state().queued, 2);
    let Err(SubmitError::QueueFull { retry_after }) = submit(&pool, job("#eval 3")).get() else {
        panic!("not refused");
    };
    assert!(retry_after >= Duration::from_secs(1));
    stop.set();
    assert!(running.get().is_err());
    for answer in waiting {
        assert!(answer.get().is_ok());
    }
}

#[test]
fn clients_take_turns() {
    let rig = Rig::new("");
    // Where a session serves one client, it does so for more than one source.
    let pool = start(rig.settings_with(|spec| spec.isolation = Some(Isolation::None)));
    let running = job("--! hang");
    let stop = running.terms.cancel.clone();
    let running = submit(&pool, running);
    wait("the text runs", || !rig.pids_of("hang").is_empty());
    let mut answers = Vec::new();
    for (client, count) in [("greedy", 6), ("modest", 2)] {
        for index in 0..count {
            let mut job = job(&format!("#eval \"{client} {index}\""));
            job.terms.client = Arc::from(client);
            answers.push(submit(&pool, job));
        }
    }
    stop.set();
    assert!(running.get().is_err());
    for answer in answers {
        answer.get().unwrap();
    }
    let log = rig.log();
    let order: Vec<&str> = log
        .iter()
        .filter_map(|logged| logged.cmd().strip_prefix("#eval \""))
        .collect();
    let expected = [
        "greedy 0\"",
        "modest 0\"",
        "greedy 1\"",
        "modest 1\"",
        "greedy 2\"",
        "greedy 3\"",
        "greedy 4\"",
        "greedy 5\"",
    ];
    assert_eq!(order, expected);
}

#[test]
fn texts_go_to_a_session_that_holds_their_header() {
    let rig = Rig::new("");
    let pool = start(PoolSettings {
        sessions: 2,
        ..rig.settings()
    });
    wait_for(&pool, "both are ready", |state| state.sessions.idle == 2);
    let mut sessions = BTreeSet::new();
    for _ in 0..10 {
        for header in ["import Std", "import Mathlib"] {
            let answer = run(&pool, &format!("{header}\n#eval 1"));
            sessions.insert((header, answer.session));
        }
    }
    assert_eq!(sessions.len(), 2, "{sessions:?}");
    assert_eq!(rig.pids_of("import Std").len(), 1);
    assert_eq!(rig.pids_of("import Mathlib").len(), 1);
}

#[test]
fn no_text_runs_on_an_environment_that_another_text_made() {
    let rig = Rig::new("");
    let pool = rig.pool();
    for _ in 0..3 {
        run(&pool, "def plain := 1");
        run(&pool, "import Std\ndef std := 1");
        run(&pool, "import Mathlib\ndef mathlib := 1");
    }
    let log = rig.log();
    let envs = |part: &str| -> BTreeSet<u64> {
        let bodies = log.iter().filter(|logged| logged.cmd().contains(part));
        bodies
            .map(|logged| logged.request["env"].as_u64().unwrap())
            .collect()
    };
    let (plain, std, mathlib) = (envs("def plain"), envs("def std"), envs("def mathlib"));
    assert_eq!((plain.len(), std.len(), mathlib.len()), (1, 1, 1));
    assert!(std.is_disjoint(&mathlib) && plain.is_disjoint(&std));
    // Environments are numbered by the requests that made them, a reply of an error makes none.
    let commands = log
        .iter()
        .filter(|logged| logged.request["cmd"].is_string());
    let by_header: BTreeSet<u64> = (0..)
        .zip(commands)
        .filter(|(made, logged)| *made == 0 || logged.cmd().starts_with("import"))
        .map(|(made, _)| made)
        .collect();
    for env in plain.into_iter().chain(std).chain(mathlib) {
        assert!(by_header.contains(&env), "{env} was made by a text");
    }
}

#[test]
fn draining_lets_texts_finish_and_refuses_the_rest() {
    let rig = Rig::new("");
    let pool = rig.pool();
    let running = submit(&pool, job("--! slow 300\n#eval 1"));
    wait("the text runs", || !rig.pids_of("slow").is_empty());
    let queued = submit(&pool, job("#eval 2"));
    drain(&pool);
    rig.assert_nothing_runs();
    assert_eq!(running.get().unwrap().verdict, Verdict::Accepted);
    assert!(matches!(queued.get(), Err(SubmitError::ShuttingDown)));
    assert!(matches!(
        submit(&pool, job("#eval 3")).get(),
        Err(SubmitError::ShuttingDown)
    ));
    assert!(pool.state().is_draining);
}

#[test]
fn what_does_not_finish_within_the_grace_is_killed_with_its_whole_group() {
    let rig = Rig::new("");
    let pool = start(PoolSettings {
        sessions: 2,
        spares: 1,
        ..rig.settings()
    });
    let answers = [
        submit(&pool, job("--! spawn-hang")),
        submit(&pool, job("--! hang")),
    ];
    wait("both run", || rig.pids_of("hang").len() == 2);
    pool.drain(Wait::from(Duration::from_millis(50)));
    rig.assert_nothing_runs();
    for answer in answers {
        let answer = answer.get().unwrap();
        assert_eq!(answer.reason, Some(UndecidedReason::Cancelled));
        assert_eq!(answer.verdict, Verdict::Undecided);
    }
}

#[test]
fn a_pool_that_is_dropped_answers_all_and_leaves_nothing() {
    let rig = Rig::new("");
    let pool = rig.pool();
    let running = submit(&pool, job("--! hang"));
    wait("the text runs", || !rig.pids_of("hang").is_empty());
    let queued = submit(&pool, job("#eval 1"));
    drop(pool);
    rig.assert_nothing_runs();
    assert_eq!(
        running.get().unwrap().reason,
        Some(UndecidedReason::Cancelled)
    );
    assert!(matches!(queued.get(), Err(SubmitError::ShuttingDown)));
}

#[test]
fn ten_thousand_jobs_that_wait_cost_less_than_thirty_megabytes() {
    if !alone("turns::ten_thousand_jobs_that_wait_cost_less_than_thirty_megabytes") {
        return;
    }
    let rig = Rig::new("");
    let pool = rig.pool();
    let running = submit(&pool, job("--! hang"));
    wait("the text runs", || !rig.pids_of("hang").is_empty());
    let before = resident();
    let (sender, receiver) = std::sync::mpsc::channel();
    for index in 0..10_000 {
        let mut it = job(&format!(
            "import Mathlib\n#eval {index} -- {}",
            "x".repeat(200)
        ));
        it.terms.client = Arc::from(format!("client {}", index % 100));
        let sender = sender.clone();
        pool.submit(it, Box::new(move |answer| sender.send(answer).unwrap()));
    }
    drop(sender);
    let grown = resident().saturating_sub(before);
    assert_eq!(pool.state().queued, 10_000);
    assert!(grown < 30_000_000, "{grown} bytes");
    drop(pool);
    assert!(running.get().is_ok());
    assert_eq!(receiver.iter().count(), 10_000);
}
