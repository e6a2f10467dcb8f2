//! The imports of raw sources that have none: put in front, and taken out of every place again.

use std::sync::Arc;

use crate::engine::record::EvalRecord;
use crate::lean::header;
use crate::lean::position::Position;

/// A source with the lines that were put in front of it.
#[derive(Debug, Clone)]
pub(crate) struct Prefixed {
    pub(crate) source: Arc<str>,
    /// How many lines were put in front.
    lines: u64,
    /// And how many bytes.
    pub(crate) added_bytes: usize,
}

impl Prefixed {
    /// Puts `imports` in front of a source that begins with no header of its own.
    pub(crate) fn new(imports: &str, source: String) -> Self {
        if imports.is_empty() || header::split(&source).body_offset > 0 {
            return Self {
                source: Arc::from(source),
                lines: 0,
                added_bytes: 0,
            };
        }
        Self {
            source: Arc::from(format!("{imports}\n{source}")),
            lines: imports.split('\n').count() as u64,
            added_bytes: imports.len() + 1,
        }
    }

    /// Makes the places of a result those of the client's source.
    pub(crate) fn restore(&self, record: &mut EvalRecord) {
        let lines = self.lines;
        let lift = |position: &mut Position| {
            // What stands in the imports themselves is shown at the beginning.
            position.line = position.line.saturating_sub(lines).max(1);
        };
        for message in &mut record.messages {
            lift(&mut message.pos);
            message.end_pos.iter_mut().for_each(lift);
        }
        for sorry in &mut record.sorries {
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
        assert_eq!(&*prefixed.source, "import A\nimport B\n#eval x\n#eval y");
        let place = |line| Position { line, column: 7 };
        let failure = Failure::bug("of no matter here");
        let reason = UndecidedReason::Crash;
        let mut record = EvalRecord::undecided(reason, failure);
        record.messages.push(Message {
            severity: Severity::Error,
            pos: place(3),
            end_pos: Some(place(4)),
            data: String::new(),
            extra: serde_json::Map::new(),
        });
        prefixed.restore(&mut record);
        let message = &record.messages[0];
        assert_eq!((message.pos, message.end_pos), (place(1), Some(place(2))));
    }

    #[test]
    fn a_text_with_imports_of_its_own_is_left_alone() {
        for text in ["import C\n#eval 1", "-- note\nimport C", "prelude"] {
            let prefixed = Prefixed::new("import A", text.to_owned());
            assert_eq!((&*prefixed.source, prefixed.lines), (text, 0));
        }
        assert_eq!(&*Prefixed::new("", "#eval 1".to_owned()).source, "#eval 1");
    }
}
