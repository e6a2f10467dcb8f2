structure Point where
  x : Int
  y : Int
  deriving Repr, BEq

inductive Shape where
  | circle (centre : Point) (radius : Nat)
  | segment (from_ to : Point)
  deriving Repr

#eval ({ x := 1, y := 2 } : Point)
#eval Shape.circle { x := 0, y := 0 } 3
#eval s!"{({ x := 1, y := 2 } : Point) == { x := 1, y := 3 }}"
