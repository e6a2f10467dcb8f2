import Std
open Std

--- hash_map
#eval (HashMap.ofList [(1, "a"), (2, "b"), (1, "c")]).size
--py> len(dict([(1, "a"), (2, "b"), (1, "c")]))

--- hash_map_counts
def count (words : List String) : HashMap String Nat :=
  words.foldl (fun counts word => counts.alter word fun n => some (n.getD 0 + 1)) ∅
#eval (count ["a", "b", "a"]).toList.mergeSort fun a b => a.1 ≤ b.1
--py> '[("a", 2), ("b", 1)]'

--- hash_map_loop
#eval Id.run do
  let mut squares : HashMap Nat Nat := {}
  for i in [1:6] do squares := squares.insert i (i * i)
  let mut sum := 0
  for (_, square) in squares do sum := sum + square
  return (sum, squares[3]!, squares[9]?, squares.contains 5)
--py> f'({sum(i * i for i in range(1, 6))}, {3 * 3}, none, true)'

--- hash_set
#eval (HashSet.ofList [3, 1, 3, 2]).toList.mergeSort
--py> sorted({3, 1, 3, 2})

--- tree_map
#eval (TreeMap.ofList [(3, "c"), (1, "a"), (2, "b")]).toList
--py> '[(1, "a"), (2, "b"), (3, "c")]'

--- tree_set
#eval (TreeSet.ofList [5, 1, 4]).toList
--py> sorted({5, 1, 4})

--- iterators
#eval [1, 2, 3].iter.map (· * 5) |>.toList
--py> [n * 5 for n in [1, 2, 3]]
