//! Decides once how leanrepl speaks: format, colour, progress. Pure: never looks at the process.

/// What is known about the two streams.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Streams {
    /// Whether stdout is a terminal.
    pub stdout_tty: bool,
    /// Whether stderr is a terminal.
    pub stderr_tty: bool,
    /// Columns of the terminal that shows the text, if one does.
    pub columns: Option<u16>,
}

/// What the user's variables say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Surroundings {
    /// `NO_COLOR` is set and not empty.
    pub no_color: bool,
    /// `CI` is set and not empty: someone reads a log, nobody watches.
    pub ci: bool,
    /// `TERM` is `dumb`: the terminal cannot move its cursor.
    pub dumb: bool,
}

/// What stdout carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Format {
    /// Text for people.
    #[default]
    Human,
    /// One JSON object a line.
    Json,
    /// Workflow commands of GitHub Actions, with the text for people on stderr.
    Github,
}

/// When to colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Color {
    /// On a terminal that can, unless `NO_COLOR` is set.
    #[default]
    Auto,
    /// Always, even into a file; outranks `NO_COLOR`.
    Always,
    /// Never.
    Never,
}

/// How much is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Loudness {
    /// Errors only: Lean's own, why a file was rejected, failures.
    Quiet,
    /// Everything Lean says, notes and a summary.
    #[default]
    Normal,
    /// Also commands, requests and choices.
    Verbose,
}

/// What the user asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Output {
    /// What stdout carries.
    pub format: Format,
    /// How much is said.
    pub loudness: Loudness,
    /// When to colour.
    pub color: Color,
}

/// How progress is shown, always on stderr.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// A bar that redraws itself.
    Bar,
    /// One line when a step begins.
    Lines,
    /// Not at all.
    Silent,
}

/// The decision.
///
/// | stdout coloured | when |
/// |---|---|
/// | no | the format is JSON or GitHub |
/// | yes, no | `--color always`, `--color never` |
/// | yes | stdout is a terminal, not dumb, without `NO_COLOR` |
/// | no | else |
///
/// | stderr coloured | when |
/// |---|---|
/// | yes, no | `--color always`, `--color never` |
/// | yes | stderr is a terminal, not dumb, without `NO_COLOR` |
/// | no | else |
///
/// | progress | when |
/// |---|---|
/// | silent | quiet |
/// | bar | stderr is a terminal, not dumb, without `CI` |
/// | lines | else |
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mode {
    /// What stdout carries.
    pub format: Format,
    /// How much is said.
    pub loudness: Loudness,
    /// Whether stdout is coloured.
    pub stdout_color: bool,
    /// Whether stderr is coloured.
    pub stderr_color: bool,
    /// How progress is shown.
    pub progress: Progress,
    /// Columns to draw source lines within.
    pub columns: usize,
}

/// Columns where no terminal says how many it has.
const DEFAULT_COLUMNS: usize = 140;

/// Fewer columns than this are not believed: nothing could be drawn in them.
const LEAST_COLUMNS: u16 = 40;

impl Mode {
    /// Decides from all that matters.
    pub fn decide(streams: Streams, output: Output, around: Surroundings) -> Self {
        let colored = |tty: bool| match output.color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => tty && !around.no_color && !around.dumb,
        };
        let progress = if output.loudness == Loudness::Quiet {
            Progress::Silent
        } else if streams.stderr_tty && !around.ci && !around.dumb {
            Progress::Bar
        } else {
            Progress::Lines
        };
        Self {
            format: output.format,
            loudness: output.loudness,
            stdout_color: output.format == Format::Human && colored(streams.stdout_tty),
            stderr_color: colored(streams.stderr_tty),
            progress,
            columns: streams.columns.map_or(DEFAULT_COLUMNS, |columns| {
                usize::from(columns.max(LEAST_COLUMNS))
            }),
        }
    }

    /// Whether Lean's messages below an error are shown to people.
    pub(crate) fn is_quiet(&self) -> bool {
        self.loudness == Loudness::Quiet
    }

    /// Whether commands, requests and choices are shown.
    pub(crate) fn is_verbose(&self) -> bool {
        self.loudness == Loudness::Verbose
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Both streams on a terminal of 100 columns.
    const TERMINAL: Streams = Streams {
        stdout_tty: true,
        stderr_tty: true,
        columns: Some(100),
    };

    /// Decides with everything else at its default.
    fn decide(streams: Streams, output: Output, around: Surroundings) -> (bool, bool, Progress) {
        let mode = Mode::decide(streams, output, around);
        (mode.stdout_color, mode.stderr_color, mode.progress)
    }

    #[test]
    fn colour_follows_the_table() {
        let formats = [Format::Human, Format::Json, Format::Github];
        for bits in 0..32_u8 {
            let bit = |at: u8| bits & (1 << at) != 0;
            let streams = Streams {
                stdout_tty: bit(0),
                stderr_tty: bit(1),
                columns: None,
            };
            let around = Surroundings {
                no_color: bit(2),
                dumb: bit(3),
                ci: bit(4),
            };
            for format in formats {
                let with = |color| {
                    let output = Output {
                        format,
                        color,
                        ..Output::default()
                    };
                    let (out, err, _) = decide(streams, output, around);
                    (out, err)
                };
                let human = format == Format::Human;
                assert_eq!(with(Color::Always), (human, true), "{bits:b} {format:?}");
                assert_eq!(with(Color::Never), (false, false), "{bits:b} {format:?}");
                let able = !bit(2) && !bit(3);
                let auto = (human && bit(0) && able, bit(1) && able);
                assert_eq!(with(Color::Auto), auto, "{bits:b} {format:?}");
            }
        }
    }

    #[test]
    fn progress_follows_the_table() {
        let around = Surroundings::default();
        let (ci, dumb) = (
            Surroundings { ci: true, ..around },
            Surroundings {
                dumb: true,
                ..around
            },
        );
        let no_color = Surroundings {
            no_color: true,
            ..around
        };
        let piped = Streams {
            stderr_tty: false,
            ..TERMINAL
        };
        let only_stderr = Streams {
            stdout_tty: false,
            ..TERMINAL
        };
        for loudness in [Loudness::Normal, Loudness::Verbose] {
            let output = Output {
                loudness,
                ..Output::default()
            };
            for (streams, around, progress) in [
                (TERMINAL, around, Progress::Bar),
                (only_stderr, around, Progress::Bar),
                (TERMINAL, no_color, Progress::Bar),
                (TERMINAL, ci, Progress::Lines),
                (TERMINAL, dumb, Progress::Lines),
                (piped, around, Progress::Lines),
            ] {
                assert_eq!(decide(streams, output, around).2, progress, "{around:?}");
            }
        }
        let quiet = Output {
            loudness: Loudness::Quiet,
            ..Output::default()
        };
        for streams in [TERMINAL, piped] {
            for around in [around, ci, dumb] {
                assert_eq!(decide(streams, quiet, around).2, Progress::Silent);
            }
        }
    }

    #[test]
    fn source_lines_fit_the_terminal_that_shows_them() {
        let columns = |columns| {
            let streams = Streams {
                columns,
                ..TERMINAL
            };
            Mode::decide(streams, Output::default(), Surroundings::default()).columns
        };
        assert_eq!(columns(Some(100)), 100);
        assert_eq!(columns(Some(0)), 40);
        assert_eq!(columns(None), 140);
    }
}
