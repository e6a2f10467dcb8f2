//! Bytes of a REPL's stdout ↔ frames that end with a blank line. Pure: never reads, writes or
//! waits, and never knows what a reply means.
//!
//! The REPL prints one JSON object over several lines and then an empty line (`printFlush` in
//! REPL/Main.lean); a blank line cannot occur inside its JSON.

use memchr::{memchr, memchr2};

pub use crate::protocol::object::{Decoded, MAX_DEPTH};
use crate::protocol::object::{Found, find_object};

/// The least room that [`FrameReader::space`] offers, in bytes.
const MIN_SPACE: usize = 64 * 1024;

/// A frame of at least this many bytes takes the reader's buffer along instead of being copied.
const LARGE_FRAME: usize = 64 * 1024;

/// A frame went over the bound without a blank line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooLarge {
    /// The bound that it broke, in bytes.
    pub limit: usize,
}

/// Cuts a stream of bytes into frames. Every byte is looked at once.
///
/// Use: read into [`space`](Self::space), say how much with [`filled`](Self::filled), then take
/// frames with [`next_frame`](Self::next_frame) until there is none.
#[derive(Debug)]
pub struct FrameReader {
    /// What was read, and spare room behind it.
    buffer: Vec<u8>,
    start: usize,
    /// Where the line that is being scanned begins.
    line: usize,
    /// Up to where line ends were looked for.
    scanned: usize,
    /// Where the bytes that were read end.
    end: usize,
    /// The longest frame, with its blank line, in bytes.
    max_bytes: usize,
    /// Set for ever by the first frame that is too large.
    overflowed: bool,
}

impl FrameReader {
    /// A reader for frames of at most `max_bytes`, the blank line included.
    pub fn new(max_bytes: usize) -> Self {
        Self {
            buffer: Vec::new(),
            start: 0,
            line: 0,
            scanned: 0,
            end: 0,
            max_bytes,
            overflowed: false,
        }
    }

    /// Room to read into, at least 64 KiB and more while a large frame comes in.
    pub fn space(&mut self) -> &mut [u8] {
        if self.start > 0 && self.buffer.len() - self.end < MIN_SPACE {
            self.buffer.copy_within(self.start..self.end, 0);
            self.line -= self.start;
            self.scanned -= self.start;
            self.end -= self.start;
            self.start = 0;
        }
        let needed = self.end.saturating_add(MIN_SPACE);
        if self.buffer.len() < needed {
            // Doubling keeps the cost of growth linear; past the bound there is nothing to gain.
            let most = self.max_bytes.saturating_add(MIN_SPACE);
            let doubled = self.buffer.len().saturating_mul(2).min(most);
            self.buffer.resize(doubled.max(needed), 0);
        }
        self.buffer.get_mut(self.end..).unwrap_or_default()
    }

    /// Says that the first `count` bytes of the last [`space`](Self::space) were filled.
    pub fn filled(&mut self, count: usize) {
        if !self.overflowed {
            self.end = self.end.saturating_add(count).min(self.buffer.len());
        }
    }

    /// The next whole frame, or none until more bytes come. Blank lines before a frame are
    /// skipped. Once a frame was too large, every call says so.
    pub fn next_frame(&mut self) -> Result<Option<Frame>, TooLarge> {
        while !self.overflowed {
            let unscanned = self.buffer.get(self.scanned..self.end).unwrap_or_default();
            let Some(found) = memchr(b'\n', unscanned) else {
                self.scanned = self.end;
                self.overflowed = self.end - self.start > self.max_bytes;
                break;
            };
            let line_end = self.scanned + found;
            let line = self.buffer.get(self.line..line_end).unwrap_or_default();
            let blank = line.iter().all(|byte| is_blank(*byte));
            let last_line = self.line;
            self.scanned = line_end + 1;
            self.line = line_end + 1;
            if self.line - self.start > self.max_bytes {
                self.overflowed = true;
            } else if blank && last_line == self.start {
                self.start = self.line;
                self.reset_if_empty();
            } else if blank {
                return Ok(Some(self.take(last_line)));
            }
        }
        if self.overflowed {
            return Err(TooLarge {
                limit: self.max_bytes,
            });
        }
        Ok(None)
    }

    /// What was read and belongs to no whole frame, for the error text when the stream ends.
    pub fn pending(&self) -> &[u8] {
        self.buffer.get(self.start..self.end).unwrap_or_default()
    }

    /// Takes the bytes from the start of the frame up to `frame_end` out; the next frame begins
    /// at the current line.
    fn take(&mut self, frame_end: usize) -> Frame {
        if frame_end - self.start < LARGE_FRAME {
            let bytes = self.buffer.get(self.start..frame_end).unwrap_or_default();
            let frame = Frame {
                bytes: bytes.to_vec(),
                start: 0,
            };
            self.start = self.line;
            self.reset_if_empty();
            return frame;
        }
        // A large frame leaves with the buffer: nothing is copied, and memory falls again when
        // the frame is dropped.
        let rest = self.buffer.get(self.line..self.end).unwrap_or_default();
        let mut next = Vec::with_capacity(rest.len().max(MIN_SPACE));
        next.extend_from_slice(rest);
        let mut bytes = std::mem::replace(&mut self.buffer, next);
        bytes.truncate(frame_end);
        let start = self.start;
        self.end = self.buffer.len();
        self.start = 0;
        self.line = 0;
        self.scanned = 0;
        Frame { bytes, start }
    }

    /// Begins anew at the front of the buffer when all that was read is used up.
    fn reset_if_empty(&mut self) {
        if self.start == self.end {
            self.start = 0;
            self.line = 0;
            self.scanned = 0;
            self.end = 0;
        }
    }
}

/// What the REPL printed between two blank lines.
#[derive(Debug)]
pub struct Frame {
    /// The text, with other bytes before `start`.
    bytes: Vec<u8>,
    start: usize,
}

impl Frame {
    /// The bytes of the frame, without the blank line that ends it.
    pub fn bytes(&self) -> &[u8] {
        self.bytes.get(self.start..).unwrap_or_default()
    }

    /// Finds the JSON object in the frame and separates it from stray output around it.
    pub fn decode(self) -> Decoded {
        let bytes = self.bytes();
        match find_object(bytes) {
            Found::One { object, range } => {
                let before = bytes.get(..range.start).unwrap_or_default();
                let after = bytes.get(range.end..).unwrap_or_default();
                Decoded::Object {
                    object,
                    noise: noise(before, after),
                }
            }
            Found::None => Decoded::Noise(noise(bytes, &[])),
            Found::Garbled(problem) => Decoded::Garbled {
                problem,
                text: noise(bytes, &[]),
            },
        }
    }
}

/// The most of a stray text that is kept, in bytes.
const MAX_NOISE: usize = 4096;

/// Stray bytes as text, cut after 4 KiB with a mark that says how much is missing.
fn noise(before: &[u8], after: &[u8]) -> String {
    let (before, after) = (before.trim_ascii(), after.trim_ascii());
    let kept_before = before.get(..MAX_NOISE).unwrap_or(before);
    let room = MAX_NOISE - kept_before.len();
    let kept_after = after.get(..room).unwrap_or(after);
    let mut text = String::from_utf8_lossy(kept_before).into_owned();
    if !text.is_empty() && !kept_after.is_empty() {
        text.push('\n');
    }
    text.push_str(&String::from_utf8_lossy(kept_after));
    let left_out = before.len() + after.len() - kept_before.len() - kept_after.len();
    if left_out > 0 {
        text.push_str(" [");
        text.push_str(&left_out.to_string());
        text.push_str(" more bytes]");
    }
    text
}

/// A request as the bytes for the REPL's stdin: exactly one line and one blank line.
///
/// The REPL glues lines together until a blank one (`getLines` in REPL/Main.lean). Line ends in
/// `json` can only stand between its tokens, so they become spaces.
pub fn request_line(json: &str) -> Vec<u8> {
    let mut line = Vec::with_capacity(json.len() + 2);
    line.extend_from_slice(json.as_bytes());
    let mut from = 0;
    while let Some(found) = memchr2(b'\n', b'\r', line.get(from..).unwrap_or_default()) {
        from += found;
        if let Some(byte) = line.get_mut(from) {
            *byte = b' ';
        }
    }
    line.extend_from_slice(b"\n\n");
    line
}

/// Whether a line of such bytes ends a frame.
fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    /// Feeds `bytes` in pieces that end at `cuts` and returns every frame.
    fn frames(
        bytes: &[u8],
        cuts: &[usize],
        max_bytes: usize,
    ) -> (Vec<Vec<u8>>, Result<Vec<u8>, TooLarge>) {
        let mut reader = FrameReader::new(max_bytes);
        let mut frames = Vec::new();
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut % (bytes.len() + 1)).collect();
        cuts.extend([0, bytes.len()]);
        cuts.sort_unstable();
        for piece in cuts.windows(2).map(|pair| &bytes[pair[0]..pair[1]]) {
            for part in piece.chunks(MIN_SPACE) {
                reader.space()[..part.len()].copy_from_slice(part);
                reader.filled(part.len());
            }
            loop {
                match reader.next_frame() {
                    Ok(Some(frame)) => frames.push(frame.bytes().to_vec()),
                    Ok(None) => break,
                    Err(err) => return (frames, Err(err)),
                }
            }
        }
        (frames, Ok(reader.pending().to_vec()))
    }

    /// The frame that `text` is.
    fn decode(text: &str) -> Decoded {
        let bytes = text.as_bytes().to_vec();
        Frame { bytes, start: 0 }.decode()
    }

    proptest! {
        #[test]
        fn a_stream_gives_the_same_frames_wherever_it_is_cut(
            lines in prop::collection::vec(
                prop::sample::select(vec![
                    "", " ", "\t\r", "{\"env\": 0}", " {\"a\":\n  1}", "noise", "\r", "é {",
                ]),
                0..40,
            ),
            big in 0..200_000_usize,
            cuts in prop::collection::vec(any::<usize>(), 0..12),
        ) {
            let mut text = lines.join("\n");
            text.push_str(&"x".repeat(big));
            text.push_str(&lines.join("\n"));
            let whole = frames(text.as_bytes(), &[], usize::MAX);
            prop_assert_eq!(&frames(text.as_bytes(), &cuts, usize::MAX), &whole);
            // Read line by line, as a person would.
            let mut expected: Vec<Vec<u8>> = Vec::new();
            let mut current = Vec::new();
            for line in text.split_inclusive('\n') {
                if !line.ends_with('\n') || !line.trim_matches([' ', '\t', '\r', '\n']).is_empty() {
                    current.extend_from_slice(line.as_bytes());
                } else if !current.is_empty() {
                    expected.push(std::mem::take(&mut current));
                }
            }
            prop_assert_eq!(whole, (expected, Ok(current)));
        }

        #[test]
        fn no_frame_and_no_buffer_passes_the_bound(
            bytes in prop::collection::vec(prop::sample::select(b"{}\": \n\t\ra1\xff".to_vec()), 0..400),
            cuts in prop::collection::vec(any::<usize>(), 0..12),
            max_bytes in 1..60_usize,
        ) {
            let (got, end) = frames(&bytes, &cuts, max_bytes);
            prop_assert!(got.iter().all(|frame| frame.len() <= max_bytes));
            if let Ok(pending) = &end {
                prop_assert!(pending.len() <= max_bytes);
            }
            prop_assert_eq!((got, end), frames(&bytes, &[], max_bytes));
        }

        #[test]
        fn any_bytes_decode_to_something(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let kept = match (Frame { bytes, start: 0 }).decode() {
                Decoded::Object { noise, .. } => noise,
                Decoded::Noise(text) | Decoded::Garbled { text, .. } => text,
            };
            // Each bad byte becomes one mark of three bytes.
            prop_assert!(kept.len() <= 900);
        }

        #[test]
        fn noise_around_a_reply_is_told_apart(
            before in "[a-z:{\\[ \n]{0,20}",
            after in "[a-z:}\\] \n]{0,20}",
        ) {
            let noise = [before.trim(), after.trim()]
                .into_iter()
                .filter(|part| !part.is_empty())
                .collect::<Vec<_>>()
                .join("\n");
            let decoded = decode(&format!("{before}{}{after}", r#"{"env": {"a": ["}"]}}"#));
            let Decoded::Object { object, noise: found } = decoded else {
                return Err(TestCaseError::fail(format!("{decoded:?}")));
            };
            prop_assert_eq!(Value::Object(object), json!({"env": {"a": ["}"]}}));
            prop_assert_eq!(found, noise);
        }

        #[test]
        fn a_request_is_one_line_and_one_blank_line(text in any::<String>()) {
            let value = json!({"cmd": text});
            for json in [value.to_string(), serde_json::to_string_pretty(&value).unwrap()] {
                let line = request_line(&json);
                let (got, end) = frames(&line, &[], usize::MAX);
                prop_assert_eq!(end, Ok(Vec::new()));
                prop_assert_eq!(got.len(), 1);
                prop_assert_eq!(line.split(|byte| *byte == b'\n').count(), 3);
                prop_assert_eq!(&serde_json::from_slice::<Value>(&line).unwrap(), &value);
            }
        }
    }

    #[test]
    fn a_frame_without_an_object_is_all_noise() {
        for text in [
            "hello",
            "[1, 2]",
            "\"x\"",
            "{}",
            "uncaught exception: { x }",
        ] {
            assert_eq!(decode(text), Decoded::Noise(text.to_owned()));
        }
    }

    #[test]
    fn a_flood_of_noise_is_cut_with_a_mark() {
        let Decoded::Object { noise, .. } = decode(&format!(
            "{}\n{{\"env\":0}}\n{}",
            "a".repeat(4000),
            "b".repeat(1000)
        )) else {
            panic!("no object");
        };
        assert!(noise.len() < 4200);
        assert!(noise.ends_with("bbb [904 more bytes]"), "{noise}");
    }

    #[test]
    fn memory_falls_again_after_a_large_reply() {
        let mut text = vec![b'x'; 20 << 20];
        text.extend_from_slice(b"\n\n{\"env\": 1}");
        let mut reader = FrameReader::new(usize::MAX);
        let mut rest: &[u8] = &text;
        while !rest.is_empty() {
            let space = reader.space();
            let count = rest.len().min(space.len());
            let (now, later) = rest.split_at(count);
            space[..count].copy_from_slice(now);
            reader.filled(count);
            rest = later;
        }
        let frame = reader.next_frame().unwrap().unwrap();
        assert_eq!(frame.bytes().len(), (20 << 20) + 1);
        assert_eq!(reader.pending(), b"{\"env\": 1}");
        reader.space();
        assert!(reader.buffer.capacity() <= 256 * 1024);
    }
}
