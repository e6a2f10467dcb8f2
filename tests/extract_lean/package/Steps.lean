theorem nested (p q : Prop) (hp : p) (hq : q) : p ∧ (q ∧ p) := by
  constructor
  · exact hp
  · constructor
    · exact hq
    · exact hp

theorem both (p : Prop) (h : p) : p ∧ p := by
  constructor <;> exact h

theorem chain (a b c : Nat) (h : a = b) (k : b = c) : a = c := by
  calc a = b := by rw [h]
    _ = c := k

theorem cased (n : Nat) : n = 0 ∨ 0 < n := by
  match n with
  | 0 => exact Or.inl rfl
  | k + 1 => exact Or.inr (by omega)

def term : { n : Nat // 0 < n } := ⟨1, by decide⟩

theorem shadowed (x : Nat) (h : x = 1) : ∃ y, y = x := by
  cases h
  have x := 2
  exact ⟨_, rfl⟩
