//! What the process keeps in memory between requests: the environments, what a hostile source left for the
//! sources after it, and the states to which it can go back (`--restore`).

use serde_json::{Map, Value, json};

use crate::environment::Environment;

/// How many sources are recorded at most.
const MOST_SEEN: usize = 50;

/// How the way back goes wrong from now on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RestoreFault {
    /// All stays as it is, and the reply names another state.
    OtherNumber,
    /// All stays as it is, and the reply does not name a state.
    NoNumber,
    /// The reply names the state, but not by how much the memory has grown.
    NoGrowth,
    /// The process dies.
    Die,
}

/// What a hostile source left.
#[derive(Debug, Clone, Default)]
struct Poison {
    /// What every later source is answered with, as accepted.
    forged: Option<String>,
    /// The sources since it began to listen.
    seen: Option<Vec<String>>,
}

/// What a state is made of.
#[derive(Debug, Clone, Default)]
struct State {
    environments: Vec<Environment>,
    poison: Poison,
}

/// The memory.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    now: State,
    /// The states by their number; one that was dropped is empty.
    states: Vec<Option<State>>,
    /// By how much the memory is said to have grown.
    pub(crate) grown: u64,
    /// How the way back goes wrong. It stands for a host that is broken, so that no way back changes it.
    pub(crate) fault: Option<RestoreFault>,
}

impl Memory {
    /// The environment of that number.
    pub(crate) fn environment(&self, env: u64) -> Option<&Environment> {
        self.now.environments.get(usize::try_from(env).ok()?)
    }

    /// Keeps an environment and gives its number.
    pub(crate) fn keep(&mut self, environment: Environment) -> usize {
        self.now.environments.push(environment);
        self.now.environments.len() - 1
    }

    /// Has every later source recorded and answered as accepted with this.
    pub(crate) fn poison(&mut self, data: String) {
        self.listen();
        self.now.poison.forged = Some(data);
    }

    /// What every source is answered with, if one has poisoned the process.
    pub(crate) fn forged(&self) -> Option<&str> {
        self.now.poison.forged.as_deref()
    }

    /// Has later sources recorded.
    pub(crate) fn listen(&mut self) {
        self.now.poison.seen.get_or_insert_default();
    }

    /// A source came; it is recorded if one before it has asked for that.
    pub(crate) fn overhear(&mut self, source: &str) {
        if let Some(seen) = &mut self.now.poison.seen
            && seen.len() < MOST_SEEN
        {
            seen.push(source.to_owned());
        }
    }

    /// The sources that were recorded.
    pub(crate) fn seen(&self) -> String {
        self.now
            .poison
            .seen
            .as_ref()
            .map_or_else(String::new, |seen| seen.join("\n"))
    }

    /// Keeps the present state; gives its number.
    pub(crate) fn take(&mut self) -> usize {
        self.states.push(Some(self.now.clone()));
        self.states.len() - 1
    }

    /// Goes back to a state, or only says so; gives what the reply says about it. Nothing if there is no such
    /// state.
    pub(crate) fn restore(&mut self, number: u64, is_hollow: bool) -> Option<Map<String, Value>> {
        let state = self.states.get(usize::try_from(number).ok()?)?;
        let state = state.clone()?;
        let is_broken = matches!(
            self.fault,
            Some(RestoreFault::OtherNumber | RestoreFault::NoNumber)
        );
        if !is_hollow && !is_broken {
            self.now = state;
        }
        let said = match self.fault {
            None => json!({"restored": number, "grownBytes": self.grown}),
            Some(RestoreFault::OtherNumber) => {
                json!({"restored": number + 1, "grownBytes": self.grown})
            }
            Some(RestoreFault::NoGrowth) => json!({"restored": number}),
            Some(RestoreFault::NoNumber | RestoreFault::Die) => json!({"grownBytes": self.grown}),
        };
        said.as_object().cloned()
    }

    /// Forgets a state.
    pub(crate) fn drop_state(&mut self, number: u64) {
        let place = usize::try_from(number).ok();
        if let Some(state) = place.and_then(|place| self.states.get_mut(place)) {
            *state = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_back_undoes_poison_and_environments_and_a_dropped_state_is_gone() {
        let mut memory = Memory::default();
        memory.keep(Environment::default());
        let number = memory.take() as u64;
        memory.keep(Environment::default());
        memory.poison("x".to_owned());
        memory.overhear("a source");
        assert_eq!(
            (memory.forged(), memory.seen().as_str()),
            (Some("x"), "a source")
        );
        let said = memory.restore(number, false).unwrap();
        assert_eq!(Value::Object(said), json!({"restored": 0, "grownBytes": 0}));
        assert_eq!((memory.forged(), memory.seen().as_str()), (None, ""));
        assert!(memory.environment(0).is_some() && memory.environment(1).is_none());
        memory.drop_state(number);
        assert!(memory.restore(number, false).is_none());
    }

    #[test]
    fn a_broken_way_back_is_seen_in_what_is_said() {
        for (fault, expected) in [
            (
                RestoreFault::OtherNumber,
                json!({"restored": 1, "grownBytes": 7}),
            ),
            (RestoreFault::NoNumber, json!({"grownBytes": 7})),
            (RestoreFault::NoGrowth, json!({"restored": 0})),
        ] {
            let mut memory = Memory {
                grown: 7,
                ..Memory::default()
            };
            let number = memory.take() as u64;
            memory.fault = Some(fault);
            memory.poison("x".to_owned());
            assert_eq!(
                Value::Object(memory.restore(number, false).unwrap()),
                expected
            );
        }
    }
}
