//! What is wrong with a row, and where.

use std::cell::Cell;
use std::fmt::{self, Write as _};

use serde::de::Error;

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

/// The error of a line that is not JSON.
pub(crate) fn malformed(err: &serde_json::Error) -> RowError {
    RowError {
        column: String::new(),
        problem: format!("malformed JSON: {err}"),
    }
}

/// What was found wrong. The place is put together from the inside out while the error goes up, so that a row
/// that fits pays nothing for it.
#[derive(Default)]
pub(super) struct Fault {
    problem: Cell<Option<String>>,
    /// From the innermost place outwards.
    place: Cell<Vec<Step>>,
}

/// One step of the way to a value.
pub(super) enum Step {
    Name(String),
    Index(usize),
}

impl Fault {
    /// Notes what is wrong; gives the error that ends the reading.
    pub(super) fn note<E: Error>(&self, problem: impl Into<String>) -> E {
        self.problem.set(Some(problem.into()));
        E::custom("the row does not fit")
    }

    /// Adds the place around those that are known.
    pub(super) fn is_in(&self, step: Step) {
        let mut place = self.place.take();
        place.push(step);
        self.place.set(place);
    }

    /// The error for the caller: what was noted, or that it is not JSON.
    pub(super) fn into_error(self, err: &serde_json::Error) -> RowError {
        let Some(problem) = self.problem.take() else {
            return malformed(err);
        };
        let mut column = String::new();
        for step in self.place.take().iter().rev() {
            match step {
                Step::Name(name) if column.is_empty() => column.push_str(name),
                Step::Name(name) => column.extend([".", name]),
                Step::Index(index) => {
                    // Writing to a string cannot fail.
                    let _written = write!(column, "[{index}]");
                }
            }
        }
        RowError { column, problem }
    }
}
