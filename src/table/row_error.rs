//! Why a row does not fit its schema.

use std::fmt;

/// Why a row does not fit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowError {
    /// The value that is wrong, for example `goals[2].usedGoals[0].kind`; empty if it is the whole row.
    pub column: String,
    /// What is wrong with it: lower-case, no full stop.
    pub problem: String,
}

impl fmt::Display for RowError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.column.as_str() {
            "" => f.write_str(&self.problem),
            column => write!(f, "column `{column}`: {}", self.problem),
        }
    }
}

impl std::error::Error for RowError {}
