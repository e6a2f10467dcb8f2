//! leanrepl as the first process of a container.

use crate::world::World;

/// A REPL that leaves a process to whoever takes it, and tells how many dead ones nobody has reaped.
const LEAVER: &str = r#"
( sh -c 'sleep 0.2' & )
sleep 1
echo "zombies: $(grep -l '^State:.Z' /proc/[0-9]*/status | wc -l)" >&2
exit 3
"#;

#[test]
#[ignore = "needs to be root; run cargo xtask test"]
fn the_first_process_reaps_what_others_leave_and_returns_the_exit_code() {
    let world = World::new()
        .script("leaver", LEAVER)
        .file("A.lean", "#eval 1");
    let script = "exec unshare --pid --fork --mount-proc leanrepl eval --repl ../bin/leaver A.lean";
    let seen = world.start_program("sh", ["-c", script]).finish();
    let text = seen.text();
    assert!(text.contains("zombies: 0"), "{text}");
    assert!(text.contains("exit: 5"), "{text}");
    world.assert_nothing_runs();
}
