/-!
# The extractors of leanrepl

This body is sent once to each worker, after a header that imports `Lean` and the modules asked for. Each
command prints its result as lines of JSON:

* `modules roots`: the modules of the import closure of `roots`, with their numbers of constants;
* `page extractor roots config items maxBytes`: rows of the extractors `types`, `const_dep` and `decls`;
* `schemaOf plugin`, `pageWith plugin roots config items maxBytes`: the same for an extractor of the user;
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

## The grammar of skeletons

The column `skeleton` of `decls` is the type of a constant for structural matching:

```
term     := name | variable | sort | literal | "_" | "(" compound ")"
compound := term (" " term)+                                        function and all of its arguments
          | "!all " term " " term                                   `(x : A) → B`, the binder is explicit
          | "!all{} " term " " term | "!all[] " term " " term       the binder is implicit; is an instance
          | "!fun " term " " term                                   `fun (x : A) => b`
          | "!let " term " " term " " term                          `let x : A := v; b`
          | "!proj " name " " digits " " term                       a field, counted from 0, of a structure
variable := "#" digits                                              de Bruijn index
sort     := "!Prop" | "!Type" | "!Sort"                             `!Type`: a level that is never 0; `!Sort`: another one
literal  := "!" digits | "!" string                                 a string as in JSON
name     := string | a word without white space, parentheses and quotes that is not `_` and starts with no `#`, `?`, `!`
```

`_` is an argument that matching leaves out: one that is implicit or an instance, or a term after the first 4096.
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

/-! ## Names that only some versions have -/

/-- What a constant was when it was declared, if it is now shown as an axiom for lack of its body. -/
def originalKind : Environment → Name → Option String := by
  first
  | exact fun env name =>
      match Lean.getOriginalConstKind? env name with
      | some .defn => some "def"
      | some .thm => some "theorem"
      | some .opaque => some "opaque"
      | _ => none
  | exact fun env name => if Lean.wasOriginallyTheorem env name then some "theorem" else none
  | exact fun _ _ => none

/-- The theorems of a state of the extension of `@[ext]`. -/
macro "leanrepl_ext_theorems " state:term : term =>
  `(($state).tree.foldValues (init := ({} : Lean.NameSet)) fun names found =>
    if ($state).erased.contains found.declName then names else names.insert found.declName)

/-- The theorems with the attribute `ext`. -/
def extTheorems : Environment → Lean.NameSet := by
  first
  | exact fun env => leanrepl_ext_theorems (Lean.Meta.Ext.extExtension.getState env)
  | exact fun env => leanrepl_ext_theorems (Lean.Elab.Tactic.Ext.extExtension.getState env)
  | exact fun _ => {}

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

/-! ## Declarations, for a search index -/

def kindOf (env : Environment) (name : Name) : ConstantInfo → String
  | .axiomInfo _ => (originalKind env name).getD "axiom"
  | .defnInfo _ => "def"
  | .thmInfo _ => "theorem"
  | .opaqueInfo _ => "opaque"
  | .quotInfo _ => "quot"
  | .inductInfo _ => "inductive"
  | .ctorInfo _ => "ctor"
  | .recInfo _ => "recursor"

/-- The types of the explicit binders, and what is below all binders. -/
def splitType (explicit : Array Expr := #[]) : Expr → Array Expr × Expr
  | .forallE _ d b .default => splitType (explicit.push d) b
  | .forallE _ _ b _ => splitType explicit b
  | .mdata _ e => splitType explicit e
  | e => (explicit, e)

/-- The constant at the head of what is below all binders, if one is there. -/
def headOf (e : Expr) : Json :=
  head (splitType #[] e).2
where
  head : Expr → Json
    | .app f _ => head f
    | .mdata _ e => head e
    | .const name _ => .str (toString name)
    | _ => .null

def sortedConstants (e : Expr) : Json :=
  .arr (((e.getUsedConstants.map toString).qsort (· < ·)).map .str)

/-- A skeleton that is being written, with the number of terms that it may still get. -/
structure Skeleton where
  written : String := ""
  left : Nat := 4096

namespace Skeleton

def add (s : Skeleton) (part : String) : Skeleton :=
  { s with written := s.written ++ part }

/-- The name, in quotes if it could be taken for something else: Lean writes parts that are no identifiers in
guillemets, but not those with a guillemet in them or after a `#` or `?` at the start. -/
def nameText (name : Name) : String :=
  let name := toString name
  let isOdd := name.isEmpty || name == "_" || name.startsWith "#" || name.startsWith "?" || name.startsWith "!" ||
    name.contains '«' || name.contains '»'
  if isOdd then (toJson name).compress else name

def sortText (level : Lean.Level) : String :=
  if level.isZero then "!Prop" else if level.isNeverZero then "!Type" else "!Sort"

def binderText : Lean.BinderInfo → String
  | .default => "(!all "
  | .instImplicit => "(!all[] "
  | _ => "(!all{} "

/-- The type by which the arguments of a function are told to be explicit, if it stands somewhere. -/
def typeOfHead (env : Environment) (binders : List Expr) : Expr → Option Expr
  | .const name _ => (env.find? name).map (·.type)
  | .bvar index => (binders.drop index).head?
  | _ => none

mutual

/-- Writes a term below binders of these types, the innermost first. -/
partial def term (env : Environment) (binders : List Expr) (e : Expr) (s : Skeleton) : Skeleton :=
  if s.left == 0 then s.add "_" else
  let s := { s with left := s.left - 1 }
  match e with
  | .bvar index => s.add s!"#{index}"
  | .const name _ => s.add (nameText name)
  | .sort level => s.add (sortText level)
  | .lit (.natVal n) => s.add s!"!{n}"
  | .lit (.strVal value) => s.add s!"!{(toJson value).compress}"
  | .mdata _ e => term env binders e s
  | .forallE _ d b info => (term env (d :: binders) b ((term env binders d (s.add (binderText info))).add " ")).add ")"
  | .lam _ d b _ => (term env (d :: binders) b ((term env binders d (s.add "(!fun ")).add " ")).add ")"
  | .letE _ d v b _ =>
    let s := (term env binders v ((term env binders d (s.add "(!let ")).add " ")).add " "
    (term env (d :: binders) b s).add ")"
  | .proj name index e => (term env binders e (s.add s!"(!proj {nameText name} {index} ")).add ")"
  | .app .. =>
    let head := e.getAppFn
    let s := term env binders head (s.add "(")
    (arguments env binders (typeOfHead env binders head) e.getAppArgs.toList s).add ")"
  | .fvar _ | .mvar _ => s.add "_"

/-- Writes the arguments of a function of that type. -/
partial def arguments (env : Environment) (binders : List Expr) (type? : Option Expr) : List Expr → Skeleton → Skeleton
  | [], s => s
  | arg :: rest, s =>
    match type? with
    | some (.mdata _ type) => arguments env binders type (arg :: rest) s
    | some (.forallE _ _ type .default) => arguments env binders type rest (term env binders arg (s.add " "))
    | some (.forallE _ _ type _) => arguments env binders type rest (s.add " _")
    | _ => arguments env binders none rest (term env binders arg (s.add " "))

end

end Skeleton

/-- The skeleton of a type; the grammar is on top of this file. -/
def skeletonOf (env : Environment) (type : Expr) : String :=
  (Skeleton.term env [] type {}).written

/-- The attributes that a search can ask for, in this order. -/
def attributesOf (env : Environment) (name : Name) (ext : Lean.NameSet) : CoreM Json := do
  let simp ← Lean.Meta.getSimpTheorems
  let isSimp := simp.isDeclToUnfold name || [(true, false), (false, false), (true, true), (false, true)].any
    fun (post, inv) => simp.isLemma (.decl name post inv)
  let status ← Lean.getReducibilityStatus name
  let all := [("class", Lean.isClass env name), ("structure", Lean.isStructure env name),
    ("instance", ← Lean.Meta.isInstance name), ("simp", isSimp), ("simproc", ← Lean.Meta.Simp.isSimproc name),
    ("ext", ext.contains name), ("reducible", status matches .reducible), ("irreducible", status matches .irreducible),
    ("match_pattern", Lean.hasMatchPatternAttribute env name), ("extern", Lean.isExtern env name),
    ("deprecated", Lean.Linter.isDeprecated env name), ("protected", Lean.isProtected env name),
    ("private", Lean.isPrivateName name)]
  return .arr (all.filterMap fun (name, isSet) => if isSet then some (.str name) else none).toArray

/-- Where the constant is declared, if that is known: lines from 1, columns from 0 in code points. -/
def rangeOf (name : Name) : MetaM (List (String × Json)) := do
  let some ranges ← Lean.findDeclarationRanges? name |
    return ["startLine", "startColumn", "endLine", "endColumn"].map (·, .null)
  let { pos, endPos, .. } := ranges.range
  return [("startLine", toJson pos.line), ("startColumn", toJson pos.column), ("endLine", toJson endPos.line),
    ("endColumn", toJson endPos.column)]

def decls : Extractor where
  schema := { fields := [required "name" .string, required "kind" .string, required "module" .string,
    required "levelParams" (.list .string), required "type" .string, required "skeleton" .string,
    optional "head" .string, required "hypothesisHeads" (.list .string), required "constants" (.list .string),
    required "conclusionConstants" (.list .string), required "deps" (.list .string),
    required "attributes" (.list .string), required "isUnsafe" .bool, optional "docString" .string,
    optional "startLine" .nat, optional "startColumn" .nat, optional "endLine" .nat, optional "endColumn" .nat,
    required "allowCompletion" .bool] }
  start config := do
    noConfig "decls" config
    let ext := extTheorems (← Lean.getEnv)
    return fun c => do
      let env ← Lean.getEnv
      let type := c.info.type
      let (hypotheses, conclusion) := splitType #[] type
      return #[.mkObj ([("kind", .str (kindOf env c.name c.info)), ("levelParams", namesOf c.info.levelParams.toArray),
        ("type", ← typeText c.info), ("skeleton", .str (skeletonOf env type)), ("head", headOf conclusion),
        ("hypothesisHeads", .arr (hypotheses.map headOf)), ("constants", sortedConstants type),
        ("conclusionConstants", sortedConstants conclusion), ("deps", depsOf c.info),
        ("attributes", ← attributesOf env c.name ext), ("isUnsafe", .bool c.info.isUnsafe),
        ("docString", ← docOf c.name)] ++ (← rangeOf c.name) ++ (← commonOf c))]

/-- `pageWith` for an extractor that is part of this file. -/
def page (extractor : String) (roots : Array (Array String)) (config : String) (items : Array (Array String × Nat × Nat))
    (maxBytes : Nat) : CoreM Unit :=
  match [("types", types), ("const_dep", constDep), ("decls", decls)].lookup extractor with
  | some extractor => pageWith extractor roots config items maxBytes
  | none => fail s!"unknown extractor {extractor}: types, const_dep and decls are known"

end LeanRepl.Extract
