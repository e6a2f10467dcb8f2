//! States to which a session can go back, so that a source finds nothing of the one before it. Only core
//! Lean's REPL has them (fields `takeSnapshot`, `restoreSnapshot` and `dropSnapshot`); others do not read these
//! fields, which the first request finds out. Never runs a user's source.

use serde_json::Value;

use crate::lean::message::{EnvId, Extra};
use crate::lean::options::ModuleOptions;
use crate::limits::{Bytes, Deadline};
use crate::protocol::wire::{Command, Reply, Request};
use crate::session::error::SessionError;
use crate::session::opening::{EnvError, OpenSession, SHORT, refused};

/// How much larger a session's memory may be than in the state to which it went back. What it grew by is
/// looked through each time.
const MOST_GROWN: Bytes = Bytes::mib(512);

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
struct State {
    key: StateKey,
    /// Its number in the process.
    number: u64,
    /// The environment in which sources run that start from it.
    env: EnvId,
    /// What it takes in memory, besides what it shares with the first one.
    bytes: u64,
}

/// The states of a session.
#[derive(Debug)]
pub(crate) struct Snapshots {
    /// The state without header and options.
    base: State,
    /// The others, the one that was used last at the end.
    others: Vec<State>,
    /// The state in which the process is, if nothing has run since.
    at: Option<u64>,
    /// The state of the last source.
    last: u64,
    /// How much memory the others may take.
    room: Bytes,
}

impl Snapshots {
    /// The state of that key, which counts as used now.
    fn find(&mut self, key: &StateKey) -> Option<(u64, EnvId)> {
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
    fn take_surplus(&mut self) -> Option<State> {
        let total: u64 = self.others.iter().map(|state| state.bytes).sum();
        (total > self.room.get()).then(|| self.others.remove(0))
    }
}

impl OpenSession {
    /// Whether it has shown that it goes back to a state.
    pub(crate) fn is_restorable(&self) -> bool {
        self.snapshots.is_some()
    }

    /// Keeps the present state, if this REPL can, and has it shown that it goes back to it. `room` is how much
    /// memory all further states may take.
    ///
    /// # Errors
    /// A session that fails; it is over.
    pub(crate) fn keep_base(&mut self, room: Bytes) -> Result<(), EnvError> {
        let Some(base) = self.take(StateKey::default(), self.base())? else {
            return Ok(());
        };
        let (number, env) = (base.number, base.env);
        self.snapshots = Some(Snapshots {
            base,
            others: Vec::new(),
            at: None,
            last: number,
            room,
        });
        // An environment that is made now is not there any more after that.
        let made = self.run("", env, SHORT)?.env;
        self.go_to(number)?;
        let request = Request::Command(Command {
            env: Some(made),
            ..Command::default()
        });
        let later = self.session.ask(&request, Deadline::after(SHORT))?;
        if !matches!(later, Reply::Error { .. }) {
            self.snapshots = None;
        }
        Ok(())
    }

    /// Goes to the state of that key; gives its environment. Without such a state it goes to the one without
    /// header and options and gives nothing; a session that has no states stays as it is.
    ///
    /// # Errors
    /// A session that fails; it is over.
    pub(crate) fn enter(&mut self, key: &StateKey) -> Result<Option<EnvId>, SessionError> {
        let Some(snapshots) = &mut self.snapshots else {
            return Ok(None);
        };
        let found = snapshots.find(key);
        let number = found.map_or(snapshots.base.number, |(number, _)| number);
        self.go_to(number)?;
        if found.is_none() {
            self.touch();
        }
        Ok(found.map(|(_, env)| env))
    }

    /// Keeps the state that has just been made from the first one, in which nothing of a source has run; gives
    /// the environment in which sources run then.
    ///
    /// # Errors
    /// A session that fails; it is over.
    pub(crate) fn keep_state(&mut self, key: StateKey, env: EnvId) -> Result<EnvId, EnvError> {
        if self.snapshots.is_none() {
            return Ok(env);
        }
        // A REPL that is not at rest keeps none: the state is used this once.
        let Some(state) = self.take(key, env)? else {
            return Ok(env);
        };
        let (number, env) = (state.number, state.env);
        if let Some(snapshots) = &mut self.snapshots {
            snapshots.others.push(state);
            (snapshots.at, snapshots.last) = (Some(number), number);
        }
        while let Some(surplus) = self.snapshots.as_mut().and_then(Snapshots::take_surplus) {
            self.drop_state(&surplus)?;
        }
        Ok(env)
    }

    /// Notes that something runs now.
    pub(crate) fn touch(&mut self) {
        if let Some(snapshots) = &mut self.snapshots {
            snapshots.at = None;
        }
    }

    /// Goes back to where the last source started, ahead of the next one.
    ///
    /// # Errors
    /// A session that fails, or whose memory has grown too large to be put back each time; it is over.
    pub(crate) fn go_back(&mut self) -> Result<(), SessionError> {
        match &self.snapshots {
            Some(snapshots) => self.go_to(snapshots.last),
            None => Ok(()),
        }
    }

    /// Goes to the first state and has no states any more: environments stay from now on. For a client that
    /// has the session to itself.
    ///
    /// # Errors
    /// A session that fails; it is over.
    pub(crate) fn leave_states(&mut self) -> Result<(), SessionError> {
        if let Some(snapshots) = &self.snapshots {
            self.go_to(snapshots.base.number)?;
            self.snapshots = None;
        }
        Ok(())
    }

    /// Asks the REPL to keep the present state, with an environment in it; none if it cannot.
    fn take(&mut self, key: StateKey, env: EnvId) -> Result<Option<State>, EnvError> {
        let mut extra = Extra::new();
        extra.insert("takeSnapshot".to_owned(), Value::Bool(true));
        let request = Request::Command(Command {
            env: Some(env),
            extra,
            ..Command::default()
        });
        match self
            .session
            .ask_at_import(&request, Deadline::after(SHORT))?
        {
            Reply::Command(reply) => {
                let number = |name| reply.extra.get(name).and_then(Value::as_u64);
                Ok(number("snapshot").map(|found| State {
                    key,
                    number: found,
                    env: reply.env,
                    bytes: number("snapshotBytes").unwrap_or_default(),
                }))
            }
            Reply::Error { message, .. } => Err(EnvError::Refused(refused(&message))),
            Reply::ProofStep(_) => Err(EnvError::Session(self.session.out_of_step())),
        }
    }

    /// Has the REPL go to a state, unless it is there.
    fn go_to(&mut self, number: u64) -> Result<(), SessionError> {
        let Some(snapshots) = &mut self.snapshots else {
            return Ok(());
        };
        snapshots.last = number;
        if snapshots.at == Some(number) {
            return Ok(());
        }
        snapshots.at = None;
        let said = self.ask_about_state("restoreSnapshot", number)?;
        if said.get("restored").and_then(Value::as_u64) != Some(number) {
            return Err(self.session.out_of_step());
        }
        let grown = said.get("grownBytes").and_then(Value::as_u64);
        let grown = Bytes::new(grown.unwrap_or(u64::MAX));
        if grown.get() > MOST_GROWN.get() {
            return Err(self.session.give_up(SessionError::Memory {
                limit: MOST_GROWN,
                resident: grown,
            }));
        }
        // Numbers of environments that were made in another state mean others now.
        self.forget_environments();
        if let Some(snapshots) = &mut self.snapshots {
            snapshots.at = Some(number);
        }
        Ok(())
    }

    /// Has the REPL forget a state.
    fn drop_state(&mut self, state: &State) -> Result<(), SessionError> {
        self.ask_about_state("dropSnapshot", state.number)?;
        Ok(())
    }

    /// A fence with a field about a state; gives what the reply says besides.
    fn ask_about_state(&mut self, field: &str, number: u64) -> Result<Extra, SessionError> {
        let mut extra = Extra::new();
        extra.insert(field.to_owned(), Value::from(number));
        self.fence_with(extra)
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
        assert_eq!(kept.take_surplus().map(|state| state.number), Some(1));
        assert!(kept.take_surplus().is_none());
    }
}
