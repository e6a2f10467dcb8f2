//! What a terminal or a script gives to a shell.

/// What one look at the input has found.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Line {
    /// A whole text or command.
    Typed(String),
    /// The user has thrown away what was typed.
    Cleared,
    /// Nothing more comes.
    End,
    /// The user has stopped a script.
    Interrupted,
}
