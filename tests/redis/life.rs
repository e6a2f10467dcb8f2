//! A server that goes away and comes back.

use std::sync::Arc;
use std::thread;

use leanrepl::internals::cache::{Entry, RedisStore, Store as _, key};
use rustix::process::Signal;

use crate::rig::{Server, busy, environment, shared, until_said, until_used_again};

#[test]
#[ignore = "needs redis-server; run cargo xtask test"]
fn a_server_that_is_killed_is_used_again_when_it_is_back() {
    let mut server = Server::start(&[]);
    for settings in [server.tcp(), server.unix()] {
        let store = RedisStore::open(settings).unwrap();
        let environment = environment(&["Init"]);
        let entry = Entry {
            value: b"value",
            environment: &environment,
            class: "eval",
        };
        store.put(&key(b"a"), entry).unwrap();
        server.kill();
        let text = busy(store.get(&key(b"a")));
        assert!(text.contains(&store.name()), "{text}");
        // It is not asked each time.
        until_said("tried again", || busy(store.put(&key(b"a"), entry)));
        busy(store.remove(&key(b"a")));
        server.restart();
        assert_eq!(until_used_again(|| store.get(&key(b"a"))), None);
        store.put(&key(b"a"), entry).unwrap();
        assert_eq!(store.get(&key(b"a")).unwrap().unwrap(), b"value");
    }
}

#[test]
#[ignore = "needs redis-server; run cargo xtask test"]
fn a_server_that_was_restarted_between_two_calls_is_not_away() {
    let mut server = Server::start(&[]);
    let store = server.store();
    assert_eq!(store.get(&key(b"a")).unwrap(), None);
    server.kill();
    server.restart();
    assert_eq!(store.get(&key(b"a")).unwrap(), None);
}

#[test]
#[ignore = "needs redis-server; run cargo xtask test"]
fn a_server_that_stands_still_holds_up_one_call_at_most() {
    let server = Server::start(&[]);
    for settings in [server.tcp(), server.unix()] {
        let store = shared(RedisStore::open(settings).unwrap());
        assert_eq!(store.get(&key(b"a")).unwrap(), None);
        server.signal(Signal::STOP);
        let text = busy(store.get(&key(b"a")));
        assert!(text.contains("in time"), "{text}");
        let others: Vec<_> = (0..4)
            .map(|_| {
                let store = Arc::clone(&store);
                thread::spawn(move || busy(store.get(&key(b"a"))))
            })
            .collect();
        let texts = others.into_iter().map(|other| other.join().unwrap());
        assert!(texts.into_iter().any(|text| text.contains("tried again")));
        // It is still so after the pause, and a new connection does not help.
        until_said("in time", || busy(store.get(&key(b"a"))));
        server.signal(Signal::CONT);
        assert_eq!(until_used_again(|| store.get(&key(b"a"))), None);
    }
}
