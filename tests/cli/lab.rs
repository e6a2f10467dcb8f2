//! What a REPL is built from, made for the test: a real git repository with the tags of a REPL, and
//! toolchains whose `lake` and `lean` are scripts. What such a `lake` builds is the fake REPL.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use crate::world::World;

/// The loop of a REPL that does not flush its replies, as v4.9.0 has it.
const BUFFERED: &str =
    "where loop : M IO Unit := do\n  IO.println \"\" -- easier to parse\n  loop\n";

/// The loop of one that does.
const FLUSHED: &str = "where loop : M IO Unit := do\n  out.flush -- Flush the output\n  loop\n";

/// The `lake` of a toolchain. It builds a REPL that answers only if its source flushes, and only from
/// a source that was made for the toolchain it is run with. `mischief.sh` comes first.
const LAKE: &str = r#"#!/bin/sh
here="$(cd "$(dirname "$0")/.." && pwd -P)"
version="$(cat "$here/version")"
case "$1" in
env)
    printf 'LEAN_SYSROOT=%s\nLEAN_PATH=./.lake/build/lib:%s/lib\n' "$here" "$here"
    printf 'LEAN_CC=\nLAKE_CACHE_KEY=secret\nLEAN_OF_LAKE=%s\n' "$(pwd)"
    ;;
translate-config)
    echo "$2" >> "$here/translations"
    cat "$here/config.toml" > "$3"
    ;;
build)
    echo "building $2"
    if [ -e "$here/mischief.sh" ]; then . "$here/mischief.sh"; fi
    if [ "$(cat lean-toolchain)" != "$ELAN_TOOLCHAIN" ]; then
        echo "lean-toolchain is $(cat lean-toolchain), not $ELAN_TOOLCHAIN" >&2
        exit 1
    fi
    flags="--lean-version ${says:-$version}"
    grep -q '\.flush' REPL/Main.lean || flags="--at-start hang"
    mkdir -p .lake/build/bin
    printf '#!/bin/sh\nexec "%s" %s "$@"\n' 'FAKE-REPL' "$flags" > .lake/build/bin/repl
    chmod 755 .lake/build/bin/repl
    echo built >> "$here/builds"
    ;;
*)
    echo "lake: what is $1?" >&2
    exit 2
    ;;
esac
"#;

/// The `lean` of a toolchain.
const LEAN: &str = r#"#!/bin/sh
case "$1" in
--short-version) cat "$(dirname "$0")/../version" ;;
*) echo "lean: what is $1?" >&2; exit 2 ;;
esac
"#;

/// A world with a project in `p`, and what its REPL is built from.
pub(crate) struct Lab {
    /// The world.
    pub(crate) world: World,
    /// The address of the bare repository.
    pub(crate) repository: String,
}

impl Lab {
    /// A project whose toolchain is a folder with that version of Lean, and a repository with the tags
    /// v4.9.0, v4.27.0, v4.28.0 and v4.30.0 and the branch `experiment`.
    pub(crate) fn new(version: &str) -> Self {
        let lab = Self::with_toolchain("../toolchain");
        lab.toolchain("toolchain", version);
        lab
    }

    /// The same with another text in `lean-toolchain`, and no toolchain yet.
    pub(crate) fn with_toolchain(text: &str) -> Self {
        let world = World::new()
            .file("p/lean-toolchain", &format!("{text}\n"))
            .file("p/lakefile.toml", "name = \"p\"\n")
            .file("p/A.lean", "theorem t : True := trivial\n");
        let upstream = world.work("upstream");
        fs::create_dir_all(upstream.join("REPL")).unwrap();
        let git = |words: &str| run_git(&upstream, words);
        git("init --quiet --initial-branch=master");
        for (version, main) in [
            ("v4.9.0", BUFFERED),
            ("v4.27.0", FLUSHED),
            ("v4.28.0", FLUSHED),
            ("v4.30.0", FLUSHED),
        ] {
            let toolchain = format!("leanprover/lean4:{version}\n");
            fs::write(upstream.join("lean-toolchain"), toolchain).unwrap();
            fs::write(upstream.join("REPL/Main.lean"), main).unwrap();
            git("add .");
            git(&format!("commit --quiet --message {version}"));
            // Tags with a message are objects of their own.
            git(&format!("tag --annotate --message {version} {version}"));
        }
        git("checkout --quiet -b experiment v4.27.0");
        git("commit --quiet --allow-empty --message experiment");
        let bare = world.work("repl.git");
        run_git(
            &upstream,
            &format!("clone --quiet --bare . {}", bare.display()),
        );
        Self {
            repository: format!("file://{}", bare.display()),
            world,
        }
    }

    /// Makes a toolchain in a folder of the work folder.
    pub(crate) fn toolchain(&self, name: &str, version: &str) -> PathBuf {
        let folder = self.world.work(name);
        fs::create_dir_all(folder.join("bin")).unwrap();
        fs::write(folder.join("version"), format!("{version}\n")).unwrap();
        let lake = LAKE.replace("FAKE-REPL", env!("CARGO_BIN_EXE_fake-repl"));
        for (program, text) in [("lake", lake.as_str()), ("lean", LEAN)] {
            let source = folder.join(format!("{program}.sh"));
            fs::write(&source, text).unwrap();
            // Copied by a child, for the reason that `World::script` has.
            let status = Command::new("install")
                .args(["-m", "755"])
                .args([&source, &folder.join("bin").join(program)])
                .status();
            assert!(status.unwrap().success());
        }
        folder
    }

    /// What the toolchain's `lake` does before it builds.
    pub(crate) fn mischief(&self, script: &str) {
        fs::write(self.world.work("toolchain/mischief.sh"), script).unwrap();
    }

    /// The arguments of `leanrepl build` for the project.
    pub(crate) fn args<'a>(&'a self, more: &[&'a str]) -> Vec<&'a str> {
        let mut args = vec!["build", "--project", "p", "--repl-repo", &self.repository];
        args.extend(more);
        args
    }

    /// Runs `leanrepl build` for the project.
    pub(crate) fn build(&self, more: &[&str]) -> crate::running::Finished {
        self.world.leanrepl(self.args(more))
    }

    /// How often the toolchain's `lake` has built a REPL.
    pub(crate) fn builds(&self) -> usize {
        let text = fs::read_to_string(self.world.work("toolchain/builds"));
        text.unwrap_or_default().lines().count()
    }

    /// The one record in the cache.
    pub(crate) fn record(&self) -> serde_json::Value {
        let records = self.kept();
        let [folder] = records.as_slice() else {
            panic!("there are several or none: {records:?}");
        };
        let text = fs::read_to_string(folder.join("record.json")).unwrap();
        serde_json::from_str(&text).unwrap()
    }

    /// The folders of all REPLs in the cache, temporary ones included.
    pub(crate) fn kept(&self) -> Vec<PathBuf> {
        let folders = |path: PathBuf| -> Vec<PathBuf> {
            let entries = fs::read_dir(path).into_iter().flatten().flatten();
            let paths = entries.map(|entry| entry.path());
            paths.filter(|path| path.is_dir()).collect()
        };
        let toolchains = folders(self.world.cache("repl"));
        toolchains.into_iter().flat_map(folders).collect()
    }
}

/// Runs git with words separated by blanks, as an author of its own and without a user's settings.
fn run_git(folder: &std::path::Path, words: &str) {
    let status = Command::new("git")
        .args(["-c", "user.name=t", "-c", "user.email=t@example.org"])
        .args(words.split(' '))
        .current_dir(folder)
        // Commits get the same names in each run.
        .env("GIT_AUTHOR_DATE", "2026-01-01T00:00:00Z")
        .env("GIT_COMMITTER_DATE", "2026-01-01T00:00:00Z")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_SYSTEM", "/dev/null")
        .env_remove("GIT_DIR")
        .status();
    assert!(status.unwrap().success(), "git {words}");
}
