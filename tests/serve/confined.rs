//! What keeps the texts of clients from the rest of the machine, as `serve` does it unasked.

use serde_json::json;

use crate::served::Served;
use crate::world::{World, snapshot};

#[test]
fn a_file_of_keys_that_texts_could_read_is_refused_before_the_port_is_bound() {
    let world = World::new().fake_repl("").file("modules/keys", "s3cret");
    let world = world.var("LEAN_PATH", "modules");
    let args = [
        "serve",
        "--listen",
        "127.0.0.1:0",
        "--repl",
        "./repl",
        "--api-keys",
        "modules/keys",
    ];
    snapshot!(world.leanrepl(args), @r"
    exit: 2
    ----- stderr -----
    error: the texts that run could read the API keys in `modules/keys`, because every session reads `modules`

    hint: move the file to a place of its own, such as `/etc/leanrepl/keys`, and name it with `--api-keys FILE`
    ");
    world.assert_nothing_runs();
}

#[test]
fn a_file_of_keys_that_nothing_protects_is_named_in_the_log() {
    let world = World::new().fake_repl("").file("keys", "s3cret");
    let args = ["--api-keys", "keys", "--sandbox", "off"];
    let served = Served::start_in(world, &args);
    served.wait_ready();
    let sandbox = served.get("/version").json()["sandbox"].clone();
    assert_eq!(sandbox, json!({"files": false, "system_calls": false}));
    let key = [("authorization", "s3cret")];
    let answer = served.post_with("/", b"--! try read keys", &key);
    assert!(answer.text.contains("s3cret"), "{answer:?}");
    let log = served.stop().stderr();
    let warning = "the texts that run can read the API keys in `keys`";
    assert!(log.contains(warning), "{log}");
}

#[test]
#[ignore = "needs a kernel with Landlock and seccomp; run cargo xtask test"]
fn sessions_are_confined_unless_it_is_turned_off() {
    for (mode, is_confined) in [(None, true), (Some("strict"), true), (Some("off"), false)] {
        let world = World::new().fake_repl("").file("secret", "a-secret");
        let args: Vec<&str> = mode
            .into_iter()
            .flat_map(|mode| ["--sandbox", mode])
            .collect();
        let served = Served::start_in(world, &args);
        served.wait_ready();
        let sandbox = served.get("/version").json()["sandbox"].clone();
        let expected = json!({"files": is_confined, "system_calls": is_confined});
        assert_eq!(sandbox, expected, "{mode:?}");

        let outside = served.world.work("outside");
        let write = format!("write {}", outside.display());
        let read = format!("read {}", served.world.work("secret").display());
        let connect = format!("connect {}", served.address);
        for attempt in [
            &write,
            &read,
            &connect,
            "spawn 1",
            "signal-parent",
            "read-parent",
        ] {
            let answer = served.post("/", &format!("--! try {attempt}"));
            // What a text does is stopped; what Lean says about it is an honest answer.
            assert_eq!(answer.status, 200, "{mode:?}, {attempt}: {answer:?}");
            let said = answer.json()["messages"][0]["data"].clone();
            let said = said.as_str().unwrap();
            let is_stopped = said.starts_with("failed: ")
                && ["ermission denied", "not permitted"]
                    .iter()
                    .any(|why| said.contains(why));
            assert_eq!(is_stopped, is_confined, "{mode:?}, {attempt}: {said}");
            assert!(
                is_confined || said.starts_with("done:"),
                "{attempt}: {said}"
            );
        }
        assert_eq!(outside.exists(), !is_confined, "{mode:?}");
        served.stop();
    }
}
