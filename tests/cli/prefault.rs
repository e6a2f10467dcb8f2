//! `--prefault`: what a user sees of the reading ahead.

use crate::olean_file::OleanFile;
use crate::world::{World, snapshot};

/// Adds the compiled module of that name to a folder of the work folder.
fn module(world: World, name: &str, imports: &[&str]) -> World {
    let file = OleanFile {
        imports: imports.iter().map(|&name| name.to_owned()).collect(),
        ..OleanFile::default()
    };
    world.bytes(
        &format!("lib/{}.olean", name.replace('.', "/")),
        &file.bytes(),
    )
}

#[test]
fn the_modules_that_the_files_import_are_read_before_the_session() {
    let world = World::new().fake_repl("").var("LEAN_PATH", "lib");
    let world = module(world, "Init", &[]);
    let world = module(world, "Mathlib", &["Init", "Mathlib.Gone"]);
    let world = world.file("A.lean", "import Mathlib\ntheorem t : True := trivial\n");
    let seen = world.leanrepl(["eval", "--repl", "./repl", "--prefault", "A.lean"]);
    snapshot!(seen, @"
    exit: 0
    ----- stderr -----
    reading compiled modules ahead
    note: read 728 B of 2 modules ahead in [TIME]; `Mathlib.Gone` is missing
    1 file: 1 accepted in [TIME]
    ");
}

#[test]
fn reading_ahead_without_a_folder_of_modules_says_what_is_missing() {
    let world = World::new()
        .fake_repl("")
        .file("A.lean", "theorem t : True := trivial\n");
    let seen = world.leanrepl(["eval", "--repl", "./repl", "--prefault", "A.lean"]);
    snapshot!(seen, @"
    exit: 0
    ----- stderr -----
    note: nothing is read ahead, since neither `LEAN_PATH` nor `LEAN_SYSROOT` is set
    1 file: 1 accepted in [TIME]
    ");
}

#[test]
fn a_pickle_can_read_ahead_too() {
    let world = World::new().fake_repl("").var("LEAN_PATH", "lib");
    let world = module(module(world, "Init", &[]), "Mathlib", &["Init"]);
    let args = [
        "pickle",
        "--repl",
        "./repl",
        "--import",
        "Mathlib",
        "--prefault",
    ];
    let seen = world.leanrepl(args);
    assert_eq!(seen.exit(), Some(0), "{}", seen.stderr());
    assert!(
        seen.stderr().contains("of 2 modules ahead"),
        "{}",
        seen.stderr()
    );
}
