//! What was asked and what was answered, and whether the two fit: every request has one end, every
//! text one truthful answer. Pure: never asks anybody.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::chaos::answer::Said;
use crate::chaos::fault::HOSTILE;
use crate::chaos::party::{Level, Party};
use crate::chaos::plan::{Request, Surface, Text, Verdict, marks, owner};

/// The longest wait for a session that the server is told to allow.
pub(crate) const MAX_WAIT: Duration = Duration::from_secs(60);

/// How much later than its limits together an answer may come: a session that has to be stopped gets
/// a second for it, and one that takes its place has to start on a busy machine.
pub(crate) const ALLOWANCE: Duration = Duration::from_secs(10);

/// What is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Wrong {
    /// A request has no answer.
    Unanswered,
    /// A request has two.
    AnsweredTwice,
    /// An answer holds what belongs to another request.
    Foreign,
    /// An answer was changed by a hostile source that this one must find nothing of.
    Poisoned,
    /// A hostile source was given a source that it must find nothing of.
    Stolen,
    /// A text has another verdict than Lean's.
    Untrue,
    /// A text is undecided for a reason that it did not give.
    Unfounded,
    /// An answer came after its deadline.
    Late,
    /// A response has a status or a shape that is not documented.
    Misshapen,
    /// More texts were struck by kills than there were kills.
    Struck,
    /// A text ran more often than once and once again.
    Tries,
    /// Something of the server's is left over.
    LeftOver,
    /// The server takes more memory than at the start.
    Memory,
    /// The server ended, or not as it was told to.
    Server,
}

/// One thing that is wrong, with where it was seen.
#[derive(Debug, Clone)]
pub(crate) struct Violation {
    /// What.
    pub(crate) wrong: Wrong,
    /// Where and how.
    pub(crate) what: String,
}

impl Violation {
    /// Something wrong.
    pub(crate) fn new(wrong: Wrong, what: impl Into<String>) -> Self {
        Self {
            wrong,
            what: what.into(),
        }
    }

    /// Something wrong with a request.
    pub(crate) fn of(request: &Request, wrong: Wrong, what: impl AsRef<str>) -> Self {
        let (index, surface) = (request.index, request.surface.name());
        let what = what.as_ref();
        Self::new(wrong, format!("request {index} ({surface}): {what}"))
    }
}

/// What has become of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// It is on its way.
    Sent,
    /// It was answered.
    Answered,
    /// Its client went away on purpose.
    Left,
}

/// What was counted.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    /// Responses by status.
    pub(crate) statuses: BTreeMap<u16, u64>,
    /// Requests by the way they went.
    pub(crate) surfaces: BTreeMap<Surface, u64>,
    /// What came of texts, by fault and then by verdict and reason.
    pub(crate) faults: BTreeMap<&'static str, BTreeMap<String, u64>>,
    /// Responses that turned a request away for a while.
    pub(crate) turned_away: u64,
    /// Clients that went away.
    pub(crate) left: u64,
    /// Texts and sessions that a kill from outside decided about.
    pub(crate) struck: u64,
    /// The longest time past the wait for a session and the limit of the text.
    pub(crate) latest: Duration,
}

/// The books.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    /// What sources may find of those before them.
    level: Level,
    /// The requests.
    fates: BTreeMap<u64, Fate>,
    /// What was counted.
    pub(crate) counts: Counts,
    /// What was wrong.
    pub(crate) violations: Vec<Violation>,
}

impl Ledger {
    /// Nothing was asked yet of a server at this level.
    pub(crate) fn new(level: Level) -> Self {
        Self {
            level,
            ..Self::default()
        }
    }

    /// How often each kind of thing was wrong.
    pub(crate) fn counts_by_kind(&self) -> BTreeMap<Wrong, u64> {
        let mut counts = BTreeMap::new();
        for violation in &self.violations {
            *counts.entry(violation.wrong).or_default() += 1;
        }
        counts
    }

    /// A request is on its way.
    pub(crate) fn send(&mut self, request: &Request) {
        self.fates.insert(request.index, Fate::Sent);
        *self.counts.surfaces.entry(request.surface).or_default() += 1;
    }

    /// A response of that status came.
    pub(crate) fn respond(&mut self, status: u16) {
        *self.counts.statuses.entry(status).or_default() += 1;
        self.counts.turned_away += u64::from(status == 429);
    }

    /// Something is wrong.
    pub(crate) fn accuse(&mut self, violation: Violation) {
        self.violations.push(violation);
    }

    /// Something is wrong with a request, which gets no other end.
    pub(crate) fn fail(&mut self, request: &Request, violation: Violation) {
        self.violations.push(violation);
        self.fates.insert(request.index, Fate::Answered);
    }

    /// A client went away before it had an answer.
    pub(crate) fn leave(&mut self, request: &Request) {
        self.counts.left += 1;
        self.end(request, Fate::Left);
    }

    /// A request was answered as it should be, though not about each of its texts; `struck` says
    /// whether only a kill explains that.
    pub(crate) fn settle(&mut self, request: &Request, struck: bool) {
        self.counts.struck += u64::from(struck);
        self.end(request, Fate::Answered);
    }

    /// A request was answered: this was said about its texts, in this time, and the whole body was
    /// this.
    pub(crate) fn answer(&mut self, request: &Request, said: &[Said], took: Duration, body: &str) {
        self.end(request, Fate::Answered);
        let is_own = |mark: &str| request.texts.iter().any(|text| text.mark == mark);
        let found = marks(body).into_iter();
        let foreign = found.filter(|mark| !is_own(mark) && !self.may_find(request, mark));
        let by_kind: BTreeMap<Wrong, &str> = foreign
            .map(|mark| (kind_of_foreign(request, mark, body), mark))
            .collect();
        for (wrong, foreign) in by_kind {
            let what = format!("`{foreign}` of another request is in the answer: {body}");
            self.accuse(Violation::of(request, wrong, what));
        }
        if said.len() != request.texts.len() {
            let what = format!("{} texts, {} results", request.texts.len(), said.len());
            self.accuse(Violation::of(request, Wrong::Unanswered, what));
            return;
        }
        self.check_time(request, said, took);
        let is_any_accepted = said.iter().any(|said| said.verdict == Verdict::Accepted);
        for (text, said) in request.texts.iter().zip(said) {
            let is_poisoned = self.is_poisoned_by_its_own(request, text, said);
            let word = match said.reason.as_str() {
                "" if is_poisoned => "poisoned".to_owned(),
                "" => said.verdict.as_str().to_owned(),
                reason => reason.to_owned(),
            };
            let outcomes = self.counts.faults.entry(text.fault.name).or_default();
            *outcomes.entry(word).or_default() += 1;
            let said = self.without_what_it_may_find(request, text, said);
            if is_poisoned {
                continue;
            }
            match judge(request, text, &said, is_any_accepted) {
                Ok(is_struck) => self.counts.struck += u64::from(is_struck),
                Err((wrong, why)) => {
                    let (mark, fault) = (&text.mark, text.fault.name);
                    let what = format!("{mark} ({fault}): {why}: {said:?}");
                    self.accuse(Violation::of(request, wrong, what));
                }
            }
        }
    }

    /// Whether an answer may hold the mark of another request: an attacker may find what it left itself, unless
    /// sources must find nothing at all.
    fn may_find(&self, request: &Request, mark: &str) -> bool {
        let party = Party::of(request.index);
        self.level != Level::Source && party.is_hostile() && owner(mark) == Some(party)
    }

    /// Whether an attacker was answered with its own poison.
    fn is_poisoned_by_its_own(&self, request: &Request, text: &Text, said: &Said) -> bool {
        let is_own = said.marks.contains(&text.mark);
        let mut others = said.marks.iter();
        !is_own
            && said.name.as_ref().is_none_or(|name| *name == text.mark)
            && others.any(|mark| *mark != text.mark)
            && said.marks.iter().all(|mark| self.may_find(request, mark))
    }

    /// What was said, without the marks of what the text may find.
    fn without_what_it_may_find(&self, request: &Request, text: &Text, said: &Said) -> Said {
        let mut said = said.clone();
        said.marks
            .retain(|mark| *mark == text.mark || !self.may_find(request, mark));
        said
    }

    /// Whether the answer came in time.
    fn check_time(&mut self, request: &Request, said: &[Said], took: Duration) {
        let mut waits = said.iter().map(|said| said.queue);
        // Where the wait is not told, it may have been the longest there is.
        let wait = waits.try_fold(Duration::ZERO, |most, wait| Some(most.max(wait?)));
        let limit = Duration::from_secs_f64(request.seconds);
        if let Some(wait) = wait {
            let over = took.saturating_sub(wait).saturating_sub(limit);
            self.counts.latest = self.counts.latest.max(over);
        }
        if took > wait.unwrap_or(MAX_WAIT) + limit + ALLOWANCE {
            let what = format!("took {took:?} with a limit of {limit:?} after a wait of {wait:?}");
            self.accuse(Violation::of(request, Wrong::Late, what));
        }
    }

    /// Notes the end of a request.
    fn end(&mut self, request: &Request, fate: Fate) {
        match self.fates.insert(request.index, fate) {
            Some(Fate::Sent) => {}
            known => {
                let what = format!("an end after {known:?}");
                self.accuse(Violation::of(request, Wrong::AnsweredTwice, what));
            }
        }
    }

    /// Closes the books: nothing may be open, and there are no more victims than there were kills.
    pub(crate) fn close(&mut self, kills: u64) {
        let open = self.fates.iter().filter(|(_, fate)| **fate == Fate::Sent);
        let open: Vec<u64> = open.map(|(index, _)| *index).collect();
        for index in open {
            let what = format!("request {index}: no answer");
            self.accuse(Violation::new(Wrong::Unanswered, what));
        }
        let struck = self.counts.struck;
        if struck > kills {
            let what =
                format!("{struck} texts that nothing was wrong with were lost to {kills} kills");
            self.accuse(Violation::new(Wrong::Struck, what));
        }
    }

    /// How many requests there were.
    pub(crate) fn requests(&self) -> usize {
        self.fates.len()
    }
}

/// What it is that an answer holds a mark that it must not hold.
fn kind_of_foreign(request: &Request, foreign: &str, body: &str) -> Wrong {
    if body.contains(&format!("poisoned by {foreign}")) {
        return Wrong::Poisoned;
    }
    let is_hostile = |text: &Text| HOSTILE.contains(text.fault);
    if request.texts.iter().any(is_hostile) {
        return Wrong::Stolen;
    }
    Wrong::Foreign
}

/// Whether what was said about a text may be so; says whether only a kill from outside explains it.
fn judge(
    request: &Request,
    text: &Text,
    said: &Said,
    is_any_accepted: bool,
) -> Result<bool, (Wrong, &'static str)> {
    let is_foreign = |mark: &String| *mark != text.mark;
    if said.name.as_ref().is_some_and(is_foreign) || said.marks.iter().any(is_foreign) {
        return Err((Wrong::Foreign, "the answer to another text"));
    }
    if said.verdict != Verdict::Undecided {
        return if said.marks.is_empty() {
            Err((Wrong::Foreign, "decided without a word of its own"))
        } else if said.verdict != text.truth {
            Err((Wrong::Untrue, "the opposite verdict"))
        } else if !text.fault.may_be_decided {
            Err((Wrong::Untrue, "decided, though nobody can know"))
        } else {
            Ok(false)
        };
    }
    let reasons = text.fault.reasons;
    let is_told = |word: &&str| *word != "timeout";
    let is_batch = request.texts.len() > 1;
    let is_short = request.texts.iter().any(|text| text.fault.is_late());
    match said.reason.as_str() {
        reason if reasons.contains(&reason) => Ok(false),
        "other" if reasons.iter().any(is_told) => Ok(false),
        "skipped" if request.first_accepted && is_any_accepted => Ok(false),
        // The limit is short for the sake of another text of the same request.
        "timeout" if is_batch && is_short => Ok(false),
        "crash" | "memory" | "unavailable" | "other" => Ok(true),
        _ => Err((Wrong::Unfounded, "undecided for no reason of its own")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chaos::fault::{FAULTS, Fault};

    /// A fault by its name.
    fn fault(name: &str) -> &'static Fault {
        let mut all = FAULTS.iter().chain(&HOSTILE);
        all.find(|fault| fault.name == name).unwrap()
    }

    /// A request with texts of these faults; Lean accepts all of them.
    fn request(index: u64, faults: &[&str]) -> Request {
        let texts = faults.iter().zip(0..).map(|(name, place)| Text {
            mark: crate::chaos::plan::mark(index, place),
            fault: fault(name),
            truth: Verdict::Accepted,
            source: String::new(),
        });
        Request {
            index,
            surface: Surface::Eval,
            texts: texts.collect(),
            seconds: 1.0,
            rejects_holes: false,
            first_accepted: false,
            leaves: None,
            variant: 0,
        }
    }

    /// What is said about a text.
    fn said(mark: &str, verdict: Verdict, reason: &str) -> Said {
        let is_decided = verdict != Verdict::Undecided;
        Said {
            name: Some(mark.to_owned()),
            verdict,
            reason: reason.to_owned(),
            marks: is_decided.then(|| mark.to_owned()).into_iter().collect(),
            queue: Some(Duration::ZERO),
        }
    }

    /// What is wrong if a request with texts of these faults is answered like this at once.
    fn wrongs(faults: &[&str], answer: &[Said]) -> Vec<Wrong> {
        let mut ledger = Ledger::default();
        let request = request(1, faults);
        ledger.send(&request);
        ledger.answer(&request, answer, Duration::ZERO, "");
        ledger.close(0);
        kinds(&ledger)
    }

    /// What is wrong in the books.
    fn kinds(ledger: &Ledger) -> Vec<Wrong> {
        let violations = ledger.violations.iter();
        violations.map(|violation| violation.wrong).collect()
    }

    #[test]
    fn the_truth_and_an_undecided_faulty_text_are_fine() {
        let accepted = said("chaos-1-0", Verdict::Accepted, "");
        assert_eq!(wrongs(&["none"], &[accepted]), []);
        let crashed = said("chaos-1-0", Verdict::Undecided, "crash");
        assert_eq!(wrongs(&["dies"], std::slice::from_ref(&crashed)), []);
        let late = said("chaos-1-1", Verdict::Undecided, "timeout");
        assert_eq!(wrongs(&["dies", "hangs"], &[crashed, late]), []);
    }

    #[test]
    fn the_opposite_verdict_is_found() {
        let rejected = said("chaos-1-0", Verdict::Rejected, "");
        assert_eq!(wrongs(&["none"], &[rejected]), [Wrong::Untrue]);
        let accepted = said("chaos-1-0", Verdict::Accepted, "");
        assert_eq!(wrongs(&["forged reply"], &[accepted]), [Wrong::Untrue]);
    }

    #[test]
    fn the_answer_to_another_text_is_found_by_name_by_mark_and_by_silence() {
        let own = || said("chaos-1-0", Verdict::Accepted, "");
        let name = Said {
            name: Some("chaos-2-0".to_owned()),
            ..own()
        };
        let mark = Said {
            marks: vec!["chaos-2-0".to_owned()],
            ..own()
        };
        let silent = Said {
            marks: Vec::new(),
            ..own()
        };
        for foreign in [name, mark, silent] {
            assert_eq!(wrongs(&["none"], &[foreign]), [Wrong::Foreign]);
        }
    }

    #[test]
    fn a_word_of_another_request_anywhere_in_the_answer_is_found() {
        let mut ledger = Ledger::default();
        let request = request(1, &["dies"]);
        ledger.send(&request);
        let crashed = [said("chaos-1-0", Verdict::Undecided, "crash")];
        let body = r#"{"causes": ["its last lines on stderr:\nchaos-7-0"]}"#;
        ledger.answer(&request, &crashed, Duration::ZERO, body);
        assert_eq!(kinds(&ledger), [Wrong::Foreign]);
    }

    /// What is wrong if a request of one text is answered with these marks and this body at that level.
    fn wrongs_at(level: Level, index: u64, fault: &str, marks: &[&str], body: &str) -> Vec<Wrong> {
        let mut ledger = Ledger::new(level);
        let request = request(index, &[fault]);
        ledger.send(&request);
        let answer = Said {
            marks: marks.iter().map(|mark| (*mark).to_owned()).collect(),
            ..said(&request.texts[0].mark, Verdict::Accepted, "")
        };
        ledger.answer(&request, &[answer], Duration::ZERO, body);
        kinds(&ledger)
    }

    #[test]
    fn poison_of_another_client_is_found_at_each_level_and_own_poison_where_none_may_be() {
        let poison = ["chaos-7-0"];
        let body = "poisoned by chaos-7-0";
        for level in [Level::Source, Level::Client, Level::None] {
            // 1 is honest, 15 the other attacker.
            for victim in [1, 15] {
                let found = wrongs_at(level, victim, "none", &poison, body);
                assert_eq!(
                    found,
                    [Wrong::Poisoned, Wrong::Foreign],
                    "{level:?} {victim}"
                );
            }
        }
        assert_eq!(wrongs_at(Level::Client, 23, "none", &poison, body), []);
        let found = wrongs_at(Level::Source, 23, "none", &poison, body);
        assert_eq!(found, [Wrong::Poisoned, Wrong::Foreign]);
    }

    #[test]
    fn what_was_stolen_is_found_beside_poison() {
        let body = "poisoned by chaos-15-0, --! info chaos-1-0";
        let found = wrongs_at(
            Level::Client,
            23,
            "steals",
            &["chaos-15-0", "chaos-1-0"],
            body,
        );
        assert_eq!(found, [Wrong::Poisoned, Wrong::Stolen, Wrong::Foreign]);
    }

    #[test]
    fn a_stolen_source_is_found_unless_it_is_the_attackers_own() {
        let found = |level, stolen: &str| {
            let body = format!("--! info {stolen}");
            wrongs_at(level, 23, "steals", &[stolen, "chaos-23-0"], &body)
        };
        for level in [Level::Source, Level::Client, Level::None] {
            for stolen in ["chaos-1-0", "chaos-15-0"] {
                assert_eq!(found(level, stolen), [Wrong::Stolen, Wrong::Foreign]);
            }
        }
        assert_eq!(found(Level::Client, "chaos-7-0"), []);
        let strict = found(Level::Source, "chaos-7-0");
        assert_eq!(strict, [Wrong::Stolen, Wrong::Foreign]);
    }

    #[test]
    fn an_attacker_has_to_be_answered_truthfully_where_its_poison_is_not() {
        let own = ["chaos-23-0"];
        assert_eq!(wrongs_at(Level::Client, 23, "poisons", &own, ""), []);
        let found = wrongs_at(Level::Client, 23, "forged reply", &own, "");
        assert_eq!(found, [Wrong::Untrue]);
        let found = wrongs_at(Level::Client, 23, "none", &[], "");
        assert_eq!(found, [Wrong::Foreign]);
    }

    #[test]
    fn a_reason_that_the_text_did_not_give_is_found() {
        let nonsense = said("chaos-1-0", Verdict::Undecided, "protocol_error");
        assert_eq!(wrongs(&["none"], &[nonsense]), [Wrong::Unfounded]);
        let late = said("chaos-1-0", Verdict::Undecided, "timeout");
        assert_eq!(wrongs(&["none"], &[late]), [Wrong::Unfounded]);
        let skipped = said("chaos-1-0", Verdict::Undecided, "skipped");
        assert_eq!(wrongs(&["none"], &[skipped]), [Wrong::Unfounded]);
    }

    #[test]
    fn a_healthy_text_that_is_lost_needs_a_kill_from_outside() {
        let mut ledger = Ledger::default();
        for index in [1, 2] {
            let request = request(index, &["none"]);
            ledger.send(&request);
            let mark = &request.texts[0].mark;
            let crashed = [said(mark, Verdict::Undecided, "crash")];
            ledger.answer(&request, &crashed, Duration::ZERO, "");
        }
        ledger.close(2);
        assert_eq!(kinds(&ledger), []);
        ledger.close(1);
        assert_eq!(kinds(&ledger), [Wrong::Struck]);
    }

    #[test]
    fn no_answer_two_answers_and_too_few_results_are_found() {
        let mut ledger = Ledger::default();
        let (first, second) = (request(1, &["none"]), request(2, &["none"]));
        ledger.send(&first);
        ledger.send(&second);
        let accepted = [said("chaos-2-0", Verdict::Accepted, "")];
        ledger.answer(&second, &accepted, Duration::ZERO, "");
        ledger.answer(&second, &accepted, Duration::ZERO, "");
        ledger.close(0);
        assert_eq!(kinds(&ledger), [Wrong::AnsweredTwice, Wrong::Unanswered]);
        assert_eq!(wrongs(&["none"], &[]), [Wrong::Unanswered]);
    }

    #[test]
    fn an_answer_to_somebody_who_left_is_a_second_end() {
        let mut ledger = Ledger::default();
        let request = request(1, &["none"]);
        ledger.send(&request);
        ledger.leave(&request);
        ledger.settle(&request, false);
        assert_eq!(kinds(&ledger), [Wrong::AnsweredTwice]);
    }

    #[test]
    fn a_late_answer_is_found_however_long_it_waited() {
        let took = |took: u64, wait: Option<u64>| {
            let mut ledger = Ledger::default();
            let request = request(1, &["none"]);
            ledger.send(&request);
            let accepted = Said {
                queue: wait.map(Duration::from_secs),
                ..said("chaos-1-0", Verdict::Accepted, "")
            };
            ledger.answer(&request, &[accepted], Duration::from_secs(took), "");
            kinds(&ledger)
        };
        assert_eq!(took(10, Some(0)), []);
        assert_eq!(took(12, Some(0)), [Wrong::Late]);
        assert_eq!(took(12, Some(5)), []);
        assert_eq!(took(70, None), []);
        assert_eq!(took(72, None), [Wrong::Late]);
    }
}
