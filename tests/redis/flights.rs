//! Who computes a value that several ask for.

use std::sync::{Arc, Barrier};
use std::thread;
use std::time::{Duration, Instant};

use leanrepl::internals::cache::{Turn, key};

use crate::rig::{PATIENCE, Server, shared};

const LONG: Duration = Duration::from_secs(600);

#[test]
#[ignore = "needs redis-server; run cargo xtask test"]
fn of_many_that_ask_at_once_one_leads_until_it_gives_its_turn_back() {
    let server = Server::start(&[]);
    let stores = [shared(server.store()), shared(server.store())];
    let begin = Arc::new(Barrier::new(8));
    let turns: Vec<Turn> = thread::scope(|scope| {
        let asked: Vec<_> = (0..8)
            .map(|index| {
                let (store, begin) = (Arc::clone(&stores[index % 2]), Arc::clone(&begin));
                scope.spawn(move || {
                    begin.wait();
                    store.take_turn(&key(b"a"), LONG).unwrap()
                })
            })
            .collect();
        asked
            .into_iter()
            .map(|asked| asked.join().unwrap())
            .collect()
    });
    let mut tokens = turns.iter().filter_map(|turn| match turn {
        Turn::Ours(token) => Some(token.clone().unwrap()),
        Turn::Theirs => None,
    });
    let token = tokens.next().unwrap();
    assert_eq!(tokens.next(), None);
    // Another key is another turn.
    assert!(matches!(
        stores[0].take_turn(&key(b"b"), LONG).unwrap(),
        Turn::Ours(_)
    ));
    // Only who has the token gives it back.
    stores[1].end_turn(&key(b"a"), "another").unwrap();
    assert_eq!(stores[0].take_turn(&key(b"a"), LONG).unwrap(), Turn::Theirs);
    stores[1].end_turn(&key(b"a"), &token).unwrap();
    let Turn::Ours(next) = stores[0].take_turn(&key(b"a"), LONG).unwrap() else {
        panic!("the turn was not given back");
    };
    assert_ne!(next.as_ref(), Some(&token));
    // The first one comes late: the turn of the second one stays.
    stores[1].end_turn(&key(b"a"), &token).unwrap();
    assert_eq!(stores[1].take_turn(&key(b"a"), LONG).unwrap(), Turn::Theirs);
}

#[test]
#[ignore = "needs redis-server; run cargo xtask test"]
fn the_turn_of_one_that_was_killed_passes_on_when_its_lease_ends() {
    let server = Server::start(&[]);
    let (dead, living) = (server.store(), shared(server.store()));
    let dead = shared(dead);
    assert!(matches!(
        dead.take_turn(&key(b"a"), Duration::from_millis(300))
            .unwrap(),
        Turn::Ours(Some(_))
    ));
    drop(dead);
    let start = Instant::now();
    while living.take_turn(&key(b"a"), LONG).unwrap() == Turn::Theirs {
        assert!(start.elapsed() < PATIENCE, "the lease never ends");
        thread::sleep(Duration::from_millis(10));
    }
    assert_eq!(living.take_turn(&key(b"a"), LONG).unwrap(), Turn::Theirs);
}
