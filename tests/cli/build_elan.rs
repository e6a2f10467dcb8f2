//! `leanrepl build` through a real elan, with toolchains that are linked to folders of the test; and on
//! a disk that fills up.

use std::fs;

use crate::lab::Lab;
use crate::mount::Mount;
use crate::world::snapshot;

/// A lab with that text in `lean-toolchain`, and toolchains linked by the name `v4.27.0` and `v4.28.1`.
fn lab(text: &str) -> Lab {
    let lab = Lab::with_toolchain(text);
    for version in ["4.27.0", "4.28.1"] {
        let folder = lab.toolchain(&format!("lean-{version}"), version);
        let link = format!("v{version}");
        let args = ["toolchain", "link", link.as_str(), folder.to_str().unwrap()];
        let linked = lab.world.start_program("elan", args).finish();
        assert_eq!(linked.exit(), Some(0), "{}", linked.stderr());
    }
    lab
}

#[test]
#[ignore = "needs elan; run cargo xtask test"]
fn elan_runs_the_toolchain_that_the_project_names() {
    let lab = lab("leanprover/lean4:v4.27.0");
    let seen = lab.build(&["-v"]);
    assert_eq!(seen.exit(), Some(0), "{}", seen.stderr());
    for part in [
        "note: using `v4.27.0` because `[WORK]/p/lean-toolchain` says so\n",
        "/source && ELAN_TOOLCHAIN=v4.27.0 lake build repl\n",
    ] {
        assert!(seen.stderr().contains(part), "{part}: {}", seen.stderr());
    }
    snapshot!(lab.world.leanrepl(["eval", "p/A.lean"]), @"
    exit: 0
    ----- stderr -----
    1 file: 1 accepted in [TIME]
    ");
    lab.world.assert_nothing_runs();
}

#[test]
#[ignore = "needs elan; run cargo xtask test"]
fn the_source_is_built_with_the_projects_toolchain_and_not_with_its_own() {
    // The `lake` of this test refuses a source whose `lean-toolchain` is another than that which elan
    // runs.
    let lab = lab("leanprover/lean4:v4.28.1");
    let seen = lab.build(&[]);
    assert_eq!(seen.exit(), Some(0), "{}", seen.stderr());
    let patches = lab.record()["patches"].to_string();
    let change = "lean-toolchain: `leanprover/lean4:v4.28.0` → `v4.28.1`";
    assert!(patches.contains(change), "{patches}");
}

#[test]
#[ignore = "needs elan; run cargo xtask test"]
fn what_elan_would_run_is_what_leanrepl_builds_for() {
    let mut lab = lab("v4.27.0");
    // What elan says, and what leanrepl says.
    let both = |lab: &Lab| {
        let script = "cd p && lean --short-version && leanrepl build --offline -v 2>&1 \
            | grep 'note: using'";
        let seen = lab.world.start_program("sh", ["-c", script]).finish();
        seen.stdout()
    };
    assert_eq!(
        both(&lab),
        "4.27.0\nnote: using `v4.27.0` because `[WORK]/p/lean-toolchain` says so\n"
    );
    let script = "cd p && elan override set v4.28.1";
    let set = lab.world.start_program("sh", ["-c", script]).finish();
    assert_eq!(set.exit(), Some(0), "{}", set.stderr());
    assert_eq!(
        both(&lab),
        "4.28.1\nnote: using `v4.28.1` because `elan override` says so for `[WORK]/p`\n",
    );
    lab.world = lab.world.var("ELAN_TOOLCHAIN", "v4.27.0");
    assert_eq!(
        both(&lab),
        "4.27.0\nnote: using `v4.27.0` because the variable `ELAN_TOOLCHAIN` says so\n",
    );
}

#[test]
#[ignore = "needs elan; run cargo xtask test"]
fn a_toolchain_that_elan_cannot_get_is_told_in_its_words() {
    let lab = lab("leanprover/lean4:v4.30.0");
    // Nothing answers there.
    let lab = Lab {
        world: lab.world.var("https_proxy", "http://127.0.0.1:9"),
        ..lab
    };
    let seen = lab.build(&[]);
    assert_eq!(seen.exit(), Some(4), "{}", seen.stderr());
    let problem = "error: `lake` ended with exit code";
    assert!(seen.stderr().contains(problem), "{}", seen.stderr());
    assert!(lab.kept().is_empty());
}

#[test]
#[ignore = "needs root to mount a small disk; run cargo xtask test"]
fn a_disk_that_fills_up_is_called_full_and_left_clean() {
    let lab = Lab::new("4.27.0");
    let cache = lab.world.cache("");
    let mount = Mount::new(&cache, 8 << 20);
    lab.mischief("head -c 100000000 /dev/zero > big");
    let seen = lab.build(&[]);
    assert_eq!(seen.exit(), Some(4), "{}", seen.stderr());
    let problem = "error: the disk of the cache folder `[CACHE]` is full";
    assert!(seen.stderr().contains(problem), "{}", seen.stderr());
    assert!(lab.kept().is_empty());
    lab.mischief("");
    assert_eq!(lab.build(&[]).exit(), Some(0));
    assert_eq!(fs::read_dir(cache.join("repl")).unwrap().count(), 1);
    drop(mount);
}
