//! Values that are forgotten by module, by class, or all.

use leanrepl::internals::cache::{Entry, RedisStore, Store as _, Which, key};

use crate::rig::{Server, environment};

/// A store with values of two environments and two classes, by name.
fn filled(server: &Server, sealed: bool) -> RedisStore {
    let mut settings = server.unix();
    settings.key = sealed.then(|| server.key(1));
    let store = RedisStore::open(settings).unwrap();
    let (with, without) = (
        environment(&["Init", "My.Lemmas"]),
        environment(&["Init", "My.LemmasB"]),
    );
    for (name, environment, class) in [
        ("with eval", &with, "eval"),
        ("with verify", &with, "verify"),
        ("without eval", &without, "eval"),
        ("without verify", &without, "verify"),
    ] {
        let entry = Entry {
            value: name.as_bytes(),
            environment,
            class,
        };
        store.put(&key(name.as_bytes()), entry).unwrap();
    }
    store
}

/// The names that are left.
fn left(store: &RedisStore) -> Vec<&'static str> {
    let names = ["with eval", "with verify", "without eval", "without verify"];
    let is_left = |name: &&str| {
        let found = store.get(&key(name.as_bytes())).unwrap();
        assert!(
            found
                .as_deref()
                .is_none_or(|found| found == name.as_bytes())
        );
        found.is_some()
    };
    names.into_iter().filter(is_left).collect()
}

#[test]
#[ignore = "needs redis-server; run cargo xtask test"]
fn a_module_takes_the_values_of_its_environments_along() {
    for sealed in [false, true] {
        let server = Server::start(&[]);
        let store = filled(&server, sealed);
        let module = |name: &str| Which::Module(name.to_owned());
        assert_eq!(store.forget(&module("My.Lemma")).unwrap(), 0);
        assert_eq!(store.forget(&module("My.Lemmas")).unwrap(), 2);
        assert_eq!(left(&store), ["without eval", "without verify"]);
        assert_eq!(store.forget(&module("Init")).unwrap(), 2);
        assert_eq!(left(&store), [""; 0]);
    }
}

#[test]
#[ignore = "needs redis-server; run cargo xtask test"]
fn a_class_goes_and_the_others_stay() {
    let server = Server::start(&[]);
    let store = filled(&server, false);
    let class = |name: &str| Which::Class(name.to_owned());
    assert_eq!(store.forget(&class("eva")).unwrap(), 0);
    assert_eq!(store.forget(&class("eval")).unwrap(), 2);
    assert_eq!(left(&store), ["with verify", "without verify"]);
}

#[test]
#[ignore = "needs redis-server; run cargo xtask test"]
fn all_goes_but_what_other_programs_keep_there() {
    let server = Server::start(&[]);
    let store = filled(&server, false);
    assert_eq!(server.say(&[b"SET", b"res:mine", b"x"]), "+OK");
    assert_eq!(server.say(&[b"SET", b"lr:{q}:ready", b"x"]), "+OK");
    assert_eq!(store.forget(&Which::All).unwrap(), 4);
    assert_eq!(left(&store), [""; 0]);
    assert_eq!(server.number("DBSIZE"), 2);
    // The modules are put again with the next value.
    let store_again = filled(&server, false);
    assert_eq!(store_again.holdings().unwrap().environments, 2);
}

#[test]
#[ignore = "needs redis-server; run cargo xtask test"]
fn what_has_lost_its_modules_is_forgotten_with_any_module() {
    let server = Server::start(&[]);
    let store = filled(&server, false);
    let digest = environment(&["Init", "My.LemmasB"]).digest;
    assert_eq!(server.number(&format!("DEL lr:env:{digest}")), 1);
    let unknown = Which::Module("Nothing".to_owned());
    assert_eq!(store.forget(&unknown).unwrap(), 2);
    assert_eq!(left(&store), ["with eval", "with verify"]);
}

#[test]
#[ignore = "needs redis-server; run cargo xtask test"]
fn thousands_of_values_are_counted_and_forgotten() {
    let server = Server::start(&[]);
    let store = server.store();
    let environment = environment(&["Init"]);
    for index in 0..3000_u32 {
        let entry = Entry {
            value: b"value",
            environment: &environment,
            class: if index % 3 == 0 { "verify" } else { "eval" },
        };
        store.put(&key(&index.to_le_bytes()), entry).unwrap();
    }
    assert_eq!(store.holdings().unwrap().entries, 3000);
    let class = Which::Class("verify".to_owned());
    assert_eq!(store.forget(&class).unwrap(), 1000);
    assert_eq!(store.holdings().unwrap().entries, 2000);
    assert_eq!(store.forget(&Which::All).unwrap(), 2000);
    assert_eq!(server.number("DBSIZE"), 0);
}
