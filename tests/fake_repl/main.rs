//! A REPL for tests: it keeps to the wire of the real one, strictly, and misbehaves on demand.
//!
//! It is an independent judge, so it shares no code with the library it tests.
//!
//! - Played honestly: frames, environment numbers, `#check`, `def NAME`, the silent failed import,
//!   files, pickles, with `--restore` states to go back to (`memory`), goals that `:= sorry` leaves open and a few tactics for them (`proof`); a malformed request or a second blank line ends it with exit code 1 (`interpreter`).
//! - Played badly: lines `--! …` in the text of a command say how (`directive`).
//! - From the start, for benchmarks and by script: flags, as arguments or in the variable
//!   `LEAN_FAKE_REPL`, separated by blanks (`flags`).
//!
//! Exit codes of its own, which no test should meet by chance: 96 a flag or directive that does
//! not exist, 97 a request that is not in the transcript, 98 it was left hanging for ten minutes.

#![expect(
    clippy::disallowed_methods,
    reason = "this program is the child: it has no settings and no process layer"
)]

mod attempt;
mod directive;
mod draft;
mod environment;
mod extract;
mod flags;
mod frame;
mod header;
mod hidden;
mod instant;
mod interpreter;
mod memory;
mod misdeed;
mod pretty;
mod proof;
mod request;
mod system;
mod transcript;

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::process::ExitCode;

use flags::{AtStart, Flags};
use interpreter::{Interpreter, Ruin};
use misdeed::Misdeed;

/// Exit code for a flag or directive that does not exist.
const UNKNOWN_WISH: u8 = 96;

fn main() -> ExitCode {
    let mut words: Vec<String> = std::env::args().skip(1).collect();
    if let Some(role) = misdeed::Role::from_args(&words) {
        return role.play();
    }
    if let Ok(more) = std::env::var("LEAN_FAKE_REPL") {
        words.extend(more.split_whitespace().map(str::to_owned));
    }
    let flags = match Flags::parse(words) {
        Ok(flags) => flags,
        Err(problem) => return refuse(UNKNOWN_WISH, &problem),
    };
    match play(&flags) {
        Ok(code) => code,
        // The other side is gone, which for a real REPL is the end as well.
        Err(err) => refuse(1, &err.to_string()),
    }
}

/// Plays the part that the flags ask for until the input ends.
fn play(flags: &Flags) -> io::Result<ExitCode> {
    if let Some(code) = start(flags)? {
        return Ok(code);
    }
    let mut input = io::stdin().lock();
    if let Some(path) = &flags.transcript {
        return transcript::play(path, &mut input);
    }
    let mut interpreter = Interpreter::new(flags);
    let mut honest_replies = 0;
    loop {
        if let Some(reply_bytes) = flags.instant_bytes
            && honest_replies >= flags.instant_after
        {
            instant::play(&mut input, &instant::reply(reply_bytes))?;
            return Ok(ExitCode::SUCCESS);
        }
        let Some(block) = frame::read(&mut input)? else {
            return Ok(ExitCode::SUCCESS);
        };
        if frame::is_dropped(&block) {
            continue;
        }
        if let Some(log) = &flags.log {
            let line = format!("{} {}\n", std::process::id(), block.trim_end());
            let mut file = OpenOptions::new().create(true).append(true).open(log)?;
            file.write_all(line.as_bytes())?;
        }
        if let Some(code) = respond(&block, &mut interpreter)? {
            return Ok(code);
        }
        honest_replies += 1;
    }
}

/// Answers one block; gives the exit code if that is the end.
fn respond(block: &str, interpreter: &mut Interpreter<'_>) -> io::Result<Option<ExitCode>> {
    let answer = match request::Request::parse(block) {
        Ok(request) => interpreter.answer(request),
        Err(reason) => Err(Ruin::Uncaught(reason)),
    };
    match answer {
        Ok(answer) => {
            for misdeed in &answer.misdeeds {
                if let Some(code) = misdeed.commit(&answer.reply)? {
                    return Ok(Some(code));
                }
            }
            frame::write(&answer.reply, answer.manner)?;
            Ok(None)
        }
        Err(Ruin::Uncaught(reason)) => {
            Ok(Some(refuse(1, &format!("uncaught exception: {reason}"))))
        }
        Err(Ruin::BadDirective(problem)) => Ok(Some(refuse(UNKNOWN_WISH, &problem))),
    }
}

/// Does what `--at-start` asks for; gives the exit code if that ends the process.
fn start(flags: &Flags) -> io::Result<Option<ExitCode>> {
    match flags.at_start {
        None => Ok(None),
        Some(AtStart::Hang) => Misdeed::Hang.commit(""),
        Some(AtStart::Die) => Ok(Some(refuse(1, "fake-repl: died at its start"))),
        Some(AtStart::Noise) => Misdeed::Noise("loading, please wait".to_owned()).commit(""),
        Some(AtStart::Banner) => Misdeed::Noise("Welcome to the REPL\n".to_owned()).commit(""),
        Some(AtStart::Slow(span)) => Misdeed::Slow(span).commit(""),
    }
}

/// Says why on stderr and gives the exit code.
fn refuse(code: u8, why: &str) -> ExitCode {
    // Nobody may be listening any more; the code says it all the same.
    let _ = writeln!(io::stderr(), "{why}");
    ExitCode::from(code)
}
