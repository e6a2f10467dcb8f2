//! Servers that cannot be used, and what is said about them at the start.

use leanrepl::internals::Kind;
use leanrepl::internals::cache::{RedisSettings, RedisStore, RedisUrl, Store as _, key};

use crate::rig::{Server, free_port, password, refusal, settings};

/// The refusal names the address, the problem and the next step, and no password.
fn assert_refused(settings: RedisSettings, problem: &str, hint: &str) {
    let name = settings.url.to_string();
    let failure = refusal(settings);
    assert_eq!(failure.kind(), Kind::Remote);
    assert!(failure.problem().contains(problem), "{failure:?}");
    assert!(failure.problem().contains(&name), "{failure:?}");
    assert!(failure.hint().contains(hint), "{failure:?}");
    assert!(!format!("{failure:?}").contains("s3cret"), "{failure:?}");
}

#[test]
#[ignore = "needs redis-server; run cargo xtask test"]
fn a_password_lets_in_and_is_never_shown() {
    let server = Server::start(&["requirepass s3cret", "user me on >s3cret2 ~lr:* +@all"]);
    let open = |user: &str, text: &str| RedisSettings {
        url: RedisUrl::parse(&format!("redis://{user}127.0.0.1:{}", server.port())).unwrap(),
        password: password(&server, text),
        ..settings("redis://127.0.0.1")
    };
    for (user, text) in [("", "s3cret\n"), ("me@", "s3cret2"), ("default@", "s3cret")] {
        let shown = format!("{:?}", open(user, text));
        assert!(!shown.contains("s3cret"), "{shown}");
        let store = RedisStore::open(open(user, text)).unwrap();
        assert_eq!(store.get(&key(b"a")).unwrap(), None);
        let shown = format!("{store:?} {}", store.name());
        assert!(!shown.contains("s3cret"), "{shown}");
    }
    let wrong = "refuses the user or the password";
    assert_refused(open("", "s3cret2"), wrong, "LEANREPL_REDIS_PASSWORD");
    assert_refused(open("you@", "s3cret"), wrong, "--redis-password-file");
    let without = RedisSettings {
        password: None,
        ..open("", "s3cret")
    };
    assert_refused(without, "asks for a password", "LEANREPL_REDIS_PASSWORD");
}

#[test]
#[ignore = "needs redis-server; run cargo xtask test"]
fn a_password_for_a_server_without_one_is_refused() {
    let server = Server::start(&[]);
    let with = RedisSettings {
        password: password(&server, "s3cret"),
        ..server.tcp()
    };
    assert_refused(with, "has no password", "leave the password out");
}

#[test]
#[ignore = "needs redis-server; run cargo xtask test"]
fn a_user_without_a_permission_reads_which() {
    let server = Server::start(&["user me on >s3cret ~lr:* +get"]);
    let settings = RedisSettings {
        url: RedisUrl::parse(&format!("redis://me@127.0.0.1:{}", server.port())).unwrap(),
        password: password(&server, "s3cret"),
        ..server.tcp()
    };
    assert_refused(settings, "info", "ACL SETUSER");
}

#[test]
#[ignore = "needs redis-server; run cargo xtask test"]
fn the_permissions_that_are_named_are_enough() {
    let acl = "user me on >s3cret ~lr:* resetchannels -@all +@connection +@string +@scripting +scan +unlink +info";
    let server = Server::start(&[acl]);
    let settings = RedisSettings {
        url: RedisUrl::parse(&format!("redis://me@127.0.0.1:{}/1", server.port())).unwrap(),
        password: password(&server, "s3cret"),
        ..server.tcp()
    };
    let store = RedisStore::open(settings).unwrap();
    let environment = crate::rig::environment(&["Init"]);
    let entry = leanrepl::internals::cache::Entry {
        value: b"value",
        environment: &environment,
        class: "eval",
    };
    store.put(&key(b"a"), entry).unwrap();
    store
        .take_turn(&key(b"b"), std::time::Duration::from_secs(1))
        .unwrap();
    store.end_turn(&key(b"b"), "x").unwrap();
    assert_eq!(store.holdings().unwrap().entries, 1);
    let module = leanrepl::internals::cache::Which::Module("Init".to_owned());
    assert_eq!(store.forget(&module).unwrap(), 1);
}

#[test]
#[ignore = "needs redis-server; run cargo xtask test"]
fn a_server_that_may_drop_any_key_is_refused() {
    for (policy, is_fine) in [
        ("allkeys-lru", false),
        ("allkeys-random", false),
        ("volatile-lru", true),
    ] {
        let server = Server::start(&["maxmemory 100mb", &format!("maxmemory-policy {policy}")]);
        if is_fine {
            RedisStore::open(server.tcp()).unwrap();
        } else {
            let problem = format!("maxmemory-policy {policy}");
            assert_refused(server.tcp(), &problem, "volatile-lru");
        }
    }
}

#[test]
#[ignore = "needs redis-server; run cargo xtask test"]
fn a_database_that_is_not_there_is_refused() {
    let server = Server::start(&[]);
    let url = format!("redis://127.0.0.1:{}/99", server.port());
    assert_refused(settings(&url), "no such database", "/0");
}

#[test]
#[ignore = "needs redis-server; run cargo xtask test"]
fn a_node_of_a_cluster_is_refused() {
    let server = Server::start(&["cluster-enabled yes"]);
    assert_refused(server.tcp(), "Redis Cluster", "single server");
}

#[test]
fn nothing_at_an_address_is_said_with_its_name() {
    let url = format!("redis://127.0.0.1:{}", free_port());
    assert_refused(settings(&url), "does not answer", "redis-cli ping");
    let folder = tempfile::tempdir().unwrap();
    let url = format!("unix://{}/none", folder.path().display());
    assert_refused(settings(&url), "does not answer", "redis-cli ping");
    assert_refused(
        settings("redis://no-such-host.invalid"),
        "does not answer",
        "redis-cli ping",
    );
}

#[test]
fn a_server_of_another_machine_needs_a_key() {
    // An address for documentation, where nothing is: it is not even asked.
    for url in [
        "redis://192.0.2.1",
        "redis://[2001:db8::1]:6379",
        "redis://0.0.0.0:1",
    ] {
        let failure = refusal(settings(url));
        assert_eq!(failure.kind(), Kind::Usage);
        assert!(
            failure.problem().contains("on another machine"),
            "{failure:?}"
        );
        assert!(failure.hint().contains("--cache-key FILE"), "{failure:?}");
    }
}

#[test]
fn a_prefix_that_is_none_is_refused() {
    for prefix in ["", "a b", "ü", &"x".repeat(65)] {
        let settings = RedisSettings {
            prefix: prefix.to_owned(),
            ..settings("redis://127.0.0.1:1")
        };
        let failure = refusal(settings);
        assert!(failure.hint().contains("--redis-prefix"), "{failure:?}");
    }
}
