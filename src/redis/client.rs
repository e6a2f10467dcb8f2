//! A server and its connections, for many threads. While the server is away, calls fail at once.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use ::redis::{Cmd, Value, cmd};

use crate::limits::Deadline;
use crate::redis::address::{Reach, RedisUrl};
use crate::redis::connection::Connection;
use crate::redis::error::{AskError, OpenError};
use crate::redis::secret::Secret;
use crate::redis::server;

/// The longest time from a command to the end of its reply: enough for the largest value in a slow network.
const REPLY: Duration = Duration::from_secs(2);

/// How long a server that was away is not asked.
const PAUSE: Duration = Duration::from_secs(3);

/// The most connections that are kept for the next command.
const MOST_IDLE: usize = 16;

/// The most bytes of what a server says of itself; real ones take six thousand.
const MOST_INFO_BYTES: usize = 1 << 20;

/// A server and its connections.
#[derive(Debug)]
pub(crate) struct Client {
    url: RedisUrl,
    password: Option<Secret>,
    reach: Reach,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    idle: Vec<Connection>,
    /// Until when the server is not asked, since it was away.
    pause: Option<Instant>,
}

impl Client {
    /// Connects, and checks that the server can be used.
    ///
    /// # Errors
    /// A server that is away, refuses the user, is too old, is part of a cluster or may drop what it was given
    /// ([`crate::failure::Kind::Remote`]), or one of another machine where it must be of this one.
    pub(crate) fn open(
        url: RedisUrl,
        password: Option<Secret>,
        reach: Reach,
    ) -> Result<Self, OpenError> {
        let client = Self {
            url,
            password,
            reach,
            state: Mutex::default(),
        };
        let name = client.name();
        match client.ask(cmd("INFO"), MOST_INFO_BYTES) {
            Ok(Value::BulkString(info)) => {
                server::check(&name, &String::from_utf8_lossy(&info))?;
            }
            Ok(_) => return Err(AskError::NotRedis.into_failure(&name).into()),
            Err(err @ (AskError::Away(_) | AskError::Paused)) => {
                return Err(OpenError::Away(err.into_failure(&name)));
            }
            Err(err) => return Err(err.into_failure(&name).into()),
        }
        Ok(client)
    }

    /// The address, without a password.
    pub(crate) fn name(&self) -> String {
        self.url.to_string()
    }

    /// The reply to a command. A string in it has at most `most` bytes.
    ///
    /// # Errors
    /// No reply, or one that cannot be used.
    pub(crate) fn ask(&self, command: Cmd, most: usize) -> Result<Value, AskError> {
        let mut replies = self.ask_all(&[command], most)?;
        replies.pop().ok_or(AskError::NotRedis)
    }

    /// The replies to commands that are sent together, at most a mebibyte of them unless the first is a string.
    ///
    /// # Errors
    /// As [`Self::ask`].
    pub(crate) fn ask_all(&self, commands: &[Cmd], most: usize) -> Result<Vec<Value>, AskError> {
        let idle = self.idle()?;
        let was_idle = idle.is_some();
        let result = self.ask_on(idle, commands, most);
        match result {
            // It was closed while it was idle, such as by a restart of the server: that says nothing of now.
            Err(AskError::Away(err)) if was_idle && err.kind() != std::io::ErrorKind::TimedOut => {
                self.state().idle.clear();
                self.ask_on(None, commands, most)
            }
            result => result,
        }
        .inspect_err(|err| {
            if matches!(err, AskError::Away(_)) {
                let mut state = self.state();
                state.idle.clear();
                state.pause = Some(Instant::now() + PAUSE);
            }
        })
    }

    /// The replies on this connection, or on a new one.
    fn ask_on(
        &self,
        connection: Option<Connection>,
        commands: &[Cmd],
        most: usize,
    ) -> Result<Vec<Value>, AskError> {
        let mut connection = match connection {
            Some(connection) => connection,
            None => Connection::open(&self.url, self.password.as_ref(), self.reach)?,
        };
        let result = connection.ask(commands, most, Deadline::after(REPLY));
        if matches!(result, Ok(_) | Err(AskError::Refused { .. })) {
            let mut state = self.state();
            state.pause = None;
            if state.idle.len() < MOST_IDLE {
                state.idle.push(connection);
            }
        }
        result
    }

    /// A connection that is at hand, if there is one.
    fn idle(&self) -> Result<Option<Connection>, AskError> {
        let mut state = self.state();
        if let Some(until) = state.pause {
            let now = Instant::now();
            if now < until {
                return Err(AskError::Paused);
            }
            // This caller tries; the others wait for what it finds.
            state.pause = Some(now + PAUSE);
        }
        Ok(state.idle.pop())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
