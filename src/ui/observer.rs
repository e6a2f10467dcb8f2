//! What work tells goes to the meter or is written as a note.

use crate::event::{Event, Observer};
use crate::ui::Ui;
use crate::ui::progress::note;

impl Observer for Ui {
    fn tell(&self, event: Event<'_>) {
        let mut state = self.state();
        let step = match event {
            Event::StepStarted { label, total_bytes } => {
                state.meter.step_started(label, total_bytes)
            }
            Event::StepAdvanced { done_bytes } => {
                state.meter.step_advanced(done_bytes);
                None
            }
            Event::StepFinished => {
                state.meter.step_finished();
                None
            }
            Event::CommandOutput { line } => {
                state.meter.step_line(line);
                note(event, &self.mode, state.noise)
            }
            _ => note(event, &self.mode, state.noise),
        };
        if matches!(event, Event::NoiseSeen { .. }) {
            state.noise = state.noise.saturating_add(1);
        }
        if let Some(text) = step {
            self.say(&mut state, &text);
        }
    }
}
