/-!
# The tactics of a source

Sent after `preamble.lean`, in the same environment, to workers that print tactics. The REPL of core Lean has a
request of its own for them (`tacticRows`), since a header that Lean itself imports there is that of a module.
-/

namespace LeanRepl.Extract

/-- Runs an action where an info was made, in other metavariables and without a limit of heartbeats. -/
def inContext (context : Lean.Elab.ContextInfo) (mctx : Lean.MetavarContext) (action : MetaM α) : IO α := do
  let { currNamespace, openDecls, options, env, ngen, .. } := context.toCommandContextInfo
  let core := { currNamespace, openDecls, fileName := "<extract>", fileMap := default, maxHeartbeats := 0, options }
  let (value, _) ← (action.run' {} { mctx }).toIO core { env, ngen }
  return value

/-- The constants of a term, and its metavariables in the state, through delayed assignments. -/
partial def collect (e : Expr) (constants : Lean.NameSet) : StateRefT Lean.CollectMVars.State MetaM Lean.NameSet := do
  let e ← Lean.instantiateMVars e
  let known := (← get).result.size
  let mut constants := e.getUsedConstants.foldl (·.insert ·) constants
  modify e.collectMVars
  for found in (← get).result.toList.drop known do
    if let some delayed ← Lean.getDelayedMVarAssignment? found then
      constants ← collect (.mvar delayed.mvarIdPending) constants
  return constants

def kindOfGoal : Lean.MetavarKind → String
  | .natural => "natural"
  | .synthetic => "synthetic"
  | .syntheticOpaque => "syntheticOpaque"

def goalText (goal : Lean.MVarId) : MetaM Json :=
  return .str (toString (← Lean.Meta.ppGoal goal))

def goalTerm (goal : Lean.MVarId) : MetaM Json :=
  return .str (toString (← Lean.Meta.ppExpr (.mvar goal)))

/-- The names of variables as goals show them. -/
def variablesOf (ids : Array Lean.FVarId) : MetaM Json := do
  if ids.isEmpty then
    return .arr #[]
  let sanitized := ((← Lean.getLCtx).sanitizeNames.run { options := (← Lean.getOptions) }).1
  let names ← Lean.Meta.withLCtx sanitized (← Lean.Meta.getLocalInstances) do
    ids.mapM fun id => id.getUserName
  return namesOf names

/-- What a tactic has assigned to a goal, in the metavariables after it. -/
def usedBy (info : Lean.Elab.TacticInfo) (goal : Lean.MVarId) : MetaM (List (String × Json)) := do
  let isAssigned ← goal.isAssigned
  let term ← Lean.instantiateMVars (.mvar goal)
  let variables ← variablesOf (Lean.collectFVars {} term).fvarIds
  let mut constants := #[]
  let mut goals := #[]
  if isAssigned then
    let (used, state) ← (collect term {}).run {}
    for name in used do
      constants := constants.push name
    for used in state.result do
      unless ← used.isDelayedAssigned do
        goals := goals.push <| Lean.Json.mkObj [("new", .bool (info.mctxBefore.findDecl? used).isNone),
          ("index", toJson (info.goalsAfter.toArray.findIdx? (· == used))),
          ("kind", .str (kindOfGoal (← used.getDecl).kind)), ("pp", ← goalText used), ("ppTerm", ← goalTerm used)]
  return [("assigned", .bool isAssigned), ("usedConstants", namesOf constants), ("usedFVars", variables),
    ("usedGoals", .arr goals)]

def goalRow (context : Lean.Elab.ContextInfo) (info : Lean.Elab.TacticInfo) (goal : Lean.MVarId) : IO Json := do
  let printed ← inContext context info.mctxBefore do
    return [("pp", ← goalText goal), ("ppTerm", ← goalTerm goal)]
  let some before := info.mctxBefore.findDecl? goal | fail "a tactic has a goal that is not declared"
  let used ← inContext context info.mctxAfter do
    Lean.Meta.withLCtx before.lctx before.localInstances (usedBy info goal)
  return .mkObj (printed ++ used)

def tacticRow (moduleName : Json) (context : Lean.Elab.ContextInfo) (info : Lean.Elab.TacticInfo) : IO Json := do
  let place (what : String) : Option Lean.Position → IO Json
    | some { line, column } => return .mkObj [("line", toJson line), ("column", toJson column)]
    | none => fail s!"the tactic {info.stx.getKind} has no position of its {what}"
  let goals ← info.goalsBefore.toArray.mapM (goalRow context info)
  let after ← inContext context info.mctxAfter (info.goalsAfter.toArray.mapM goalText)
  return .mkObj [("module", moduleName), ("startPos", ← place "start" (info.stx.getPos?.map context.fileMap.toPosition)),
    ("endPos", ← place "end" (info.stx.getTailPos?.map context.fileMap.toPosition)),
    ("nextStartPos", ← place "end after white space" (info.stx.getTrailingTailPos?.map context.fileMap.toPosition)),
    ("goals", .arr goals), ("goalsAfter", .arr after), ("ppTac", .str (toString info.stx.prettyPrint)),
    ("elaborator", .str (toString info.elaborator)), ("kind", .str (toString info.stx.getKind))]

/-- The tactics of a tree whose syntax stands in the source, children before their parents. -/
partial def tacticsIn (context? : Option Lean.Elab.ContextInfo) (found : Array (Lean.Elab.ContextInfo × Lean.Elab.TacticInfo)) :
    Lean.Elab.InfoTree → Array (Lean.Elab.ContextInfo × Lean.Elab.TacticInfo)
  | .context context tree => tacticsIn (context.mergeIntoOuter? context?) found tree
  | .node info children =>
    let inner := info.updateContext? context?
    let found := children.toArray.foldl (tacticsIn inner) found
    match info, context? with
    | .ofTacticInfo tactic, some context =>
      match tactic.stx.getHeadInfo? with
      | some (.original ..) => found.push (context, tactic)
      | _ => found
    | _, _ => found
  | .hole _ => found

/-- Fails with the place and the message of the first error, if there is one. -/
def failOnError (messages : Lean.MessageLog) : IO Unit := do
  if messages.hasErrors then
    for message in messages.toList do
      if message.severity matches .error then
        fail s!"{message.pos.line}:{message.pos.column}: {← message.data.toString}"
    fail "1:0: Lean reported an error without a message"

/-- Adds an option of that name as Lean reads it on a command line. One that begins with `weak.` may be unknown. -/
def addOption (options : Lean.Options) (name value : String) : IO Lean.Options := do
  let isWeak := name.startsWith "weak."
  let key := nameOf ((if isWeak then toString (name.drop 5) else name).splitOn ".").toArray
  let decl? ← try pure (some (← Lean.getOptionDecl key)) catch _ => pure none
  let some decl := decl? |
    if isWeak then return options else fail s!"unknown option {name}"
  match decl.defValue, value with
  | .ofBool defValue, "true" => return Lean.Option.set options { name := key, defValue } true
  | .ofBool defValue, "false" => return Lean.Option.set options { name := key, defValue } false
  | .ofNat defValue, _ =>
    let some n := value.toNat? | fail s!"the option {name} needs a number, not {value}"
    return Lean.Option.set options { name := key, defValue } n
  | .ofString defValue, _ => return Lean.Option.set options { name := key, defValue } value
  | _, _ => fail s!"the option {name} has no value {value}"

unsafe def allowInitializersUnsafe : IO Unit :=
  Lean.enableInitializersExecution

/-- Lets the modules that a source imports run their initializers, as Lean itself does. -/
@[implemented_by allowInitializersUnsafe]
def allowInitializers : IO Unit :=
  pure ()

/-- The state after a whole source, in an environment of its own. -/
def elaborate (source path : String) (moduleName? : Option Name) (options : Array (String × String)) :
    IO Lean.Elab.Command.State := do
  allowInitializers
  let context := Lean.Parser.mkInputContext source path
  let (header, parserState, messages) ← Lean.Parser.parseHeader context
  failOnError messages
  let (env, messages) ← Lean.Elab.processHeader header {} messages context
  failOnError messages
  -- After the header: its modules may bring options. The first one is what Lean sets on its command line.
  let options ← (#[("weak.Elab.async", "true")] ++ options).foldlM (fun known (name, value) => addOption known name value) {}
  let env := moduleName?.elim env env.setMainModule
  let before := { Lean.Elab.Command.mkState env messages options with infoState.enabled := true }
  let after ← Lean.Elab.IO.processCommands context parserState before
  failOnError after.commandState.messages
  return after.commandState

/-- Prints the tactics number `first …` of a whole source with its header, at most `maxRows`, and a line `$end` after
them. If `maxBytes` are reached or rows are left, that has the number of the next one as `next`. An error in the source
is an error whose first line begins with its place. -/
def tactics (source path : String) (moduleName? : Option String) (options : Array (String × String))
    (first maxRows maxBytes : Nat) : IO Unit := do
  let moduleName := moduleName?.elim .null .str
  let state ← elaborate source path (moduleName?.map String.toName) options
  let found := state.infoState.trees.toArray.foldl (tacticsIn none) #[]
  let stop := min found.size (first + maxRows)
  let mut bytes := 0
  let mut next := first
  for (context, info) in found.toSubarray first stop do
    if next == first || bytes < maxBytes then
      let line := (← tacticRow moduleName context info).compress
      bytes := bytes + line.utf8ByteSize + 1
      IO.println line
      next := next + 1
  IO.println <| endLine moduleName (next - first) (if next < found.size then some next else none)

end LeanRepl.Extract
