import Lean

/-! What `initialize` makes: a reference, and an attribute with an extension of environments. -/

open Lean Meta

/-- A number that exists only if the initializers of this module ran. -/
initialize luckyNumber : IO.Ref Nat ← IO.mkRef 7

/-- The simp set of the theorems that are marked `[lucky]`. -/
initialize luckyExtension : SimpExtension ← registerSimpAttr `lucky "theorems for the tactic `lucky`"
