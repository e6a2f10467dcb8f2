//! One of several equal parts of a list of work, for processes that divide it without talking to each other.

use serde::{Deserialize, Serialize};

/// Which part a process does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Share {
    /// From 0.
    pub(crate) index: u32,
    pub(crate) count: u32,
}

impl Share {
    /// Whether the item of that number, in an order that all processes agree on, belongs to it.
    pub(crate) fn has(self, number: usize) -> bool {
        let count = usize::try_from(self.count).unwrap_or(usize::MAX).max(1);
        usize::try_from(self.index).is_ok_and(|index| number % count == index)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_disjoint_and_complete() {
        for count in 1..5 {
            for number in 0..20 {
                let owners = (0..count)
                    .filter(|&index| Share { index, count }.has(number))
                    .count();
                assert_eq!(owners, 1);
            }
        }
    }
}
