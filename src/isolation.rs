//! What a source may find of those that were evaluated before it.

use std::fmt;

use serde::{Deserialize, Serialize};

/// How much evaluations share, from all to nothing. A higher level gives every promise of a lower one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Isolation {
    /// Any source may run in a process in which any other has run.
    None,
    /// A process runs sources of one client only, until it is replaced.
    Client,
    /// A source runs in memory that no other source has touched.
    Source,
}

impl Isolation {
    /// All levels, from the lowest to the highest.
    pub const ALL: [Self; 3] = [Self::None, Self::Client, Self::Source];

    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Client => "client",
            Self::Source => "source",
        }
    }
}

impl fmt::Display for Isolation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
