//! What a variable is. Reads none.

/// A variable by name, with what it does as a user reads it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Variable {
    /// The name as it is written in a shell.
    pub name: &'static str,
    /// What it changes, one sentence.
    pub doc: &'static str,
}
