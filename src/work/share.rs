//! One of several equal parts of a list of work, for processes that divide it without talking to each other.

use serde::{Deserialize, Serialize};

use crate::digest;

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

    /// Whether the item of that name belongs to it, by the digest of the name: so it stays where it is when
    /// other items come or go.
    pub(crate) fn has_name(self, name: &[u8]) -> bool {
        let count = u64::from(self.count).max(1);
        digest::leading_number(name) % count == u64::from(self.index)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_share_of_a_name_can_be_found_with_sha256sum() {
        // `printf abc | sha256sum` begins with ba7816bf8f01cfea.
        let index = u32::try_from(0xba78_16bf_8f01_cfea_u64 % 7).unwrap();
        assert!(Share { index, count: 7 }.has_name(b"abc"));
    }

    #[test]
    fn shares_are_disjoint_and_complete() {
        for count in 1..5 {
            for number in 0..20 {
                let owners = (0..count)
                    .filter(|&index| Share { index, count }.has(number))
                    .count();
                assert_eq!(owners, 1);
                let name = format!("{number}.lean");
                let owners = (0..count)
                    .filter(|&index| Share { index, count }.has_name(name.as_bytes()))
                    .count();
                assert_eq!(owners, 1);
            }
        }
    }
}
