//! Which states a session keeps to go back to: their keys, their numbers, and which of them go when there is
//! no room. Pure; snapshots.rs talks to the REPL.

use crate::lean::message::EnvId;
use crate::lean::options::ModuleOptions;
use crate::limits::Bytes;

/// What decides the environment of a state.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct StateKey {
    /// The header, as it is sent.
    pub(crate) header: String,
    pub(crate) options: ModuleOptions,
    /// Whether it comes from the pickle.
    pub(crate) is_pickled: bool,
}

/// A state that the process keeps.
#[derive(Debug)]
pub(super) struct State {
    pub(super) key: StateKey,
    /// Its number in the process.
    pub(super) number: u64,
    /// The environment in which sources run that start from it.
    pub(super) env: EnvId,
    /// What it takes in memory, besides what it shares with the first one.
    pub(super) bytes: u64,
}

/// The states of a session.
#[derive(Debug)]
pub(crate) struct Snapshots {
    /// The state without header and options.
    pub(super) base: State,
    /// The others, the one that was used last at the end.
    pub(super) others: Vec<State>,
    /// The state in which the process is, if nothing has run since.
    pub(super) at: Option<u64>,
    /// The state of the last source.
    pub(super) last: u64,
    /// How much memory the others may take.
    pub(super) room: Bytes,
}

impl Snapshots {
    /// The state of that key, which counts as used now.
    pub(super) fn find(&mut self, key: &StateKey) -> Option<(u64, EnvId)> {
        if *key == self.base.key {
            return Some((self.base.number, self.base.env));
        }
        let place = self.others.iter().position(|state| state.key == *key)?;
        let state = self.others.remove(place);
        let found = (state.number, state.env);
        self.others.push(state);
        Some(found)
    }

    /// Takes out the state that was not used for longest, if all take too much.
    pub(super) fn take_surplus(&mut self) -> Option<State> {
        let total: u64 = self.others.iter().map(|state| state.bytes).sum();
        let surplus = (total > self.room.get()).then(|| self.others.remove(0))?;
        if surplus.number == self.last {
            // It alone takes too much: there is nothing of it to go back to.
            (self.at, self.last) = (None, self.base.number);
        }
        Some(surplus)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(header: &str, number: u64, bytes: u64) -> State {
        State {
            key: key(header),
            number,
            env: EnvId(number),
            bytes,
        }
    }

    fn key(header: &str) -> StateKey {
        StateKey {
            header: header.to_owned(),
            ..StateKey::default()
        }
    }

    fn snapshots(others: Vec<State>) -> Snapshots {
        Snapshots {
            base: state("", 0, 0),
            others,
            at: None,
            last: 0,
            room: Bytes::new(10),
        }
    }

    #[test]
    fn the_states_that_were_not_used_for_longest_make_room() {
        let mut kept = snapshots(vec![state("a", 1, 5), state("b", 2, 5), state("c", 3, 5)]);
        assert_eq!(kept.find(&key("a")).map(|(number, _)| number), Some(1));
        assert_eq!(kept.take_surplus().map(|state| state.number), Some(2));
        assert!(kept.take_surplus().is_none());
        assert!(kept.find(&key("b")).is_none());
        assert_eq!(kept.find(&key("")).map(|(number, _)| number), Some(0));
    }

    #[test]
    fn a_state_that_takes_more_than_there_is_room_for_is_not_kept() {
        let mut kept = snapshots(vec![state("a", 1, 11)]);
        (kept.at, kept.last) = (Some(1), 1);
        assert_eq!(kept.take_surplus().map(|state| state.number), Some(1));
        assert_eq!((kept.at, kept.last), (None, 0));
        assert!(kept.take_surplus().is_none());
    }
}
