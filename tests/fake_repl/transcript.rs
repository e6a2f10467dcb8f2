//! Plays a script and accepts nothing else.
//!
//! A line `> REQUEST` is the next request to come, as JSON; the lines after it are the reply, sent
//! as they are with a blank line after them. Blank lines at the end of a reply are dropped.

use std::fs;
use std::io::{self, BufRead};
use std::path::Path;
use std::process::ExitCode;

use serde_json::Value;

use crate::frame::{self, Manner};
use crate::refuse;

/// Exit code for a request that is not in the transcript.
const UNEXPECTED: u8 = 97;

/// Plays the transcript at `path` until the input ends.
pub(crate) fn play(path: &Path, input: &mut impl BufRead) -> io::Result<ExitCode> {
    let script = parse(&fs::read_to_string(path)?);
    let mut steps = script.into_iter();
    loop {
        match (frame::read(input)?, steps.next()) {
            (None, None) => return Ok(ExitCode::SUCCESS),
            (None, Some((expected, _))) => {
                let why = format!("fake-repl: the transcript goes on with `{expected}`");
                return Ok(refuse(UNEXPECTED, &why));
            }
            (Some(got), None) => {
                let why = format!("fake-repl: nothing was expected, but got `{}`", got.trim());
                return Ok(refuse(UNEXPECTED, &why));
            }
            (Some(got), Some((expected, reply))) => {
                if !is_same(&got, &expected) {
                    let got = got.trim();
                    let why = format!("fake-repl: expected `{expected}`, but got `{got}`");
                    return Ok(refuse(UNEXPECTED, &why));
                }
                frame::write(&reply, Manner::Whole)?;
            }
        }
    }
}

/// The requests and replies of a transcript.
fn parse(text: &str) -> Vec<(String, String)> {
    let mut steps: Vec<(String, String)> = Vec::new();
    for line in text.lines() {
        if let Some(request) = line.strip_prefix("> ") {
            steps.push((request.to_owned(), String::new()));
        } else if let Some((_, reply)) = steps.last_mut() {
            reply.push_str(line);
            reply.push('\n');
        }
    }
    for (_, reply) in &mut steps {
        reply.truncate(reply.trim_end().len());
    }
    steps
}

/// Whether two requests are equal as JSON, or as text if one is none.
fn is_same(got: &str, expected: &str) -> bool {
    let json = |text| serde_json::from_str::<Value>(text);
    match (json(got), json(expected)) {
        (Ok(got), Ok(expected)) => got == expected,
        _ => got.trim() == expected.trim(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_is_requests_with_their_replies() {
        let script =
            parse("> {\"cmd\": \"x\"}\n{\"env\":\n 0}\n\n> {\"cmd\": \"y\"}\n{\"env\": 1}\n");
        assert_eq!(script[0].1, "{\"env\":\n 0}");
        assert!(is_same("{\"cmd\":\"y\"}\n", &script[1].0));
        assert!(!is_same("{\"cmd\":\"z\"}\n", &script[1].0));
    }
}
