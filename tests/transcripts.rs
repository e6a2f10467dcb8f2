//! Transcripts of the REPL, read and written again: not one field may be lost or changed.
//!
//! A transcript is a pair of files, `NAME.in` with requests and `NAME.expected.out` with replies,
//! both cut into blocks by blank lines. Those in `tests/transcripts` were written for this test.
//! The REPL's own (the `test` folder of its repository) are read from the folder that
//! `LEANREPL_TRANSCRIPTS` names, with one folder per tag in it.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test's helpers fail the test"
)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use leanrepl::internals::frame::{Decoded, Frame, FrameReader};
use leanrepl::internals::wire::{Reply, Request};
use serde_json::{Map, Value};

/// The blocks of the REPL's own `.in` files that are no JSON: strings with raw line ends in them,
/// which the REPL glues together from v4.22 on (`getLines` in REPL/Main.lean).
const NO_REQUESTS: [(&str, usize); 5] = [
    ("v4.27.0/test/Mathlib/test/line_breaks.in", 1),
    ("v4.27.0/test/invalid_line_break.in", 0),
    ("v4.27.0/test/invalid_line_break.in", 1),
    ("v4.27.0/test/line_breaks.in", 0),
    ("v4.27.0/test/line_breaks.in", 1),
];

/// What was found in a folder.
#[derive(Debug, Default)]
struct Checked {
    /// How many requests came back equal.
    requests: usize,
    /// How many replies came back equal.
    replies: usize,
    /// Blocks that are no request, by file and number.
    no_requests: Vec<(String, usize)>,
}

/// Every file under `folder`, sorted.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        let entries = fs::read_dir(&next)
            .unwrap_or_else(|err| panic!("cannot read `{}`: {err}", next.display()));
        for path in entries.map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                folders.push(path);
            } else {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// The frames of a file; a last block without a blank line counts too.
fn blocks(path: &Path) -> Vec<Frame> {
    let mut text = fs::read(path).unwrap();
    text.extend_from_slice(b"\n\n");
    let mut reader = FrameReader::new(usize::MAX);
    for part in text.chunks(1000) {
        reader.space()[..part.len()].copy_from_slice(part);
        reader.filled(part.len());
    }
    std::iter::from_fn(|| reader.next_frame().unwrap()).collect()
}

/// The object of a frame, which may have nothing else in it.
fn object(frame: Frame) -> Option<Map<String, Value>> {
    match frame.decode() {
        Decoded::Object { object, noise } if noise.is_empty() => Some(object),
        _ => None,
    }
}

/// Whether a file holds replies.
fn is_reply(path: &Path) -> bool {
    path.to_string_lossy().ends_with(".expected.out")
}

/// Reads and writes every block of every file under `folder`.
fn check(folder: &Path) -> Checked {
    let mut checked = Checked::default();
    for path in files(folder) {
        let name = path
            .strip_prefix(folder)
            .unwrap()
            .to_string_lossy()
            .into_owned();
        if is_reply(&path) {
            for (index, frame) in blocks(&path).into_iter().enumerate() {
                let object = object(frame).unwrap_or_else(|| panic!("{name}: block {index}"));
                let reply = Reply::from_object(object.clone())
                    .unwrap_or_else(|err| panic!("{name}: block {index}: {err}"));
                assert_eq!(
                    reply.into_value(),
                    Value::Object(object),
                    "{name}: block {index}"
                );
                checked.replies += 1;
            }
        } else if path.extension().is_some_and(|end| end == "in") {
            for (index, frame) in blocks(&path).into_iter().enumerate() {
                let Some(object) = object(frame) else {
                    checked.no_requests.push((name.clone(), index));
                    continue;
                };
                let request = Request::from_value(Value::Object(object.clone()))
                    .unwrap_or_else(|err| panic!("{name}: block {index}: {err}"));
                let line = request.to_line();
                assert!(!line.contains('\n'), "{name}: block {index}");
                let again: Value = serde_json::from_str(&line).unwrap();
                assert_eq!(again, Value::Object(object), "{name}: block {index}");
                checked.requests += 1;
            }
        }
    }
    checked
}

/// The variants that the replies and requests under `folder` decode to, with their counts.
fn variants(folder: &Path) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for path in files(folder) {
        let is_reply = is_reply(&path);
        for object in blocks(&path).into_iter().filter_map(object) {
            let debug = if is_reply {
                format!("reply {:?}", Reply::from_object(object).unwrap())
            } else {
                format!(
                    "request {:?}",
                    Request::from_value(Value::Object(object)).unwrap()
                )
            };
            let name = debug
                .split(['(', '{'])
                .next()
                .unwrap_or_default()
                .trim()
                .to_owned();
            *counts.entry(name).or_default() += 1;
        }
    }
    counts
}

#[test]
fn our_own_transcripts_come_back_equal() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/transcripts");
    let checked = check(&folder);
    assert_eq!(checked.no_requests, []);
    assert_eq!((checked.requests, checked.replies), (17, 17));
    let counts = variants(&folder);
    let expected = [
        ("reply Command", 9),
        ("reply Error", 3),
        ("reply ProofStep", 5),
        ("request Command", 7),
        ("request File", 2),
        ("request PickleEnvironment", 1),
        ("request PickleProofState", 1),
        ("request Tactic", 4),
        ("request UnpickleEnvironment", 1),
        ("request UnpickleProofState", 1),
    ];
    let expected = expected.map(|(name, count)| (name.to_owned(), count));
    assert_eq!(counts, BTreeMap::from(expected));
}

#[test]
#[ignore = "needs the REPL's own test folders; name them in LEANREPL_TRANSCRIPTS"]
fn the_repls_own_transcripts_come_back_equal() {
    #[expect(
        clippy::disallowed_methods,
        reason = "where the transcripts are is this test's own business"
    )]
    let folder = std::env::var("LEANREPL_TRANSCRIPTS").expect("LEANREPL_TRANSCRIPTS is not set");
    let checked = check(Path::new(&folder));
    let expected = NO_REQUESTS.map(|(name, index)| (name.to_owned(), index));
    assert_eq!(checked.no_requests, expected);
    assert_eq!((checked.requests, checked.replies), (761, 704));
}
