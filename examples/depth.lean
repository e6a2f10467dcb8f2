/-
An extractor for `leanrepl extract Depth.extractor --plugin examples/depth.lean --imports Init --jsonl -`:
how many hypotheses the type of each constant has, and how deep it is. `--config '{"theoremsOnly": true}'`
leaves out whatever is not a theorem.
-/
open Lean Meta LeanRepl.Extract

namespace Depth

/-- The longest way from the root of a type to a leaf. -/
partial def depth : Expr → Nat
  | .app f a => 1 + max (depth f) (depth a)
  | .lam _ d b _ | .forallE _ d b _ => 1 + max (depth d) (depth b)
  | .letE _ d v b _ => 1 + max (depth d) (max (depth v) (depth b))
  | .mdata _ e | .proj _ _ e => 1 + depth e
  | _ => 0

def extractor : Extractor where
  schema := { fields := [
    { name := "name", type := .string, nullable := false },
    { name := "module", type := .string, nullable := false },
    { name := "hypotheses", type := .nat, nullable := false },
    { name := "depth", type := .nat, nullable := false }] }
  start config := do
    -- Runs once for each page, so a wrong configuration fails before any row is made.
    let theoremsOnly ←
      match config with
      | .null => pure false
      | _ => ofExcept (config.getObjValAs? Bool "theoremsOnly")
    return fun { module, name, info } => do
      if theoremsOnly && !(← isProp info.type) then
        return #[]
      let hypotheses ← forallTelescope info.type fun variables _ =>
        variables.filterM fun x => do isProp (← inferType x)
      return #[.mkObj [("name", toJson (toString name)), ("module", toJson (toString module)),
        ("hypotheses", toJson hypotheses.size), ("depth", toJson (depth info.type))]]

end Depth
