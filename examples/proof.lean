theorem and_swap' (p q : Prop) (h : p ∧ q) : q ∧ p := by
  obtain ⟨hp, hq⟩ := h
  exact ⟨hq, hp⟩

theorem sum_is_even (n : Nat) : ∃ k, n + n = 2 * k :=
  ⟨n, by omega⟩
