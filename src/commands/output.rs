//! What the command line and the variables say about output, in the terms of `ui`.

use crate::cli::{Args, DataFormat, RunCommand, shared};
use crate::commands::RunContext;
use crate::env_vars;
use crate::ui::mode::{Color, Format, Loudness, Mode, Output, Surroundings};
use crate::ui::streams;

/// Decides how leanrepl speaks in this process.
pub(crate) fn mode(args: &Args) -> Mode {
    let output = Output {
        format: match RunCommand::<RunContext>::format(&args.command) {
            DataFormat::Human => Format::Human,
            DataFormat::Json => Format::Json,
            DataFormat::Github => Format::Github,
        },
        loudness: match (args.output.quiet, args.output.verbose) {
            (true, _) => Loudness::Quiet,
            (false, true) => Loudness::Verbose,
            (false, false) => Loudness::Normal,
        },
        color: match args.output.color {
            shared::Color::Auto => Color::Auto,
            shared::Color::Always => Color::Always,
            shared::Color::Never => Color::Never,
        },
    };
    let around = Surroundings {
        no_color: env_vars::read(env_vars::NO_COLOR).is_some(),
        ci: env_vars::read(env_vars::CI).is_some(),
        dumb: env_vars::read(env_vars::TERM).is_some_and(|term| term == "dumb"),
    };
    Mode::decide(streams(output), output, around)
}
