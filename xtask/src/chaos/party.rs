//! Who asks: honest clients, or one of two that send hostile sources. A request belongs to one of them by its
//! number. Pure.

use clap::ValueEnum;

/// What sources may find of those before them, as the server gets it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Level {
    /// Nothing, on REPLs that can put their memory back.
    Source,
    /// What sources of the same client left.
    #[default]
    Client,
    /// What any source left.
    None,
}

impl Level {
    /// The word for it on the command line of the server.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Source => "source",
            Self::Client => "client",
            Self::None => "none",
        }
    }
}

/// Clients that share what they know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Party {
    /// The honest clients, which have several keys.
    Honest,
    /// A client with one key that sends hostile sources.
    Hostile,
    /// Another one.
    Spiteful,
}

/// After how many requests the parties come round again.
const ROUND: u64 = 16;

impl Party {
    /// Whose the request of that number is.
    pub(crate) fn of(index: u64) -> Self {
        match index % ROUND {
            7 => Self::Hostile,
            15 => Self::Spiteful,
            _ => Self::Honest,
        }
    }

    /// Whether it sends hostile sources.
    pub(crate) fn is_hostile(self) -> bool {
        self != Self::Honest
    }

    /// The keys of its clients, one a client.
    pub(crate) fn keys(self) -> Vec<&'static str> {
        match self {
            Self::Honest => HONEST
                .iter()
                .flat_map(|(key, clients)| std::iter::repeat_n(*key, *clients))
                .collect(),
            Self::Hostile => vec!["hostile"; ATTACKERS],
            Self::Spiteful => vec!["spiteful"; ATTACKERS],
        }
    }
}

/// The parties.
pub(crate) const PARTIES: [Party; 3] = [Party::Honest, Party::Hostile, Party::Spiteful];

/// The keys of the honest clients and how many clients share each. The first has more clients than requests
/// at a time, so some of them are turned away.
const HONEST: [(&str, usize); 4] = [("greedy", 12), ("modest", 4), ("patient", 3), ("quiet", 3)];

/// How many clients share the key of an attacker.
const ATTACKERS: usize = 2;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_party_has_requests_and_keys_that_no_other_has() {
        let mut known: Vec<&str> = Vec::new();
        for party in PARTIES {
            assert!((0..ROUND).any(|index| Party::of(index) == party));
            let mut keys = party.keys();
            keys.dedup();
            assert!(keys.iter().all(|key| !known.contains(key)), "{party:?}");
            known.extend(keys);
        }
    }
}
