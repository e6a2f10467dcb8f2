/-!
# Declarations, for a search index

Sent after `preamble.lean`, in the same environment, to workers that print rows of `decls`: others would wait for
it to be compiled.

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

/-! ## The extractor -/

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

end LeanRepl.Extract
