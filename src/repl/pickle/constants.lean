-- Tells a public constant of a module, or of the modules that it imports if it has none itself. It
-- is run in a throwaway environment. Written with nothing but recursion: loops need compiled code
-- that core Lean does not have, and what is used here is the same from v4.9 on.

open Lean in
partial def leanreplIsPlain : Name → Bool
  | .anonymous => true
  | .str before _ => leanreplIsPlain before
  | .num _ _ => false

open Lean in
partial def leanreplText : Name → String
  | .str .anonymous part => "«" ++ part ++ "»"
  | .str before part => leanreplText before ++ ".«" ++ part ++ "»"
  | _ => ""

open Lean in
partial def leanreplConstant (names : Array Name) (index : Nat) : Option Name :=
  if h : index < names.size then
    let name := names[index]
    if name.isInternal || isPrivateName name || !leanreplIsPlain name then
      leanreplConstant names (index + 1)
    else
      some name
  else
    none

open Lean in
partial def leanreplImports (imports : Array Import) (index : Nat) (names : List Name) : List Name :=
  if h : index < imports.size then
    leanreplImports imports (index + 1) (imports[index].module :: names)
  else
    names

open Lean in
partial def leanreplFind (env : Environment) (seen : NameSet) : List Name → Option Name
  | [] => none
  | name :: rest =>
    if seen.contains name then leanreplFind env seen rest else
    let seen := seen.insert name
    match env.getModuleIdx? name with
    | none => leanreplFind env seen rest
    | some index =>
      match env.header.moduleData[index.toNat]? with
      | none => leanreplFind env seen rest
      | some data =>
        match leanreplConstant data.constNames 0 with
        | some found => some found
        | none => leanreplFind env seen (leanreplImports data.imports 0 rest)

def leanreplTell (env : Lean.Environment) (number : String) (name : Lean.Name) : IO Unit :=
  match leanreplFind env {} [name] with
  | some found => IO.println ("leanrepl-probe " ++ number ++ " " ++ leanreplText found)
  | none => pure ()
