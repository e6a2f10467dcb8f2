-- Lean says no, twice: a false statement and a type that does not fit.
theorem wrong (n : Nat) : n + 1 = n := by
  simp

def length : Nat := "three"
