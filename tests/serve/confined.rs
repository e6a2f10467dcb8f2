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
