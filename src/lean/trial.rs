//! Texts by which a server of Lean is tried. Never sends them.

/// How long the text that loops may run, in seconds.
pub(crate) const LOOP_SECONDS: u64 = 3;

/// The texts by which a server is tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Trial {
    pub(crate) accepted: &'static str,
    pub(crate) rejected: &'static str,
    /// Without end.
    pub(crate) looping: &'static str,
}

impl Trial {
    /// Those that any Lean knows.
    pub(crate) fn core() -> Self {
        Self {
            accepted: "theorem t (a b : Nat) : a + b = b + a := by omega\n",
            rejected: "theorem t (a b : Nat) : a + b = b + a + 1 := by omega\n",
            looping: "partial def f (n : Nat) : Nat := f (n + 1)\n#eval f 0\n",
        }
    }

    pub(crate) fn mathlib() -> Self {
        Self {
            accepted: "theorem t (a b : ℝ) : (a + b) ^ 2 = a ^ 2 + 2 * a * b + b ^ 2 := by ring\n",
            rejected: "theorem t (a b : ℝ) : (a + b) ^ 2 = a ^ 2 + b ^ 2 := by ring\n",
            ..Self::core()
        }
    }
}
