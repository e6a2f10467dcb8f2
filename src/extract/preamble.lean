/-!
# The extractors of leanrepl

This body is sent once to each worker, after a header that imports `Lean` and the modules asked for. Each
command prints its result as lines of JSON:

* `modules roots`: the modules of the import closure of `roots`, with their numbers of constants;
* `pageWith extractor roots config items maxBytes`: rows of an extractor: `types`, `constDep`, `decls` (in `decls.lean`), or
  one of the user;
* `schemaOf extractor`: its schema and key;
* `tactics source path moduleName? options first maxRows maxBytes`, in `tactics.lean`: the tactics of a source.

Modules and roots are arrays of the parts of their names, so that no name needs to be escaped.

It uses what Lean 4.9 to 4.33 have in common. What only some of them have is looked up in the environment when
this is elaborated (`first` below).

## Extractors of users

An extractor is a constant of type `Extractor`. A file that defines one may have imports of its own:

```
open Lean Meta LeanRepl.Extract

def universes : Extractor where
  schema := { fields := [
    { name := "name", type := .string, nullable := false },
    { name := "levels", type := .nat, nullable := false }] }
  start _config := return fun constant =>
    return #[.mkObj [("name", toJson (toString constant.name)), ("levels", toJson constant.info.levelParams.length)]]
```

Columns and their types are written as those of Lean Scout. A row is an object with a value for each column;
a column that is `nullable` may be `null` or absent.
-/

namespace LeanRepl.Extract

/-! Nothing is opened: a module of the user may have an `Expr` or a `Json` of its own outside of namespaces. -/
export Lean (Name Expr Json Environment ConstantInfo ToJson)
export Lean.ToJson (toJson)
export Lean.Core (CoreM)
export Lean.Meta (MetaM)

/-! ## Schemas -/

/-- What a column holds, in the language of schemas. -/
structure DataType where
  json : Json

/-- A column, or a field of a structure. -/
structure Field where
  name : String
  type : DataType
  nullable : Bool := true

structure Schema where
  fields : List Field

def Field.toJson (field : Field) : Json :=
  .mkObj [("name", .str field.name), ("type", field.type.json), ("nullable", .bool field.nullable)]

namespace DataType

def named (name : String) (more : List (String × Json) := []) : DataType :=
  ⟨.mkObj (("datatype", .str name) :: more)⟩

def bool := named "bool"
def nat := named "nat"
def int := named "int"
def string := named "string"
def float := named "float"
def list (item : DataType) := named "list" [("item", item.json)]
def struct (children : List Field) := named "struct" [("children", .arr (children.map Field.toJson).toArray)]

end DataType

/-- A constant of a module, with what the environment knows of it. -/
structure Constant where
  module : Name
  name : Name
  info : ConstantInfo

/-- Makes rows of constants. -/
structure Extractor where
  /-- The columns of all rows. -/
  schema : Schema
  /-- The column by which rows are spread over files. -/
  key : String := "name"
  /-- Runs once for each page, with the configuration that the user gave, or `null`: checks it, prepares what all
  constants share, and returns what makes the rows of a constant. That runs in fresh states for each constant. There
  are no options and there is no limit of heartbeats. -/
  start : (config : Json) → MetaM (Constant → MetaM (Array Json))

/-! ## Names and modules -/

/-- The name of these parts. -/
def nameOf (parts : Array String) : Name :=
  parts.foldl Lean.Name.mkStr .anonymous

/-- The parts of a name; those that are numbers are numbers. -/
def partsOf : Name → Array Json
  | .anonymous => #[]
  | .str p s => (partsOf p).push (.str s)
  | .num p n => (partsOf p).push (toJson n)

/-- An object on a line. -/
def lineOf (fields : List (String × Json)) : String :=
  (Lean.Json.mkObj fields).compress

def fail (problem : String) : IO α :=
  throw (IO.userError problem)

/-- The index of an imported module. -/
def indexOf (env : Environment) (name : Name) : IO Nat :=
  match env.getModuleIdx? name with
  | some index => return index.toNat
  | none => fail s!"the module {name} is not imported"

/-- For each imported module whether it belongs to the import closure of the roots. -/
partial def closureOf (env : Environment) (roots : Array Nat) : Array Bool :=
  let data := env.header.moduleData
  let rec visit (isIn : Array Bool) : List Nat → Array Bool
    | [] => isIn
    | index :: rest =>
      if isIn.getD index true then visit isIn rest else
      let imports := (data[index]!).imports.toList.filterMap fun i => (env.getModuleIdx? i.module).map (·.toNat)
      visit (isIn.set! index true) (imports ++ rest)
  visit (data.map fun _ => false) roots.toList

def rootIndexes (env : Environment) (roots : Array (Array String)) : IO (Array Nat) :=
  roots.mapM fun parts => indexOf env (nameOf parts)

/-- Lists the modules of the import closure of the roots, in the order in which Lean has imported them. -/
def modules (roots : Array (Array String)) : CoreM Unit := do
  let env ← Lean.getEnv
  let isIn := closureOf env (← rootIndexes env roots)
  let names := env.header.moduleNames
  let data := env.header.moduleData
  for index in [0:data.size] do
    if isIn[index]! then
      let name := names[index]!
      IO.println <| lineOf [("module", .str (toString name)), ("parts", .arr (partsOf name)),
        ("constants", toJson (data[index]!).constNames.size)]

/-! ## Pages -/

/-- Runs an action in fresh states. -/
def runFresh (env : Environment) (action : MetaM α) : IO α := do
  let context := { fileName := "<extract>", fileMap := default, options := {}, maxHeartbeats := 0, maxRecDepth := 4096 }
  let (value, _) ← action.run'.toIO context { env }
  return value

/-- Whether the constant `name` of the module with that index is in no earlier module of the closure. -/
def isFirst (env : Environment) (closure : Thunk (Array Bool)) (index : Nat) (name : Name) : Bool := Id.run do
  match env.getModuleIdxFor? name with
  | some first =>
    -- Lean keeps the first or the last module of a constant that several have, depending on its version.
    if first.toNat == index then
      return true
    if first.toNat < index && closure.get[first.toNat]! then
      return false
    let data := env.header.moduleData
    for earlier in [0:index] do
      if closure.get[earlier]! && (data[earlier]!).constNames.contains name then
        return false
    return true
  | none => return false

def parseConfig (config : String) : IO Json :=
  match Lean.Json.parse config with
  | .ok config => return config
  | .error problem => fail s!"the configuration is not JSON: {problem}"

/-- The last line of an item or a source. -/
def endLine (name : Json) (rows : Nat) (next : Option Nat) : String :=
  lineOf [("$end", Lean.Json.mkObj [("module", name), ("rows", toJson rows), ("next", toJson next)])]

/-- What all items of a page share. -/
structure Page where
  env : Environment
  closure : Thunk (Array Bool)
  rowsOf : Constant → MetaM (Array Json)

/-- Prints the rows of a constant; returns their number and their bytes. -/
def printRows (page : Page) (index : Nat) (moduleName name : Name) : IO (Nat × Nat) := do
  unless isFirst page.env page.closure index name do
    return (0, 0)
  let some info := page.env.find? name | fail s!"{moduleName}: {name}: the environment has no such constant"
  let rows ← try runFresh page.env (page.rowsOf { module := moduleName, name, info })
    catch problem => fail s!"{moduleName}: {name}: {problem}"
  let mut bytes := 0
  for row in rows do
    let line := row.compress
    bytes := bytes + line.utf8ByteSize + 1
    IO.println line
  return (rows.size, bytes)

/-- Prints the rows of an item and its line `$end`; returns how many bytes are left, 0 if the page is full. -/
def printItem (page : Page) (index first count left : Nat) : IO Nat := do
  let moduleName := page.env.header.moduleNames[index]!
  let constants := (page.env.header.moduleData[index]!).constNames
  let stop := min constants.size (first + count)
  let mut rows := 0
  let mut left := left
  let mut next := none
  for at' in [first:stop] do
    let (more, bytes) ← printRows page index moduleName constants[at']!
    rows := rows + more
    left := left - bytes
    if left == 0 then
      next := if at' + 1 < stop then some (at' + 1) else none
      break
  IO.println <| endLine (.str (toString moduleName)) rows next
  return left

/-- Prints the rows of each item `(module, first constant, number of constants)`, and a line `$end` after them. If
`maxBytes` are reached in an item, its `$end` has the first constant that is not done as `next`, and the items after
it are left out. A constant is made by the first module of the closure of the roots that has it. -/
def pageWith (extractor : Extractor) (roots : Array (Array String)) (config : String)
    (items : Array (Array String × Nat × Nat)) (maxBytes : Nat) : CoreM Unit := do
  let env ← Lean.getEnv
  let config ← parseConfig config
  let rowsOf ← runFresh env (extractor.start config)
  let roots ← rootIndexes env roots
  let page := { env, closure := Thunk.mk fun _ => closureOf env roots, rowsOf }
  let mut left := max maxBytes 1
  for (parts, first, count) in items do
    if left > 0 then
      left ← printItem page (← indexOf env (nameOf parts)) first count left

/-- Prints the columns and the key of an extractor. -/
def schemaOf (extractor : Extractor) : IO Unit :=
  IO.println <| lineOf [("schema", .mkObj [("fields", .arr (extractor.schema.fields.map Field.toJson).toArray)]),
    ("key", .str extractor.key)]

/-! ## The extractors of Lean Scout -/

def required (name : String) (type : DataType) : Field := { name, type, nullable := false }

def optional (name : String) (type : DataType) : Field := { name, type }

/-- Refuses a configuration, for extractors that have none. -/
def noConfig (extractor : String) (config : Json) : IO Unit :=
  match config with
  | .null => pure ()
  | .obj _ => do
    unless config.compress == "{}" do
      fail s!"the extractor {extractor} has no configuration, but was given {config.compress}"
  | _ => fail s!"the extractor {extractor} has no configuration, but was given {config.compress}"

def namesOf (names : Array Name) : Json :=
  .arr (names.map fun name => .str (toString name))

def typeText (info : ConstantInfo) : MetaM Json :=
  return .str (toString (← Lean.Meta.ppExpr info.type))

def docOf (name : Name) : MetaM Json := do
  return (← Lean.findDocString? (← Lean.getEnv) name).elim .null .str

/-- The columns that all have. -/
def commonOf (c : Constant) : MetaM (List (String × Json)) := do
  return [("name", .str (toString c.name)), ("module", .str (toString c.module)),
    ("allowCompletion", .bool (Lean.Meta.allowCompletion (← Lean.getEnv) c.name))]

/-- The constants in the type and the value, in the order of a set of names. -/
def depsOf (info : ConstantInfo) : Json := Id.run do
  let mut deps := #[]
  for dep in info.getUsedConstantsAsSet do
    deps := deps.push (toJson (toString dep))
  return .arr deps

def types : Extractor where
  schema := { fields := [required "name" .string, optional "module" .string, required "type" .string,
    optional "docString" .string, required "allowCompletion" .bool] }
  start config := do
    noConfig "types" config
    return fun c => return #[.mkObj (("type", ← typeText c.info) :: ("docString", ← docOf c.name) :: (← commonOf c))]

def constDep : Extractor where
  schema := { fields := [required "name" .string, optional "module" .string, required "deps" (.list .string),
    required "allowCompletion" .bool] }
  start config := do
    noConfig "const_dep" config
    return fun c => return #[.mkObj (("deps", depsOf c.info) :: (← commonOf c))]

end LeanRepl.Extract
