//! Values that come back, and values that do not.

use leanrepl::internals::cache::{Entry, Holdings, MAX_VALUE, Store as _, StoreError, key};

use crate::rig::{Server, busy, environment};

#[test]
#[ignore = "needs redis-server; run cargo xtask test"]
fn a_value_comes_back_over_another_one_and_expires() {
    let server = Server::start(&[]);
    let environment = environment(&["Init", "Mathlib"]);
    let store = server.store();
    assert_eq!(store.get(&key(b"a")).unwrap(), None);
    for value in [&b"first"[..], b"second\0\r\n\xff", b""] {
        let entry = Entry {
            value,
            environment: &environment,
            class: "eval",
        };
        store.put(&key(b"a"), entry).unwrap();
        assert_eq!(store.get(&key(b"a")).unwrap().as_deref(), Some(value));
        // Another process sees the same.
        let seen = server.store().get(&key(b"a")).unwrap();
        assert_eq!(seen.as_deref(), Some(value));
    }
    let place = format!("lr:res:{}", key(b"a"));
    let ttl = server.number(&format!("TTL {place}"));
    assert!((1..=1000).contains(&ttl), "{ttl}");
    let modules = format!("lr:env:{}", environment.digest);
    let longer = server.number(&format!("TTL {modules}"));
    assert!(longer > ttl, "{longer} {ttl}");
    let holdings = store.holdings().unwrap();
    assert_eq!((holdings.entries, holdings.environments), (1, 1));
    assert!(holdings.bytes > 0);
    store.remove(&key(b"a")).unwrap();
    store.remove(&key(b"a")).unwrap();
    assert_eq!(store.get(&key(b"a")).unwrap(), None);
}

#[test]
#[ignore = "needs redis-server; run cargo xtask test"]
fn two_prefixes_and_two_databases_are_two_caches() {
    let server = Server::start(&[]);
    let environment = environment(&["Init"]);
    let entry = Entry {
        value: b"value",
        environment: &environment,
        class: "eval",
    };
    let open = |prefix: &str, db: &str| {
        let mut settings = server.tcp();
        let url = format!("{}{db}", settings.url);
        settings.url = leanrepl::internals::cache::RedisUrl::parse(&url).unwrap();
        prefix.clone_into(&mut settings.prefix);
        leanrepl::internals::cache::RedisStore::open(settings).unwrap()
    };
    // As a pattern the second would stand for the first too.
    let stores = [open("a[b]:", ""), open("a*:", ""), open("a[b]:", "/3")];
    stores[0].put(&key(b"a"), entry).unwrap();
    for (store, entries) in stores.iter().zip([1, 0, 0]) {
        assert_eq!(store.holdings().unwrap().entries, entries);
        assert_eq!(store.get(&key(b"a")).unwrap().is_some(), entries == 1);
    }
    assert_eq!(
        stores[1]
            .forget(&leanrepl::internals::cache::Which::All)
            .unwrap(),
        0
    );
    assert_eq!(stores[0].get(&key(b"a")).unwrap().unwrap(), b"value");
}

#[test]
#[ignore = "needs redis-server; run cargo xtask test"]
fn half_a_value_and_what_others_wrote_are_misses() {
    let server = Server::start(&[]);
    let environment = environment(&["Init"]);
    let store = server.store();
    let entry = Entry {
        value: &[7; 1000],
        environment: &environment,
        class: "eval",
    };
    store.put(&key(b"a"), entry).unwrap();
    let place = format!("lr:res:{}", key(b"a"));
    let length = server.number(&format!("STRLEN {place}"));
    server.say(&[
        b"EVAL",
        b"redis.call('SET', KEYS[1], redis.call('GETRANGE', KEYS[1], 0, ARGV[1])) return 1",
        b"1",
        place.as_bytes(),
        (length / 2).to_string().as_bytes(),
    ]);
    assert_eq!(server.number(&format!("STRLEN {place}")), length / 2 + 1);
    assert_eq!(store.get(&key(b"a")).unwrap(), None);
    for other in [&b""[..], b"{}", b"\x01", &[0xff; 100]] {
        assert_eq!(server.say(&[b"SET", place.as_bytes(), other]), "+OK");
        assert_eq!(store.get(&key(b"a")).unwrap(), None);
    }
    store.put(&key(b"a"), entry).unwrap();
    assert_eq!(store.get(&key(b"a")).unwrap().unwrap(), entry.value);
    // A list in its place.
    server.say(&[b"DEL", place.as_bytes()]);
    server.say(&[b"RPUSH", place.as_bytes(), b"x"]);
    assert!(matches!(store.get(&key(b"a")), Err(StoreError::Broken(_))));
}

#[test]
#[ignore = "needs redis-server; run cargo xtask test"]
fn the_largest_value_comes_back_and_a_larger_one_is_a_miss() {
    let server = Server::start(&[]);
    let environment = environment(&["Init"]);
    let store = server.store();
    let large = vec![b'x'; MAX_VALUE + 1];
    let entry = |value| Entry {
        value,
        environment: &environment,
        class: "eval",
    };
    store.put(&key(b"a"), entry(&large[1..])).unwrap();
    assert_eq!(store.get(&key(b"a")).unwrap().unwrap().len(), MAX_VALUE);
    store.put(&key(b"b"), entry(&large)).unwrap();
    assert_eq!(store.get(&key(b"b")).unwrap(), None);
    let place = format!("lr:res:{}", key(b"b"));
    // By another program: it is not read to its end.
    server.say(&[b"SETRANGE", place.as_bytes(), b"20000000", b"x"]);
    assert_eq!(store.get(&key(b"b")).unwrap(), None);
    assert_eq!(store.get(&key(b"a")).unwrap().unwrap().len(), MAX_VALUE);
}

#[test]
#[ignore = "needs redis-server; run cargo xtask test"]
fn a_value_with_a_wrong_seal_is_a_miss() {
    let server = Server::start(&[]);
    let environment = environment(&["Init"]);
    let open = |byte: Option<u8>| {
        let mut settings = server.unix();
        settings.key = byte.map(|byte| server.key(byte));
        leanrepl::internals::cache::RedisStore::open(settings).unwrap()
    };
    let (ours, theirs, without) = (open(Some(1)), open(Some(2)), open(None));
    let entry = Entry {
        value: b"accepted",
        environment: &environment,
        class: "eval",
    };
    ours.put(&key(b"a"), entry).unwrap();
    assert_eq!(ours.get(&key(b"a")).unwrap().unwrap(), b"accepted");
    assert_eq!(theirs.get(&key(b"a")).unwrap(), None);
    assert_eq!(without.get(&key(b"a")).unwrap(), None);
    // A sealed value that is put where another one belongs.
    let (from, to) = (
        format!("lr:res:{}", key(b"a")),
        format!("lr:res:{}", key(b"b")),
    );
    server.say(&[b"COPY", from.as_bytes(), to.as_bytes()]);
    assert_eq!(server.number(&format!("EXISTS {to}")), 1);
    assert_eq!(ours.get(&key(b"b")).unwrap(), None);
    // One bit of the value.
    let length = server.number(&format!("STRLEN {from}"));
    let last = (length - 1).to_string();
    server.say(&[b"SETRANGE", from.as_bytes(), last.as_bytes(), b"e"]);
    assert_eq!(ours.get(&key(b"a")).unwrap(), None);
    without.put(&key(b"a"), entry).unwrap();
    assert_eq!(ours.get(&key(b"a")).unwrap(), None);
    assert_eq!(without.get(&key(b"a")).unwrap().unwrap(), b"accepted");
}

#[test]
#[ignore = "needs redis-server; run cargo xtask test"]
fn a_full_server_refuses_what_is_new_and_keeps_what_it_has() {
    let server = Server::start(&["maxmemory 12mb", "maxmemory-policy noeviction"]);
    let environment = environment(&["Init"]);
    let store = server.store();
    let value = vec![b'x'; 1 << 20];
    let entry = Entry {
        value: &value,
        environment: &environment,
        class: "eval",
    };
    let mut kept = 0_u32;
    let text = loop {
        assert!(kept < 100, "it is never full");
        match store.put(&key(&kept.to_le_bytes()), entry) {
            Ok(()) => kept += 1,
            refused => break busy(refused),
        }
    };
    assert!(
        text.contains("OOM") && text.contains(&store.name()),
        "{text}"
    );
    assert!(kept > 0);
    for index in 0..kept {
        let found = store.get(&key(&index.to_le_bytes())).unwrap().unwrap();
        assert!(found == value, "{index}");
    }
    let Holdings { entries, .. } = store.holdings().unwrap();
    assert_eq!(entries, u64::from(kept));
    assert_eq!(store.get(&key(&kept.to_le_bytes())).unwrap(), None);
}
