//! The imports of raw texts that have none: put in front, and taken out of every place again.

use std::sync::Arc;

use crate::engine::evaluated::Evaluated;
use crate::lean::header;
use crate::lean::position::Position;

/// A text with the lines that were put in front of it.
#[derive(Debug, Clone)]
pub(crate) struct Prefixed {
    /// The text as it is evaluated.
    pub(crate) text: Arc<str>,
    /// How many lines were put in front.
    lines: u64,
}

impl Prefixed {
    /// Puts `imports` in front of a text that begins with no header of its own.
    pub(crate) fn new(imports: &str, text: String) -> Self {
        if imports.is_empty() || header::split(&text).body_offset > 0 {
            return Self {
                text: Arc::from(text),
                lines: 0,
            };
        }
        Self {
            text: Arc::from(format!("{imports}\n{text}")),
            lines: imports.split('\n').count() as u64,
        }
    }

    /// Makes the places of a result those of the client's text.
    pub(crate) fn restore(&self, evaluated: &mut Evaluated) {
        let lines = self.lines;
        let lift = |position: &mut Position| {
            // What stands in the imports themselves is shown at the beginning.
            position.line = position.line.saturating_sub(lines).max(1);
        };
        for message in &mut evaluated.messages {
            lift(&mut message.pos);
            message.end_pos.iter_mut().for_each(lift);
        }
        for sorry in &mut evaluated.sorries {
            sorry.pos.iter_mut().for_each(lift);
            sorry.end_pos.iter_mut().for_each(lift);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::undecided::UndecidedReason;
    use crate::failure::Failure;
    use crate::lean::message::{Message, Severity};

    #[test]
    fn places_are_those_of_the_clients_text() {
        let prefixed = Prefixed::new("import A\nimport B", "#eval x\n#eval y".to_owned());
        assert_eq!(&*prefixed.text, "import A\nimport B\n#eval x\n#eval y");
        let place = |line| Position { line, column: 7 };
        let failure = Failure::bug("of no matter here");
        let reason = UndecidedReason::Crash;
        let mut evaluated = Evaluated::undecided("", Arc::from(""), reason, failure);
        evaluated.messages.push(Message {
            severity: Severity::Error,
            pos: place(3),
            end_pos: Some(place(4)),
            data: String::new(),
            extra: serde_json::Map::new(),
        });
        prefixed.restore(&mut evaluated);
        let message = &evaluated.messages[0];
        assert_eq!((message.pos, message.end_pos), (place(1), Some(place(2))));
    }

    #[test]
    fn a_text_with_imports_of_its_own_is_left_alone() {
        for text in ["import C\n#eval 1", "-- note\nimport C", "prelude"] {
            let prefixed = Prefixed::new("import A", text.to_owned());
            assert_eq!((&*prefixed.text, prefixed.lines), (text, 0));
        }
        assert_eq!(&*Prefixed::new("", "#eval 1".to_owned()).text, "#eval 1");
    }
}
