-- Tells a public constant of a module, or of the modules that it imports if it has none itself. It
-- is run in a throwaway environment. What is used here is the same from v4.9 on.

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
def leanreplConstant (names : Array Name) : Option Name :=
  names.find? fun name => !(name.isInternal || isPrivateName name) && leanreplIsPlain name

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
        match leanreplConstant data.constNames with
        | some found => some found
        -- The implied import of Init comes first and is looked at last.
        | none => leanreplFind env seen (data.imports.foldl (fun names found => found.module :: names) rest)

def leanreplTell (env : Lean.Environment) (number : String) (name : Lean.Name) : IO Unit :=
  match leanreplFind env {} [name] with
  | some found => IO.println ("leanrepl-probe " ++ number ++ " " ++ leanreplText found)
  | none => pure ()
