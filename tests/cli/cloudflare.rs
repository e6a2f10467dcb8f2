//! `leanrepl cloudflare` with programs made for the test in the place of wrangler, Docker and Node.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use serde_json::Value;

use crate::world::{World, snapshot};

/// The beginning of references to images.
const REGISTRY: &str = "registry.cloudflare.com/0123";

/// The option that adds a container.
fn container(name: &str) -> String {
    format!("--container={name}={REGISTRY}/{name}:v1")
}

/// A folder `lean` with a Worker for `mathlib-4-27-0`, and programs that do nothing.
fn made() -> World {
    let world = World::new()
        .own_programs_only()
        .script("docker", "exit 1")
        .script("node", "echo ready");
    let finished = world.leanrepl(["cloudflare", "init", "lean", &container("mathlib-4-27-0")]);
    assert!(
        finished.text().starts_with("exit: 0"),
        "{}",
        finished.text()
    );
    wrangler(world, "echo wrangler \"$@\"")
}

/// Puts a wrangler into the folder that does this.
fn wrangler(world: World, script: &str) -> World {
    let world = world.file(
        "lean/node_modules/.bin/wrangler",
        &format!("#!/bin/sh\nPATH=/usr/bin:/bin\n{script}\n"),
    );
    let path = world.work("lean/node_modules/.bin/wrangler");
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    world
}

/// Replaces something in a file of the work folder.
fn edit(world: &World, name: &str, old: &str, new: &str) {
    let path = world.work(name);
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.contains(old), "{text}");
    fs::write(path, text.replace(old, new)).unwrap();
}

#[test]
fn init_says_what_it_wrote_and_what_the_containers_run_on() {
    let world = World::new();
    let first = world.leanrepl([
        "cloudflare",
        "init",
        "lean",
        &container("mathlib-4-27-0"),
        &container("core-4-28-0"),
        "--image-size=core-4-28-0=600MB",
        "--memory=core-4-28-0=700MiB",
    ]);
    snapshot!(first, @"
    exit: 0
    ----- stdout -----
    lean/wrangler.jsonc: created
    lean/package.json: created
    lean/tsconfig.json: created
    lean/.gitignore: created
    lean/README.md: created
    lean/src/index.ts: created
    lean/src/worker.ts: created
    lean/src/replies.ts: created
    lean/src/access.ts: created
    lean/test/worker.test.mjs: created
    ----- stderr -----
    note: `mathlib-4-27-0` runs on `standard-3`, by what such images take; `--image-size` and `--memory` say what yours was measured to take
    note: `core-4-28-0` runs on `basic`, by the sizes that you gave
    ");
    let again = world.leanrepl([
        "cloudflare",
        "init",
        "lean",
        "-q",
        &container("lean-4-27-0"),
    ]);
    snapshot!(again, @"
    exit: 0
    ----- stdout -----
    lean/wrangler.jsonc: updated
    lean/package.json: unchanged
    lean/tsconfig.json: unchanged
    lean/.gitignore: unchanged
    lean/README.md: updated
    lean/src/index.ts: updated
    lean/src/worker.ts: unchanged
    lean/src/replies.ts: unchanged
    lean/src/access.ts: unchanged
    lean/test/worker.test.mjs: unchanged
    ");
}

#[test]
fn init_takes_the_size_of_an_image_that_is_on_this_machine() {
    let docker = "case \"$*\" in *core-4-28-0:v1) echo 9000000000 ;; *) exit 1 ;; esac";
    let world = World::new().script("docker", docker);
    let (core, lean) = (container("core-4-28-0"), container("lean-4-27-0"));
    let seen = world.leanrepl(["cloudflare", "init", "lean", &core, &lean]);
    snapshot!(seen, @"
    exit: 0
    ----- stdout -----
    lean/wrangler.jsonc: created
    lean/package.json: created
    lean/tsconfig.json: created
    lean/.gitignore: created
    lean/README.md: created
    lean/src/index.ts: created
    lean/src/worker.ts: created
    lean/src/replies.ts: created
    lean/src/access.ts: created
    lean/test/worker.test.mjs: created
    ----- stderr -----
    note: `core-4-28-0` runs on `standard-2`, by its image on this machine (9.0 GB) and the memory that such containers take; `--memory` says what yours was measured to take
    note: `lean-4-27-0` runs on `standard-1`, by what such images take; `--image-size` and `--memory` say what yours was measured to take
    ");
    let seen = world.leanrepl([
        "cloudflare",
        "init",
        "lean",
        &core,
        "--image-size=600MB",
        "--memory=1GiB",
    ]);
    snapshot!(seen, @"
    exit: 0
    ----- stdout -----
    lean/wrangler.jsonc: updated
    lean/package.json: unchanged
    lean/tsconfig.json: unchanged
    lean/.gitignore: unchanged
    lean/README.md: updated
    lean/src/index.ts: unchanged
    lean/src/worker.ts: unchanged
    lean/src/replies.ts: unchanged
    lean/src/access.ts: unchanged
    lean/test/worker.test.mjs: unchanged
    ----- stderr -----
    note: `core-4-28-0` runs on `standard-1`, by the sizes that you gave
    note: `lean-4-27-0` runs on `standard-1`, by the sizes that you gave
    ");
}

#[test]
fn a_trial_says_what_it_lacks_before_it_makes_anything() {
    let world = made();
    snapshot!(world.leanrepl(["cloudflare", "try", "lean"]), @"
    exit: 6
    ----- stderr -----
    error: `docker` ended with exit code 1 while asking Docker's daemon for its version
      caused by: it wrote nothing

    hint: start the daemon, and see that `docker version` works; another one is named by `DOCKER_HOST`
    ");
    let world = world.script("docker", "[ \"$1\" = version ]");
    snapshot!(world.leanrepl(["cloudflare", "try", "lean"]), @"
    exit: 6
    ----- stderr -----
    error: the image `registry.cloudflare.com/0123/mathlib-4-27-0:v1` of `mathlib-4-27-0` is not on this machine

    hint: build it with `leanrepl build-image --tag registry.cloudflare.com/0123/mathlib-4-27-0:v1`, or fetch it with `docker pull registry.cloudflare.com/0123/mathlib-4-27-0:v1`
    ");
    fs::remove_file(world.work("lean/node_modules/.bin/wrangler")).unwrap();
    snapshot!(world.leanrepl(["cloudflare", "try", "lean"]), @"
    exit: 3
    ----- stderr -----
    error: wrangler is not installed in `lean`

    hint: run `npm install` in `lean`
    ");
    let stub = [
        "cloudflare",
        "init",
        "stub",
        "--stub",
        "--container=lean-4-27-0",
    ];
    world.leanrepl(stub);
    fs::create_dir_all(world.work("stub/node_modules/.bin")).unwrap();
    fs::write(world.work("stub/node_modules/.bin/wrangler"), "").unwrap();
    snapshot!(world.leanrepl(["cloudflare", "try", "stub"]), @"
    exit: 2
    ----- stderr -----
    error: `stub` has no containers that could be tried

    hint: make a stub real with `leanrepl cloudflare init DIR --container NAME=IMAGE`
    ");
    snapshot!(world.leanrepl(["cloudflare", "try", "--kind", "lean"]), @"
    exit: 2
    ----- stderr -----
    error: a trial of this kind needs a release of Lean

    hint: name one, for example `--toolchain v4.27.0`
    ");
}

#[test]
fn a_trial_without_docker_says_so() {
    let world = World::new().own_programs_only();
    world.leanrepl(["cloudflare", "init", "lean", &container("core-4-28-0")]);
    let world = wrangler(world, "exit 0");
    snapshot!(world.leanrepl(["cloudflare", "try", "lean"]), @"
    exit: 6
    ----- stderr -----
    error: `docker`, needed for asking Docker's daemon for its version, was not found

    hint: install Docker (on Debian: apt-get install docker.io) and put it on `PATH`
    ");
}

#[test]
fn a_stub_names_no_image_and_becomes_real_in_place() {
    let world = World::new();
    let stub = [
        "cloudflare",
        "init",
        "lean",
        "--stub",
        "--container=lean-4-27-0",
    ];
    assert!(world.leanrepl(stub).text().starts_with("exit: 0"));
    let config = || fs::read_to_string(world.work("lean/wrangler.jsonc")).unwrap();
    assert!(!config().contains("containers"), "{}", config());
    snapshot!(world.leanrepl(["cloudflare", "init", "lean"]), @"
    exit: 2
    ----- stderr -----
    error: the container `lean-4-27-0` has no image

    hint: name it with `--container lean-4-27-0=IMAGE`, or use `--stub` for a Worker without containers
    ");
    let real = world.leanrepl([
        "cloudflare",
        "init",
        "lean",
        "-q",
        &container("lean-4-27-0"),
    ]);
    assert!(real.text().starts_with("exit: 0"), "{}", real.text());
    assert!(
        config().contains("\"class_name\": \"Lean_4_27_0\""),
        "{}",
        config()
    );
    snapshot!(world.leanrepl(stub), @"
    exit: 2
    ----- stderr -----
    error: this folder has containers already, which a stub would take away

    hint: leave out `--stub`, or make the stub in another folder
    ");
}

#[test]
fn a_file_that_was_changed_is_shown_and_nothing_is_written() {
    let world = made();
    edit(
        &world,
        "lean/wrangler.jsonc",
        "\"enabled\": true",
        "\"enabled\": false",
    );
    let before = fs::read_to_string(world.work("lean/src/index.ts")).unwrap();
    let said = world.leanrepl(["cloudflare", "init", "lean", "--max-instances=5"]);
    snapshot!(said, @r#"
    exit: 2
    ----- stderr -----
    error: `lean` would lose what was changed in `wrangler.jsonc`
      caused by: these differences:
                 --- wrangler.jsonc as it is
                 +++ as it would be written
                 @@ -7,7 +7,7 @@
                    "compatibility_date": "2026-02-24",
                    // Keeps logs, which `npx wrangler tail` and the dashboard show.
                    "observability": {
                 -    "enabled": false
                 +    "enabled": true
                    },
                    // One for each version. The image must be in its registry before a deploy and under a tag of its own:
                    // a new image under an old tag, or under `latest`, is not noticed. It must fit the disk of the instance
                 @@ -18,7 +18,7 @@
                        "class_name": "Mathlib_4_27_0",
                        "image": "registry.cloudflare.com/0123/mathlib-4-27-0:v1",
                        "instance_type": "standard-3",
                 -      "max_instances": 3
                 +      "max_instances": 5
                      }
                    ],
                    // How the Worker reaches them; each class is exported by src/index.ts.

    hint: take over what you want to keep and run it again with `--force`; nothing was written
    "#);
    assert_eq!(
        fs::read_to_string(world.work("lean/src/index.ts")).unwrap(),
        before
    );
    let forced = world.leanrepl([
        "cloudflare",
        "init",
        "lean",
        "-q",
        "--max-instances=5",
        "--force",
    ]);
    assert!(forced.text().starts_with("exit: 0"), "{}", forced.text());
}

#[test]
fn what_cannot_be_deployed_is_refused_before_a_file_is_written() {
    let world = World::new();
    for option in [
        "--container=mathlib",
        "--container=lean-4-27-0=lean:v1",
        "--container=lean-4-27-0=ghcr.io/me/lean:latest",
        "--container=lean-4-27-0=ghcr.io/Me/lean:v1",
        "--instance-type=huge",
        "--name=Big_Name",
    ] {
        let said = world.leanrepl(["cloudflare", "init", "lean", option]);
        assert!(said.text().starts_with("exit: 2"), "{}", said.text());
    }
    let mathlib = container("mathlib-4-27-0");
    let large = [mathlib.as_str(), "--image-size=21GB"];
    snapshot!(world.leanrepl(["cloudflare", "init", "lean"].iter().chain(&large)), @"
    exit: 2
    ----- stderr -----
    error: an image of 21.0 GB does not fit the 20.0 GB of disk of `standard-4`, the largest instance type

    hint: make the image smaller (`leanrepl build-image` leaves out what is never read), or say what was measured with `--image-size` and `--memory`
    ");
    let small = [
        mathlib.as_str(),
        "--instance-type=standard-2",
        "--memory=7GiB",
    ];
    snapshot!(world.leanrepl(["cloudflare", "init", "lean"].iter().chain(&small)), @"
    exit: 2
    ----- stderr -----
    error: `mathlib-4-27-0`: 7.0 GiB of memory do not fit the 6.0 GiB of `standard-2`

    hint: use `--instance-type mathlib-4-27-0=standard-4`
    ");
    assert!(!world.work("lean").exists());
}

#[test]
fn a_folder_that_cannot_be_written_is_named() {
    let world = World::new().file("lean", "a file");
    snapshot!(world.leanrepl(["cloudflare", "init", "lean", &container("lean-4-27-0")]), @"
    exit: 2
    ----- stderr -----
    error: `lean` is no folder

    hint: name a folder, or a path where there is nothing yet
    ");
}

#[test]
fn check_finds_what_wrangler_lets_pass() {
    let world = made();
    edit(
        &world,
        "lean/wrangler.jsonc",
        "mathlib-4-27-0:v1",
        "mathlib-4-27-0:latest",
    );
    edit(
        &world,
        "lean/wrangler.jsonc",
        "\"standard-3\"",
        "{ \"memory_mib\": 16384 }",
    );
    edit(
        &world,
        "lean/wrangler.jsonc",
        "new_sqlite_classes",
        "new_classes",
    );
    edit(
        &world,
        "lean/src/index.ts",
        "export class Mathlib",
        "class Mathlib",
    );
    snapshot!(world.leanrepl(["cloudflare", "check", "lean"]), @r#"
    exit: 2
    ----- stdout -----
    src/index.ts: the class `Mathlib_4_27_0` of a container is not exported
      hint: write `export class Mathlib_4_27_0 extends Container`, or run `leanrepl cloudflare init` again
    wrangler.jsonc:19: the image `registry.cloudflare.com/0123/mathlib-4-27-0:latest` has the tag `latest`, of which a new image is not noticed
      hint: push the image under a tag that names its release, for example `:v4.27.0`, and write that
    wrangler.jsonc:20: a custom instance type has at most 12288 of `memory_mib`, not 16384
      hint: write 12288 or less
    wrangler.jsonc:39: the class `Mathlib_4_27_0` of a container is made by `new_classes`, without SQLite
      hint: move it to "new_sqlite_classes"; if it was deployed already, delete the class by a new step and take another name
    ----- stderr -----
    4 things are wrong
    "#);
    snapshot!(world.leanrepl(["cloudflare", "check", "lean", "--json", "-q"]), @r#"
    exit: 2
    ----- stdout -----
    {"type":"finding","version":2,"file":"src/index.ts","line":null,"problem":"the class `Mathlib_4_27_0` of a container is not exported","hint":"write `export class Mathlib_4_27_0 extends Container`, or run `leanrepl cloudflare init` again"}
    {"type":"finding","version":2,"file":"wrangler.jsonc","line":19,"problem":"the image `registry.cloudflare.com/0123/mathlib-4-27-0:latest` has the tag `latest`, of which a new image is not noticed","hint":"push the image under a tag that names its release, for example `:v4.27.0`, and write that"}
    {"type":"finding","version":2,"file":"wrangler.jsonc","line":20,"problem":"a custom instance type has at most 12288 of `memory_mib`, not 16384","hint":"write 12288 or less"}
    {"type":"finding","version":2,"file":"wrangler.jsonc","line":39,"problem":"the class `Mathlib_4_27_0` of a container is made by `new_classes`, without SQLite","hint":"move it to \"new_sqlite_classes\"; if it was deployed already, delete the class by a new step and take another name"}
    {"type":"summary","version":2,"findings":4,"exit_code":2}
    "#);
}

#[test]
fn check_finds_names_that_docker_does_not_take() {
    let world = made();
    edit(&world, "lean/wrangler.jsonc", REGISTRY, "ghcr.io/Me");
    snapshot!(world.leanrepl(["cloudflare", "check", "lean"]), @r#"
    exit: 2
    ----- stdout -----
    wrangler.jsonc:19: the image `ghcr.io/Me/mathlib-4-27-0:v1` has capital letters in its path, which Docker does not take
      hint: write it in small letters, and push the image under that name
    ----- stderr -----
    1 thing is wrong
    "#);
    // As examples have it, so that a folder can be made before the account is known.
    let image = "--container=mathlib-4-27-0=registry.cloudflare.com/ACCOUNT/leanrepl:v4.27.0";
    let seen = world.leanrepl(["cloudflare", "init", "new", image, "-q"]);
    assert_eq!(seen.exit(), Some(0), "{}", seen.text());
    snapshot!(world.leanrepl(["cloudflare", "check", "new"]), @r#"
    exit: 2
    ----- stdout -----
    wrangler.jsonc:19: the image `registry.cloudflare.com/ACCOUNT/leanrepl:v4.27.0` holds `ACCOUNT`, which only stands for the id of your account
      hint: write the id that `npx wrangler whoami` shows, and push the image under that name
    ----- stderr -----
    1 thing is wrong
    "#);
}

#[test]
fn check_asks_docker_how_large_the_image_is() {
    let docker =
        "case \"$1\" in version) echo 20.10 ;; image) echo 17000000000 ;; *) exit 1 ;; esac";
    let world = made().script("docker", docker);
    snapshot!(world.leanrepl(["cloudflare", "check", "lean", "--no-wrangler"]), @r#"
    exit: 2
    ----- stdout -----
    wrangler.jsonc:20: an image of 17.0 GB does not fit the 16.0 GB of disk of `standard-3`
      hint: write "instance_type": "standard-4"
    ----- stderr -----
    1 thing is wrong
    "#);
}

#[test]
fn an_image_that_is_nowhere_is_found_but_only_if_docker_can_tell() {
    let world = made();
    edit(&world, "lean/wrangler.jsonc", REGISTRY, "ghcr.io/me");
    snapshot!(world.leanrepl(["cloudflare", "check", "lean", "--no-wrangler"]), @"
    exit: 0
    ----- stderr -----
    note: Docker does not answer, so that the images were not looked at
    nothing is wrong
    ");
    let world = world.script("docker", "[ \"$1\" = version ]");
    snapshot!(world.leanrepl(["cloudflare", "check", "lean", "--no-wrangler"]), @"
    exit: 2
    ----- stdout -----
    wrangler.jsonc:19: the image `ghcr.io/me/mathlib-4-27-0:v1` is neither on this machine nor found in its registry
      hint: build it with `leanrepl build-image --tag ghcr.io/me/mathlib-4-27-0:v1`, or log in where it is with `docker login`
    ----- stderr -----
    1 thing is wrong
    ");
}

#[test]
fn check_hands_on_what_wrangler_says() {
    let world = made();
    let check = ["cloudflare", "check", "lean", "--no-docker"];
    snapshot!(world.leanrepl(check), @"
    exit: 0
    ----- stderr -----
    letting wrangler look
    nothing is wrong
    ");
    let world = wrangler(world, "echo 'something is missing' >&2; exit 1");
    snapshot!(world.leanrepl(check), @"
    exit: 2
    ----- stderr -----
    letting wrangler look
    error: `[WORK]/lean/node_modules/.bin/wrangler` ended with exit code 1 while checking the Worker
      caused by: in `[WORK]/lean` it wrote last:
                   something is missing

    hint: fix what wrangler names; `-v` shows all that it says
    ");
    let world = wrangler(world, "exec sleep 600");
    snapshot!(world.leanrepl(check.iter().chain(&["--timeout=1s"])), @"
    exit: 2
    ----- stderr -----
    letting wrangler look
    error: `[WORK]/lean/node_modules/.bin/wrangler` did not end within 1s and was stopped while checking the Worker
      caused by: in `[WORK]/lean` it wrote nothing

    hint: fix what wrangler names; `-v` shows all that it says
    ");
    world.assert_nothing_runs();
    fs::remove_dir_all(world.work("lean/node_modules")).unwrap();
    snapshot!(world.leanrepl(check), @"
    exit: 3
    ----- stderr -----
    letting wrangler look
    error: wrangler is not installed in `lean`

    hint: run `npm install` in `lean`
    ");
}

#[test]
fn a_config_that_is_no_json_is_named_with_its_place() {
    let world = made();
    edit(&world, "lean/wrangler.jsonc", "\"main\": ", "\"main\" ");
    snapshot!(world.leanrepl(["cloudflare", "check", "lean"]), @"
    exit: 2
    ----- stderr -----
    error: `lean/wrangler.jsonc` is no JSON with comments
      caused by: Expected colon after the string or word in object property on line 5 column 10

    hint: correct it at the place that is named
    ");
    snapshot!(world.leanrepl(["cloudflare", "check", "."]), @"
    exit: 2
    ----- stderr -----
    error: `.` holds no `wrangler.jsonc`

    hint: name a folder that `leanrepl cloudflare init` made
    ");
}

/// A wrangler that tells what it is run with and where it deployed to.
const DEPLOYS: &str = r#"echo "wrangler $* (CI=$CI, metrics $WRANGLER_SEND_METRICS, token $CLOUDFLARE_API_TOKEN, other $OTHER_TOKEN)" | tee -a calls
if [ "$*" = deploy ]; then
echo '{"type":"deploy","version":1,"targets":["https://lean.me.workers.dev"]}' > "$WRANGLER_OUTPUT_FILE_PATH"
fi"#;

#[test]
fn deploy_checks_pushes_deploys_and_waits() {
    let docker =
        "case \"$1\" in version) echo 20.10 ;; image) echo 10000000000 ;; *) exit 1 ;; esac";
    let world = wrangler(made(), DEPLOYS)
        .script("docker", docker)
        .script("node", "shift 4; echo asked \"$@\" with ${LEANREPL_API_KEY:-no key} | /usr/bin/sed 's/ [0-9]* http/ TIME http/'")
        .var("CLOUDFLARE_API_TOKEN", "t0k3n")
        .var("OTHER_TOKEN", "secret")
        .var("LEANREPL_API_KEY", "k");
    let secret = world
        .leanrepl(["cloudflare", "deploy", "lean", "-v"])
        .text();
    assert!(!secret.contains("LEANREPL_API_KEY=k"), "{secret}");
    snapshot!(world.leanrepl(["cloudflare", "deploy", "lean"]), @"
    exit: 0
    ----- stdout -----
    https://lean.me.workers.dev
    ----- stderr -----
    checking
    pushing registry.cloudflare.com/0123/mathlib-4-27-0:v1
    wrangler containers push registry.cloudflare.com/0123/mathlib-4-27-0:v1 (CI=1, metrics false, token t0k3n, other )
    deploying
    wrangler deploy (CI=1, metrics false, token t0k3n, other )
    waiting until it is ready
    asked TIME https://lean.me.workers.dev/mathlib-4-27-0/health with k
    ");
}

#[test]
fn deploy_stops_at_the_first_thing_that_is_wrong() {
    let world = wrangler(made(), DEPLOYS);
    edit(&world, "lean/wrangler.jsonc", ":v1\"", ":latest\"");
    snapshot!(world.leanrepl(["cloudflare", "deploy", "lean"]), @"
    exit: 2
    ----- stdout -----
    wrangler.jsonc:19: the image `registry.cloudflare.com/0123/mathlib-4-27-0:latest` has the tag `latest`, of which a new image is not noticed
      hint: push the image under a tag that names its release, for example `:v4.27.0`, and write that
    ----- stderr -----
    1 thing is wrong
    ");
    edit(&world, "lean/wrangler.jsonc", ":latest\"", ":v1\"");
    let world = wrangler(world, "[ $# = 2 ] || { echo 'not logged in'; exit 1; }");
    snapshot!(world.leanrepl(["cloudflare", "deploy", "lean"]), @"
    exit: 6
    ----- stderr -----
    note: Docker does not answer, so that the images were not looked at
    checking
    deploying
    not logged in
    error: `[WORK]/lean/node_modules/.bin/wrangler` ended with exit code 1 while deploying the Worker
      caused by: in `[WORK]/lean` it wrote last:
                   not logged in

    hint: log in with `npx wrangler login` or set `CLOUDFLARE_API_TOKEN`, and fix what wrangler names
    ");
    assert!(!world.work("lean/calls").exists());
}

#[test]
fn deploy_that_does_not_become_ready_says_so() {
    let world = wrangler(made(), DEPLOYS).script(
        "node",
        "echo 'https://lean.me.workers.dev 503: importing Mathlib'; exit 1",
    );
    snapshot!(world.leanrepl(["cloudflare", "deploy", "lean", "-q", "--timeout=5s"]), @"
    exit: 6
    ----- stderr -----
    error: `node` ended with exit code 1 while waiting until the Worker is ready
      caused by: it wrote last:
                   https://lean.me.workers.dev 503: importing Mathlib

    hint: a first deploy takes minutes to spread: look at `npx wrangler tail` and run it again, or give it longer with `--timeout`
    ");
    let unwaited = world.leanrepl(["cloudflare", "deploy", "lean", "-q", "--no-wait"]);
    snapshot!(unwaited, @"
    exit: 0
    ----- stdout -----
    https://lean.me.workers.dev
    ");
}

#[test]
fn cost_is_a_table_or_json() {
    let world = made();
    let cost = ["cloudflare", "cost", "lean", "--requests-per-day=100"];
    let said = world.leanrepl(cost).text();
    assert!(
        said.contains("mathlib-4-27-0") && said.contains("together"),
        "{said}"
    );
    let said = world.leanrepl(cost.iter().chain(&["--json"])).text();
    let line: Value =
        serde_json::from_str(said.lines().find(|line| line.starts_with('{')).unwrap()).unwrap();
    assert_eq!(
        (&line["type"], &line["days"]),
        (&"cost".into(), &30.0.into())
    );
    assert!(
        line["estimate"]["dollars"].as_f64().unwrap() > 5.0,
        "{line}"
    );
    snapshot!(world.leanrepl(["cloudflare", "cost", "lean", "--requests-per-day=lean-1=3"]), @"
    exit: 2
    ----- stderr -----
    error: there is no container `lean-1` in that folder

    hint: name one that `wrangler.jsonc` has, or leave the name out
    ");
    snapshot!(world.leanrepl(["cloudflare", "cost", "gone", "--requests-per-day=3"]), @"
    exit: 2
    ----- stderr -----
    error: `gone` holds no `leanrepl.json`

    hint: name a folder that `leanrepl cloudflare init` made
    ");
    snapshot!(world.leanrepl(["cloudflare", "cost", "--requests-per-day=3"]), @"
    exit: 2
    ----- stderr -----
    error: the following required arguments were not provided:
      <DIR>

    Usage: leanrepl cloudflare cost --requests-per-day <[NAME=]N> <DIR>

    For more information, try '--help'.
    ");
}
