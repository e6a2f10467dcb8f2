use std::fs;
use std::sync::Arc;

use super::*;
use crate::engine::cache::key::KeyMaker;

const BOUNDS: Bounds = Bounds {
    size: Bytes::mib(64),
    age: Duration::from_secs(3600),
};

fn key(number: u32) -> Key {
    KeyMaker::new().with(&number.to_le_bytes()).key()
}

fn environment(digest: &str, modules: &[&str]) -> Environment {
    Environment {
        digest: digest.to_owned(),
        toolchain: "t".to_owned(),
        repl: "r".to_owned(),
        modules: modules
            .iter()
            .map(|&name| name.to_owned())
            .collect::<Arc<[String]>>(),
    }
}

/// Puts a value in that was made in an environment.
fn put(store: &SqliteStore, number: u32, value: &[u8], environment: &Environment) {
    let class = if number < 100 { "eval" } else { "other" };
    let entry = Entry {
        value,
        environment,
        class,
    };
    store.put(&key(number), entry).unwrap();
}

fn get(store: &SqliteStore, number: u32) -> Option<Vec<u8>> {
    store.get(&key(number)).unwrap()
}

#[test]
fn a_value_is_there_for_other_processes_and_after_them() {
    let dir = tempfile::tempdir().unwrap();
    let one = SqliteStore::open(dir.path(), BOUNDS).unwrap();
    let other = SqliteStore::open(dir.path(), BOUNDS).unwrap();
    let init = environment("a", &["Init"]);
    put(&one, 1, b"first", &init);
    assert_eq!(get(&other, 1).as_deref(), Some(&b"first"[..]));
    put(&other, 1, b"second", &init);
    assert_eq!(get(&one, 1).as_deref(), Some(&b"second"[..]));
    drop((one, other));
    let later = SqliteStore::open(dir.path(), BOUNDS).unwrap();
    assert_eq!(get(&later, 1).as_deref(), Some(&b"second"[..]));
    later.remove(&key(1)).unwrap();
    assert_eq!(get(&later, 1), None);
}

#[test]
fn values_are_forgotten_by_module_and_by_class() {
    let dir = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(dir.path(), BOUNDS).unwrap();
    let [with, without] = [
        environment("a", &["Init", "My.Module"]),
        environment("b", &["Init", "My.Module2"]),
    ];
    put(&store, 1, b"1", &with);
    put(&store, 2, b"2", &without);
    put(&store, 100, b"3", &without);
    assert_eq!(store.holdings().unwrap().environments, 2);
    assert_eq!(
        store
            .forget(&Which::Module("My.Module".to_owned()))
            .unwrap(),
        1
    );
    assert_eq!(
        [1, 2, 100].map(|number| get(&store, number).is_some()),
        [false, true, true]
    );
    assert_eq!(store.forget(&Which::Class("other".to_owned())).unwrap(), 1);
    assert_eq!(store.holdings().unwrap().entries, 1);
    assert_eq!(store.forget(&Which::All).unwrap(), 1);
    let empty = store.holdings().unwrap();
    assert_eq!((empty.entries, empty.environments), (0, 0));
}

#[test]
fn what_was_used_longest_ago_goes_first_when_there_is_too_much() {
    let dir = tempfile::tempdir().unwrap();
    let bounds = Bounds {
        size: Bytes::mib(1),
        ..BOUNDS
    };
    let store = SqliteStore::open(dir.path(), bounds).unwrap();
    let init = environment("a", &["Init"]);
    let value = vec![7; 16 << 10];
    for number in 0..10 {
        put(&store, number, &value, &init);
    }
    // All are as old as each other; only the first is marked as used later.
    let later = now() + 10;
    let touch = "UPDATE r SET used = ?1 WHERE k = ?2";
    store
        .open_file()
        .connection
        .execute(touch, params![later, key(0).bytes()])
        .unwrap();
    for number in 10..900 {
        put(&store, number, &value, &init);
    }
    assert!(store.holdings().unwrap().bytes < (1 << 20) + u64::from(PUTS) * (20 << 10));
    assert_eq!(get(&store, 1), None);
    assert_eq!(get(&store, 899), Some(value));
}

#[test]
fn what_is_too_old_is_not_there() {
    let dir = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(dir.path(), BOUNDS).unwrap();
    put(&store, 1, b"1", &environment("a", &["Init"]));
    let age = "UPDATE r SET made = made - 3601";
    store.open_file().connection.execute(age, []).unwrap();
    assert_eq!(get(&store, 1), None);
}

/// Why a folder with that file cannot be used.
fn refusal(change: impl FnOnce(&Path)) -> String {
    let dir = tempfile::tempdir().unwrap();
    drop(SqliteStore::open(dir.path(), BOUNDS).unwrap());
    let path = dir.path().join("results.sqlite");
    change(&path);
    let before = fs::read(&path).unwrap();
    let error = SqliteStore::open(dir.path(), BOUNDS).err().unwrap();
    assert_eq!(fs::read(&path).unwrap(), before);
    error.to_string()
}

#[test]
fn a_file_of_a_newer_layout_or_of_others_is_refused_and_left_alone() {
    let newer = refusal(|path| {
        let connection = Connection::open(path).unwrap();
        connection.pragma_update(None, "user_version", 99).unwrap();
    });
    assert!(newer.contains("newer leanrepl (layout 99"), "{newer}");
    let foreign = refusal(|path| {
        let connection = Connection::open(path).unwrap();
        connection.pragma_update(None, "application_id", 5).unwrap();
    });
    assert!(
        foreign.contains("not a file of leanrepl's cache"),
        "{foreign}"
    );
    let text =
        refusal(|path| fs::write(path, "notes of mine, not a database\n".repeat(200)).unwrap());
    assert!(text.contains("not a file of leanrepl's cache"), "{text}");
}

#[test]
fn an_older_layout_is_made_anew() {
    let dir = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(dir.path(), BOUNDS).unwrap();
    put(&store, 1, b"1", &environment("a", &["Init"]));
    store
        .open_file()
        .connection
        .pragma_update(None, "user_version", 0)
        .unwrap();
    drop(store);
    let store = SqliteStore::open(dir.path(), BOUNDS).unwrap();
    assert_eq!(get(&store, 1), None);
    put(&store, 1, b"2", &environment("a", &["Init"]));
    assert!(get(&store, 1).is_some());
}

#[test]
fn half_a_file_is_an_error_and_no_panic() {
    let dir = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(dir.path(), BOUNDS).unwrap();
    let init = environment("a", &["Init"]);
    for number in 0..50 {
        put(&store, number, &vec![5; 20_000], &init);
    }
    drop(store);
    let path = dir.path().join("results.sqlite");
    let bytes = fs::read(&path).unwrap();
    fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
    // Either it is seen at the start or when a value is looked for; a value that comes back is whole.
    if let Ok(store) = SqliteStore::open(dir.path(), BOUNDS) {
        for number in 0..50 {
            match store.get(&key(number)) {
                Ok(None) | Err(StoreError::Broken(_)) => {}
                Ok(Some(value)) => assert_eq!(value, vec![5; 20_000]),
                Err(StoreError::Busy(text)) => panic!("{text}"),
            }
        }
    }
}

#[test]
fn a_folder_that_cannot_be_written_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    fs::write(&file, "").unwrap();
    assert!(SqliteStore::open(&file, BOUNDS).is_err());
}
