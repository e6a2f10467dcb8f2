import Shapes

theorem second (n : Nat) (s : Shapes.Shape) : Shapes.sized n (some s) = s.size + n := by simp [Shapes.sized]
