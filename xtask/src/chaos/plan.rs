//! What each client asks: from a seed and a number to a request, its texts, and what each may come
//! to. Pure.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::chaos::dice::Dice;
use crate::chaos::fault::{FAULTS, Fault, HOSTILE};
use crate::chaos::party::Party;

/// What Lean's answer means for a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Verdict {
    /// No error.
    Accepted,
    /// An error.
    Rejected,
    /// Nobody knows.
    Undecided,
}

impl Verdict {
    /// The word for it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Rejected => "rejected",
            Self::Undecided => "undecided",
        }
    }
}

/// By which way texts go to the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Surface {
    /// `POST /v1/eval` with one text.
    Eval,
    /// The same with many.
    Batch,
    /// The same, answered as a stream.
    Stream,
    /// `POST /api/check`.
    Check,
    /// `POST /verify`.
    Verify,
    /// `POST /`, a raw text.
    Raw,
    /// `/v1/sessions`, step by step.
    Steps,
    /// A request that cannot be used.
    Bad,
}

/// The ways and how often each is taken, in percent.
const SURFACES: [(Surface, u64); 8] = [
    (Surface::Eval, 30),
    (Surface::Batch, 9),
    (Surface::Stream, 8),
    (Surface::Check, 12),
    (Surface::Verify, 8),
    (Surface::Raw, 27),
    (Surface::Steps, 3),
    (Surface::Bad, 3),
];

impl Surface {
    /// How it is called in the report.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Eval => "/v1/eval, one text",
            Self::Batch => "/v1/eval, many texts",
            Self::Stream => "/v1/eval, a stream",
            Self::Check => "/api/check",
            Self::Verify => "/verify",
            Self::Raw => "a raw text",
            Self::Steps => "/v1/sessions",
            Self::Bad => "a bad request",
        }
    }

    /// Whether a request has several texts.
    fn is_batch(self) -> bool {
        matches!(
            self,
            Self::Batch | Self::Stream | Self::Check | Self::Verify
        )
    }
}

/// One text of a request.
#[derive(Debug, Clone)]
pub(crate) struct Text {
    /// What only its own answer holds.
    pub(crate) mark: String,
    /// What goes wrong with its REPL.
    pub(crate) fault: &'static Fault,
    /// Lean's own verdict.
    pub(crate) truth: Verdict,
    /// The text as it is sent.
    pub(crate) source: String,
}

/// When a client goes away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Leaving {
    /// When half of its request is sent.
    Halfway,
    /// So long after all of it is sent.
    After(Duration),
}

/// One request.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    /// Its number.
    pub(crate) index: u64,
    /// By which way it goes.
    pub(crate) surface: Surface,
    /// Its texts; those of a session of one's own are its steps.
    pub(crate) texts: Vec<Text>,
    /// The longest run of each text in seconds.
    pub(crate) seconds: f64,
    /// Whether a hole makes a text rejected.
    pub(crate) rejects_holes: bool,
    /// Whether the first accepted text ends the others.
    pub(crate) first_accepted: bool,
    /// When its client goes away, if it does.
    pub(crate) leaves: Option<Leaving>,
    /// A number that decides what is left open here.
    pub(crate) variant: u64,
}

/// The limit of time for requests with a text that runs into it.
const SHORT: f64 = 0.6;

/// The same where only whole seconds can be asked for.
const SHORT_WHOLE: f64 = 1.0;

/// The limit of time for all others, which none of them should reach.
const LONG: f64 = 30.0;

/// How many of the sources of an attacker are hostile ones, in percent.
const HOSTILITY: u64 = 50;

/// How many names texts define things under.
const NAMES: u64 = 40;

/// From numbers to requests.
#[derive(Debug)]
pub(crate) struct Plan {
    /// What all depends on.
    pub(crate) seed: u64,
    /// A folder in which texts leave files.
    pub(crate) folder: PathBuf,
    /// Whether sessions are confined, so that some faults cannot be played.
    pub(crate) is_confined: bool,
}

impl Plan {
    /// The request of that number.
    pub(crate) fn request(&self, index: u64) -> Request {
        let mut dice = Dice::new(self.seed, index);
        let surface = dice.pick(&SURFACES, |surface| surface.1);
        let surface = surface.map_or(Surface::Eval, |surface| surface.0);
        let texts = match surface {
            Surface::Steps | Surface::Bad => 0,
            surface if surface.is_batch() => 2 + dice.below(5),
            _ => 1,
        };
        let is_eval = matches!(surface, Surface::Eval | Surface::Batch | Surface::Stream);
        let rejects_holes = is_eval && dice.percent(30);
        let texts: Vec<Text> = (0..texts)
            .map(|place| self.text(&mut dice, index, place, rejects_holes))
            .collect();
        let is_late = texts.iter().any(|text| text.fault.is_late());
        let seconds = match surface {
            _ if !is_late => LONG,
            Surface::Check | Surface::Verify => SHORT_WHOLE,
            _ => SHORT,
        };
        let may_leave = !matches!(surface, Surface::Steps | Surface::Bad);
        Request {
            index,
            surface,
            texts,
            seconds,
            rejects_holes,
            first_accepted: matches!(surface, Surface::Batch | Surface::Stream) && dice.percent(15),
            leaves: (may_leave && dice.percent(5)).then(|| match dice.below(3) {
                0 => Leaving::Halfway,
                _ => Leaving::After(Duration::from_millis(dice.below(60))),
            }),
            variant: dice.below(u64::from(u32::MAX)),
        }
    }

    /// One text.
    fn text(&self, dice: &mut Dice, index: u64, place: u64, rejects_holes: bool) -> Text {
        let mut fault = &FAULTS[0];
        // The first ones are the harmless ones, so this ends.
        let is_hostile = Party::of(index).is_hostile() && dice.percent(HOSTILITY);
        let faults: &'static [Fault] = if is_hostile { &HOSTILE } else { &FAULTS };
        while let Some(picked) = dice.pick(faults, |fault| fault.weight) {
            fault = picked;
            if !self.is_confined || fault.is_confinable() {
                break;
            }
        }
        let mark = mark(index, place);
        let is_error = dice.percent(40);
        let asks_for_others = fault.lines.contains("OTHER");
        let leaves_hole = fault.lines.contains("--! sorry") && rejects_holes;
        let truth = if is_error || asks_for_others || leaves_hole {
            Verdict::Rejected
        } else {
            Verdict::Accepted
        };
        let lines = fill(fault.lines, index, place, &self.folder);
        let severity = if is_error { "error" } else { "info" };
        let source = format!("{lines}\n--! {severity} {mark}");
        Text {
            mark,
            fault,
            truth,
            source: source.trim_start().to_owned(),
        }
    }
}

/// How every mark begins.
const START: &str = "chaos-";

/// What only the answer to this text holds.
pub(crate) fn mark(index: u64, place: u64) -> String {
    format!("{START}{index}-{place}")
}

/// Whose the source with this mark is.
pub(crate) fn owner(mark: &str) -> Option<Party> {
    let index = mark.strip_prefix(START)?.split('-').next()?;
    index.parse().ok().map(Party::of)
}

/// All marks in a text, in their order.
pub(crate) fn marks(text: &str) -> Vec<&str> {
    // Nothing need stand before one: in JSON a line break ends in a letter.
    let starts = text.match_indices(START).map(|(at, _)| at);
    starts
        .filter_map(|at| {
            let rest = text.get(at..)?;
            let digits = rest.get(START.len()..)?;
            let end = digits.find(|letter: char| !letter.is_ascii_digit() && letter != '-');
            rest.get(..START.len() + end.unwrap_or(digits.len()))
        })
        .collect()
}

/// Puts the text's own things into its lines.
fn fill(lines: &str, index: u64, place: u64, folder: &Path) -> String {
    // There are few names, so that one which leaks from text to text is soon met.
    let number = index.wrapping_mul(7).wrapping_add(place);
    let name = |number: u64| format!("defined{}", number % NAMES);
    let other = name(number.wrapping_add(1 + index % (NAMES - 1)));
    let file = folder.join(format!("{index}-{place}"));
    lines
        .replace("MARK", &mark(index, place))
        .replace("NAME", &name(number))
        .replace("OTHER", &other)
        .replace("FILE", &file.display().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(seed: u64, is_confined: bool) -> Plan {
        Plan {
            seed,
            folder: "/tmp".into(),
            is_confined,
        }
    }

    #[test]
    fn a_seed_gives_the_same_requests_again() {
        let show = |seed, index| format!("{:?}", plan(seed, false).request(index));
        assert_eq!(show(1, 5), show(1, 5));
        assert_ne!(show(1, 5), show(2, 5));
    }

    #[test]
    fn every_fault_and_every_way_is_taken() {
        let plan = plan(3, false);
        let requests: Vec<Request> = (0..4000).map(|index| plan.request(index)).collect();
        for (surface, _) in SURFACES {
            let taken = requests.iter().any(|request| request.surface == surface);
            assert!(taken, "{surface:?}");
        }
        let texts: Vec<&Text> = requests.iter().flat_map(|request| &request.texts).collect();
        for fault in FAULTS.iter().chain(&HOSTILE) {
            let played = texts.iter().any(|text| text.fault == fault);
            assert!(played, "{fault:?}");
        }
        let hostile = requests.iter().filter(|request| {
            let mut texts = request.texts.iter();
            texts.any(|text| HOSTILE.contains(text.fault))
        });
        for request in hostile {
            assert!(Party::of(request.index).is_hostile());
        }
        for text in texts {
            assert!(!text.source.contains("MARK") && !text.source.contains("FILE"));
            assert_eq!(
                marks(&text.source).last().copied(),
                Some(text.mark.as_str())
            );
        }
    }

    #[test]
    fn a_confined_session_is_not_asked_for_what_it_may_not_do() {
        let plan = plan(3, true);
        let mut texts = (0..2000).flat_map(|index| plan.request(index).texts);
        assert!(texts.all(|text| text.fault.is_confinable()));
    }

    #[test]
    fn marks_are_whole_and_found_wherever_they_stand() {
        let json = r#"{"a": "x\nchaos-11-2]"} chaos-3-4"#;
        assert_eq!(
            marks(&format!("chaos-1-2 {json}")),
            ["chaos-1-2", "chaos-11-2", "chaos-3-4"]
        );
    }
}
