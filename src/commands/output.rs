//! What the command line and the variables say about output, in the terms of `ui`.

use crate::cli::cloudflare::CloudflareAction;
use crate::cli::eval::FormatArg;
use crate::cli::{Args, Command, shared};
use crate::env_vars;
use crate::ui::mode::{Color, Format, Loudness, Mode, Output, Surroundings};
use crate::ui::streams;

/// Decides how leanrepl speaks in this process.
pub(crate) fn mode(args: &Args) -> Mode {
    let output = Output {
        format: match &args.command {
            Command::Eval(eval) if eval.json => Format::Json,
            Command::Eval(eval) if eval.format == FormatArg::Github => Format::Github,
            Command::Pickle(pickle) if pickle.json => Format::Json,
            Command::Doctor(doctor) if doctor.json => Format::Json,
            Command::BuildImage(image) if image.json => Format::Json,
            Command::Cloudflare(cloudflare) if is_json(&cloudflare.action) => Format::Json,
            Command::Build(_)
            | Command::BuildImage(_)
            | Command::Cloudflare(_)
            | Command::Core(_)
            | Command::Doctor(_)
            | Command::Eval(_)
            | Command::Gather(_)
            | Command::Pickle(_)
            | Command::Probe(_)
            | Command::Repl(_)
            | Command::Serve(_) => Format::Human,
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

/// Whether JSON lines are asked for.
fn is_json(action: &CloudflareAction) -> bool {
    match action {
        CloudflareAction::Cost(cost) => cost.json,
        CloudflareAction::Check(check) => check.json,
        CloudflareAction::Try(trial) => trial.json,
        CloudflareAction::Init(_) | CloudflareAction::Deploy(_) => false,
    }
}
