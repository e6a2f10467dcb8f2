/-! Declarations of all sorts, whose rows tests/extract_lean/decls.rs states. -/

namespace Shapes

/-- A shape with a size. -/
structure Shape where
  size : Nat
  isRound : Bool := true

/-- What can be
measured. -/
class Measure (α : Type) where
  measure : α → Nat

instance measureShape : Measure Shape := ⟨Shape.size⟩

@[simp] theorem measure_mk (n : Nat) (b : Bool) : Measure.measure (Shape.mk n b) = n := rfl

theorem size_pos {s : Shape} (h : 0 < s.size) (_ : ∀ n : Nat, n ≠ s.size → s.isRound = true) : ¬ s.size = 0 :=
  Nat.pos_iff_ne_zero.mp h

@[reducible] def Twice (n : Nat) : Nat := n + n

def grow (s : Shape) : Shape := { s with size := s.size + 1 }

def sized (n : Nat) : Option Shape → Nat
  | none => n
  | some s => s.size + n

unsafe def raw (n : Nat) : Nat := unsafeCast n

axiom unproven : ∀ (P : Prop), P ∨ ¬ P

opaque hidden : Nat

inductive Tree (α : Type u) where
  | leaf
  | node (left : Tree α) (value : α) (right : Tree α)

theorem «odd name (1)» (_ : 1 = 2) : let two := 2; two = 2 := rfl

def «in (1)» := 1

theorem uses_odd : «in (1)» = 1 := rfl

theorem say : "a \"b\"" ≠ "c" := by decide

@[ext] structure Pair where
  left : Nat
  right : Nat

@[deprecated grow (since := "2025-01-01")] protected def old (s : Shape) : Shape := s

private theorem secret : Twice 2 = 4 := rfl

theorem uses_secret (f : Nat → Nat) (h : ∀ n, f n = n) : f (Twice 2) = 4 := by rw [h, secret]

end Shapes
