//! What `leanrepl build-image` made, as text and as a JSON line. Never measures.

use std::cmp::Reverse;
use std::time::Duration;

use serde::Serialize;

use crate::deploy::docker::gather::Gathered;
use crate::deploy::docker::{Made, Smoke};
use crate::limits::Bytes;
use crate::ui::json::{VERSION, seconds};
use crate::ui::visible::{clipped, visible_line};

/// Longest instruction that is shown, in bytes.
const INSTRUCTION_BYTES: usize = 100;

/// An image as a JSON line.
#[derive(Debug, Serialize)]
pub(crate) struct ImageLine<'a> {
    /// Always `image`.
    r#type: &'static str,
    version: u32,
    id: &'a str,
    names: &'a [String],
    /// Its digest in a registry, if it was pushed and the registry told.
    digest: Option<&'a str>,
    bytes: u64,
    base_bytes: Option<u64>,
    /// Its layers, the lowest first.
    layers: Vec<LayerLine<'a>>,
    steps: Vec<StepLine<'a>>,
    /// What is in it of the project, and what was left out, by kind of file.
    gathered: Option<&'a Gathered>,
    /// How long the parts of the trial took.
    smoke_seconds: Option<SmokeSeconds>,
    seconds: f64,
}

/// One layer.
#[derive(Debug, Serialize)]
struct LayerLine<'a> {
    bytes: u64,
    made_by: &'a str,
}

/// One step.
#[derive(Debug, Serialize)]
struct StepLine<'a> {
    instruction: &'a str,
    seconds: f64,
    /// Whether it was done before.
    reused: bool,
}

/// The trial, in seconds.
#[derive(Debug, Serialize)]
struct SmokeSeconds {
    /// From the start of the container until the server was ready.
    ready: f64,
    accepted: f64,
    rejected: f64,
    looped: f64,
}

impl SmokeSeconds {
    fn new(smoke: Smoke) -> Self {
        Self {
            ready: seconds(smoke.ready),
            accepted: seconds(smoke.accepted),
            rejected: seconds(smoke.rejected),
            looped: seconds(smoke.looped),
        }
    }
}

impl<'a> ImageLine<'a> {
    /// The line for an image.
    pub(crate) fn new(made: &'a Made) -> Self {
        Self {
            r#type: "image",
            version: VERSION,
            id: &made.image.id,
            names: &made.names,
            digest: made.digest.as_deref(),
            bytes: made.image.size.get(),
            base_bytes: made.base_size.map(Bytes::get),
            layers: made
                .image
                .layers
                .iter()
                .map(|layer| LayerLine {
                    bytes: layer.size.get(),
                    made_by: &layer.made_by,
                })
                .collect(),
            steps: made
                .steps
                .iter()
                .map(|step| StepLine {
                    instruction: &step.instruction,
                    seconds: seconds(step.elapsed),
                    reused: step.is_reused,
                })
                .collect(),
            gathered: made.gathered.as_ref(),
            smoke_seconds: made.smoke.map(SmokeSeconds::new),
            seconds: seconds(made.elapsed),
        }
    }
}

/// An image in a few lines, and how its own trial went.
pub(crate) fn text(made: &Made) -> String {
    text_for_trial(made) + &tried(made.smoke)
}

/// An image that is tried in another way, in a few lines.
pub(crate) fn text_for_trial(made: &Made) -> String {
    let more = made.base_size.map_or_else(String::new, |base| {
        let more = made.image.size.get().saturating_sub(base.get());
        format!(", {} more than its base", Bytes::new(more))
    });
    let mut lines = vec![
        format!(
            "image {} ({}{more})",
            made.names.join(", "),
            made.image.size
        ),
        made.image.id.clone(),
    ];
    lines.extend(
        made.digest
            .iter()
            .map(|digest| format!("pushed as {digest}")),
    );
    let steps = made.steps.iter().filter(|step| !step.is_reused);
    for step in steps.filter(|step| step.elapsed >= Duration::from_secs(1)) {
        let instruction = clipped(&step.instruction, INSTRUCTION_BYTES);
        lines.push(format!(
            "{:>8.1} s  {}",
            step.elapsed.as_secs_f64(),
            visible_line(&instruction)
        ));
    }
    lines.push(format!("{:>8.1} s  in all", made.elapsed.as_secs_f64()));
    let mut text = lines.join("\n") + "\n";
    if let Some(gathered) = &made.gathered {
        text.push_str(&amounts(gathered));
    }
    text
}

fn tried(smoke: Option<Smoke>) -> String {
    let Some(smoke) = smoke else {
        return "not tried yet\n".to_owned();
    };
    format!(
        "ready after {:.1} s; a true text was accepted in {:.2} s, a false one rejected in {:.2} s, one without end stopped after {:.1} s\n",
        smoke.ready.as_secs_f64(),
        smoke.accepted.as_secs_f64(),
        smoke.rejected.as_secs_f64(),
        smoke.looped.as_secs_f64(),
    )
}

/// What was kept and left out.
pub(crate) fn amounts(gathered: &Gathered) -> String {
    let both = [("kept", &gathered.kept), ("left out", &gathered.left_out)];
    both.map(|(word, amounts)| {
        let bytes = amounts.values().map(|amount| amount.bytes).sum();
        let mut kinds: Vec<_> = amounts.iter().collect();
        kinds.sort_by_key(|(_, amount)| Reverse(amount.bytes));
        let kinds: Vec<String> = kinds
            .iter()
            .map(|(kind, amount)| format!("{} {}", visible_line(kind), Bytes::new(amount.bytes)))
            .collect();
        format!("{word} {}: {}\n", Bytes::new(bytes), kinds.join(", "))
    })
    .concat()
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;

    use super::*;
    use crate::deploy::docker::gather::Amount;
    use crate::deploy::docker::{Image, Layer, Step};

    /// An image with all that can be told of one.
    fn made() -> Made {
        let amount = |bytes| Amount { files: 1, bytes };
        let kept =
            [("ir", 512), ("olean", 2048)].map(|(kind, bytes)| (kind.to_owned(), amount(bytes)));
        let step = |instruction: &str, elapsed, is_reused| Step {
            instruction: instruction.to_owned(),
            elapsed: Duration::from_millis(elapsed),
            is_reused,
        };
        Made {
            image: Image {
                id: "sha256:ab".to_owned(),
                size: Bytes::new(3072),
                layers: vec![Layer {
                    size: Bytes::new(1024),
                    made_by: "COPY a b".to_owned(),
                }],
            },
            base_size: Some(Bytes::new(1024)),
            names: vec!["me/x:1".to_owned(), "me/x:2".to_owned()],
            digest: Some("sha256:cd".to_owned()),
            steps: vec![
                step("COPY a b", 1500, false),
                step("USER x", 20, false),
                step("RUN old", 9000, true),
            ],
            gathered: Some(Gathered {
                version: 1,
                kept: kept.into(),
                left_out: [("c".to_owned(), amount(4096))].into(),
            }),
            smoke: Some(Smoke {
                ready: Duration::from_millis(1200),
                accepted: Duration::from_millis(30),
                rejected: Duration::from_millis(40),
                looped: Duration::from_millis(3100),
            }),
            elapsed: Duration::from_secs(20),
        }
    }

    #[test]
    fn an_image_is_told_with_its_sizes_and_times() {
        assert_snapshot!(text(&made()), @"
        image me/x:1, me/x:2 (3.0 KiB, 2.0 KiB more than its base)
        sha256:ab
        pushed as sha256:cd
             1.5 s  COPY a b
            20.0 s  in all
        kept 2.5 KiB: olean 2.0 KiB, ir 512 B
        left out 4.0 KiB: c 4.0 KiB
        ready after 1.2 s; a true text was accepted in 0.03 s, a false one rejected in 0.04 s, one without end stopped after 3.1 s
        ");
    }

    #[test]
    fn only_an_image_that_nobody_tries_is_called_untried() {
        let untried = Made {
            smoke: None,
            ..made()
        };
        assert!(text(&untried).ends_with("not tried yet\n"));
        assert!(!text_for_trial(&untried).contains("tried"));
    }

    #[test]
    fn a_step_is_shown_to_its_end_unless_it_is_very_long() {
        let of = |instruction: &str| {
            let mut made = made();
            made.steps[0].instruction = instruction.to_owned();
            text(&made)
        };
        let short = "RUN echo \"example : 1 + 1 = 2 := rfl\" | leanrepl eval --toolchain core -";
        assert!(of(short).contains(&format!("{short}\n")));
        let long = format!("LABEL {}", "x".repeat(1000));
        let start = clipped(&long, INSTRUCTION_BYTES);
        assert!(of(&long).contains(&format!("{start}\n")), "{}", of(&long));
    }

    #[test]
    fn the_json_line_has_all_of_it() {
        let line = serde_json::to_string_pretty(&ImageLine::new(&made())).unwrap();
        assert_snapshot!(line, @r#"
        {
          "type": "image",
          "version": 2,
          "id": "sha256:ab",
          "names": [
            "me/x:1",
            "me/x:2"
          ],
          "digest": "sha256:cd",
          "bytes": 3072,
          "base_bytes": 1024,
          "layers": [
            {
              "bytes": 1024,
              "made_by": "COPY a b"
            }
          ],
          "steps": [
            {
              "instruction": "COPY a b",
              "seconds": 1.5,
              "reused": false
            },
            {
              "instruction": "USER x",
              "seconds": 0.02,
              "reused": false
            },
            {
              "instruction": "RUN old",
              "seconds": 9.0,
              "reused": true
            }
          ],
          "gathered": {
            "version": 1,
            "kept": {
              "ir": {
                "files": 1,
                "bytes": 512
              },
              "olean": {
                "files": 1,
                "bytes": 2048
              }
            },
            "left_out": {
              "c": {
                "files": 1,
                "bytes": 4096
              }
            }
          },
          "smoke_seconds": {
            "ready": 1.2,
            "accepted": 0.03,
            "rejected": 0.04,
            "looped": 3.1
          },
          "seconds": 20.0
        }
        "#);
    }
}
