//! `leanrepl doctor` with programs made for the test: what is there, what is missing, what hangs.

use std::fs;
use std::os::unix::fs::symlink;

use leanrepl::internals::digest;
use serde_json::{Value, json};

use crate::olean_file::OleanFile;
use crate::running::{Finished, Output};
use crate::world::{World, snapshot};

/// The toolchain of the test's project, as elan names its folder.
const TOOLCHAIN: &str = "leanprover--lean4---v4.27.0";

/// A machine with nothing but elan, in a project for Lean 4.27.0 whose library is `Own`.
fn project() -> World {
    World::new()
        .own_programs_only()
        .script("elan", "echo elan 4.1.2")
        .file("lean-toolchain", "leanprover/lean4:v4.27.0\n")
        .file(
            "lakefile.toml",
            "name = \"own\"\n\n[[lean_lib]]\nname = \"Own\"\n",
        )
}

/// Installs the toolchain: a Lake that says its version and where the modules are, with more
/// variables for sessions.
fn toolchain(world: World, variables: &str) -> World {
    let lean = world
        .home(".elan/toolchains")
        .join(TOOLCHAIN)
        .join("bin/lean");
    fs::create_dir_all(lean.parent().unwrap()).unwrap();
    fs::write(lean, "").unwrap();
    let says = format!(
        "if [ \"$1\" = env ]; then\necho \"LEAN_PATH={}\"\necho \"LEAN_TEST_WORLD={}\"\n{variables}\nelse\necho \"Lake 5.0.0 for $ELAN_TOOLCHAIN\"\nfi",
        world.work(".lake/lib").display(),
        world.work("..").canonicalize().unwrap().display(),
    );
    world.script("lake", &says)
}

/// Puts compiled modules where Lake says they are: `Own`, which imports `Init` and those.
fn modules(world: World, lean: &str, imports: &[&str]) -> World {
    let file = |imports: &[&str]| {
        OleanFile {
            lean: lean.to_owned(),
            imports: imports.iter().map(|&name| name.to_owned()).collect(),
            ..OleanFile::default()
        }
        .bytes()
    };
    let own: Vec<&str> = ["Init"].iter().chain(imports).copied().collect();
    world
        .bytes(".lake/lib/Init.olean", &file(&[]))
        .bytes(".lake/lib/Own.olean", &file(&own))
}

/// Puts the fake REPL into the cache as one that was built.
fn repl(world: World) -> World {
    let folder = world.cache("repl").join(TOOLCHAIN);
    let built = folder.join("one");
    fs::create_dir_all(&built).unwrap();
    let fake = env!("CARGO_BIN_EXE_fake-repl");
    symlink(fake, built.join("repl")).unwrap();
    let record = json!({
        "version": 1,
        "toolchain": "leanprover/lean4:v4.27.0",
        "toolchain_origin": "the test says so",
        "lean": "4.27.0",
        "repository": "/repl",
        "reference": null,
        "source": "v4.27.0",
        "commit": "0123456789abcdef0123456789abcdef01234567",
        "why": "it is the tag of this release",
        "patches": [],
        "needs_priming": true,
        "binary": "repl",
        "binary_sha256": "",
        "binary_bytes": fs::metadata(fake).unwrap().len(),
        "built_by": "0.1.0",
    });
    fs::write(built.join("record.json"), record.to_string()).unwrap();
    fs::write(folder.join("selected"), "one").unwrap();
    world
}

/// Runs the doctor.
fn doctor(world: &World, options: &[&str]) -> Finished {
    world.leanrepl(["doctor"].iter().chain(options))
}

/// The state and the hint of a fact in the JSON.
fn fact(seen: &Finished, name: &str) -> (String, String) {
    let lines = seen.json_lines();
    let line = lines.iter().find(|line| line["name"] == name).unwrap();
    let text = |key: &str| line[key].as_str().unwrap_or_default().to_owned();
    (text("state"), text("hint"))
}

#[test]
fn a_project_with_all_it_needs_is_well() {
    let world = repl(modules(toolchain(project(), ""), "4.27.0", &[]));
    snapshot!(doctor(&world, &[]), @"
    exit: 0
    ----- stdout -----
    ✓ project    [WORK]
    ✓ elan       elan 4.1.2  ([BIN]/elan)
    ✓ toolchain  leanprover/lean4:v4.27.0  (`[WORK]/lean-toolchain` says so)
    ✓ lake       Lake 5.0.0 for leanprover/lean4:v4.27.0
    ✓ REPL       v4.27.0 (0123456)  ([CACHE]/repl/leanprover--lean4---v4.27.0/one)
    ✓ answer     the REPL runs Lean 4.27.0
    ✓ modules    2, all there  (the closure of `Own`)
    ✓ versions   Lean 4.27.0  (toolchain, REPL, modules)
    – pickle     none was made
                 if wanted: leanrepl pickle
    ✓ memory     [SIZE] free  (a session needs about 2.0 GiB)
    ✓ disk       [SIZE] free  ([CACHE])
    – node       not found
    – core Lean  not installed
                 if wanted: leanrepl core install
    – docker     not found
    – wrangler   not found
    ----- stderr -----
    10 ok, 5 not needed
    ");
    world.assert_nothing_runs();
}

#[test]
fn programs_read_the_same_facts_as_lines() {
    let world = repl(modules(toolchain(project(), ""), "4.27.0", &[]));
    let seen = doctor(&world, &["--json"]);
    assert_eq!(seen.exit(), Some(0));
    let lines = seen.json_lines();
    let (summary, facts) = lines.split_last().unwrap();
    for fact in facts {
        assert_eq!(fact["type"], "fact");
        assert_eq!(fact["version"], 2);
    }
    let names: Vec<&Value> = facts.iter().map(|fact| &fact["name"]).collect();
    insta::assert_snapshot!(json!(names), @r#"
    ["project","elan","toolchain","lake","REPL","answer","modules","versions","pickle","memory","disk","node","core Lean","docker","wrangler"]
    "#);
    insta::assert_snapshot!(facts[4], @r#"
    {"found":"v4.27.0 (0123456)","hint":null,"name":"REPL","origin":"[CACHE]/repl/leanprover--lean4---v4.27.0/one","state":"ok","type":"fact","version":2}
    "#);
    insta::assert_snapshot!(summary, @r#"
    {"exit_code":0,"missing":0,"not_needed":5,"ok":10,"type":"summary","version":2}
    "#);
}

#[test]
fn a_new_project_is_told_each_next_step() {
    let world = project();
    snapshot!(doctor(&world, &["--quiet"]), @"
    exit: 3
    ----- stdout -----
    ✗ toolchain  `leanprover/lean4:v4.27.0` is not installed  (`[WORK]/lean-toolchain` says so)
                 hint: elan toolchain install leanprover/lean4:v4.27.0
    ✗ REPL       not built for this toolchain
                 hint: leanrepl build
    ✗ modules    nothing was built in this project yet  ([WORK]/.lake)
                 hint: lake build
    ");
}

#[test]
fn a_project_on_a_machine_without_elan_is_told_how_to_get_it() {
    let world = World::new()
        .own_programs_only()
        .file("p/lean-toolchain", "v4.27.0")
        .file("p/lakefile.lean", "");
    let seen = doctor(&world, &["--json", "--project", "p"]);
    assert_eq!(seen.exit(), Some(3));
    let (state, hint) = fact(&seen, "elan");
    assert_eq!(state, "missing");
    assert_eq!(hint, "leanrepl build --install-elan");
}

#[test]
fn a_toolchain_that_cannot_be_read_is_a_fact() {
    let world = project().file("lean-toolchain", "no such thing!\n");
    let seen = doctor(&world, &["--json"]);
    assert_eq!(seen.exit(), Some(3));
    assert_eq!(fact(&seen, "toolchain").0, "missing");
}

#[test]
fn modules_of_another_lean_or_none_have_to_be_built() {
    let world = repl(modules(toolchain(project(), ""), "4.26.0", &["Own.Gone"]));
    snapshot!(doctor(&world, &["--quiet"]), @"
    exit: 3
    ----- stdout -----
    ✗ modules    `Own.Gone` is missing  (the closure of `Own`)
                 hint: lake build
    ✗ versions   they differ: toolchain 4.27.0, REPL 4.27.0, modules 4.26.0
                 hint: lake build
    ");
}

#[test]
fn a_repl_that_does_not_answer_has_to_be_built_again() {
    let hang = "echo 'LEAN_FAKE_REPL=--at-start hang'";
    let world = repl(modules(toolchain(project(), hang), "4.27.0", &[]));
    snapshot!(doctor(&world, &["--quiet", "--timeout", "2s"]), @"
    exit: 3
    ----- stdout -----
    ✗ answer     the REPL did not answer within 2s and was stopped
                 hint: leanrepl build --force
    ");
    world.assert_nothing_runs();
}

#[test]
fn a_repl_of_another_lean_than_the_toolchain_is_noticed() {
    let other = "echo 'LEAN_FAKE_REPL=--lean-version 4.28.0'";
    let world = repl(modules(toolchain(project(), other), "4.27.0", &[]));
    snapshot!(doctor(&world, &["--quiet"]), @"
    exit: 3
    ----- stdout -----
    ✗ versions   they differ: toolchain 4.27.0, REPL 4.28.0, modules 4.27.0
                 hint: leanrepl build --force
    ");
}

#[test]
fn outside_a_project_core_lean_is_what_is_needed() {
    let world = World::new().own_programs_only();
    snapshot!(doctor(&world, &[]), @"
    exit: 3
    ----- stdout -----
    – project    no Lake project is around this folder
    – elan       not found
    ✓ memory     [SIZE] free  (a session of core Lean needs about 2.5 GiB)
    ✓ disk       [SIZE] free  ([CACHE])
    ✗ node       there is no `npm` to install core Lean with
                 hint: install Node 24 or newer, and put `node` and `npm` on `PATH`
    ✗ core Lean  not installed
                 hint: leanrepl core install
    – docker     not found
    – wrangler   not found
    ----- stderr -----
    2 ok, 2 missing, 4 not needed
    ");
    let world = world.script("npm", "exit 1").script("node", "echo v20.1.0");
    let seen = doctor(&world, &["--json"]);
    assert_eq!(fact(&seen, "node"), ("ok".to_owned(), String::new()));
    let (state, hint) = fact(&seen, "core Lean");
    assert_eq!(state, "missing");
    assert_eq!(hint, "leanrepl core install");
}

#[test]
fn programs_that_hang_are_reported_and_stopped() {
    let world = World::new()
        .own_programs_only()
        .script("elan", "/bin/sleep 600")
        .script("docker", "/bin/sleep 600 & wait")
        .script("wrangler", "/bin/sleep 600");
    let seen = doctor(&world, &["--timeout", "1s", "--json"]);
    for name in ["elan", "docker", "wrangler"] {
        assert_eq!(fact(&seen, name).0, "not_needed", "{name}");
    }
    let lines = seen.json_lines();
    let docker = lines.iter().find(|line| line["name"] == "docker").unwrap();
    let found = docker["found"].as_str().unwrap();
    assert!(
        found.contains("did not end within 1s and was stopped"),
        "{found}"
    );
    world.assert_nothing_runs();
}

#[test]
fn docker_and_wrangler_that_answer_are_told() {
    let world = World::new()
        .own_programs_only()
        .script("docker", "echo 28.1.0")
        .script("wrangler", "echo; echo ' 4.71.0'");
    let seen = doctor(&world, &["--json"]);
    let lines = seen.json_lines();
    for (name, version) in [("docker", "28.1.0"), ("wrangler", "4.71.0")] {
        let line = lines.iter().find(|line| line["name"] == name).unwrap();
        assert_eq!(
            (&line["state"], &line["found"]),
            (&json!("ok"), &json!(version))
        );
    }
}

#[test]
fn a_named_folder_that_is_no_project_is_a_failure() {
    let world = World::new();
    let seen = doctor(&world, &["--project", "."]);
    assert_eq!(seen.exit(), Some(3));
    assert!(seen.stderr().contains("`.` is not a Lake project"));
}

/// Puts a pickle into the project that says it was made with that toolchain.
fn pickle(world: World, toolchain: &str) -> World {
    let bytes = b"olean";
    let sidecar = json!({
        "version": 1,
        "toolchain": toolchain,
        "repl": "v4.27.0 (0123456789abcdef0123456789abcdef01234567)",
        "lean_version": "4.27.0",
        "manifest": null,
        "imports": ["Own"],
        "prelude": null,
        "probes": [],
        "pickle": { "sha256": digest::of_bytes(bytes), "bytes": bytes.len() },
        "made": { "import_seconds": 1.0, "unpickle_seconds": 1.0, "peak_memory_bytes": null },
        "compared": null,
    });
    world
        .bytes(".lake/leanrepl/mathlib_env.olean", bytes)
        .file(".lake/leanrepl/mathlib_env.json", &sidecar.to_string())
}

#[test]
fn a_pickle_that_fits_is_told_and_another_one_does_no_harm() {
    let world = repl(modules(toolchain(project(), ""), "4.27.0", &[]));
    let world = pickle(world, "leanprover/lean4:v4.27.0");
    let seen = doctor(&world, &["--json"]);
    assert_eq!(fact(&seen, "pickle"), ("ok".to_owned(), String::new()));
    let world = pickle(world, "leanprover/lean4:v4.26.0");
    let seen = doctor(&world, &["--json"]);
    assert_eq!(seen.exit(), Some(0));
    let (state, hint) = fact(&seen, "pickle");
    assert_eq!(state, "not_needed");
    assert_eq!(hint, "leanrepl pickle");
}

#[test]
fn a_lake_that_hangs_is_reported() {
    let world = modules(toolchain(project(), ""), "4.27.0", &[]).script("lake", "/bin/sleep 600");
    let seen = doctor(&world, &["--timeout", "1s", "--json"]);
    assert_eq!(seen.exit(), Some(3));
    for name in ["lake", "modules"] {
        assert_eq!(fact(&seen, name).0, "missing", "{name}");
    }
}

#[test]
fn modules_of_two_leans_are_noticed() {
    let world = repl(modules(toolchain(project(), ""), "4.27.0", &["Init"]));
    let old = OleanFile {
        lean: "4.26.0-pre".to_owned(),
        ..OleanFile::default()
    };
    let world = world.bytes(".lake/lib/Init.olean", &old.bytes());
    let seen = doctor(&world, &["--json"]);
    let (state, hint) = fact(&seen, "versions");
    assert_eq!(state, "missing");
    assert_eq!(hint, "lake build");
}

#[test]
fn ctrl_c_ends_the_looks_and_all_that_they_started() {
    let world = World::new()
        .own_programs_only()
        .script("docker", "/bin/sleep 600 & echo waiting; wait");
    let mut running = world.start(["doctor", "-v", "--timeout", "10m"]);
    running.wait_for(Output::Stderr, "waiting");
    running.ctrl_c();
    let seen = running.finish();
    assert_eq!(seen.exit(), Some(130));
    assert!(
        seen.stderr()
            .contains("stopped before everything was looked at")
    );
    world.assert_nothing_runs();
}
