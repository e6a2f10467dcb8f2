//! The steps of a build, as its output tells of them. That text is for people and is read for display
//! only: whether a build went well is not decided by it.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::event::{Event, Observer};

/// How many lines of a step are kept for a failure.
const KEPT: usize = 20;

/// Longest line that is kept, in characters.
const LINE: usize = 500;

/// Longest unfinished line, in bytes. A program that never ends its line must not fill the memory.
const UNFINISHED: usize = 64 * 1024;

/// One step that is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Step {
    pub(crate) instruction: String,
    pub(crate) elapsed: Duration,
    /// Whether it was done before and is used again.
    pub(crate) is_reused: bool,
}

/// The steps so far.
pub(crate) struct Steps<'a> {
    observer: &'a dyn Observer,
    done: Vec<Step>,
    current: Option<Current>,
    unfinished: String,
    /// What the current step wrote last.
    tail: VecDeque<String>,
}

/// The step under way.
struct Current {
    /// As in `3/12`.
    number: String,
    instruction: String,
    start: Instant,
    /// Whether it was done before.
    is_reused: bool,
}

impl<'a> Steps<'a> {
    /// None yet.
    pub(crate) fn new(observer: &'a dyn Observer) -> Self {
        Self {
            observer,
            done: Vec::new(),
            current: None,
            unfinished: String::new(),
            tail: VecDeque::new(),
        }
    }

    /// Reads a piece of output.
    pub(crate) fn read(&mut self, piece: &str) {
        self.unfinished.push_str(piece);
        while let Some((line, rest)) = self.unfinished.split_once('\n') {
            let (line, rest) = (line.to_owned(), rest.to_owned());
            self.unfinished = rest;
            self.line(&line);
        }
        if self.unfinished.len() > UNFINISHED {
            let line = std::mem::take(&mut self.unfinished);
            self.line(&line);
        }
    }

    fn line(&mut self, line: &str) {
        // Docker paints what a step writes to stderr.
        let line = without_paint(line);
        // Of a line that draws a bar, the last state counts.
        let line = line.trim_end_matches('\r').rsplit('\r').next();
        let line = line.unwrap_or_default().trim_end();
        if let Some((number, instruction)) = beginning(line) {
            self.end();
            let label = format!("step {number}: {instruction}");
            self.observer.tell(Event::StepStarted {
                label: &label,
                total_bytes: None,
            });
            self.current = Some(Current {
                number: number.to_owned(),
                instruction: instruction.to_owned(),
                start: Instant::now(),
                is_reused: false,
            });
            return;
        }
        if line.is_empty() || is_about_layers(line) {
            if let Some(current) = self.current.as_mut() {
                current.is_reused |= line == " ---> Using cache";
            }
            return;
        }
        self.observer.tell(Event::CommandOutput { line });
        if self.tail.len() == KEPT {
            self.tail.pop_front();
        }
        self.tail.push_back(line.chars().take(LINE).collect());
    }

    /// Ends the step under way.
    fn end(&mut self) {
        self.tail.clear();
        if let Some(current) = self.current.take() {
            self.observer.tell(Event::StepFinished);
            self.done.push(Step {
                instruction: current.instruction,
                elapsed: current.start.elapsed(),
                is_reused: current.is_reused,
            });
        }
    }

    /// The steps of a build that went well.
    pub(crate) fn finish(mut self) -> Vec<Step> {
        self.end();
        self.done
    }

    /// The step under way with its number, and what it wrote last; ends it.
    pub(crate) fn fail(mut self) -> (Option<(String, String)>, Vec<String>) {
        if !self.unfinished.is_empty() {
            let line = std::mem::take(&mut self.unfinished);
            self.line(&line);
        }
        let tail = std::mem::take(&mut self.tail).into();
        let current = self.current.take();
        if current.is_some() {
            self.observer.tell(Event::StepFinished);
        }
        (
            current.map(|current| (current.number, current.instruction)),
            tail,
        )
    }
}

/// A line without the sequences that only change how it looks.
fn without_paint(line: &str) -> String {
    let mut pieces = line.split("\u{1b}[");
    let mut plain = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let end = piece.find(|c: char| !(c.is_ascii_digit() || c == ';'));
        let rest = end.and_then(|end| piece.get(end..)).unwrap_or_default();
        plain.push_str(
            rest.strip_prefix(|c: char| c.is_ascii_alphabetic())
                .unwrap_or(rest),
        );
    }
    plain
}

/// Number and instruction of a line that begins a step.
fn beginning(line: &str) -> Option<(&str, &str)> {
    let (number, instruction) = line.strip_prefix("Step ")?.split_once(" : ")?;
    let (index, count) = number.split_once('/')?;
    let is_number = |text: &str| text.parse::<u32>().is_ok();
    (is_number(index) && is_number(count)).then_some((number, instruction))
}

/// Whether a line only tells which layer or container came of a step.
fn is_about_layers(line: &str) -> bool {
    [
        " ---> ",
        "Removing intermediate container ",
        "Successfully built ",
    ]
    .iter()
    .any(|start| line.starts_with(start))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Unobserved;

    #[test]
    fn steps_and_what_they_wrote_are_told_apart() {
        let mut steps = Steps::new(&Unobserved);
        for piece in [
            "Step 1/3 : FROM x\n ---> 0123\n",
            "\u{1b}[0mStep 2/3 : RUN a\n ---> Using cache\n ---> 4567\nSt",
            "ep 3/3 : RUN b\n ---> Running in 89\n10%\r20%\r\n\u{1b}[91mfirst\n\u{1b}[0mlast, unfinished",
        ] {
            steps.read(piece);
        }
        assert_eq!(steps.done.len(), 2);
        assert_eq!(steps.done[1].instruction, "RUN a");
        assert!(steps.done[1].is_reused && !steps.done[0].is_reused);
        let (step, tail) = steps.fail();
        assert_eq!(step, Some(("3/3".to_owned(), "RUN b".to_owned())));
        assert_eq!(tail, ["20%", "first", "last, unfinished"]);
    }

    #[test]
    fn only_the_end_of_a_long_output_is_kept() {
        let mut steps = Steps::new(&Unobserved);
        steps.read("Step 1/1 : RUN x\n");
        for line in 0..1000 {
            steps.read(&format!("{line}\n"));
        }
        steps.read(&"x".repeat(UNFINISHED + 1));
        assert!(steps.unfinished.is_empty());
        let (_step, tail) = steps.fail();
        assert_eq!(tail.len(), KEPT);
        assert_eq!(tail.last().map(String::len), Some(LINE));
    }
}
