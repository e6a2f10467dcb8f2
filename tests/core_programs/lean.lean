import Lean
open Lean Meta Elab

--- json_of_a_structure
structure Book where
  title : String
  pages : Nat
deriving ToJson, FromJson
#eval (toJson (Book.mk "Lean" 300)).compress
--py> lean(json.dumps({"title": "Lean", "pages": 300}, separators=(",", ":"), sort_keys=True))

--- json_round_trip
#eval show Except String Nat from do
  let book : Except String Json := Json.parse "{\"pages\": [1, 2, 3]}"
  let pages ← (← book).getObjValAs? (List Nat) "pages"
  return pages.sum
--py> 'Except.ok ' + str(sum(json.loads('{"pages": [1, 2, 3]}')["pages"]))

--- meta_whnf
#eval show MetaM Nat from do
  let expr ← whnf (mkNatAdd (mkNatLit 20) (mkNatLit 22))
  return expr.rawNatLit?.getD 0
--py> 20 + 22

--- meta_infer_type
#eval show MetaM Format from do
  ppExpr (← inferType (mkApp (mkConst ``Nat.succ) (mkNatLit 1)))
--py> 'Nat'

--- meta_unification
#eval show MetaM Bool from do
  let hole ← mkFreshExprMVar (mkConst ``Nat)
  isDefEq (mkNatAdd hole (mkNatLit 1)) (mkNatAdd (mkNatLit 4) (mkNatLit 1))
--py> 'true'

--- environment_look_up
#eval show CoreM (Bool × Bool) from do
  return ((← getEnv).contains ``Nat.add_comm, (← getEnv).contains `Nat.no_such_thing)
--py> '(true, false)'

--- elaborated_tactic
elab "by_assumption" : tactic => Tactic.withMainContext do
  for decl in ← getLCtx do
    if decl.isImplementationDetail then continue
    if ← isDefEq decl.type (← Tactic.getMainTarget) then
      return ← Tactic.closeMainGoal `by_assumption decl.toExpr
  throwError "no hypothesis fits"
example (p q : Prop) (_hp : p) (hq : q) : q := by by_assumption
example (p q : Prop) (hp : p) : p ∨ q := by
  fail_if_success by_assumption
  exact .inl hp

--- tactic_that_runs_tactics
elab "split_all" : tactic => do Tactic.evalTactic (← `(tactic| repeat' apply And.intro))
example (p q r : Prop) (hp : p) (hq : q) (hr : r) : p ∧ q ∧ r := by split_all <;> assumption

--- term_elaborator
elab "twice! " t:term : term => do
  let e ← Term.elabTermEnsuringType t (mkConst ``Nat)
  return mkNatAdd e e
#eval twice! 21
--> 42 by rfl

--- command_elaborator
elab "#count_args " c:ident : command => Command.liftTermElabM do
  let info ← getConstInfo (← realizeGlobalConstNoOverload c)
  let arity ← forallTelescope info.type fun args _ => return args.size
  IO.println s!"{arity}"
#count_args Nat.add
--py> 2

--- simproc
def wrapped (n : Nat) : Nat := n + 1
simproc unwrap (wrapped _) := fun e => do
  let some n ← Nat.fromExpr? e.appArg! | return .continue
  return .done { expr := mkNatLit (n + 1) }
example : wrapped 4 = 5 := by simp only [unwrap]
example : wrapped 4 < 9 := by
  fail_if_success simp only []
  simp

--- user_attribute_and_simp_set
@[simp] theorem wrap_zero (n : Nat) : n * 0 + n = n := by omega
example (n : Nat) (f : Nat → Nat) : f (n * 0 + n) = f n := by simp

--- syntax_quotation
#eval show MetaM String from do
  let stx ← `(fun x => x + 1)
  return stx.raw.getKind.toString
--py> lean('Lean.Parser.Term.fun')

--- parsing_at_run_time
#eval show CoreM Bool from do
  return (Parser.runParserCategory (← getEnv) `term "1 + (2 * 3)").isOk
--py> 'true'

--- evaluation_at_run_time
unsafe def evalNat (text : String) : MetaM Nat := do
  let stx ← ofExcept (Parser.runParserCategory (← getEnv) `term text)
  let expr ← Term.TermElabM.run' do
    let expr ← Term.elabTermEnsuringType stx (mkConst ``Nat)
    Term.synthesizeSyntheticMVarsNoPostponing
    instantiateMVars expr
  evalExpr Nat (mkConst ``Nat) expr
#eval evalNat "(3 + 4) * 5"
--py> (3 + 4) * 5

--- io_with_lean_imported
#eval show IO Unit from do
  let lines := ["b", "a"].mergeSort
  IO.println (String.join lines)
--py> ''.join(sorted(['b', 'a']))

--- tasks_with_lean_imported
#eval show IO Nat from do
  let tasks ← [1, 2, 3].mapM fun n => IO.asTask (pure (n * n))
  return (← tasks.mapM fun task => IO.ofExcept task.get).sum
--py> sum(n * n for n in [1, 2, 3])

--- name_generation
#eval (`a.b ++ `c, (`x.y).getPrefix, Name.mkStr `m "n" == `m.n)
--py> '(`a.b.c, `x, true)'

--- persistent_maps
#eval (PersistentHashMap.empty.insert 1 "a" |>.insert 2 "b" : PersistentHashMap Nat String).toList.length
--py> 2

--- derived_handlers
inductive Shape where | circle (r : Nat) | point
deriving Repr, ToJson, ToExpr, Ord, DecidableEq
#eval (toJson (Shape.circle 3)).compress ++ (toJson Shape.point).compress
--py> lean('{"circle":{"r":3}}' + '"point"')
