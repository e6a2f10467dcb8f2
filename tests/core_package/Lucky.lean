import Lucky.Tactic

/-! A package of users for core Lean: it is compiled and imported by the tests. -/
