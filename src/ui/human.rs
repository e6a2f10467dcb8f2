//! A file's result as text for people, like a good compiler's. Never decides a verdict and never
//! writes.
//!
//! Columns are shown from 1, as editors count them; Lean and the JSON count from 0. Quiet leaves
//! only what Lean calls an error, and warnings where the user's own rules reject a file.

use annotate_snippets::renderer::Style;
use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

use crate::engine::judge::Judged;
use crate::engine::report::Counts;
use crate::lean::message::{Message, Severity, Sorry, Tactic};
use crate::lean::position::Position;
use crate::ui::paint::{BLUE, BOLD, CYAN, DIM, GREEN, PLAIN, Paint, RED, YELLOW};
use crate::ui::source::Source;
use crate::ui::visible::{visible, visible_line};

/// How the text is to look.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Look {
    pub(crate) paint: Paint,
    /// Columns to draw source lines within.
    pub(crate) columns: usize,
    /// Whether only errors are shown.
    pub(crate) quiet: bool,
}

/// Renders the parts of one file.
struct Page<'a> {
    look: Look,
    renderer: Renderer,
    /// The file's name, safe to show.
    name: String,
    source: Source<'a>,
    /// Whether warnings are shown even if quiet, since the file is rejected for them.
    warnings: bool,
    out: String,
}

/// Everything that Lean says about a file; empty if that is nothing.
pub(crate) fn file(judged: &Judged, look: Look) -> String {
    let mut page = Page::new(judged, look);
    let mut sorries: Vec<&Sorry> = judged.record.sorries.iter().collect();
    sorries.sort_by_key(|sorry| sorry.pos);
    let mut sorries = sorries.into_iter().peekable();
    for message in &judged.record.messages {
        // A goal follows what Lean says about the declaration that it stands in.
        while let Some(sorry) = sorries.next_if(|sorry| sorry.pos < Some(message.pos)) {
            page.sorry(sorry);
        }
        page.message(message);
    }
    for sorry in sorries {
        page.sorry(sorry);
    }
    if !look.quiet {
        page.details(judged);
    }
    page.out
}

/// As [`file()`], for somebody who has just typed the text: what it was asked to print stands alone, and
/// open goals without their place.
pub(crate) fn answer(judged: &Judged, look: Look) -> String {
    let mut page = Page::new(judged, look);
    for message in &judged.record.messages {
        if matches!(message.severity, Severity::Error | Severity::Warning) {
            page.message(message);
        } else if !look.quiet {
            page.out.push_str(visible(&message.data).trim_end());
            page.out.push('\n');
        }
    }
    for sorry in judged.record.sorries.iter().filter(|_| !look.quiet) {
        page.text("goal", CYAN, &sorry.goal, PLAIN);
    }
    page.out
}

/// The last line of a run: how many files had which verdict.
pub(crate) fn summary(counts: &Counts, seconds: f64, paint: Paint) -> String {
    let total = counts.total() + counts.unfinished;
    let accepted = match counts.with_sorry {
        0 => "accepted".to_owned(),
        some => format!("accepted ({some} with a sorry)"),
    };
    let verdicts: Vec<String> = [
        (counts.accepted, accepted.as_str(), GREEN),
        (counts.rejected, "rejected", RED),
        (counts.undecided, "undecided", YELLOW),
        (counts.unfinished, "interrupted", YELLOW),
    ]
    .into_iter()
    .filter(|(count, _, _)| *count > 0)
    .map(|(count, verdict, style)| paint.with(style, &format!("{count} {verdict}")))
    .collect();
    let files = if total == 1 { "file" } else { "files" };
    let colon = if verdicts.is_empty() { "" } else { ": " };
    let verdicts = verdicts.join(", ");
    let kept = match counts.kept {
        0 => String::new(),
        some => format!("; {some} kept from before"),
    };
    format!("{total} {files}{colon}{verdicts}{kept} in {seconds:.1} s\n")
}

/// The word for a severity, safe to show, with its colour and the level that marks its range.
fn severity(severity: &Severity) -> (String, Style, Level<'static>) {
    match severity {
        Severity::Error => ("error".to_owned(), RED, Level::ERROR),
        Severity::Warning => ("warning".to_owned(), YELLOW, Level::WARNING),
        Severity::Info => ("info".to_owned(), GREEN, Level::NOTE),
        Severity::Trace => ("trace".to_owned(), DIM, Level::NOTE),
        Severity::Other(word) => (visible_line(word).into_owned(), DIM, Level::NOTE),
    }
}

impl<'a> Page<'a> {
    /// Nothing yet about a file.
    fn new(judged: &'a Judged, look: Look) -> Self {
        let renderer = if look.paint.is_on() {
            Renderer::styled()
        } else {
            Renderer::plain()
        };
        Self {
            look,
            renderer: renderer.term_width(look.columns),
            name: visible_line(&judged.name).into_owned(),
            source: Source::new(&judged.source),
            warnings: !judged.judgement.reasons.is_empty(),
            out: String::new(),
        }
    }

    fn message(&mut self, message: &Message) {
        let grave = message.severity == Severity::Error;
        let shown = grave || (self.warnings && message.severity == Severity::Warning);
        if self.look.quiet && !shown {
            return;
        }
        let (label, style, level) = severity(&message.severity);
        let first = if grave || message.severity == Severity::Warning {
            BOLD
        } else {
            PLAIN
        };
        self.text(&label, style, &message.data, first);
        self.place(level, message.pos, message.end_pos, "");
        self.out.push('\n');
    }

    /// The goal of one sorry.
    fn sorry(&mut self, sorry: &Sorry) {
        if self.look.quiet {
            return;
        }
        self.text("goal", CYAN, &sorry.goal, PLAIN);
        if let Some(pos) = sorry.pos {
            self.place(Level::HELP, pos, sorry.end_pos, "left open here");
        }
        self.out.push('\n');
    }

    /// What only those see who ask for it: tactics and the infotree.
    fn details(&mut self, judged: &Judged) {
        for tactic in &judged.record.tactics {
            self.tactic(tactic);
        }
        if let Some(infotree) = &judged.record.infotree {
            let line = format!("infotree of {}:\n", self.name);
            self.out.push_str(&line);
            // `Value` shows itself as JSON; `#` spreads it over lines.
            self.out.push_str(&visible(&format!("{infotree:#}")));
            self.out.push_str("\n\n");
        }
    }

    /// One tactic with the goals before it.
    fn tactic(&mut self, tactic: &Tactic) {
        self.text("tactic", CYAN, &tactic.tactic, BOLD);
        if let Some(pos) = tactic.pos {
            self.arrow(1, pos);
        }
        let goals = if tactic.goals.trim().is_empty() {
            "none"
        } else {
            tactic.goals.as_str()
        };
        self.text(" goals", PLAIN, goals, PLAIN);
        self.out.push('\n');
    }

    /// A text of Lean's under a label.
    fn text(&mut self, label: &str, style: Style, text: &str, first: Style) {
        let text = self
            .look
            .paint
            .labelled(label, style, &visible(text), first);
        self.out.push_str(&text);
    }

    /// The line that names a place, indented by the `digits` of the line numbers below it.
    fn arrow(&mut self, digits: usize, pos: Position) {
        let arrow = self.look.paint.with(BLUE, "-->");
        let column = pos.column.saturating_add(1);
        let line = format!(
            "{:digits$}{arrow} {}:{}:{column}\n",
            "", self.name, pos.line
        );
        self.out.push_str(&line);
    }

    /// A place with its source lines and the range marked.
    fn place(&mut self, level: Level<'_>, pos: Position, end: Option<Position>, label: &str) {
        let Some(cut) = self.source.cut(pos, end) else {
            self.arrow(1, pos);
            return;
        };
        self.arrow(cut.last_line.to_string().len(), pos);
        let mark = AnnotationKind::Primary
            .span(cut.span)
            .label(cut.label.unwrap_or_else(|| label.to_owned()));
        let snippet = Snippet::source(cut.text)
            .line_start(cut.first_line)
            .annotation(mark);
        let drawn = self
            .renderer
            .render(&[Group::with_level(level).element(snippet)]);
        for line in drawn.lines() {
            self.out.push_str(line.trim_end());
            self.out.push('\n');
        }
    }
}
