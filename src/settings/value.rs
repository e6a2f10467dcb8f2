//! Single values, as flags and variables give them.

use crate::env_vars::{self, Variable};
use crate::failure::{Failure, Kind};

/// The value of a variable as text.
pub(super) fn text(variable: Variable) -> Result<Option<String>, Failure> {
    let Some(value) = env_vars::read(variable) else {
        return Ok(None);
    };
    value.into_string().map(Some).map_err(|_value| {
        Failure::new(
            Kind::Usage,
            format!("the variable `{}` is not UTF-8", variable.name),
            "set it to text, or use the flag for it (see `leanrepl serve --help`)",
        )
    })
}

/// A count as sizes in memory are counted.
pub(super) fn count(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}
