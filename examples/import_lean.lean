import Lean

open Lean Elab Command

#eval show CommandElabM Unit from do
  logInfo m!"Nat.add_comm is known: {(← getEnv).contains ``Nat.add_comm}"
