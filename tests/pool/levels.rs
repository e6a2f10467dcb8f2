//! What sources share: nothing, what their own client left, or everything.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use leanrepl::internals::evaluate::SubmitError;
use leanrepl::internals::request::EvalRequest;
use leanrepl::internals::{Deadline, Isolation, Lease, PoolSettings, RecycleReason};

use crate::rig::{PATIENCE, Pending, Rig, callback, drain, job, run, start, submit, wait_for};

/// A source of a client, by whose name it is found in the log.
fn source(client: &str, line: &str) -> EvalRequest {
    let mut it = job(&format!("{line}\n-- of {client}"));
    it.terms.client = Arc::from(client);
    it
}

/// A pool whose sessions hold a level that is asked for.
fn settings(rig: &Rig, level: Option<Isolation>, sessions: usize, spares: usize) -> PoolSettings {
    PoolSettings {
        sessions,
        spares,
        ..rig.settings_with(|spec| spec.isolation = level)
    }
}

/// The clients whose sources each process was given, one for each source.
fn clients_by_process(rig: &Rig) -> BTreeMap<i32, Vec<String>> {
    let mut clients: BTreeMap<i32, Vec<String>> = BTreeMap::new();
    for logged in rig.log() {
        if let Some((_, client)) = logged.cmd().split_once("-- of ") {
            let client = client.lines().next().unwrap().to_owned();
            clients.entry(logged.pid).or_default().push(client);
        }
    }
    clients
}

#[test]
fn each_record_and_the_pool_name_the_level_that_holds() {
    for (asked, level) in [
        (None, Isolation::Client),
        (Some(Isolation::Client), Isolation::Client),
        (Some(Isolation::None), Isolation::None),
        (Some(Isolation::Source), Isolation::Source),
    ] {
        let rig = Rig::new("");
        let pool = start(settings(&rig, asked, 1, 0));
        for line in ["#eval 1", "--! error no", "import Nope"] {
            let answer = run(&pool, line);
            assert_eq!(answer.record.isolation, Some(level), "{line} {asked:?}");
        }
        assert_eq!(pool.state().isolation, Some(level));
    }
}

#[test]
fn no_process_runs_sources_of_two_clients_whatever_becomes_of_them() {
    for (sessions, spares) in [(1, 0), (1, 1), (2, 1)] {
        let rig = Rig::new("");
        let pool = start(settings(&rig, None, sessions, spares));
        let lines = [
            "#eval 1",
            "--! die",
            "import Mathlib\n#check Real",
            "--! error no",
        ];
        let answers: Vec<_> = (0..36)
            .map(|index| {
                let client = ["a", "b", "c"][index % 3];
                submit(&pool, source(client, lines[index % lines.len()]))
            })
            .collect();
        for answer in answers {
            answer.get().unwrap();
        }
        for (pid, clients) in clients_by_process(&rig) {
            let different: BTreeSet<&String> = clients.iter().collect();
            assert_eq!(different.len(), 1, "process {pid} was given {clients:?}");
        }
        drain(&pool);
        rig.assert_nothing_runs();
    }
}

#[test]
fn a_client_alone_keeps_its_process_and_another_one_gets_its_own() {
    let rig = Rig::new("");
    let pool = start(settings(&rig, None, 1, 0));
    let run = |client| {
        let answer = submit(&pool, source(client, "#eval 1")).get();
        answer.unwrap().session
    };
    let first: BTreeSet<u64> = (0..5).map(|_| run("a")).collect();
    let second: BTreeSet<u64> = (0..5).map(|_| run("b")).collect();
    assert_eq!((first.len(), second.len()), (1, 1));
    assert!(first.is_disjoint(&second));
    assert_eq!(pool.state().restarts.of(RecycleReason::Client), 1);
}

#[test]
fn a_process_for_each_source_is_what_a_session_without_restore_gives() {
    let rig = Rig::new("");
    let pool = start(settings(&rig, Some(Isolation::Source), 1, 1));
    for _ in 0..4 {
        submit(&pool, source("a", "#eval 1")).get().unwrap();
    }
    let given = clients_by_process(&rig);
    assert_eq!(given.len(), 4, "{given:?}");
}

#[test]
fn with_no_isolation_one_process_runs_the_sources_of_all() {
    let rig = Rig::new("");
    let pool = start(settings(&rig, Some(Isolation::None), 1, 0));
    for client in ["a", "b", "a"] {
        submit(&pool, source(client, "#eval 1")).get().unwrap();
    }
    let given = clients_by_process(&rig);
    assert_eq!(given.into_values().collect::<Vec<_>>(), [["a", "b", "a"]]);
}

#[test]
fn a_leased_session_serves_no_one_before_and_after_at_each_level() {
    for level in [None, Some(Isolation::Client), Some(Isolation::Source)] {
        for spares in [0, 1] {
            let rig = Rig::new("");
            let pool = start(settings(&rig, level, 1, spares));
            let lease = || -> Pending<Result<Lease, SubmitError>> {
                let (done, pending) = callback();
                pool.lease(Arc::from("a"), Deadline::after(PATIENCE), done);
                pending
            };
            let session = |client| {
                submit(&pool, source(client, "#eval 1"))
                    .get()
                    .unwrap()
                    .session
            };
            let before = [session("b"), session("a")];
            let held = lease().get().unwrap();
            let number = held.session();
            drop(held);
            let after = [session("a"), session("b")];
            let again = lease().get().unwrap().session();
            assert!(!before.contains(&number), "{level:?} {before:?} {number}");
            assert!(!after.contains(&number), "{level:?} {after:?} {number}");
            assert!(![before, after].concat().contains(&again) && again != number);
        }
    }
}

#[test]
fn a_source_that_kills_its_process_is_tried_again_only_after_those_of_others() {
    let rig = Rig::new("");
    let pool = start(settings(&rig, Some(Isolation::None), 1, 0));
    wait_for(&pool, "it is up", |state| state.is_ready);
    let running = submit(&pool, source("c", "--! slow 300"));
    let answers = [("a", "--! die"), ("b", "#eval 1"), ("b", "#eval 2")]
        .map(|(client, line)| submit(&pool, source(client, line)));
    running.get().unwrap();
    for answer in answers {
        answer.get().unwrap();
    }
    let log = rig.log();
    let order = log.iter().filter_map(|logged| {
        let (_, client) = logged.cmd().split_once("-- of ")?;
        client.lines().next()
    });
    assert_eq!(order.take(4).collect::<Vec<_>>(), ["c", "a", "b", "a"]);
}
