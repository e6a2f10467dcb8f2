/-! A first file: a greeting, a program, a check and a small proof. -/

#eval "Hello from Lean " ++ Lean.versionString

def squares (numbers : List Nat) : List Nat := numbers.map fun n => n * n

#eval squares [1, 2, 3]

#check Nat.add_comm

theorem two_and_two : 2 + 2 = 4 := rfl
