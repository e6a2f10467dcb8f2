//! Where a shell's input comes from: a terminal with a line editor, or a script on stdin. Never
//! looks into what was typed, but to know where it ends.

use std::io::{self, BufRead, Read};
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::thread;

use crate::failure::{Failure, Kind};
use crate::limits::{Bytes, CancelFlag, TICK};
use crate::shell::Expects;
use crate::shell::complete::is_complete;
use crate::ui::Ui;
use crate::ui::editor::Editor;
use crate::ui::line::Line;

/// The longest text of a script: far more than Lean can elaborate at once.
const LONGEST: Bytes = Bytes::mib(64);

/// How many lines of a script are read ahead.
const LINES_AHEAD: usize = 64;

/// Who types.
pub(crate) enum Prompt {
    /// Somebody at a terminal.
    Terminal(Box<Editor>),
    /// A script.
    Script(Script),
}

impl Prompt {
    /// A terminal; what is typed is remembered in the file `history` if there is one.
    ///
    /// # Errors
    /// A terminal that cannot be set up.
    pub(crate) fn terminal(history: Option<PathBuf>, ui: &Ui) -> Result<Self, Failure> {
        Editor::new(history, ui.mode.stdout_color).map(|editor| Self::Terminal(Box::new(editor)))
    }

    pub(crate) fn script(interrupt: &CancelFlag) -> Self {
        Self::Script(Script::new(
            Box::new(|| Box::new(io::stdin().lock())),
            interrupt,
        ))
    }

    /// What is typed next; waits for it.
    ///
    /// # Errors
    /// An input that fails.
    pub(crate) fn next(&mut self, expects: Expects) -> Result<Line, Failure> {
        match self {
            Self::Terminal(editor) => editor.next(expects),
            Self::Script(script) => script.next(),
        }
    }
}

/// The lines of a script, put together to whole texts.
pub(crate) struct Script {
    /// The lines with their ends, from a thread of its own, since nothing wakes a read. It ends with
    /// the process.
    lines: Receiver<io::Result<Vec<u8>>>,
    interrupt: CancelFlag,
}

/// Opens what a script is read from, in the thread that reads it.
type Open = Box<dyn FnOnce() -> Box<dyn BufRead> + Send>;

impl Script {
    fn new(open: Open, interrupt: &CancelFlag) -> Self {
        let (sender, lines) = sync_channel(LINES_AHEAD);
        thread::spawn(move || {
            let mut source = open();
            loop {
                let mut line = Vec::new();
                let limit = LONGEST.get() + 1;
                let read = source.by_ref().take(limit).read_until(b'\n', &mut line);
                let is_last = !matches!(read, Ok(1..));
                if sender.send(read.map(|_count| line)).is_err() || is_last {
                    return;
                }
            }
        });
        Self {
            lines,
            interrupt: interrupt.clone(),
        }
    }

    /// The next whole text; the end of the script ends one that is incomplete.
    fn next(&mut self) -> Result<Line, Failure> {
        let mut text = String::new();
        loop {
            let line = match self.lines.recv_timeout(TICK) {
                Ok(line) => line.map_err(|err| unreadable().caused_by(err))?,
                Err(RecvTimeoutError::Timeout) if self.interrupt.is_set() => {
                    return Ok(Line::Interrupted);
                }
                Err(RecvTimeoutError::Timeout) => continue,
                Err(RecvTimeoutError::Disconnected) => Vec::new(),
            };
            if line.is_empty() {
                return Ok(if text.trim().is_empty() {
                    Line::End
                } else {
                    Line::Typed(text)
                });
            }
            let line = String::from_utf8(line).map_err(|err| unreadable().caused_by(err))?;
            if text.is_empty() && line.trim().is_empty() {
                continue;
            }
            text.push_str(&line);
            if text.len() as u64 > LONGEST.get() {
                return Err(unreadable().caused_by(format!("a text is longer than {LONGEST}")));
            }
            let without_end = text.strip_suffix('\n').unwrap_or(&text);
            if is_complete(without_end) {
                return Ok(Line::Typed(without_end.to_owned()));
            }
        }
    }
}

/// A script that cannot be read.
fn unreadable() -> Failure {
    Failure::new(
        Kind::Usage,
        "the script on stdin cannot be read",
        "give it as UTF-8 text, one text or command after the other",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The texts of a script.
    fn texts(script: &'static str) -> Vec<String> {
        let mut script = Script::new(
            Box::new(|| Box::new(script.as_bytes())),
            &CancelFlag::default(),
        );
        let mut texts = Vec::new();
        while let Line::Typed(text) = script.next().unwrap() {
            texts.push(text);
        }
        texts
    }

    #[test]
    fn a_script_falls_into_whole_texts() {
        let script =
            "\n#eval 1\ntheorem t : p := by\n  rfl\n\n\n:undo\n#eval [1,\n2]\ndef f : Nat → Nat";
        assert_eq!(
            texts(script),
            [
                "#eval 1",
                "theorem t : p := by\n  rfl\n",
                ":undo",
                "#eval [1,\n2]",
                "def f : Nat → Nat"
            ]
        );
    }

    #[test]
    fn a_script_that_is_no_text_is_a_failure() {
        let mut script = Script::new(
            Box::new(|| Box::new(&b"#eval \xff\n"[..])),
            &CancelFlag::default(),
        );
        assert_eq!(script.next().unwrap_err().kind(), Kind::Usage);
    }
}
