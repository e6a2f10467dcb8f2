//! What a shell says, as text for people: the answer first and without ceremony, since who reads it
//! has typed the question just above. Never decides what is said.

use crate::failure::Failure;
use crate::lean::message::{Message, Severity};
use crate::shell::Said;
use crate::ui::human::{self, Look};
use crate::ui::paint::{BOLD, CYAN, DIM, GREEN, PLAIN, Paint, RED, YELLOW};
use crate::ui::visible::visible;
use crate::ui::{Ui, Written, report};

impl Ui {
    /// Shows the first line of a shell at a terminal.
    pub(crate) fn greeting(&self, lean_version: &str) {
        if self.mode.is_quiet() {
            return;
        }
        let mut state = self.state();
        state.meter.finished();
        let paint = Paint::new(self.mode.stderr_color);
        let lean = paint.with(BOLD, &format!("Lean {}", visible(lean_version)));
        let text = format!("{lean}  (:help lists the commands, Ctrl-D ends)\n");
        self.say(&mut state, &text);
    }

    /// Shows that a text is being evaluated, until something is said or [`Self::quiet_down`].
    pub(crate) fn busy(&self) {
        self.state().meter.files_started(1);
    }

    /// Takes off the screen what [`Self::busy`] shows.
    pub(crate) fn quiet_down(&self) {
        self.state().meter.finished();
    }

    /// Shows what a shell says.
    ///
    /// # Errors
    /// A stdout that cannot be written.
    pub(crate) fn said(&self, said: &Said<'_>) -> Result<Written, Failure> {
        let look = self.look(self.mode.stdout_color);
        let paint = Paint::new(self.mode.stderr_color);
        let quiet = self.mode.is_quiet();
        let (data, text) = match said {
            Said::Lean(judged) => (human::answer(judged, look), String::new()),
            Said::Tactic(messages) => (tactic(messages, look), String::new()),
            Said::Refused(why) => (refused(why, look), String::new()),
            Said::Goals(goals) => (open_goals(goals, look.paint), String::new()),
            Said::Shown(shown) => (visible(shown).into_owned(), String::new()),
            Said::Note(_) | Said::Took(_) if quiet => return Ok(Written::Done),
            Said::Note(note) => {
                let note = paint.labelled("note", DIM, &visible(note), PLAIN);
                (String::new(), note)
            }
            Said::Stopped => {
                let note = paint.labelled("note", DIM, "stopped", PLAIN);
                (String::new(), note)
            }
            Said::Failed(failure) => (String::new(), report::text(failure, None, paint)),
            Said::Took(took) => {
                let took = format!("in {:.2} s", took.as_secs_f64());
                (String::new(), format!("{}\n", paint.with(DIM, &took)))
            }
        };
        let mut state = self.state();
        state.meter.finished();
        let written = Self::put(&mut state, &data);
        self.say(&mut state, &text);
        written
    }
}

/// What Lean says about a tactic; it has no places.
fn tactic(messages: &[Message], look: Look) -> String {
    let mut out = String::new();
    for message in messages {
        let is_error = message.severity == Severity::Error;
        if look.quiet && !is_error {
            continue;
        }
        let (label, style) = match message.severity {
            Severity::Error => ("error", RED),
            Severity::Warning => ("warning", YELLOW),
            _ => {
                out.push_str(visible(&message.data).trim_end());
                out.push('\n');
                continue;
            }
        };
        out.push_str(
            &look
                .paint
                .labelled(label, style, &visible(&message.data), BOLD),
        );
    }
    out
}

/// Why Lean refused a tactic, without the words that say that it is Lean who did.
fn refused(why: &str, look: Look) -> String {
    let why = visible(why);
    let why = why.strip_prefix("Lean error:\n").unwrap_or(&why);
    look.paint.labelled("error", RED, why, BOLD)
}

/// The goals that are open, each with a number if there are several.
pub(crate) fn open_goals(goals: &[String], paint: Paint) -> String {
    if goals.is_empty() {
        return format!("{}\n", paint.with(GREEN, "no goals"));
    }
    let mut lines = Vec::new();
    for (index, goal) in goals.iter().enumerate() {
        if index > 0 {
            lines.push(String::new());
        }
        if goals.len() > 1 {
            let number = format!("goal {} of {}", index + 1, goals.len());
            lines.push(paint.with(DIM, &number));
        }
        let shown = visible(goal);
        let drawn = shown.trim_end().split('\n').map(|line| {
            let claim = line.strip_prefix('⊢');
            claim.map_or_else(
                || line.to_owned(),
                |claim| format!("{}{claim}", paint.with(CYAN, "⊢")),
            )
        });
        lines.extend(drawn);
    }
    lines.join("\n") + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn goals_are_numbered_only_where_there_are_several() {
        let goals = |goals: &[&str]| {
            let goals: Vec<String> = goals.iter().map(|goal| (*goal).to_owned()).collect();
            open_goals(&goals, Paint::new(false))
        };
        assert_eq!(goals(&[]), "no goals\n");
        assert_eq!(goals(&["p : Prop\n⊢ p"]), "p : Prop\n⊢ p\n");
        assert_eq!(
            goals(&["⊢ p", "case b\n⊢ q"]),
            "goal 1 of 2\n⊢ p\n\ngoal 2 of 2\ncase b\n⊢ q\n"
        );
    }
}
