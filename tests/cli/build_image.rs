//! `leanrepl build-image` without a Docker Engine, or with one that plays its part. A real one is met in
//! `tests/real_docker.rs`.

use std::fs;
use std::net::TcpListener;
use std::os::unix::net::UnixListener;

use crate::engine::{Build, Engine};
use crate::mount::Mount;
use crate::running::{Finished, Output};
use crate::world::{World, snapshot};

/// A world whose daemon is at `docker.sock` of the work folder.
fn world() -> World {
    let world = World::new();
    let host = format!("unix://{}", world.work("docker.sock").display());
    world.var("DOCKER_HOST", &host)
}

/// Builds an image with Mathlib.
fn build(world: &World, more: &[&str]) -> Finished {
    let mut args = vec!["build-image", "--mathlib", "--toolchain", "v4.27.0", "-q"];
    args.extend(more);
    world.leanrepl(args)
}

#[test]
fn no_daemon_is_told_apart_from_one_that_sleeps_or_is_none() {
    let world = world();
    snapshot!(build(&world, &[]), @"
    exit: 6
    ----- stderr -----
    error: no Docker daemon is at `[WORK]/docker.sock`, which does not exist
      caused by: No such file or directory (os error 2); this socket because `DOCKER_HOST` says so

    hint: install Docker and start its daemon, or name another one with `DOCKER_HOST`; `--print` and `--context DIR` need none
    ");
    drop(UnixListener::bind(world.work("docker.sock")).unwrap());
    snapshot!(build(&world, &[]), @"
    exit: 6
    ----- stderr -----
    error: no Docker daemon listens at `[WORK]/docker.sock`
      caused by: Connection refused (os error 111); this socket because `DOCKER_HOST` says so

    hint: start it, for example with `systemctl start docker`
    ");
    fs::remove_file(world.work("docker.sock")).unwrap();
    let listener = UnixListener::bind(world.work("docker.sock")).unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let _gone = std::io::Write::write_all(&mut stream.unwrap(), b"SSH-2.0-x\r\n");
        }
    });
    // How exactly it fails to speak HTTP depends on who is faster.
    let text = build(&world, &[]).text();
    let problem = "docker.sock` does not answer as Docker's daemon does\n";
    assert!(text.starts_with("exit: 6\n"), "{text}");
    assert!(text.contains(problem), "{text}");
}

#[test]
fn a_port_at_which_nothing_listens_is_no_daemon_that_answers_badly() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let host = format!("tcp://{}", listener.local_addr().unwrap());
    drop(listener);
    let world = World::new().var("DOCKER_HOST", &host);
    let text = build(&world, &[]).text().replace(&host, "tcp://[HOST]");
    insta::assert_snapshot!(text, @"
    exit: 6
    ----- stderr -----
    error: no Docker daemon listens at `tcp://[HOST]`
      caused by: Connection refused (os error 111); this address because `DOCKER_HOST` says so

    hint: start it there, or name another one with `DOCKER_HOST`
    ");
}

#[test]
fn an_address_with_encryption_is_refused_with_a_way_out() {
    let world = World::new().var("DOCKER_HOST", "ssh://me@host");
    snapshot!(build(&world, &[]), @"
    exit: 2
    ----- stderr -----
    error: the address `ssh://me@host` of Docker's daemon cannot be used
      caused by: `DOCKER_HOST` says so

    hint: let `DOCKER_HOST` name a socket, such as `unix:///var/run/docker.sock`, or `tcp://HOST:PORT` without encryption; a daemon behind ssh is reached through `ssh -L /tmp/docker.sock:/var/run/docker.sock HOST`
    ");
}

#[test]
fn a_base_that_does_not_exist_is_named() {
    let world = world();
    let _engine = Engine::start(&world.work("docker.sock"), false, Build::Fails);
    snapshot!(build(&world, &[]), @"
    exit: 6
    ----- stderr -----
    error: the base `ghcr.io/ldct/mathlib4:v4.27.0` is not on this machine and cannot be fetched
      caused by: manifest unknown

    hint: see that the name is right and its registry can be reached (`docker pull`), log in with `docker login` if it is private, or name another base with `--base IMAGE`
    ");
}

#[test]
fn a_step_that_fails_is_shown_with_its_last_lines_and_the_next_thing_to_try() {
    let world = world();
    let _engine = Engine::start(&world.work("docker.sock"), true, Build::Fails);
    snapshot!(build(&world, &[]), @"
    exit: 4
    ----- stderr -----
    error: step 2/2 of the image failed: `RUN leanrepl build --project /project`
      caused by: it returned a non-zero code: 4
                 it wrote last:
                   error: no tag

    hint: see that the base has a project in `/project`; name the tag of the REPL with `--repl-ref REF` if the toolchain has none, or another repository with `--repl-repo`
    ");
}

#[test]
fn a_daemon_that_goes_away_is_no_failed_step() {
    let world = world();
    let _engine = Engine::start(&world.work("docker.sock"), true, Build::Dies);
    snapshot!(build(&world, &[]), @"
    exit: 6
    ----- stderr -----
    error: Docker's daemon at `[WORK]/docker.sock` went away in the middle of the work
      caused by: step 2/2 of the image failed: `RUN leanrepl build --project /project`
      caused by: it ended without an image
                 it wrote last:
                   error: no tag

    hint: start it again, see what it logged (`journalctl -u docker`), and run the same command again
    ");
}

#[test]
#[ignore = "needs to be root; run cargo xtask test"]
fn a_full_disk_of_the_daemon_is_no_failed_step() {
    let world = world();
    let _disk = Mount::new(&world.work("full"), 1 << 20);
    let _engine = Engine::start(&world.work("docker.sock"), true, Build::FailsFull);
    let text = build(&world, &[]).text();
    assert!(text.starts_with("exit: 6\n"), "{text}");
    let problem = "error: the disk of Docker's folder `[WORK]/full` is full\n";
    assert!(text.contains(problem), "{text}");
}

#[test]
fn ctrl_c_ends_a_build() {
    let world = world();
    let engine = Engine::start(&world.work("docker.sock"), true, Build::Hangs);
    let args = ["build-image", "--mathlib", "--toolchain", "v4.27.0"];
    let mut running = world.start(args);
    engine.wait_for("/build?");
    running.wait_for(Output::Stderr, "step 2/2");
    running.ctrl_c();
    let text = running.finish().text();
    let end = "error: stopped while building the image\n\nhint: run the same command again; Docker keeps the steps that were finished\n";
    assert!(text.starts_with("exit: 130\n"), "{text}");
    assert!(text.ends_with(end), "{text}");
    world.assert_nothing_runs();
}

#[test]
fn a_deadline_ends_a_build() {
    let world = world();
    let _engine = Engine::start(&world.work("docker.sock"), true, Build::Hangs);
    let seen = build(&world, &["--timeout", "3s"]);
    snapshot!(seen, @"
    exit: 6
    ----- stderr -----
    error: building the image did not end within 3s and was stopped

    hint: allow more time with `--timeout`; Docker keeps the steps that were finished
    ");
}

#[test]
fn what_cannot_be_built_is_refused_before_docker_is_asked() {
    let world = World::new().file("server", "#!/bin/sh\n");
    for args in [
        &["--toolchain", "stable"][..],
        &["--kind", "core", "--keep-all"],
        &["--mathlib"],
        &[
            "--mathlib",
            "--toolchain",
            "v4.27.0",
            "--from-scratch",
            "--base",
            "x",
        ],
        &["--mathlib", "--base", "x\nRUN evil", "--print"],
        &["--mathlib", "--base", "scratch", "--print"],
        &[
            "--mathlib",
            "--base",
            "x",
            "--repl-ref",
            "a'; evil '",
            "--print",
        ],
        &[
            "--mathlib",
            "--base",
            "x",
            "--label",
            "a=b\nRUN evil",
            "--print",
        ],
        &[
            "--mathlib",
            "--base",
            "x",
            "--server-binary",
            "server",
            "--print",
        ],
    ] {
        let seen = world.leanrepl(["build-image", "-q"].iter().chain(args));
        let text = seen.text();
        assert!(text.starts_with("exit: 2\n"), "{args:?}: {text}");
        assert!(text.contains("hint: "), "{args:?}: {text}");
    }
}

#[test]
fn a_bad_name_or_platform_is_refused_before_docker_is_asked() {
    let world = world();
    snapshot!(build(&world, &["--tag", "me/lean:1", "--tag", "Bad Tag!"]), @"
    exit: 2
    ----- stderr -----
    error: the image cannot be named `Bad Tag!`
      caused by: the path of an image has small letters and digits, with `.`, `_`, `-` and `/` between them

    hint: give a name such as `me/lean-core:v4.28.0` with `--tag NAME`
    ");
    snapshot!(build(&world, &["--tag", "ghcr.io/Me/lean:1", "--print"]), @"
    exit: 2
    ----- stderr -----
    error: the image cannot be named `ghcr.io/Me/lean:1`
      caused by: the path of an image has no capital letters

    hint: give a name such as `me/lean-core:v4.28.0` with `--tag NAME`
    ");
    snapshot!(build(&world, &["--platform", "banana"]), @"
    exit: 2
    ----- stderr -----
    error: `banana` is no platform that an image can be built for

    hint: name `--platform linux/amd64` or `--platform linux/arm64`
    ");
    // These get as far as to the daemon, which is not there.
    for good in [
        ["--tag", "localhost:5000/a.b/c_d:V1"],
        ["--platform", "linux/amd64"],
        ["--platform", "linux/arm64/v8"],
    ] {
        let text = build(&world, &good).text();
        assert!(text.starts_with("exit: 6\n"), "{good:?}: {text}");
    }
}

#[test]
fn the_dockerfile_of_a_project_from_scratch_is_printed() {
    let world = World::new();
    let args = [
        "build-image",
        "-q",
        "--toolchain",
        "v4.28.0-rc1",
        "--mathlib",
    ];
    let more = [
        "--from-scratch",
        "--keep-all",
        "--repl-ref",
        "v4.27.0",
        "--print",
        "--label",
        "a=$b \"c\"",
    ];
    let seen = world.leanrepl(args.iter().chain(&more)).text();
    let digest = without_digest(&seen);
    insta::assert_snapshot!(digest, @r#"
    exit: 0
    ----- stdout -----
    # Mathlib for the toolchain leanprover/lean4:v4.28.0-rc1, served by leanrepl [VERSION]. Written by `leanrepl build-image`.
    FROM ubuntu:24.04 AS project
    # So that what an unfinished build leaves can be told from what is others'.
    LABEL org.leanprover-community.leanrepl="[VERSION]"
    USER root
    COPY leanrepl /usr/local/bin/leanrepl
    # A project for the toolchain leanprover/lean4:v4.28.0-rc1, from nothing but Debian or Ubuntu and GitHub.
    RUN apt-get update && apt-get install --yes --no-install-recommends ca-certificates curl git zstd
    ENV ELAN_HOME=/opt/elan PATH=/opt/elan/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
    COPY project /project
    # The REPL of this toolchain, and all that a running Lean reads, in a folder of its own.
    ENV LEANREPL_CACHE_DIR=/opt/leanrepl-cache
    RUN leanrepl build --project /project --install-elan --repl-ref 'v4.27.0' \
        || { mkdir -p "$ELAN_HOME/toolchains/leanprover--lean4---v4.28.0-rc1" \
        && curl --fail --silent --show-error --location "https://github.com/leanprover/lean4/releases/download/v4.28.0-rc1/lean-4.28.0-rc1-linux$([ "$(uname -m)" = aarch64 ] && echo _aarch64).tar.zst" | zstd --decompress | tar --extract --strip-components=1 --directory "$ELAN_HOME/toolchains/leanprover--lean4---v4.28.0-rc1" \
        && leanrepl build --project /project --install-elan --repl-ref 'v4.27.0'; }
    # Mathlib as its own servers compiled it.
    RUN cd /project && MATHLIB_NO_CACHE_ON_UPDATE=1 lake update && lake exe cache get && lake build Mathlib
    RUN ["leanrepl", "gather", "--project", "/project", "--into", "/opt/leanrepl", "--keep-all"]

    FROM debian:bookworm-slim
    LABEL org.leanprover-community.leanrepl="[VERSION]"
    USER root
    COPY --from=project /opt/leanrepl /opt/leanrepl
    COPY leanrepl /usr/local/bin/leanrepl
    ENV LEAN_PATH=/opt/leanrepl/modules \
        LEAN_SYSROOT=/opt/leanrepl/toolchain \
        LD_LIBRARY_PATH=/opt/leanrepl/lib \
        LEANREPL_CACHE_DIR=/tmp/leanrepl \
        LEAN_SERVER_HOST=0.0.0.0 \
        LEAN_SERVER_PORT=8000 \
        HOME=/tmp
    WORKDIR /tmp
    # Proven in a fresh process, with nothing but what is in this image; without a pickle there is no image.
    RUN leanrepl pickle --repl /opt/leanrepl/repl --import Mathlib --output /opt/leanrepl/mathlib_env.olean \
            --import-timeout 30m --memory 14GiB \
        && rm -rf /tmp/leanrepl
    USER 10001:10001
    EXPOSE 8000
    HEALTHCHECK --interval=30s --timeout=5s --start-period=5m CMD ["leanrepl", "probe", "--path", "/ready"]
    LABEL a="\$b \"c\"" \
          org.leanprover-community.leanrepl="[VERSION]" \
          org.leanprover-community.leanrepl.binary=[DIGEST]
          org.leanprover-community.leanrepl.toolchain="leanprover/lean4:v4.28.0-rc1" \
          org.opencontainers.image.base.name="debian:bookworm-slim" \
          org.opencontainers.image.licenses="Apache-2.0" \
          org.opencontainers.image.title="Mathlib for the toolchain leanprover/lean4:v4.28.0-rc1, served by leanrepl" \
          org.opencontainers.image.version="[VERSION]"
    ENTRYPOINT ["leanrepl","serve","--grace","8s","--repl","/opt/leanrepl/repl","--base","auto","--pickle","/opt/leanrepl/mathlib_env.olean","--prefault","--header","import Mathlib"]
    "#);
}

/// The text without the digest of the binary, which is another one each time.
fn without_digest(text: &str) -> String {
    let line = |line: &str| match line.split_once(".binary=") {
        Some((before, _)) => format!("{before}.binary=[DIGEST]"),
        None => line.replace(env!("CARGO_PKG_VERSION"), "[VERSION]"),
    };
    text.lines().map(line).collect::<Vec<_>>().join("\n")
}

#[test]
fn a_context_is_left_for_plain_docker_and_never_overwritten() {
    let world = World::new();
    let args = ["--from-scratch", "--context", "out"];
    let seen = build(&world, &args);
    assert_eq!(seen.exit(), Some(0));
    assert!(seen.stdout().ends_with("docker build --tag NAME out\n"));
    let names = |folder: &str| {
        let entries = fs::read_dir(world.work(folder)).unwrap();
        let mut names: Vec<String> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    };
    assert_eq!(names("out"), ["Dockerfile", "leanrepl", "project"]);
    assert_eq!(names("out/project"), ["lakefile.lean", "lean-toolchain"]);
    snapshot!(build(&world, &args), @"
    exit: 2
    ----- stderr -----
    error: cannot write the build context to `out`
      caused by: there is something in it

    hint: name a folder that can be written and has nothing in it with `--context DIR`
    ");
}

#[test]
fn a_server_that_is_not_there_does_not_answer_a_probe() {
    let world = World::new().var("LEAN_SERVER_PORT", "1");
    snapshot!(world.leanrepl(["probe", "--path", "/ready"]), @"
    exit: 6
    ----- stderr -----
    error: no server answers on port 1 of this machine within 4s
      caused by: Connection refused (os error 111)

    hint: start one with `leanrepl serve`, or name its port with the variable `LEAN_SERVER_PORT`
    ");
}
