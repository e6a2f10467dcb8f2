//! Places in a text as Lean counts them. Never LSP units.

/// A place in a file: line from 1, column from 0 in codepoints (not bytes, not UTF-16).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// Line, the first is 1.
    pub line: u64,
    /// Column in codepoints, the first is 0.
    pub column: u64,
}
