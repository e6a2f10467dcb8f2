example (x y : Int) (h : 2 * x + 1 = 2 * y) : False := by omega

example (xs : List Nat) : (xs ++ []).length = xs.length := by simp

example (f : Nat → Nat) (a b : Nat) (h : a = b) : f a = f b := by grind

example : ∀ n : Fin 5, n.val < 5 := by decide
