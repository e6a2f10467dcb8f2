import Lucky.Basic

/-! A tactic that needs both. -/

open Lean Elab Tactic

/-- Cannot be unfolded, so that nothing but the theorem below says what it is. -/
opaque Lucky.Number : Nat → Prop

/-- A theorem for the tactic to find. -/
@[lucky] axiom Lucky.seven : Lucky.Number 7 ↔ True

/-- Proves that 7 is lucky, if the number that was initialized says so. -/
elab "lucky" : tactic => do
  let number ← luckyNumber.get
  if number != 7 then throwError "the number is not 7"
  evalTactic (← `(tactic| simp only [lucky]))
