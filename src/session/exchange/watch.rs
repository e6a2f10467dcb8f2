//! A look at the process of a session: whether it lives and what it holds. Never asks it anything.

use std::time::Duration;

use crate::limits::Bytes;
use crate::process::child::Turn;
use crate::process::tree;
use crate::session::error::SessionError;
use crate::session::exchange::Session;

impl Session {
    /// Looks after a session that is asked nothing at the moment: whether it lives, keeps still and
    /// keeps to its memory.
    ///
    /// # Errors
    /// Any [`SessionError`]; the session is then over.
    pub(crate) fn check_idle(&mut self) -> Result<(), SessionError> {
        self.expect_no_reply()?;
        let checked = self.check_life().and_then(|()| self.check_memory());
        if checked.is_err() {
            self.end();
        }
        checked
    }

    /// Whether the process has ended, whatever it has written before.
    pub(crate) fn has_died(&mut self) -> bool {
        self.child.has_ended()
    }

    /// Fails if the process has ended, although something that it started keeps its stdout open.
    pub(super) fn check_life(&mut self) -> Result<(), SessionError> {
        if !self.child.has_ended() {
            return Ok(());
        }
        // What it wrote before its end is in the pipe by now.
        match self
            .child
            .turn(&mut &[][..], self.frames.space(), Duration::ZERO)
        {
            Ok(Turn::Read(count)) => {
                self.begun = true;
                self.frames.filled(count);
                Ok(())
            }
            Ok(Turn::Nothing | Turn::Closed) => Err(self.death()),
            Err(err) => Err(SessionError::Pipe(err)),
        }
    }

    /// Fails if the process tree holds too much.
    pub(super) fn check_memory(&mut self) -> Result<(), SessionError> {
        let Some(resident) = self.child.resident_bytes() else {
            return Ok(());
        };
        self.peak_bytes = self.peak_bytes.max(resident);
        if let Some(limit) = self.limits.memory
            && resident > limit.get()
        {
            return Err(SessionError::Memory {
                limit,
                resident: Bytes::new(resident),
            });
        }
        Ok(())
    }

    /// Resident bytes of the process tree, if the system tells.
    pub fn resident_bytes(&mut self) -> Option<u64> {
        self.child.resident_bytes()
    }

    /// How long the process tree was on a processor, if the system tells.
    pub(crate) fn processor_time(&self) -> Option<Duration> {
        tree::processor_time(self.child.pid())
    }

    /// The most that the process tree was seen to hold until now, if the system tells.
    pub fn peak_resident_bytes(&mut self) -> Option<u64> {
        let seen = (self.peak_bytes > 0).then_some(self.peak_bytes);
        self.child.resident_bytes().max(seen)
    }
}
