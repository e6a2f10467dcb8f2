//! Any bytes as what a REPL prints, as a Lean file and as a compiled one. Run it with `cargo fuzz run texts`.

#![no_main]

use leanrepl::internals::frame::{Decoded, FrameReader};
use leanrepl::internals::{header, olean};
use leanrepl::internals::wire::Reply;
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

/// The frames of `bytes`, read in pieces of `step` bytes.
fn frames(bytes: &[u8], step: usize) -> (Vec<Vec<u8>>, Vec<u8>) {
    let mut reader = FrameReader::new(1 << 20);
    let mut frames = Vec::new();
    for piece in bytes.chunks(step) {
        if let Some(room) = reader.space().get_mut(..piece.len()) {
            room.copy_from_slice(piece);
        }
        reader.filled(piece.len());
        while let Ok(Some(frame)) = reader.next_frame() {
            frames.push(frame.bytes().to_vec());
            if let Decoded::Object { object, .. } = frame.decode()
                && let Ok(reply) = Reply::from_object(object.clone())
            {
                assert_eq!(reply.into_value(), Value::Object(object));
            }
        }
    }
    (frames, reader.pending().to_vec())
}

fuzz_target!(|bytes: &[u8]| {
    let step = usize::from(bytes.first().copied().unwrap_or(0)) + 1;
    assert_eq!(frames(bytes, step), frames(bytes, 1 << 16));
    // Whatever it is, it must end.
    let _ = olean::read(bytes);
    if let Ok(text) = std::str::from_utf8(bytes) {
        let split = header::split(text);
        let canonical = split.canonical();
        assert_eq!(header::split(&canonical).canonical(), canonical);
        let padded = split.padded_body(text);
        assert_eq!(
            padded.matches('\n').count(),
            text.matches('\n').count(),
            "a line was lost"
        );
    }
});
