//! A [`Failure`] as text. Never decides the exit code.
//!
//! ```text
//! error: the REPL did not answer within 1 s and was stopped
//!   caused by: …
//!
//! hint: raise `--timeout`
//! ```

use crate::failure::Failure;
use crate::ui::paint::{BOLD, CYAN, PLAIN, Paint, RED};
use crate::ui::visible::{visible, visible_line};

/// The text for `failure`, which concerns the file `name` if there is one.
pub(crate) fn text(failure: &Failure, name: Option<&str>, paint: Paint) -> String {
    let problem = match name {
        Some(name) => format!("{}: {}", visible_line(name), visible(failure.problem())),
        None => visible(failure.problem()).into_owned(),
    };
    let mut text = paint.labelled("error", RED, &problem, BOLD);
    for cause in failure.causes() {
        text.push_str(&paint.labelled("  caused by", PLAIN, &visible(&cause), PLAIN));
    }
    text.push('\n');
    text.push_str(&paint.labelled("hint", CYAN, &visible(failure.hint()), PLAIN));
    text
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;

    use super::*;
    use crate::failure::Kind;

    /// A failure with two causes, one of several lines.
    fn failure() -> Failure {
        let inner = Failure::new(Kind::Build, "no space left", "unused");
        let outer = Failure::new(
            Kind::Build,
            "exit code 1; it said\n\u{1b}[31mfull",
            "unused",
        );
        Failure::new(
            Kind::Session,
            "the REPL died",
            "try again with `--memory 4GB`",
        )
        .caused_by(outer.caused_by(inner))
    }

    #[test]
    fn a_failure_says_what_why_and_what_next() {
        assert_snapshot!(text(&failure(), Some("a\u{7}.lean"), Paint::new(false)), @r"
    error: a␇.lean: the REPL died
      caused by: exit code 1; it said
                 ␛[31mfull
      caused by: no space left

    hint: try again with `--memory 4GB`
    ");
    }
}
