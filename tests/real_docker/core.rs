//! Images of core Lean.

use std::io::Write;
use std::process::{Command, Stdio};

use crate::container::Container;
use crate::rig::{LABEL, Rig, Seen, Source, debian, docker, left_over};

/// Evaluates a text with the leanrepl and the Lean of an image, without a network.
fn eval(image: &str, text: &str) -> Seen {
    let mut child = Command::new("docker")
        .args(["run", "--rm", "--interactive", "--network", "none"])
        .args(["--entrypoint", "leanrepl", image])
        .args(["eval", "--toolchain", "core", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(text.as_bytes()).unwrap();
    drop(stdin);
    Seen::of(child.wait_with_output().unwrap())
}

#[test]
#[ignore = "needs Docker and core Lean; run cargo xtask test"]
fn an_image_of_core_lean_is_tried_named_and_answers_with_a_real_lean() {
    let mut rig = Rig::new();
    let (base, name) = (debian("bookworm"), rig.name());
    let args = ["--kind", "core", "--base", &base, "--tag", &name, "--json"];
    let json = rig.build(&args).json();
    assert_eq!(json["names"][0], name.as_str());
    // The server of the image has accepted, rejected and stopped.
    for what in ["ready", "accepted", "rejected", "looped"] {
        assert!(json["smoke_seconds"][what].is_f64(), "{json}");
    }
    let bytes = |value: &serde_json::Value| value.as_u64().unwrap();
    assert!(bytes(&json["bytes"]) > bytes(&json["base_bytes"]));
    assert!(json["layers"].as_array().unwrap().len() >= 3, "{json}");
    assert_eq!(left_over(), "");

    let inspect = |format: &str| docker(&["image", "inspect", "--format", format, &name]);
    assert_eq!(inspect("{{.Config.User}}"), "10001:10001");
    assert_eq!(
        inspect("{{json .Config.Entrypoint}}"),
        r#"["leanrepl","serve","--grace","8s","--toolchain","core"]"#
    );
    assert_eq!(
        inspect("{{json .Config.ExposedPorts}}"),
        r#"{"8000/tcp":{}}"#
    );
    assert!(inspect("{{json .Config.Healthcheck}}").contains("probe"));
    let label = format!("{{{{index .Config.Labels \"{LABEL}.toolchain\"}}}}");
    assert!(inspect(&label).contains("4.28.0"));

    let seen = eval(&name, "import Lean\n#eval Lean.versionString\n");
    assert_eq!(seen.code, Some(0), "{seen:?}");
    assert!(seen.stdout.contains("\"4.28.0"), "{seen:?}");
    let seen = eval(&name, "example : 1 + 1 = 3 := rfl\n");
    assert_eq!(seen.code, Some(1), "{seen:?}");

    let container = Container::ready(&name);
    let answer = container.post("import Lean\n#eval Lean.versionString\n");
    assert_eq!(answer["status"], 200, "{answer}");
    assert!(
        answer["body"].as_str().unwrap().contains("4.28.0"),
        "{answer}"
    );
    assert_eq!(container.stop(), "0", "{}", container.logs());
}

#[test]
#[ignore = "needs Docker and core Lean; run cargo xtask test"]
fn a_folder_that_is_left_is_built_by_plain_docker_with_both_builders() {
    let mut rig = Rig::new();
    let base = debian("bookworm");
    let folder = rig.path("out").display().to_string();
    let args = ["--kind", "core", "--base", &base, "--context", &folder];
    let seen = rig.build(&args);
    assert_eq!(seen.code, Some(0), "{seen:?}");
    for buildkit in ["0", "1"] {
        let name = rig.name();
        // The one of Debian, which has both builders in it.
        let output = Command::new("/usr/bin/docker")
            // The engine of the tests has no network to give.
            .args(["build", "--network", "none", "--tag", &name, &folder])
            .env("DOCKER_BUILDKIT", buildkit)
            .output()
            .unwrap();
        let seen = Seen::of(output);
        assert_eq!(seen.code, Some(0), "{seen:?}");
        let seen = eval(&name, "#check Nat\n");
        assert_eq!(seen.code, Some(0), "{seen:?}");
    }
}

#[test]
#[ignore = "needs Docker and core Lean; run cargo xtask test"]
fn a_static_leanrepl_runs_on_an_old_system() {
    let mut rig = Rig::new();
    // `cargo xtask test` makes one and says where it is.
    let binary = std::env::var("LEANREPL_STATIC").unwrap();
    let (base, name) = (debian("bullseye"), rig.name());
    let args = [
        "--kind",
        "core",
        "--base",
        &base,
        "--tag",
        &name,
        "--server-binary",
        &binary,
    ];
    let seen = rig.build(&args);
    assert_eq!(seen.code, Some(0), "{seen:?}");
    assert!(!seen.stderr.contains("needs glibc"), "{seen:?}");
    let seen = eval(&name, "#eval 6 * 7\n");
    assert_eq!(
        (seen.code, seen.stdout.contains("42")),
        (Some(0), true),
        "{seen:?}"
    );
}

#[test]
#[ignore = "needs Docker and core Lean; run cargo xtask test"]
fn a_base_that_is_too_old_for_this_leanrepl_fails_the_build() {
    let mut rig = Rig::new();
    let (base, name) = (debian("bullseye"), rig.name());
    let program = std::path::Path::new(env!("CARGO_BIN_EXE_leanrepl"));
    // What the tests are built with may be static; then it runs there too.
    let text = std::fs::read(program).unwrap();
    let is_dynamic = text.windows(11).any(|part| part == b"GLIBC_2.34\0");
    let args = [
        "--kind",
        "core",
        "--base",
        &base,
        "--tag",
        &name,
        "--no-smoke",
    ];
    let seen = rig.build(&args);
    assert_eq!(seen.code, Some(if is_dynamic { 4 } else { 0 }), "{seen:?}");
    if is_dynamic {
        assert!(seen.stderr.contains("`--base IMAGE`"), "{seen:?}");
        assert!(seen.stderr.contains("GLIBC_2."), "{seen:?}");
        assert_eq!(left_over(), "");
    }
}

#[test]
#[ignore = "needs Docker and core Lean; run cargo xtask test"]
fn the_first_process_of_a_container_reaps_and_ends_when_asked() {
    let mut rig = Rig::new();
    let base = debian("bookworm");
    let leaver = "#!/bin/sh\n( sh -c 'sleep 0.2' & )\nsleep 1\n\
        echo \"zombies: $(grep -l '^State:.Z' /proc/[0-9]*/status | wc -l)\" >&2\nexit 3\n";
    let dockerfile =
        format!("FROM {base}\nCOPY leaver leanrepl A.lean /\nENTRYPOINT [\"/leanrepl\"]\n");
    let program = std::path::Path::new(env!("CARGO_BIN_EXE_leanrepl"));
    let files = [
        ("leaver", Source::Script(leaver)),
        ("leanrepl", Source::File(program)),
        ("A.lean", Source::Text("#eval 1\n")),
    ];
    let image = rig.image(&dockerfile, &files);
    let seen =
        crate::rig::try_docker(&["run", "--rm", &image, "eval", "--repl", "/leaver", "A.lean"]);
    assert!(seen.stderr.contains("zombies: 0"), "{seen:?}");
    assert_eq!(seen.code, Some(5), "{seen:?}");
    // Without an end of its own: stdin stays open.
    let id = docker(&[
        "run",
        "--detach",
        "--interactive",
        &image,
        "eval",
        "--repl",
        "/leaver",
        "-",
    ]);
    docker(&["stop", "--time", "60", &id]);
    let code = docker(&["inspect", "--format", "{{.State.ExitCode}}", &id]);
    docker(&["rm", "--force", &id]);
    assert_eq!(code, "130");
}
