-- Columns count characters: the ranges below stand under the right words.
theorem «名前 with spaces» (α : Type) (𝒞 : α → Prop) (h : ∀ x, 𝒞 x) (y : α) : 𝒞 y := h y

example : "日本語🎉".length = 4 := rfl

#check («名前 with spaces», ℵ₀)
