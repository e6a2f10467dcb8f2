//! Sessions of one's own.

use std::sync::Arc;

use leanrepl::internals::evaluate::SubmitError;
use leanrepl::internals::wire::{Command, Reply, Request};
use leanrepl::internals::{Deadline, Lease, PoolSettings, RecycleReason, SessionError};
use std::time::Duration;

use crate::rig::{PATIENCE, Rig, callback, drain, job, lease, run, start, submit, wait_for};

/// Sends a command on an environment.
fn ask(lease: &Lease, cmd: &str, env: u64) -> Result<Reply, SessionError> {
    let mut request = Request::from_value(serde_json::json!({"cmd": cmd, "env": env})).unwrap();
    if let Request::Command(Command { cmd: sent, .. }) = &mut request {
        cmd.clone_into(sent);
    }
    let (done, pending) = callback();
    lease.ask(request, PATIENCE, done);
    pending.get()
}

/// The environment of a text's header.
fn prove(lease: &Lease, text: &str) -> u64 {
    let (done, pending) = callback();
    lease.prove(Arc::from(text), None, done);
    let env = pending.get().unwrap();
    serde_json::from_str(&format!("{env:?}").replace("EnvId(", "").replace(')', "")).unwrap()
}

#[test]
fn a_leased_session_is_asked_step_by_step() {
    let rig = Rig::new("");
    let pool = rig.pool();
    let lease = lease(&pool).get().unwrap();
    assert_eq!(lease.lean_version(), "4.27.0");
    let env = prove(&lease, "import Mathlib\n");
    let Ok(Reply::Command(reply)) = ask(&lease, "#check Real", env) else {
        panic!("no answer");
    };
    assert_eq!(reply.messages.first().unwrap().data, "Real : Type");
    assert_eq!(pool.state().sessions.leased, 1);
    drain(&pool);
    assert!(lease.is_lost());
    assert!(ask(&lease, "#eval 1", 0).is_err());
    rig.assert_nothing_runs();
}

#[test]
fn a_lease_is_never_on_a_session_that_another_client_used() {
    for spares in [0, 1] {
        let rig = Rig::new("");
        let pool = start(PoolSettings {
            spares,
            ..rig.settings()
        });
        wait_for(&pool, "all are up", |state| {
            state.sessions.idle + state.sessions.spare == 1 + spares
        });
        let before = run(&pool, "#eval 1").session;
        let first = lease(&pool).get().unwrap();
        assert_ne!(first.session(), before);
        ask(&first, "def secret := 1", 0).unwrap();
        // It counts against the capacity: everybody else waits until it is given back.
        let second = lease(&pool);
        let text = submit(&pool, job("#eval 2"));
        assert_eq!(pool.state().queued, 2);
        let number = first.session();
        drop(first);
        let second = second.get().unwrap();
        assert_ne!(second.session(), number);
        let held = second.session();
        drop(second);
        let text = text.get().unwrap();
        assert!(text.session != number && text.session != held);
        assert_eq!(rig.pids_of("#eval 2").len(), 1);
        let secret = rig.pids_of("def secret");
        assert!(!rig.pids_of("#eval 2").contains(secret.first().unwrap()));
    }
}

#[test]
fn a_lease_lost_with_its_session_says_so_and_frees_its_place() {
    let rig = Rig::new("");
    let pool = rig.pool();
    let lease = lease(&pool).get().unwrap();
    assert!(matches!(
        ask(&lease, "--! die", 0),
        Err(SessionError::Died(_))
    ));
    assert!(lease.is_lost());
    assert!(ask(&lease, "#eval 1", 0).is_err());
    // The lease is still held, but there is nothing left to hold.
    run(&pool, "#eval 2");
    assert_eq!(pool.state().restarts.of(RecycleReason::Died), 1);
}

#[test]
fn a_lease_that_is_dropped_while_it_is_asked_frees_its_session_at_once() {
    let rig = Rig::new("");
    let pool = rig.pool();
    let lease = lease(&pool).get().unwrap();
    let (done, pending) = callback();
    let request = Request::from_value(serde_json::json!({"cmd": "--! hang", "env": 0})).unwrap();
    lease.ask(request, PATIENCE * 10, done);
    crate::rig::wait("it hangs", || !rig.pids_of("hang").is_empty());
    drop(lease);
    assert!(pending.get().is_err());
    run(&pool, "#eval 1");
}

#[test]
fn a_lease_is_waited_for_no_longer_than_its_client_likes() {
    let rig = Rig::new("");
    let pool = rig.pool();
    let first = lease(&pool).get().unwrap();
    let (done, pending) = callback();
    pool.lease(
        Arc::from("other"),
        Deadline::after(Duration::from_millis(50)),
        done,
    );
    assert!(matches!(
        pending.get(),
        Err(SubmitError::QueueTimeout { .. })
    ));
    drop(first);
}
