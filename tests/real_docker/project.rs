//! Images of a toolchain: the REPL is built in the build, from a real git repository, by a `lake` that is
//! a script; what it builds is the fake REPL.

use std::path::Path;

use crate::container::Container;
use crate::rig::{Rig, Source, debian, docker, left_over};

/// The `lake` of the toolchain.
const LAKE: &str = r#"#!/bin/sh
case "$1" in
env) printf 'LEAN_SYSROOT=/toolchain\nLEAN_PATH=/project/.lake/build/lib:/toolchain/lib/lean\n' ;;
build) mkdir -p .lake/build/bin && cp /opt/fake-repl .lake/build/bin/repl ;;
*) exit 2 ;;
esac
"#;

/// The `lean` of the toolchain.
const LEAN: &str = "#!/bin/sh\necho 4.27.0\n";

/// What makes the base: a project with a library, a toolchain with files that no session reads, and a
/// repository of a REPL.
fn dockerfile() -> String {
    let debian = debian("bookworm");
    format!(
        "FROM {debian}
COPY lake lean /toolchain/bin/
COPY fake-repl /opt/fake-repl
COPY lakefile.toml lean-toolchain /project/
RUN chmod 755 /opt/fake-repl && mkdir -p /toolchain/lib/lean /project/.lake/build/lib \
 && for name in Init Lean; do echo x > /toolchain/lib/lean/$name.olean; echo xx > /toolchain/lib/lean/$name.ilean; done \
 && echo xxx > /toolchain/lib/lean/Init.c \
 && echo x > /project/.lake/build/lib/P.olean && echo y > /project/.lake/build/lib/P.olean.private
RUN mkdir -p /repl/REPL && cd /repl && git init --quiet --initial-branch=master \
 && echo leanprover/lean4:v4.27.0 > lean-toolchain && echo '  out.flush' > REPL/Main.lean \
 && git add . && git -c user.name=t -c user.email=t@example.org commit --quiet --message x && git tag v4.27.0
"
    )
}

/// The base.
fn base(rig: &mut Rig) -> String {
    let fake = Path::new(env!("CARGO_BIN_EXE_fake-repl"));
    let files = [
        ("lake", Source::Script(LAKE)),
        ("lean", Source::Script(LEAN)),
        ("fake-repl", Source::File(fake)),
        ("lakefile.toml", Source::Text("name = \"p\"\n")),
        ("lean-toolchain", Source::Text("/toolchain\n")),
    ];
    rig.image(&dockerfile(), &files)
}

/// All files of an image below a folder, without their sizes.
fn files(image: &str, folder: &str) -> Vec<String> {
    let list = docker(&[
        "run",
        "--rm",
        "--network",
        "none",
        "--entrypoint",
        "find",
        image,
        folder,
        "-type",
        "f",
    ]);
    let mut list: Vec<String> = list.lines().map(str::to_owned).collect();
    list.sort();
    list
}

#[test]
#[ignore = "needs Docker; run cargo xtask test"]
fn a_toolchain_with_a_project_becomes_an_image_of_what_runs() {
    let mut rig = Rig::new();
    let (base, runtime) = (base(&mut rig), debian("bookworm"));
    // `cargo xtask test` makes one and says where it is.
    let binary = std::env::var("LEANREPL_STATIC").unwrap();
    for (kind, header) in [("lean", false), ("mathlib", true)] {
        let name = rig.name();
        let json = rig
            .build(&[
                "--kind",
                kind,
                "--base",
                &base,
                "--runtime-base",
                &runtime,
                "--repl-repo",
                "/repl",
                "--server-binary",
                &binary,
                "--tag",
                &name,
                "--no-smoke",
                "--json",
            ])
            .json();
        // What is reported of the image that is neither its base nor a compiled module: leanrepl, the REPL
        // (the fake one here), the pickle and its sidecar.
        let kept = json["gathered"]["kept"].as_object().unwrap().iter();
        let modules = kept.filter(|(kind, _)| kind.starts_with("olean"));
        let modules: u64 = modules
            .map(|(_, amount)| amount["bytes"].as_u64().unwrap())
            .sum();
        let bytes = |name: &str| json[name].as_u64().unwrap();
        let added = bytes("bytes") - bytes("base_bytes") - modules;
        assert!(modules > 0 && added <= 60_000_000, "{added} bytes: {json}");
        assert_eq!(json["gathered"]["left_out"]["ilean"]["files"], 2, "{json}");
        assert_eq!(json["gathered"]["left_out"]["c"]["bytes"], 4, "{json}");
        assert_eq!(
            files(&name, "/opt/leanrepl"),
            [
                "/opt/leanrepl/gathered.json",
                "/opt/leanrepl/mathlib_env.json",
                "/opt/leanrepl/mathlib_env.olean",
                "/opt/leanrepl/modules/P.olean",
                "/opt/leanrepl/modules/P.olean.private",
                "/opt/leanrepl/repl",
                "/opt/leanrepl/toolchain/lib/lean/Init.olean",
                "/opt/leanrepl/toolchain/lib/lean/Lean.olean",
            ]
        );
        let entrypoint = docker(&[
            "image",
            "inspect",
            "--format",
            "{{json .Config.Entrypoint}}",
            &name,
        ]);
        assert_eq!(
            entrypoint.contains("import Mathlib"),
            header,
            "{entrypoint}"
        );
        assert_eq!(left_over(), "");
        let container = Container::ready(&name);
        let module = if header { "Mathlib" } else { "Lean" };
        let answer = container.post(&format!("import {module}\n--! info x\n"));
        assert_eq!(answer["status"], 200, "{answer}");
        // Other imports than those of the pickle.
        let answer = container.post("import Std\n--! info x\n");
        assert_eq!(answer["status"], 200, "{answer}");
        let logs = container.logs();
        let fits =
            format!("the pickle `/opt/leanrepl/mathlib_env.olean` fits; it holds `{module}`");
        assert!(logs.contains(&fits), "{logs}");
        assert!(!logs.contains("importing instead"), "{logs}");
        assert_eq!(container.stop(), "0");
    }
}

#[test]
#[ignore = "needs Docker; run cargo xtask test"]
fn a_tag_without_a_repl_and_a_pickle_that_fails_are_failed_steps() {
    let mut rig = Rig::new();
    let (base, runtime, name) = (base(&mut rig), debian("bookworm"), rig.name());
    let args = [
        "--kind",
        "lean",
        "--base",
        &base,
        "--repl-repo",
        "/repl",
        "--no-smoke",
        "--tag",
        &name,
    ];
    let seen = rig.build(
        &[
            &args[..],
            &["--runtime-base", &runtime, "--repl-ref", "v9.9.9"],
        ]
        .concat(),
    );
    assert_eq!(seen.code, Some(4), "{seen:?}");
    assert!(seen.stderr.contains("`--repl-ref REF`"), "{seen:?}");
    // The fake writes no pickle and says that all is well.
    let dockerfile =
        format!("FROM {runtime}\nENV LEAN_FAKE_REPL=\"--pickle-fault write-nothing\"\n");
    let runtime = rig.image(&dockerfile, &[]);
    let seen = rig.build(&[&args[..], &["--runtime-base", &runtime]].concat());
    assert_eq!(seen.code, Some(4), "{seen:?}");
    assert!(seen.stderr.contains("RUN leanrepl pickle"), "{seen:?}");
    assert_eq!(left_over(), "");
}
