//! States to which a session can go back, so that a source finds nothing of the one before it. Only core
//! Lean's REPL has them (fields `takeSnapshot`, `restoreSnapshot` and `dropSnapshot`); others do not read these
//! fields, which the first request finds out. Never runs a user's source.

use serde_json::Value;

use crate::lean::message::{EnvId, Extra};
use crate::limits::{Bytes, Deadline};
use crate::protocol::wire::{Command, Reply, Request};
use crate::session::error::SessionError;
use crate::session::opening::{EnvError, OpenSession, SHORT, refused};
use crate::session::states::{Snapshots, State, StateKey};

/// How much larger a session's memory may be than in the state to which it went back. What it grew by is
/// looked through each time.
const MOST_GROWN: Bytes = Bytes::mib(512);

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
