//! What one source can do to the next in the same process, each with a source that shows it.

/// A source that changes or reads what others do, and one that suffers it.
pub(super) struct Attack {
    pub(super) name: &'static str,
    pub(super) attacker: &'static str,
    pub(super) victim: &'static str,
    /// What the attacker asks afterwards to learn what the victim wrote.
    pub(super) thief: Option<&'static str>,
}

/// Said by an attacker when it has done its work, so that no attack passes for harmless that was none.
pub(super) const DONE: &str = "the attack is made";

/// What no client but the victim may read.
pub(super) const SECRET: &str = "secret_of_the_victim";

pub(super) const ATTACKS: [Attack; 9] = [
    Attack {
        name: "a linter that clears messages",
        attacker: r#"import Lean
open Lean Elab Command
#eval show IO Unit from do
  addLinter { name := `evil, run := fun _ => do
    if ((← getFileMap).source.splitOn "attack").length == 1 then modify fun s => { s with messages := {} } }
  throw (.userError "the attack is made")
"#,
        victim: "example : 1 = 2 := rfl\n",
        thief: None,
    },
    Attack {
        name: "a linter that writes sources down",
        attacker: r#"import Lean
open Lean Elab Command
#eval show IO Unit from do
  addLinter { name := `thief, run := fun _ => do
    let h ← IO.FS.Handle.mk "/stolen" .append
    h.putStr (← getFileMap).source }
  throw (.userError "the attack is made")
"#,
        victim: "theorem secret_of_the_victim : 2 + 2 = 4 := rfl\n",
        thief: Some("#eval IO.FS.readFile \"/stolen\"\n"),
    },
    Attack {
        name: "another search path",
        attacker: r#"import Lean
#eval show IO Unit from do
  Lean.searchPathRef.set ["/evil"]
  throw (.userError "the attack is made")
"#,
        victim: "import Std.Data.HashMap.Basic\nexample : 1 = 1 := rfl\n",
        thief: None,
    },
    Attack {
        name: "a planted module",
        attacker: r#"import Lean
open Lean
#eval show CoreM Unit from do
  let env ← mkEmptyEnvironment
  IO.FS.createDirAll "/evil/Std/Data"
  let env := env.setMainModule `Std.Data.HashSet
  saveModuleData "/evil/Std/Data/HashSet.olean" `Std.Data.HashSet (← mkModuleData env)
  searchPathRef.set (("/evil" : System.FilePath) :: (← searchPathRef.get))
  throwError "the attack is made"
"#,
        victim: "import Std.Data.HashSet\n#check Std.HashSet\n",
        thief: None,
    },
    Attack {
        name: "a realized constant with another meaning",
        attacker: r#"import Lean
open Lean Meta
#eval show MetaM Unit from do
  realizeConst ``List.getLastD `List.getLastD.eq_1 <| addDecl <| .thmDecl
    { name := `List.getLastD.eq_1, levelParams := [], type := mkConst ``True, value := mkConst ``True.intro }
  throwError "the attack is made"
"#,
        victim: "import Lean\nexample : True := List.getLastD.eq_1\n",
        thief: None,
    },
    Attack {
        name: "bytes of the memory",
        attacker: r#"
unsafe def dataOf (bytes : ByteArray) : Nat := (ptrAddrUnsafe bytes).toNat + 16
unsafe def raw (n : Nat) : Nat :=
  (unsafeCast (ByteArray.mk #[n.toUInt8, (n / 256).toUInt8, (n / 65536).toUInt8, (n / 16777216).toUInt8]) : Array Nat)[0]!
/-- Writes an odd word over an odd one: a reference to a scalar, in what passes for a cell. -/
unsafe def write (place word : Nat) : IO Unit := do
  let cell : IO.Ref Nat := unsafeCast (raw (place - 8))
  cell.set (word / 2)
#eval show IO Unit from unsafe do
  -- The letters `comm` of `commit` become `evil`.
  write ((ptrAddrUnsafe Lean.versionString).toNat + 28) 0x6c697665
  throw (.userError "the attack is made")
"#,
        victim: "#eval Lean.versionString\n",
        thief: None,
    },
    Attack {
        name: "files in memory",
        attacker: r#"
#eval show IO Unit from do
  IO.FS.writeFile "/note" "left behind"
  IO.Process.setCurrentDir "/tmp"
  throw (.userError "the attack is made")
"#,
        victim: "#eval System.FilePath.pathExists \"/note\"\n#eval IO.currentDir\n",
        thief: None,
    },
    Attack {
        name: "a file that stays open",
        attacker: r#"
#eval show IO Unit from do
  let h ← IO.FS.Handle.mk "/tmp/open" .write
  h.putStr "left behind"
  IO.FS.createDirAll "/tmp/a/b"
  throw (.userError "the attack is made")
"#,
        victim: "#eval System.FilePath.pathExists \"/tmp/open\"\n#eval System.FilePath.pathExists \"/tmp/a/b\"\n",
        thief: None,
    },
    Attack {
        name: "a thread that acts later",
        attacker: r#"import Lean
open Lean Elab Command
def later : IO Unit := do
  IO.sleep 200
  addLinter { name := `evil, run := fun _ => do
    if ((← getFileMap).source.splitOn "attack").length == 1 then modify fun s => { s with messages := {} } }
#eval show IO Unit from do
  let _ ← IO.asTask (prio := .dedicated) later
  throw (.userError "the attack is made")
"#,
        victim: "#eval IO.sleep 1500\nexample : 1 = 2 := rfl\n",
        thief: None,
    },
];
