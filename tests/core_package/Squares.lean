/-! Code with names that only the compiler knows: those of a lambda and of closed terms. -/

inductive Chain where
  | done
  | link (n : Nat) (rest : Chain)

def Chain.map (f : Nat → Nat) : Chain → Chain
  | done => done
  | link n rest => link (f n) (rest.map f)

def Chain.sum : Chain → Nat
  | done => 0
  | link n rest => n + rest.sum

def squares (k : Nat) : Nat := ((Chain.link 1 (.link 2 .done)).map fun n => n * n + k).sum
