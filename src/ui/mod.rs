//! How leanrepl speaks. [`Ui`] is the only writer of stdout and stderr; never decides a verdict
//! or an exit code, and never works.
//!
//! | | stdout | stderr |
//! |---|---|---|
//! | human | what Lean says | reasons, failures, notes, progress, summary |
//! | `--json` | JSON lines | the same as above |
//! | `--format github` | annotations | what Lean says, and the same as above |
//!
//! Quiet leaves on stderr only failures, why files were rejected, and warnings of stray output.

mod cloudflare;
mod doctor;
mod editor;
pub(crate) mod extract;
mod github;
mod human;
mod image;
pub(crate) mod json;
pub(crate) mod line;
pub mod mode;
mod observer;
mod paint;
mod pickle;
mod progress;
pub(crate) mod prompt;
mod report;
mod shell;
mod source;
#[cfg(test)]
mod tests;
mod trial;
mod visible;

use std::io::{self, ErrorKind, IsTerminal, Write};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::Value;

use crate::deploy::docker::Made;
use crate::deploy::docker::gather::Gathered;
use crate::engine::judge::{Judged, Verdict};
use crate::engine::record::BaseKind;
use crate::engine::report::Counts;
use crate::engine::resume::Basis;
use crate::event::Observer;
use crate::failure::{Failure, Kind};
use crate::session::pickle::sidecar::Sidecar;
use crate::setup::doctor::fact::Fact;
use crate::ui::human::Look;
pub(crate) use crate::ui::json::FILE_LINE_START;
use crate::ui::mode::{Format, Mode, Output, Streams};
use crate::ui::paint::{BOLD, CYAN, GREEN, PLAIN, Paint, RED, YELLOW};
use crate::ui::progress::Meter;
use crate::ui::visible::visible_line;

/// Whether anybody still reads what is written.
#[must_use]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Written {
    /// It is written.
    Done,
    /// The reader of stdout is gone, as `head` goes: stop early and end with success.
    Closed,
}

/// Speaks to the user; shared between threads.
pub struct Ui {
    mode: Mode,
    state: Mutex<State>,
}

/// The two streams and what was said so far.
struct State {
    out: Box<dyn Write + Send>,
    /// Everything else.
    err: Box<dyn Write + Send>,
    /// Whether the reader of stdout is gone.
    closed: bool,
    meter: Meter,
    counts: Counts,
    noise: usize,
}

/// Looks at the streams of this process, for [`Mode::decide`].
pub fn streams(output: Output) -> Streams {
    // Text for people goes to stderr with GitHub's format, else to stdout.
    let size = if output.format == Format::Github {
        rustix::termios::tcgetwinsize(io::stderr())
    } else {
        rustix::termios::tcgetwinsize(io::stdout())
    };
    Streams {
        stdout_tty: io::stdout().is_terminal(),
        stderr_tty: io::stderr().is_terminal(),
        // A terminal without a size says 0.
        columns: size
            .ok()
            .map(|size| size.ws_col)
            .filter(|columns| *columns > 0),
    }
}

/// A verdict as a line of the file of `--resume`, with its end.
pub(crate) fn resume_line(
    judged: &Judged,
    toolchain: &Value,
    basis: &Basis,
) -> Result<String, Failure> {
    json::line(&json::FileLine::new(judged, toolchain).with_basis(basis))
}

impl Ui {
    /// Speaks on the streams of this process.
    pub fn new(mode: Mode) -> Self {
        Self::on(mode, Box::new(io::stdout()), Box::new(io::stderr()))
    }

    /// Speaks on the given streams; a bar is still drawn on the real stderr.
    pub fn on(mode: Mode, out: Box<dyn Write + Send>, err: Box<dyn Write + Send>) -> Self {
        let meter = Meter::new(&mode);
        Self {
            mode,
            state: Mutex::new(State {
                out,
                err,
                closed: false,
                meter,
                counts: Counts::default(),
                noise: 0,
            }),
        }
    }

    /// Hears what work tells.
    pub fn observer(&self) -> &dyn Observer {
        self
    }

    /// `total` files are about to be evaluated.
    pub fn files_started(&self, total: usize) {
        self.state().meter.files_started(total);
    }

    /// Shows the result of one file; `toolchain` goes into the JSON as it is.
    pub fn file_done(&self, judged: &Judged, toolchain: &Value) -> Result<Written, Failure> {
        let (data, text) = match self.mode.format {
            Format::Human => (
                human::file(judged, self.look(self.mode.stdout_color)),
                String::new(),
            ),
            Format::Json => (
                json::line(&json::FileLine::new(judged, toolchain))?,
                String::new(),
            ),
            Format::Github => (
                github::file(judged, self.mode.is_quiet()),
                human::file(judged, self.look(self.mode.stderr_color)),
            ),
        };
        let mut state = self.state();
        let verdict = judged.judgement.verdict;
        state.counts.add(verdict, judged.record.has_sorry());
        let counts = state.counts;
        state.meter.file_done(&counts);
        let written = Self::put(&mut state, &data);
        self.say(&mut state, &(text + &self.remarks(judged)));
        written
    }

    /// Shows how the whole run went; `exit_code` is what the process is about to return.
    pub fn summary(
        &self,
        counts: &Counts,
        elapsed: Duration,
        exit_code: u8,
    ) -> Result<Written, Failure> {
        let mut state = self.state();
        state.meter.finished();
        if !self.mode.is_quiet() {
            let paint = Paint::new(self.mode.stderr_color);
            self.say(
                &mut state,
                &human::summary(counts, elapsed.as_secs_f64(), paint),
            );
        }
        if self.mode.format == Format::Json {
            let line = json::SummaryLine::new(counts, elapsed, exit_code);
            return Self::put(&mut state, &json::line(&line)?);
        }
        Ok(Self::reader(&state))
    }

    /// Shows why the run failed. What cannot be shown is lost: there is nobody left to tell.
    pub fn failure(&self, failure: &Failure) {
        let mut state = self.state();
        state.meter.finished();
        let paint = Paint::new(self.mode.stderr_color);
        self.say(&mut state, &report::text(failure, None, paint));
        let data = match self.mode.format {
            Format::Human => Ok(String::new()),
            Format::Json => json::line(&json::FailureLine::new(failure)),
            Format::Github => Ok(github::failure(failure)),
        };
        let _ = data.and_then(|data| Self::put(&mut state, &data));
    }

    /// Shows what was looked at; `exit_code` is what the process is about to return.
    pub(crate) fn facts(&self, facts: &[Fact], exit_code: u8) -> Result<Written, Failure> {
        let data = if self.mode.format == Format::Json {
            doctor::lines(facts, exit_code)?
        } else {
            let paint = Paint::new(self.mode.stdout_color);
            doctor::screen(facts, paint, self.mode.is_quiet())
        };
        let mut state = self.state();
        let written = Self::put(&mut state, &data);
        if !self.mode.is_quiet() {
            let paint = Paint::new(self.mode.stderr_color);
            self.say(&mut state, &doctor::summary(facts, paint));
        }
        written
    }

    /// Tells of a pickle that was made.
    pub fn pickled(&self, path: &Path, sidecar: &Sidecar) -> Result<Written, Failure> {
        self.pickle(path, sidecar, &pickle::made(path, sidecar))
    }

    /// Tells of a pickle that was compared with an import.
    pub fn compared(&self, path: &Path, sidecar: &Sidecar) -> Result<Written, Failure> {
        let table = sidecar.compared.as_ref().map(pickle::table);
        self.pickle(path, sidecar, &table.unwrap_or_default())
    }

    /// Writes a text about a pickle, or its JSON.
    fn pickle(&self, path: &Path, sidecar: &Sidecar, text: &str) -> Result<Written, Failure> {
        let mut state = self.state();
        state.meter.finished();
        if self.mode.format == Format::Json {
            let line = json::line(&pickle::PickleLine::new(path, sidecar))?;
            return Self::put(&mut state, &line);
        }
        Self::put(&mut state, text)
    }

    /// Tells of an image that was made, and how its trial went.
    pub(crate) fn image_made(&self, made: &Made) -> Result<Written, Failure> {
        self.image(made, image::text)
    }

    /// Tells of an image that was made to be tried in another way.
    pub(crate) fn image_for_trial(&self, made: &Made) -> Result<Written, Failure> {
        self.image(made, image::text_for_trial)
    }

    /// Writes a text about an image, or its JSON.
    fn image(&self, made: &Made, text: fn(&Made) -> String) -> Result<Written, Failure> {
        let data = if self.mode.format == Format::Json {
            json::line(&image::ImageLine::new(made))?
        } else {
            text(made)
        };
        let mut state = self.state();
        state.meter.finished();
        Self::put(&mut state, &data)
    }

    /// Tells of what was gathered for an image.
    pub(crate) fn gathered(&self, gathered: &Gathered) -> Result<Written, Failure> {
        Self::put(&mut self.state(), &image::amounts(gathered))
    }

    /// Writes one line of data, for commands whose result is no file.
    pub fn data_line(&self, line: &str) -> Result<Written, Failure> {
        Self::put(&mut self.state(), &format!("{line}\n"))
    }

    /// Writes data as it is.
    pub(crate) fn data(&self, text: &str) -> Result<Written, Failure> {
        Self::put(&mut self.state(), text)
    }

    /// Whether the reader of stdout is gone.
    pub fn stdout_closed(&self) -> bool {
        self.state().closed
    }

    /// How text for people looks.
    fn look(&self, color: bool) -> Look {
        Look {
            paint: Paint::new(color),
            columns: self.mode.columns,
            quiet: self.mode.is_quiet(),
        }
    }

    /// What leanrepl itself has to say about a file.
    fn remarks(&self, judged: &Judged) -> String {
        let paint = Paint::new(self.mode.stderr_color);
        let name = visible_line(&judged.name);
        let mut text = String::new();
        for reason in &judged.judgement.reasons {
            let reason = format!("{name}: {}", visible_line(reason));
            text.push_str(&paint.labelled("error", RED, &reason, BOLD));
        }
        if let Some(failure) = judged.judgement.failure() {
            text.push_str(&report::text(failure, Some(&judged.name), paint));
            text.push('\n');
        }
        for hint in &judged.record.hints {
            text.push_str(&paint.labelled("hint", CYAN, &format!("{name}: {hint}"), PLAIN));
        }
        if self.mode.is_verbose() {
            let style = match judged.judgement.verdict {
                Verdict::Accepted => GREEN,
                Verdict::Rejected => RED,
                Verdict::Undecided => YELLOW,
            };
            let header = judged.record.times.header.as_secs_f64();
            let body = judged.record.times.body.as_secs_f64();
            let base = match judged.record.base {
                Some(BaseKind::Pickle) => ", on the pickle",
                Some(BaseKind::Import) | None => "",
            };
            let line = format!("{name} (header {header:.1} s, body {body:.1} s{base})");
            text.push_str(&paint.labelled(judged.judgement.verdict.as_str(), style, &line, PLAIN));
        }
        text
    }

    /// Writes to stderr. An error there is ignored: there is no other place to report it.
    fn say(&self, state: &mut State, text: &str) {
        if text.is_empty() {
            return;
        }
        let disarmed;
        let text = if self.mode.format == Format::Github {
            disarmed = github::disarmed(text);
            &disarmed
        } else {
            text
        };
        let State { err, meter, .. } = state;
        let _ = meter.aside(|| err.write_all(text.as_bytes()).and_then(|()| err.flush()));
    }

    /// Writes to stdout. Only here is it known that a broken pipe is nobody's fault: anywhere
    /// else the same error may be a REPL that died.
    fn put(state: &mut State, text: &str) -> Result<Written, Failure> {
        if state.closed || text.is_empty() {
            return Ok(Self::reader(state));
        }
        let State { out, meter, .. } = state;
        match meter.aside(|| out.write_all(text.as_bytes()).and_then(|()| out.flush())) {
            Ok(()) => Ok(Written::Done),
            Err(err) if err.kind() == ErrorKind::BrokenPipe => {
                state.closed = true;
                Ok(Written::Closed)
            }
            Err(err) => Err(Failure::new(
                Kind::Usage,
                "cannot write the result to stdout",
                "make room where stdout goes, or send it elsewhere with `> FILE`",
            )
            .caused_by(err)),
        }
    }

    /// Whether anybody still reads stdout.
    fn reader(state: &State) -> Written {
        if state.closed {
            Written::Closed
        } else {
            Written::Done
        }
    }

    /// The state; one thread's panic must not silence the others.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Ui {
    fn drop(&mut self) {
        // A bar left on the screen would stand in the way of the shell's prompt.
        self.state().meter.finished();
    }
}
