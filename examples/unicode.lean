-- Columns count characters: the range below stands under the right word.
theorem «名前 with spaces» (α : Type) (𝒞 : α → Prop) (h : ∀ x, 𝒞 x) (y : α) : 𝒞 y := h y

example : "日本語🎉".length = 4 := rfl

example (𝒜 ℬ : Prop) (h : 𝒜 ∧ ℬ) : ℬ := 日本語🎉
