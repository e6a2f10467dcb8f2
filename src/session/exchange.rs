//! One REPL process and our talk with it: one request at a time, one deadline each. Never retries
//! by itself and never decides a verdict.

mod watch;

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Map, Value};

use crate::event::{Event, Observer};
use crate::limits::{Bytes, CancelFlag, Deadline, TICK};
use crate::process::child::{Child, Turn};
use crate::process::launch::Launch;
use crate::protocol::frame::{Decoded, Frame, FrameReader, request_line};
use crate::protocol::wire::{Reply, Request};
use crate::session::error::SessionError;

/// What a session may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionLimits {
    /// Resident memory of the process and its descendants; not watched if absent.
    pub memory: Option<Bytes>,
    /// The longest reply.
    pub reply: Bytes,
}

impl Default for SessionLimits {
    fn default() -> Self {
        Self {
            // `import Mathlib` peaks at about 5.4 GB.
            memory: Some(Bytes::mib(8 * 1024)),
            reply: Bytes::mib(512),
        }
    }
}

/// What may come on stdout beside a reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Beside {
    /// Nothing.
    Nothing,
    /// Output that cannot be a reply, which is passed over.
    Noise,
}

/// How often the memory of the process tree is measured while a reply is awaited.
const MEMORY_TICK: Duration = Duration::from_millis(40);

/// How much of a strange reply is shown.
const EXCERPT_CHARS: usize = 300;

/// A running REPL. Dropping it kills and reaps its whole process group.
pub struct Session {
    launch: Launch,
    child: Child,
    /// What it has written and we have not taken yet.
    frames: FrameReader,
    limits: SessionLimits,
    /// The most memory that its process tree was seen to hold.
    peak_bytes: u64,
    /// Whether anything has come on stdout since the last request was sent.
    begun: bool,
    /// Set when the user interrupts.
    interrupt: CancelFlag,
    observer: Arc<dyn Observer>,
    /// Set by the first error: nothing may be asked after it.
    over: bool,
}

impl Session {
    /// Starts a REPL. It is not asked anything yet. The calling thread must outlive the session
    /// (see [`Child::start`]).
    ///
    /// # Errors
    /// [`SessionError::Start`].
    pub fn start(
        launch: &Launch,
        limits: SessionLimits,
        interrupt: &CancelFlag,
        observer: &Arc<dyn Observer>,
    ) -> Result<Self, SessionError> {
        observer.tell(Event::CommandStarted {
            line: &launch.shell_line(),
        });
        let child = Child::start(launch).map_err(|source| SessionError::Start {
            program: launch.program.display().to_string(),
            source,
        })?;
        Ok(Self {
            launch: launch.clone(),
            child,
            frames: FrameReader::new(limits.reply.to_usize()),
            limits,
            peak_bytes: 0,
            begun: false,
            interrupt: interrupt.clone(),
            observer: Arc::clone(observer),
            over: false,
        })
    }

    /// Sends one request and waits for its reply. Anything on stdout beside the reply is a protocol
    /// error: the source may have written it, and then the reply may be written by it as well.
    ///
    /// # Errors
    /// Any [`SessionError`]; the process is then killed and reaped, and every later request fails.
    pub fn ask(&mut self, request: &Request, deadline: Deadline) -> Result<Reply, SessionError> {
        let object = self.ask_object(&request.to_line(), deadline)?;
        self.read_reply(object)
    }

    /// As [`Self::ask`], for a start or an import: what a launcher or an `initialize` of a module prints
    /// beside the reply is reported and passed over.
    ///
    /// # Errors
    /// As [`Self::ask`], but for that.
    pub(crate) fn ask_at_import(
        &mut self,
        request: &Request,
        deadline: Deadline,
    ) -> Result<Reply, SessionError> {
        let object = self.request(&request.to_line(), Beside::Noise, deadline)?;
        self.read_reply(object)
    }

    /// As [`Self::ask`], but what came since the last reply is not passed over as noise: it may be the
    /// reply that a forged one was taken for.
    ///
    /// # Errors
    /// As [`Self::ask`], and if something that may be a reply has come unasked.
    pub(crate) fn ask_in_step(
        &mut self,
        request: &Request,
        deadline: Deadline,
    ) -> Result<Reply, SessionError> {
        self.expect_no_reply()?;
        // From here on nothing is thrown away, so that a late reply is read in the place of the one
        // that is waited for.
        let answer = self.exchange(&request.to_line(), Beside::Nothing, deadline);
        if answer.is_err() {
            self.end();
        }
        answer.and_then(|object| self.read_reply(object))
    }

    /// Understands a reply, or ends the session.
    fn read_reply(&mut self, object: Map<String, Value>) -> Result<Reply, SessionError> {
        Reply::from_object(object).map_err(|err| {
            self.end();
            SessionError::Protocol {
                problem: format!("the REPL sent a reply that cannot be understood: {err}"),
                seen: self.child.stderr_tail(),
            }
        })
    }

    /// Sends one request, given as one line of JSON, and waits for the JSON object that answers it.
    ///
    /// # Errors
    /// As [`Self::ask`].
    pub fn ask_object(
        &mut self,
        json: &str,
        deadline: Deadline,
    ) -> Result<Map<String, Value>, SessionError> {
        self.request(json, Beside::Nothing, deadline)
    }

    /// Sends one request and waits for the object that answers it, with so much around it.
    fn request(
        &mut self,
        json: &str,
        around: Beside,
        deadline: Deadline,
    ) -> Result<Map<String, Value>, SessionError> {
        if self.over {
            return Err(SessionError::Protocol {
                problem: "the session is over".to_owned(),
                seen: String::new(),
            });
        }
        let answer = self
            .discard_unasked()
            .and_then(|()| self.exchange(json, around, deadline));
        if answer.is_err() {
            self.end();
        }
        answer
    }

    /// One request and the next object that comes.
    fn exchange(
        &mut self,
        json: &str,
        around: Beside,
        deadline: Deadline,
    ) -> Result<Map<String, Value>, SessionError> {
        self.observer.tell(Event::RequestSent { json });
        self.begun = false;
        let request = request_line(json);
        let mut outgoing = request.as_slice();
        loop {
            let frame = self.next_frame(&mut outgoing, deadline)?;
            let (object, noise) = match frame.decode() {
                Decoded::Object { object, noise } => (Some(object), noise),
                Decoded::Noise(noise) => (None, noise),
                Decoded::Garbled { problem, text } => {
                    return Err(SessionError::Protocol {
                        problem: format!("the REPL sent something that is no reply: {problem}"),
                        seen: excerpt(text.as_bytes()),
                    });
                }
            };
            if !noise.is_empty() {
                self.observer.tell(Event::NoiseSeen { text: &noise });
                if around == Beside::Nothing {
                    return Err(SessionError::Protocol {
                        problem: "something other than the reply was written to the REPL's stdout"
                            .to_owned(),
                        seen: excerpt(noise.as_bytes()),
                    });
                }
            }
            if let Some(object) = object {
                return Ok(object);
            }
        }
    }

    /// Waits for the next frame, within all limits.
    fn next_frame(
        &mut self,
        outgoing: &mut &[u8],
        deadline: Deadline,
    ) -> Result<Frame, SessionError> {
        let mut measured = Instant::now();
        loop {
            if let Some(frame) =
                self.frames
                    .next_frame()
                    .map_err(|_too_large| SessionError::ReplyTooLarge {
                        limit: self.limits.reply,
                    })?
            {
                return Ok(frame);
            }
            if self.interrupt.is_set() {
                return Err(SessionError::Interrupted);
            }
            let left = deadline.left();
            if left.is_zero() {
                return Err(SessionError::Timeout {
                    waited: deadline.span(),
                });
            }
            match self
                .child
                .turn(outgoing, self.frames.space(), left.min(TICK))
            {
                Ok(Turn::Read(count)) => {
                    self.begun = true;
                    self.frames.filled(count);
                }
                Ok(Turn::Nothing) => {}
                Ok(Turn::Closed) => return Err(self.death()),
                Err(err) => return Err(SessionError::Pipe(err)),
            }
            if measured.elapsed() >= MEMORY_TICK {
                self.check_memory()?;
                self.check_life()?;
                measured = Instant::now();
            }
        }
    }

    /// Whatever is on stdout before a request was sent answers nothing: it is noise, and dropped.
    fn discard_unasked(&mut self) -> Result<(), SessionError> {
        let stray = self.take_unasked()?;
        if stray.iter().any(|byte| !byte.is_ascii_whitespace()) {
            self.observer.tell(Event::NoiseSeen {
                text: &excerpt(&stray),
            });
        }
        Ok(())
    }

    /// Fails if anything is on stdout although nothing was asked: then the reply that was taken for the
    /// last request may have been a forged one, and this the real.
    ///
    /// # Errors
    /// [`SessionError::Protocol`]; the session is then over.
    fn expect_no_reply(&mut self) -> Result<(), SessionError> {
        let stray = self.take_unasked()?;
        if stray.iter().all(u8::is_ascii_whitespace) {
            return Ok(());
        }
        Err(self.out_of_step())
    }

    /// Takes out all that is on stdout now.
    fn take_unasked(&mut self) -> Result<Vec<u8>, SessionError> {
        let mut stray = self.take_pending();
        while let Ok(Turn::Read(count)) =
            self.child
                .turn(&mut &[][..], self.frames.space(), Duration::ZERO)
        {
            self.frames.filled(count);
            stray.extend(self.take_pending());
            if stray.len() > Bytes::mib(1).to_usize() {
                self.end();
                return Err(SessionError::Protocol {
                    problem: "the REPL floods its stdout although it was not asked anything"
                        .to_owned(),
                    seen: excerpt(&stray),
                });
            }
        }
        Ok(stray)
    }

    /// Takes out what was read and belongs to no reply.
    fn take_pending(&mut self) -> Vec<u8> {
        if self.frames.pending().is_empty() {
            return Vec::new();
        }
        let pending = self.frames.pending().to_vec();
        self.frames = FrameReader::new(self.limits.reply.to_usize());
        pending
    }

    /// How it ended; a reply cut short is distinguished from none.
    fn death(&mut self) -> SessionError {
        let mut ending = self.child.ending();
        let rest = excerpt(&self.take_pending());
        if !rest.trim().is_empty() {
            ending.stderr = format!("{}\n(on stdout, without an end: {rest})", ending.stderr);
        }
        SessionError::Died(ending)
    }

    /// Whether the reply to the last request had begun to come, or what looked like it.
    pub(crate) fn has_begun(&self) -> bool {
        self.begun
    }

    /// Kills what the last request left running beside the REPL; says whether there was anything.
    pub fn sweep(&mut self) -> bool {
        self.child.sweep()
    }

    /// Forgets what the requests so far have left on stderr, so that it is not told to whomever the
    /// next one belongs to.
    pub(crate) fn forget(&mut self) {
        self.child.forget_stderr();
    }

    /// How it was started.
    pub fn launch(&self) -> &Launch {
        &self.launch
    }

    /// Ends the session, because a reply came that answers something else than was asked.
    pub(crate) fn out_of_step(&mut self) -> SessionError {
        self.end();
        SessionError::Protocol {
            problem: "the REPL's replies do not fit the requests: something wrote a reply of its own to its stdout".to_owned(),
            seen: self.child.stderr_tail(),
        }
    }

    /// Ends the session for that reason.
    pub(crate) fn give_up(&mut self, reason: SessionError) -> SessionError {
        self.end();
        reason
    }

    /// Whether an error has ended it.
    pub fn is_over(&self) -> bool {
        self.over
    }

    fn end(&mut self) {
        self.over = true;
        self.child.stop();
    }
}

/// The beginning of what was seen, as text.
fn excerpt(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let mut chars = text.chars();
    let shown: String = chars.by_ref().take(EXCERPT_CHARS).collect();
    if chars.next().is_some() {
        format!("{shown}…")
    } else {
        shown
    }
}
