//! `--format github`: workflow commands of GitHub Actions. Never text for people, but for the
//! filter that keeps such text from being taken for a command.
//!
//! The commands stand on stdout, the same text as else on stderr, so that a log reads well and
//! stdout holds annotations only. Lines and columns count from 1; columns are given only for a
//! range within one line, since GitHub draws no others. An undecided file is an error without a
//! line; a goal left open is a notice.
//! (<https://docs.github.com/actions/reference/workflow-commands-for-github-actions>)

use std::fmt::Write as _;

use crate::engine::judge::Judged;
use crate::failure::Failure;
use crate::lean::message::Severity;
use crate::lean::position::Position;
use crate::ui::visible::{visible, visible_line};

/// The annotations of one file; quiet leaves only errors.
pub(crate) fn file(judged: &Judged, quiet: bool) -> String {
    let name = judged.name.as_str();
    let mut out = String::new();
    for message in &judged.record.messages {
        let (command, title) = match message.severity {
            Severity::Error => ("error", "Lean error"),
            Severity::Warning => ("warning", "Lean warning"),
            Severity::Info | Severity::Trace | Severity::Other(_) => ("notice", "Lean info"),
        };
        let decides = message.severity == Severity::Error
            || (message.severity == Severity::Warning && !judged.judgement.reasons.is_empty());
        if quiet && !decides {
            continue;
        }
        let place = place(name, Some(message.pos), message.end_pos);
        push(&mut out, command, &place, title, &message.data);
    }
    if !quiet {
        for sorry in &judged.record.sorries {
            let place = place(name, sorry.pos, sorry.end_pos);
            push(&mut out, "notice", &place, "goal left open", &sorry.goal);
        }
    }
    let place = place(name, None, None);
    for reason in &judged.judgement.reasons {
        push(&mut out, "error", &place, "rejected", reason);
    }
    if let Some(failure) = judged.judgement.failure() {
        push(&mut out, "error", &place, "undecided", &told(failure));
    }
    out
}

/// A failure of the whole run.
pub(crate) fn failure(failure: &Failure) -> String {
    let mut out = String::new();
    push(&mut out, "error", "", "leanrepl", &told(failure));
    out
}

/// A failure in full: an annotation is often all that is looked at.
fn told(failure: &Failure) -> String {
    let mut text = failure.problem().to_owned();
    for cause in failure.causes() {
        // Writing to a string cannot fail.
        let _ = write!(text, "\ncaused by: {cause}");
    }
    let _ = write!(text, "\nhint: {}", failure.hint());
    text
}

/// Text for people that the runner cannot take for a command: it obeys `::` at the start of a
/// line, after any white space, and `##[` anywhere. A space of no width breaks both.
pub(crate) fn disarmed(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        let rest = line.trim_start();
        if let Some(rest) = rest.strip_prefix("::") {
            let indent = line.len() - rest.len() - "::".len();
            out.push_str(line.get(..indent).unwrap_or_default());
            out.push_str(":\u{200b}:");
            out.push_str(&rest.replace("##[", "##\u{200b}["));
        } else {
            out.push_str(&line.replace("##[", "##\u{200b}["));
        }
    }
    out
}

/// The properties that name a place; empty for stdin, which is no file of the repository.
fn place(name: &str, pos: Option<Position>, end: Option<Position>) -> String {
    if name == "<stdin>" {
        return String::new();
    }
    let mut out = format!(
        "file={},",
        property(name.strip_prefix("./").unwrap_or(name))
    );
    let Some(pos) = pos.filter(|pos| pos.line > 0) else {
        return out;
    };
    let end = end.filter(|end| *end > pos);
    let last = end.map_or(pos.line, |end| end.line);
    // Writing to a string cannot fail.
    let _ = write!(out, "line={},endLine={last},", pos.line);
    if last == pos.line {
        let _ = write!(out, "col={},", pos.column.saturating_add(1));
        if let Some(end) = end {
            let _ = write!(out, "endColumn={},", end.column.saturating_add(1));
        }
    }
    out
}

fn push(out: &mut String, command: &str, place: &str, title: &str, message: &str) {
    let title = property(title);
    let message = data(&visible(message));
    // Writing to a string cannot fail.
    let _ = writeln!(out, "::{command} {place}title={title}::{message}");
}

fn data(text: &str) -> String {
    text.replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(&visible_line(text))
        .replace(':', "%3A")
        .replace(',', "%2C")
}
