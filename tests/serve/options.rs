//! The options of a project's Lake file and hints, on a server with real core Lean.

use serde_json::json;

use crate::served::Served;
use crate::world::World;

#[test]
#[ignore = "needs core Lean; run cargo xtask test"]
fn every_source_is_judged_with_the_options_of_the_project() {
    // The cache of the user, where `cargo xtask test` has put core Lean.
    let home = std::env::var("HOME").unwrap();
    let cache = std::env::var("LEANREPL_CACHE_DIR").unwrap_or(format!("{home}/.cache/leanrepl"));
    let world = World::new()
        .var("LEANREPL_CACHE_DIR", &cache)
        .file("p/lean-toolchain", "leanprover/lean4:v4.28.0\n")
        .file(
            "p/lakefile.toml",
            "leanOptions = { autoImplicit = false, weak.linter.unknown = true }\n[[lean_lib]]\nname = \"P\"\n",
        );
    let fixed = [
        "serve",
        "--listen",
        "127.0.0.1:0",
        "--sessions",
        "1",
        "--spares",
        "0",
    ];
    let lean = [
        "--toolchain",
        "core",
        "--project",
        "p",
        "--header",
        "import Std",
    ];
    let served = Served::run(world, fixed.iter().chain(&lean));
    served.wait_ready();
    let options = json!({ "autoImplicit": false, "weak.linter.unknown": true });
    assert_eq!(served.get("/version").json()["options"], options);
    let source = "def f (x : α) := x\n";
    let sources = json!([
        source,
        format!("import Lean\n{source}"),
        format!("set_option autoImplicit true\n{source}"),
        format!("{source}import Std\n"),
    ]);
    let reply = served
        .post_json("/v1/eval", &json!({ "sources": sources }))
        .json();
    let of = |index: usize| &reply["results"][index];
    assert_eq!(of(0)["verdict"], "rejected", "{reply}");
    assert_eq!(
        of(0)["messages"][0]["pos"],
        json!({ "line": 1, "column": 11 })
    );
    assert_eq!(
        of(1)["messages"][0]["pos"],
        json!({ "line": 2, "column": 11 })
    );
    assert_eq!(of(2)["verdict"], "accepted", "{reply}");
    let hint = of(3)["hints"][0].as_str().unwrap_or_default();
    assert!(hint.contains("move this `import`"), "{reply}");
    assert_eq!(of(2).get("hints"), None, "{reply}");
    // A raw source, which gets the server's header, and a session of a client's own.
    let raw = served.post("/", source).json();
    assert_eq!(raw["messages"][0]["pos"]["line"], 1, "{raw}");
    assert_eq!(raw["messages"][0]["severity"], "error", "{raw}");
    let session = served.post_json("/v1/sessions", &json!({})).json();
    let path = format!("/v1/sessions/{}/commands", session["id"].as_str().unwrap());
    let reply = served.post_json(&path, &json!({ "cmd": source })).json();
    assert_eq!(
        reply["reply"]["messages"][0]["severity"], "error",
        "{reply}"
    );
    served.stop();
}
