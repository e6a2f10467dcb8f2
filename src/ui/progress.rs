//! What is told while work runs: a bar, plain lines or nothing, and notes. Never writes to
//! stdout, and to stderr only through [`crate::ui::Ui`] or a bar that `Ui` suspends while it writes.

use std::fmt::Write as _;
use std::time::Duration;

use indicatif::{HumanDuration, MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::engine::report::Counts;
use crate::event::Event;
use crate::limits::Bytes;
use crate::ui::mode::{Mode, Progress};
use crate::ui::paint::{DIM, PLAIN, Paint, YELLOW};
use crate::ui::visible::{clipped, shortened, visible, visible_line};

/// Longest request that is shown, in bytes.
const REQUEST_BYTES: usize = 2048;

/// Longest piece of stray output that is shown, in bytes.
const NOISE_BYTES: usize = 200;

/// How many times stray output is shown; a flood of it would bury everything else.
const NOISE_NOTES: usize = 20;

/// Longest name of a step that is shown, in bytes: instructions of an image may be very long.
const LABEL_BYTES: usize = 100;

/// Longest part of a line that a bar shows of what runs, in bytes.
const LIVE_BYTES: usize = 60;

/// How often a spinner turns.
const SPIN: Duration = Duration::from_millis(120);

/// How far the work has come.
pub(crate) enum Meter {
    /// On a terminal.
    Bars(Bars),
    /// In a log.
    Lines,
    /// Not at all.
    Silent,
}

/// The bars of a terminal: one for the files and, below it, one for the current step.
pub(crate) struct Bars {
    multi: MultiProgress,
    files: Option<ProgressBar>,
    step: Option<ProgressBar>,
    colored: bool,
}

impl Meter {
    /// Shows what `mode` says, on stderr.
    pub(crate) fn new(mode: &Mode) -> Self {
        match mode.progress {
            Progress::Bar => Self::Bars(Bars::new(ProgressDrawTarget::stderr(), mode.stderr_color)),
            Progress::Lines => Self::Lines,
            Progress::Silent => Self::Silent,
        }
    }

    /// `total` files are about to be evaluated.
    pub(crate) fn files_started(&mut self, total: usize) {
        if let Self::Bars(bars) = self {
            bars.files_started(total);
        }
    }

    /// One more file is done, which makes `counts` in all.
    pub(crate) fn file_done(&self, counts: &Counts) {
        if let Self::Bars(Bars {
            files: Some(bar), ..
        }) = self
        {
            bar.set_position(u64::try_from(counts.total()).unwrap_or(u64::MAX));
            // Before the first file is done nobody can know how long the others take.
            let left = HumanDuration(bar.eta());
            bar.set_message(format!("{}, {left:#} left", tally(counts)));
        }
    }

    /// `total` units of an extraction are about to be made, of which `done` are there.
    pub(crate) fn units_started(&mut self, total: usize, done: usize) {
        if let Self::Bars(bars) = self {
            bars.start(
                total,
                "{spinner} extracting {bar} {pos}/{len} units{wide_msg}",
            );
            self.units_at(done, String::new());
        }
    }

    /// `done` units are made; `message` says more.
    pub(crate) fn units_at(&self, done: usize, message: String) {
        if let Self::Bars(Bars {
            files: Some(bar), ..
        }) = self
        {
            bar.set_position(u64::try_from(done).unwrap_or(u64::MAX));
            bar.set_message(message);
        }
    }

    /// Whether progress is lines of a log.
    pub(crate) fn writes_lines(&self) -> bool {
        matches!(self, Self::Lines)
    }

    /// A step begins; the answer is a line to write, if there is no bar.
    pub(crate) fn step_started(&mut self, label: &str, total_bytes: Option<u64>) -> Option<String> {
        let label = visible_line(&clipped(label, LABEL_BYTES)).into_owned();
        match self {
            Self::Bars(bars) => {
                bars.step_started(label, total_bytes);
                None
            }
            Self::Lines => Some(match total_bytes {
                Some(total) => format!("{label} ({})\n", Bytes::new(total)),
                None => format!("{label}\n"),
            }),
            Self::Silent => None,
        }
    }

    /// The step came to `done_bytes`.
    pub(crate) fn step_advanced(&self, done_bytes: u64) {
        if let Self::Bars(Bars {
            step: Some(bar), ..
        }) = self
        {
            bar.set_position(done_bytes);
        }
    }

    /// What runs in the step wrote a line, of which the bar shows the start.
    pub(crate) fn step_line(&self, line: &str) {
        if let Self::Bars(Bars {
            step: Some(bar), ..
        }) = self
        {
            let (line, _left_out) = shortened(line.trim(), LIVE_BYTES);
            bar.set_prefix(visible_line(line).into_owned());
        }
    }

    pub(crate) fn step_finished(&mut self) {
        if let Self::Bars(bars) = self {
            clear(bars.step.take());
        }
    }

    /// Nothing more to come: takes every bar off the screen.
    pub(crate) fn finished(&mut self) {
        self.step_finished();
        if let Self::Bars(bars) = self {
            clear(bars.files.take());
        }
    }

    /// Runs `write` while no bar is on the screen.
    pub(crate) fn aside<T>(&self, write: impl FnOnce() -> T) -> T {
        match self {
            // `println` of a bar that is hidden prints nothing; `suspend` always runs.
            Self::Bars(bars) => bars.multi.suspend(write),
            Self::Lines | Self::Silent => write(),
        }
    }
}

impl Bars {
    fn new(target: ProgressDrawTarget, colored: bool) -> Self {
        Self {
            multi: MultiProgress::with_draw_target(target),
            files: None,
            step: None,
            colored,
        }
    }

    /// Replaces the files' bar. One file has no share that could be shown as a bar.
    fn files_started(&mut self, total: usize) {
        // `wide_msg` is cut at the width of the terminal; a line that wraps is never cleared.
        let template = if total > 1 {
            "{spinner} evaluating {bar} {pos}/{len} files{wide_msg}"
        } else {
            "{spinner} evaluating {elapsed}"
        };
        self.start(total, template);
    }

    /// Replaces the bar for the whole work.
    fn start(&mut self, total: usize, template: &str) {
        clear(self.files.take());
        let length = u64::try_from(total).unwrap_or(u64::MAX);
        let bar = ProgressBar::with_draw_target(Some(length), ProgressDrawTarget::hidden())
            .with_style(self.style(template));
        self.files = Some(self.show(bar));
    }

    /// Replaces the step's bar.
    pub(crate) fn step_started(&mut self, label: String, total_bytes: Option<u64>) {
        clear(self.step.take());
        let template = if total_bytes.is_some() {
            "{spinner} {msg} {bar} {bytes}/{total_bytes}, {eta} left"
        } else {
            "{spinner} {msg} {elapsed} {prefix}"
        };
        let bar = ProgressBar::with_draw_target(total_bytes, ProgressDrawTarget::hidden())
            .with_style(self.style(template))
            .with_message(label);
        self.step = Some(self.show(bar));
    }

    /// Puts a bar on the screen, below the others.
    fn show(&self, bar: ProgressBar) -> ProgressBar {
        let bar = self.multi.add(bar);
        bar.enable_steady_tick(SPIN);
        bar
    }

    /// The look of a bar.
    fn style(&self, template: &str) -> ProgressStyle {
        let (spinner, bar) = if self.colored {
            ("{spinner:.cyan}", "{bar:20.cyan/dim}")
        } else {
            ("{spinner}", "{bar:20}")
        };
        let template = template.replace("{spinner}", spinner).replace("{bar}", bar);
        ProgressStyle::with_template(&template)
            .unwrap_or_else(|_template_error| ProgressStyle::default_bar())
            .progress_chars("━╸─")
    }
}

/// Takes a bar off the screen.
fn clear(bar: Option<ProgressBar>) {
    if let Some(bar) = bar {
        bar.finish_and_clear();
    }
}

/// The verdicts so far, as they follow the count of files.
fn tally(counts: &Counts) -> String {
    let mut text = String::new();
    for (count, verdict) in [
        (counts.accepted, "accepted"),
        (counts.rejected, "rejected"),
        (counts.undecided, "undecided"),
    ] {
        if count > 0 {
            // Writing to a string cannot fail.
            let _ = write!(text, ", {count} {verdict}");
        }
    }
    text
}

/// The note about a request that lost its session.
const RETRIED: &str = "the session ended; trying once more in a fresh one";

/// The note about a process that outlived its source.
const STRAY_KILLED: &str = "a process that the source had started was still running and was killed";

/// What is written about an event, if anything. `noise` counts stray output seen before.
pub(crate) fn note(event: Event<'_>, mode: &Mode, noise: usize) -> Option<String> {
    let paint = Paint::new(mode.stderr_color);
    let verbose = mode.is_verbose();
    let text = match event {
        Event::CommandStarted { line } if verbose => echoed("+", line, paint),
        Event::RequestSent { json } if verbose => {
            let (json, left_out) = shortened(json, REQUEST_BYTES);
            let more = if left_out > 0 {
                format!("… ({left_out} bytes more)")
            } else {
                String::new()
            };
            echoed(">", &format!("{json}{more}"), paint)
        }
        Event::CommandOutput { line } if verbose => format!("{}\n", visible_line(line)),
        Event::Chosen { text } if verbose => paint.labelled("note", DIM, &visible(text), PLAIN),
        Event::Noted { text } if !mode.is_quiet() => {
            paint.labelled("note", DIM, &visible(text), PLAIN)
        }
        Event::NoiseSeen { text } => return noise_note(text, noise, paint),
        Event::SessionStarted { lean_version, .. } if verbose => {
            let text = format!("the session runs Lean {lean_version}");
            paint.labelled("note", DIM, &visible(&text), PLAIN)
        }
        Event::Retried { .. } if !mode.is_quiet() => paint.labelled("note", DIM, RETRIED, PLAIN),
        Event::StrayKilled { .. } if !mode.is_quiet() => {
            paint.labelled("note", DIM, STRAY_KILLED, PLAIN)
        }
        Event::CommandStarted { .. }
        | Event::RequestSent { .. }
        | Event::CommandOutput { .. }
        | Event::Chosen { .. }
        | Event::Noted { .. }
        | Event::SessionStarted { .. }
        | Event::SessionEnded { .. }
        // The run ends with the failure.
        | Event::StartFailed { .. }
        | Event::Retried { .. }
        | Event::StrayKilled { .. }
        | Event::StepStarted { .. }
        | Event::StepAdvanced { .. }
        | Event::StepFinished => return None,
    };
    Some(text)
}

/// A line that can be copied, behind a mark.
fn echoed(mark: &str, line: &str, paint: Paint) -> String {
    let line = paint.with(DIM, &format!("{mark} {}", visible_line(line)));
    format!("{line}\n")
}

/// What is written about the stray output number `before` + 1.
fn noise_note(text: &str, before: usize, paint: Paint) -> Option<String> {
    let warning = match before {
        NOISE_NOTES.. => return None,
        _ if before + 1 == NOISE_NOTES => {
            "the REPL goes on writing what is no reply; no more of it is shown".to_owned()
        }
        _ => {
            let (text, left_out) = shortened(text, NOISE_BYTES);
            let more = if left_out > 0 { "…" } else { "" };
            format!(
                "the REPL wrote what is no reply: \"{}{more}\"",
                visible_line(text)
            )
        }
    };
    Some(paint.labelled("warning", YELLOW, &warning, PLAIN))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::mode::{Loudness, Output, Streams, Surroundings};

    /// What is written about `event`, without colour.
    fn told(event: Event<'_>, loudness: Loudness) -> Option<String> {
        let output = Output {
            loudness,
            ..Output::default()
        };
        let mode = Mode::decide(Streams::default(), output, Surroundings::default());
        note(event, &mode, 0)
    }

    #[test]
    fn verbose_shows_commands_requests_and_choices() {
        for (event, text) in [
            (Event::CommandStarted { line: "npm ci" }, "+ npm ci\n"),
            (Event::RequestSent { json: "{}" }, "> {}\n"),
            (Event::CommandOutput { line: "a\u{1b}b" }, "a␛b\n"),
            (Event::Chosen { text: "core Lean" }, "note: core Lean\n"),
        ] {
            assert_eq!(told(event, Loudness::Verbose).as_deref(), Some(text));
            assert_eq!(told(event, Loudness::Normal), None);
        }
        let noted = Event::Noted { text: "a\nb" };
        let text = Some("note: a\n      b\n");
        assert_eq!(told(noted, Loudness::Normal).as_deref(), text);
        assert_eq!(told(noted, Loudness::Quiet), None);
    }

    #[test]
    fn a_long_request_is_shortened() {
        let json = "é".repeat(5000);
        let text = told(Event::RequestSent { json: &json }, Loudness::Verbose).unwrap();
        assert!(text.ends_with("é… (7952 bytes more)\n"), "{text}");
    }

    #[test]
    fn stray_output_is_told_even_when_quiet_but_a_flood_of_it_only_once() {
        let event = Event::NoiseSeen { text: "hi\n\u{7}" };
        let text = Some("warning: the REPL wrote what is no reply: \"hi␊␇\"\n");
        assert_eq!(told(event, Loudness::Quiet).as_deref(), text);
        let paint = Paint::new(false);
        let shown = (0..1000).filter(|before| noise_note("x", *before, paint).is_some());
        assert_eq!(shown.count(), NOISE_NOTES);
    }

    #[test]
    fn a_log_gets_one_line_a_step() {
        let mut meter = Meter::Lines;
        let line = meter.step_started("downloading Lean", Some(120 << 20));
        assert_eq!(line.as_deref(), Some("downloading Lean (120.0 MiB)\n"));
        let line = meter.step_started("starting", None);
        assert_eq!(line.as_deref(), Some("starting\n"));
        let long = format!("step 12/14: LABEL {}", "x".repeat(1000));
        let line = meter.step_started(&long, None).unwrap();
        assert!(line.starts_with("step 12/14: LABEL xxx"), "{line}");
        assert!(line.ends_with("x…\n") && line.len() < 110, "{line}");
        assert_eq!(Meter::Silent.step_started("starting", None), None);
    }

    #[test]
    fn the_bar_counts_verdicts() {
        let mut counts = Counts {
            accepted: 3,
            ..Counts::default()
        };
        assert_eq!(tally(&counts), ", 3 accepted");
        counts.undecided = 1;
        assert_eq!(tally(&counts), ", 3 accepted, 1 undecided");
    }

    #[test]
    fn text_is_written_even_if_no_bar_can_be_drawn() {
        let mut meter = Meter::Bars(Bars::new(ProgressDrawTarget::hidden(), false));
        meter.files_started(3);
        assert_eq!(meter.step_started("starting", Some(9)), None);
        meter.step_advanced(3);
        assert_eq!(meter.aside(|| 7), 7);
        meter.finished();
        assert_eq!(meter.aside(|| 8), 8);
    }

    #[test]
    fn the_bar_shows_the_start_of_what_runs_says_last() {
        let mut meter = Meter::Bars(Bars::new(ProgressDrawTarget::hidden(), false));
        meter.step_line("before the step");
        meter.step_started("building", None);
        meter.step_line("first");
        meter.step_line(&format!("  \u{1b}[1m{}\n", "x".repeat(1000)));
        let Meter::Bars(Bars {
            step: Some(bar), ..
        }) = &meter
        else {
            panic!("no step");
        };
        let shown = bar.prefix();
        assert!(shown.starts_with("␛[1mxxx"), "{shown}");
        assert_eq!(shown.chars().count(), LIVE_BYTES);
    }
}
