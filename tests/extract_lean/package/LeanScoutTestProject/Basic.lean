import Init.Data.Nat.Basic

theorem add_zero (n : Nat) : n + 0 = n := by
  rfl

theorem zero_add (n : Nat) : 0 + n = n := by
  rw [Nat.zero_add]

theorem succ_eq_add_one (n : Nat) : n.succ = n + 1 := by
  rfl

theorem add_comm (a b : Nat) : a + b = b + a := by
  induction a with
  | zero =>
    rw [Nat.zero_add, Nat.add_zero]
  | succ n ih =>
    rw [Nat.succ_add, Nat.add_succ, ih]

theorem tactic_goals_after_fixture (p : Prop) : p → p ∧ p := by
  intro hp
  constructor
  · exact hp
  · exact hp

theorem tactic_used_goals_fixture (P : Nat → Prop) (h : P 0) : ∃ n, P n := by
  refine ⟨?n, ?h⟩
  · exact 0
  · exact h

/-- Documented declaration used to test docstring extraction. -/
def documentedNat : Nat := 0

-- From the test project of Lean Scout (mathlib-initiative/lean_scout at 289c1f1, Apache-2.0), as its published
-- fixtures name the types, positions and goals of these lines.
