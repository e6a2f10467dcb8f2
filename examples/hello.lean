/-! A first file: a computation, a check and a small proof. -/

#eval "Hello from Lean " ++ Lean.versionString

#check Nat.add_comm

theorem two_and_two : 2 + 2 = 4 := rfl
