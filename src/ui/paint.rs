//! Colours for words. Never decides whether to colour.

use annotate_snippets::renderer::{AnsiColor, Style};

/// Applies styles, or leaves them out.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Paint {
    on: bool,
}

/// For errors and rejected files.
pub(crate) const RED: Style = AnsiColor::BrightRed.on_default().bold();
/// For warnings and undecided files.
pub(crate) const YELLOW: Style = AnsiColor::Yellow.on_default().bold();
/// For what Lean was asked to print, and for accepted files.
pub(crate) const GREEN: Style = AnsiColor::BrightGreen.on_default().bold();
/// For goals and hints.
pub(crate) const CYAN: Style = AnsiColor::BrightCyan.on_default().bold();
/// For the frame around source lines.
pub(crate) const BLUE: Style = AnsiColor::BrightBlue.on_default().bold();
/// For the first line of an error.
pub(crate) const BOLD: Style = Style::new().bold();
/// For what only matters to those who asked.
pub(crate) const DIM: Style = Style::new().dimmed();
/// For everything else.
pub(crate) const PLAIN: Style = Style::new();

impl Paint {
    /// Colours if `on`.
    pub(crate) fn new(on: bool) -> Self {
        Self { on }
    }

    pub(crate) fn is_on(self) -> bool {
        self.on
    }

    /// `text` in `style`, which must hold no line end.
    pub(crate) fn with(self, style: Style, text: &str) -> String {
        if self.on && !text.is_empty() {
            format!("{style}{text}{style:#}")
        } else {
            text.to_owned()
        }
    }

    /// `label: text` and a line end: the label in `label_style`, the first line of `text` in
    /// `first_style`, and its later lines set under the first, so that they keep their shape.
    pub(crate) fn labelled(
        self,
        label: &str,
        label_style: Style,
        text: &str,
        first_style: Style,
    ) -> String {
        let mut lines = text.trim_end().split('\n');
        let first = lines.next().unwrap_or_default();
        let mut out = self.with(label_style, &format!("{label}:"));
        if !first.is_empty() {
            out.push(' ');
            out.push_str(&self.with(first_style, first));
        }
        out.push('\n');
        let indent = " ".repeat(label.chars().count() + ": ".len());
        for line in lines {
            if !line.is_empty() {
                out.push_str(&indent);
                out.push_str(line);
            }
            out.push('\n');
        }
        out
    }
}
