import Shapes

theorem first (n : Nat) : Shapes.sized n none = n := by simp [Shapes.sized]
