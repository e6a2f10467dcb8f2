-- Programs as a beginner writes them, without imports. See main.rs for the comments that tell what is expected.

--- list_map
#eval [1, 2, 3].map (· + 1)
--> [2, 3, 4] by rfl

--- list_reverse
#eval [1, 2, 3].reverse
--> [3, 2, 1] by rfl

--- list_append
#eval [1, 2] ++ [3] ++ []
--> [1, 2, 3] by rfl

--- list_filter
#eval (List.range 20).filter (· % 3 == 0)
--> [0, 3, 6, 9, 12, 15, 18] by rfl

--- list_foldl
#eval [1, 2, 3, 4].foldl (fun sum n => 10 * sum + n) 0
--> 1234 by rfl

--- list_foldr
#eval ["a", "b", "c"].foldr (fun s rest => rest ++ s) ""
--> "cba" by decide

--- list_zip
#eval [1, 2, 3].zip ["a", "b", "c"]
--> [(1, "a"), (2, "b"), (3, "c")] by rfl

--- list_flat_map
#eval [1, 2, 3].flatMap fun n => List.replicate n n
--> [1, 2, 2, 3, 3, 3] by rfl

--- list_filter_map
#eval [1, 2, 3, 4].filterMap fun n => if n % 2 == 0 then some (n * n) else none
--> [4, 16] by rfl

--- list_take_drop
#eval ([1, 2, 3, 4, 5].take 2, [1, 2, 3, 4, 5].drop 3)
--> ([1, 2], [4, 5]) by rfl

--- list_find
#eval [3, 8, 5, 10].find? (· > 7)
--> some 8 by rfl

--- list_head_and_index
#eval ([7, 8, 9].head?, [7, 8, 9][1]!, [7, 8, 9][5]?)
--> (some 7, 8, none) by rfl

--- list_all_any
#eval ([2, 4].all (· % 2 == 0), [2, 4].any (· > 4))
--> (true, false) by rfl

--- list_sum
#eval (List.range 101).sum
--py> sum(range(101))

--- list_merge_sort
#eval [5, 3, 9, 1, 5].mergeSort
--py> sorted([5, 3, 9, 1, 5])

--- list_merge_sort_by
#eval ["pear", "fig", "banana"].mergeSort fun a b => a.length ≤ b.length
--py> lean(sorted(["pear", "fig", "banana"], key=len))

--- list_erase_dups
#eval [1, 2, 1, 3, 2].eraseDups
--py> list(dict.fromkeys([1, 2, 1, 3, 2]))

--- list_partition
#eval (List.range 6).partition (· < 2)
--> ([0, 1], [2, 3, 4, 5]) by rfl

--- list_intersperse
#eval [1, 2, 3].intersperse 0
--> [1, 0, 2, 0, 3] by rfl

--- array_map
#eval #[1, 2, 3].map (· * 2)
--> #[2, 4, 6] by simp

--- array_push_append
#eval (#[1, 2].push 3) ++ #[4] ++ [5]
--> #[1, 2, 3, 4, 5] by simp

--- array_sort
#eval #[3, 1, 2].qsort (· < ·)
--py> '#' + str(sorted([3, 1, 2]))

--- array_set_and_get
#eval (#[1, 2, 3].set! 1 9)[1]!
--> 9 by rfl

--- array_reverse
#eval #[1, 2, 3].reverse
--py> '#' + str([1, 2, 3][::-1])

--- array_sum_of_squares
#eval (Array.range 10).foldl (fun sum n => sum + n * n) 0
--py> sum(n * n for n in range(10))

--- array_filter
#eval #[1, 2, 3, 4].filter (· > 2)
--> #[3, 4] by simp

--- subarray
#eval (#[1, 2, 3, 4, 5][1:4]).foldl (· + ·) 0
--py> sum([1, 2, 3, 4, 5][1:4])

--- for_loop
def sumTo (n : Nat) : Nat := Id.run do
  let mut sum := 0
  for i in [0:n] do
    sum := sum + i
  return sum
#eval sumTo 10
--py> sum(range(10))

--- nested_for_loops
#eval Id.run do
  let mut pairs := #[]
  for i in [1, 2, 3] do
    for j in [1, 2, 3] do
      if i < j then pairs := pairs.push (i, j)
  return pairs
--py> '#' + str([(i, j) for i in [1, 2, 3] for j in [1, 2, 3] if i < j])

--- for_with_break_and_continue
#eval Id.run do
  let mut seen : List Nat := []
  for n in [1, 2, 3, 4, 5, 6, 7] do
    if n % 2 == 0 then continue
    if n > 5 then break
    seen := n :: seen
  return seen.reverse
--py> [n for n in range(1, 6) if n % 2]

--- while_loop
def collatz (start : Nat) : Nat := Id.run do
  let mut n := start
  let mut steps := 0
  while n != 1 do
    n := if n % 2 == 0 then n / 2 else 3 * n + 1
    steps := steps + 1
  return steps
#eval collatz 27
--py> collatz(27)

--- repeat_until
#eval Id.run do
  let mut n := 1
  repeat
    n := n * 3
  until n > 100
  return n
--py> next(3 ** k for k in range(9) if 3 ** k > 100)

--- early_return
def firstOver (limit : Nat) (numbers : List Nat) : Option Nat := do
  for n in numbers do
    if n > limit then return n
  none
#eval (firstOver 4 [1, 5, 9], firstOver 10 [1, 5, 9])
--> (some 5, none) by rfl

--- recursion
def factorial : Nat → Nat
  | 0 => 1
  | n + 1 => (n + 1) * factorial n
#eval factorial 25
--py> math.factorial(25)

--- fibonacci
def fib : Nat → Nat
  | 0 => 0
  | 1 => 1
  | n + 2 => fib (n + 1) + fib n
#eval (List.range 12).map fib
--> [0, 1, 1, 2, 3, 5, 8, 13, 21, 34, 55, 89] by rfl

--- mutual_recursion
mutual
def isEven : Nat → Bool
  | 0 => true
  | n + 1 => isOdd n
def isOdd : Nat → Bool
  | 0 => false
  | n + 1 => isEven n
end
#eval (isEven 10, isOdd 10)
--> (true, false) by rfl

--- well_founded_recursion
def digits (n : Nat) : List Nat := if n < 10 then [n] else digits (n / 10) ++ [n % 10]
#eval digits 90210
--py> [int(d) for d in str(90210)]

--- partial_function
partial def ackermann : Nat → Nat → Nat
  | 0, n => n + 1
  | m + 1, 0 => ackermann m 1
  | m + 1, n + 1 => ackermann m (ackermann (m + 1) n)
#eval ackermann 2 9
--py> 2 * 9 + 3

--- greatest_common_divisor
#eval (Nat.gcd 1071 462, Nat.lcm 21 6)
--py> (math.gcd(1071, 462), math.lcm(21, 6))

--- large_numbers
#eval 2 ^ 200 % (10 ^ 9 + 7)
--py> pow(2, 200, 10**9 + 7)

--- integers
#eval ((-7 : Int) / 2, (-7 : Int) % 2, (-7 : Int).natAbs)
--> (-4, 1, 7) by rfl

--- floats
#eval (Float.sqrt 2.0 * 1000).floor
--py> f'{math.floor(math.sqrt(2) * 1000):.6f}'

--- bit_vectors
#eval (200#8 + 100#8).toNat
--> 44 by decide

--- fixed_width_numbers
#eval ((250 : UInt8) + 10, (2 : UInt64) ^ 63)
--py> ((250 + 10) % 256, 2 ** 63)

--- bitwise_operations
#eval (12 &&& 10, 12 ||| 10, 12 ^^^ 10, 1 <<< 10)
--> (8, 14, 6, 1024) by decide

--- string_append_and_length
#eval ("naïve " ++ "text", "∀∃".length)
--py> '("naïve text", 2)'

--- string_split
#eval "a,b,,c".splitOn ","
--py> lean('a,b,,c'.split(','))

--- string_interpolation
#eval s!"{1 + 1} and {[1, 2].map (· * 10)}"
--py> lean(f"{1 + 1} and {[10, 20]}")

--- string_to_number
#eval ("42".toNat?, "x".toNat?, "-7".toInt?)
--py> f'(some {int("42")}, none, some ({int("-7")}))'

--- string_reverse_and_upper
#eval (String.ofList "lean".toList.reverse, "lean".toUpper)
--py> f'({lean("lean"[::-1])}, {lean("lean".upper())})'

--- string_join
#eval ", ".intercalate ["x", "y", "z"]
--py> lean(', '.join('xyz'))

--- string_characters
#eval "a1b2".toList.filter Char.isDigit
--py> "['1', '2']"

--- characters
#eval ('a'.toNat, Char.ofNat 955, 'Z'.toLower)
--py> f"({ord('a')}, '{chr(955)}', '{'Z'.lower()}')"

--- options
#eval (some 3 >>= fun n => if n > 2 then some (n * 2) else none, (none : Option Nat).getD 7)
--> (some 6, 7) by rfl

--- exceptions
def safeDivide (a b : Nat) : Except String Nat := if b == 0 then throw "division by zero" else pure (a / b)
#eval (do let n ← safeDivide 10 3; safeDivide n 0 : Except String Nat).toBool
--> false by rfl

--- try_catch
#eval show IO String from do
  try throw <| IO.userError "lost" catch e => return s!"caught {e}"
--py> lean('caught lost')

--- state_monad
def label (words : List String) : StateM Nat (List String) := words.mapM fun word => do
  let n ← modifyGet fun n => (n, n + 1)
  return s!"{n}:{word}"
#eval ((label ["a", "b"]).run 5)
--py> '(["5:a", "6:b"], 7)'

--- mutable_references
#eval show IO Nat from do
  let cell ← IO.mkRef 1
  for i in [1:6] do cell.modify (· * i)
  cell.get
--py> math.factorial(5)

--- printing
#eval show IO Unit from do
  for i in [1, 2, 3] do IO.println s!"line {i}"
--py> '\n'.join(f'line {i}' for i in [1, 2, 3])

--- structures
structure Point where
  x : Int
  y : Int := 0
deriving Repr, BEq, DecidableEq
def Point.move (p : Point) (dx : Int) : Point := { p with x := p.x + dx }
#eval ({ x := 1 } : Point).move 4
--> { x := 5, y := 0 } by decide

--- inductive_types
inductive Tree (α : Type) where
  | leaf
  | node (left : Tree α) (value : α) (right : Tree α)
def Tree.insert (tree : Tree Nat) (n : Nat) : Tree Nat := match tree with
  | .leaf => .node .leaf n .leaf
  | .node l v r => if n < v then .node (l.insert n) v r else .node l v (r.insert n)
def Tree.toList : Tree α → List α
  | .leaf => []
  | .node l v r => l.toList ++ [v] ++ r.toList
#eval ([5, 2, 8, 1].foldl Tree.insert .leaf).toList
--> [1, 2, 5, 8] by rfl

--- enumerations
inductive Color where | red | green | blue
deriving Repr, Ord, Hashable, Inhabited, BEq
#eval (compare Color.red Color.blue == .lt, (default : Color) == .red)
--> (true, true) by rfl

--- type_classes
class Shape (α : Type) where
  area : α → Nat
  name : String := "shape"
structure Square where side : Nat
instance : Shape Square where area s := s.side ^ 2
def describe [Shape α] (a : α) : String := s!"{Shape.name α} of {Shape.area a}"
#eval describe (Square.mk 5)
--py> lean(f'shape of {5 ** 2}')

--- operators_of_own_types
structure Vec where (x y : Nat)
deriving Repr
instance : Add Vec := ⟨fun a b => ⟨a.x + b.x, a.y + b.y⟩⟩
instance : HMul Nat Vec Vec := ⟨fun k v => ⟨k * v.x, k * v.y⟩⟩
#eval (2 * Vec.mk 1 2 + ⟨3, 3⟩ : Vec).y
--> 7 by rfl

--- polymorphism_and_closures
def compose (fs : List (α → α)) : α → α := fs.foldr (· ∘ ·) id
#eval compose [(· + 1), (· * 10), (· - 2)] 7
--> 51 by rfl

--- laziness
#eval (Thunk.mk fun _ => (List.range 5).length).get + 1
--> 6 by rfl

--- tasks
#eval show IO (List Nat) from do
  let tasks := [10, 20, 30].map fun n => Task.spawn fun _ => (List.range n).sum
  return tasks.map Task.get
--py> [sum(range(n)) for n in [10, 20, 30]]

--- io_tasks
#eval show IO Nat from do
  let task ← IO.asTask (return (List.range 50).length)
  IO.ofExcept task.get
--py> len(range(50))

--- primes
def isPrime (n : Nat) : Bool := n ≥ 2 && (List.range n).all fun d => d < 2 || n % d != 0
#eval (List.range 30).filter isPrime
--py> [n for n in range(30) if n >= 2 and all(n % d for d in range(2, n))]

--- subtypes_and_fin
#eval ((3 : Fin 5) + 4, (⟨2, by decide⟩ : { n : Nat // n > 1 }).val)
--> (2, 2) by decide

--- pattern_matching_on_strings
def greet : String → String
  | "Ada" => "Countess"
  | name => s!"Dear {name}"
#eval [greet "Ada", greet "Bob"]
--py> '["Countess", "Dear Bob"]'

--- macro_tactic
macro "close_it" : tactic => `(tactic| first | rfl | omega | decide)
theorem closed (a b : Nat) (h : a < b) : a + 1 ≤ b := by close_it
example : True := by
  fail_if_success (have : 1 = 2 := by close_it)
  trivial

--- notation
notation:65 a " ⊞ " b => a * 10 + b
#eval (1 ⊞ 2) ⊞ 3
--> 123 by rfl

--- user_syntax
syntax "sum!" "[" term,* "]" : term
macro_rules
  | `(sum![]) => `(0)
  | `(sum![$x]) => `($x)
  | `(sum![$x, $xs,*]) => `($x + sum![$xs,*])
#eval sum![1, 2, 3, 4]
--> 10 by rfl

--- user_command
macro "define " name:ident " as " value:term : command => `(def $name := $value)
define answer as 6 * 7
#eval answer
--> 42 by rfl
