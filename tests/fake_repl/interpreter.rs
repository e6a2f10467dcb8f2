//! From a request to an answer: the environments, and the little Lean that tests need.
//!
//! Any text is accepted in silence but `#check NAME`, `#eval` of a literal or of
//! `Lean.versionString`, imports and directives.

use std::fs::{self, File};
use std::io;
use std::path::Path;

use serde_json::{Value, json};

use crate::directive::{Directive, LACKING, Place, place_json};
use crate::draft::{Answer, Draft, plain};
use crate::environment::Environment;
use crate::extract;
use crate::flags::{Flags, Lie, PickleFault, Restore};
use crate::frame::Manner;
use crate::header::{Header, newlines};
use crate::memory::{Memory, RestoreFault};
use crate::misdeed::Misdeed;
use crate::proof::{ProofStates, Tried, hole};
use crate::request::{AboutState, Options, Request};
use crate::system::{read_error, variables};

/// Why there is no answer.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Ruin {
    /// The real REPL would throw out of its loop here.
    Uncaught(String),
    /// The test asks for something that cannot be played.
    BadDirective(String),
}

/// What a REPL keeps between requests.
#[derive(Debug)]
pub(crate) struct Interpreter<'a> {
    /// What the whole run is like.
    flags: &'a Flags,
    /// The environments, and what else the way back undoes.
    memory: Memory,
    /// The proof states by their number.
    proof_states: ProofStates,
    /// Whether an unpickle would run initializers; matters with `--old-unpickle` only.
    initializers: bool,
    /// How many texts with a directive were answered.
    texts: usize,
    /// The reply to the last one.
    last_reply: Option<String>,
}

impl<'a> Interpreter<'a> {
    /// A REPL that was just started.
    pub(crate) fn new(flags: &'a Flags) -> Self {
        Self {
            flags,
            memory: Memory::default(),
            proof_states: ProofStates::default(),
            initializers: false,
            texts: 0,
            last_reply: None,
        }
    }

    /// Answers a request.
    pub(crate) fn answer(&mut self, request: Request) -> Result<Answer, Ruin> {
        match request {
            Request::Command { text, options } => self.own_or_forged(&text, &options),
            Request::File { path, options } => match fs::read_to_string(&path) {
                Ok(text) => self.own_or_forged(&text, &options),
                Err(err) => Ok(self.missing_file(&read_error(&path, &err), &options)),
            },
            Request::Tactic {
                tactic,
                proof_state,
            } => Ok(match self.proof_states.run(&tactic, proof_state) {
                Tried::Reply(reply) => plain(&reply),
                Tried::Misdeed(misdeed) => Answer {
                    misdeeds: vec![misdeed],
                    ..plain(&json!({"message": "unused"}))
                },
            }),
            Request::Pickle { path, env } => self.pickle(&path, env),
            Request::Unpickle { path } => self.unpickle(&path),
            Request::ProofStatePickle => Err(Ruin::BadDirective(
                "fake-repl: pickles of proof states are not played".to_owned(),
            )),
        }
    }

    /// Writes an environment to a file.
    fn pickle(&self, path: &str, env: u64) -> Result<Answer, Ruin> {
        let Some(environment) = self.memory.environment(env) else {
            return Ok(plain(&json!({"message": "Unknown environment."})));
        };
        let mut text = environment.to_pickle(&self.flags.lean_version);
        let mut answer = plain(&json!({"env": env}));
        match self.flags.pickle_fault {
            Some(PickleFault::CutShort) => text.truncate(text.len() / 2),
            Some(PickleFault::WriteNothing) => return Ok(answer),
            Some(PickleFault::HangAtPickle) => answer.misdeeds.push(Misdeed::Hang),
            Some(PickleFault::DieAtPickle) => answer.misdeeds.push(Misdeed::Die(1)),
            _ => {}
        }
        fs::write(path, text).map_err(uncaught)?;
        Ok(answer)
    }

    /// Reads an environment from a file.
    fn unpickle(&mut self, path: &str) -> Result<Answer, Ruin> {
        let text = fs::read_to_string(path).map_err(uncaught)?;
        let version = &self.flags.lean_version;
        let mut environment = Environment::from_pickle(&text, version).map_err(uncaught)?;
        environment.uninitialized = self.flags.old_unpickle && !self.initializers;
        // It imports, and every import turns them off when it is done.
        self.initializers = false;
        let mut misdeeds = Vec::new();
        match self.flags.pickle_fault {
            Some(PickleFault::HangAtUnpickle) => misdeeds.push(Misdeed::Hang),
            Some(PickleFault::DieAtUnpickle) => misdeeds.push(Misdeed::Die(1)),
            Some(PickleFault::UnpickleNothing) => environment = Environment::default(),
            _ => {}
        }
        Ok(Answer {
            misdeeds,
            ..plain(&json!({"env": self.memory.keep(environment)}))
        })
    }

    /// The reply to a request for a file that is not there, which is how states are asked about.
    fn missing_file(&mut self, problem: &str, options: &Options) -> Answer {
        let mut reply = json!({"message": problem});
        let mut misdeeds = Vec::new();
        match options.about_state.filter(|_| self.flags.restore.is_some()) {
            Some(AboutState::Restore(number)) => {
                let is_hollow = self.flags.restore == Some(Restore::Nothing);
                let said = self.memory.restore(number, is_hollow);
                if let (Some(fields), Some(said)) = (reply.as_object_mut(), said) {
                    fields.extend(said);
                }
                if self.memory.fault == Some(RestoreFault::Die) {
                    misdeeds.push(Misdeed::Die(1));
                }
            }
            Some(AboutState::Drop(number)) => self.memory.drop_state(number),
            Some(AboutState::Take) | None => {}
        }
        Answer {
            misdeeds,
            ..plain(&reply)
        }
    }

    /// Answers a command; once the process is poisoned, as the hostile source wants it.
    fn own_or_forged(&mut self, text: &str, options: &Options) -> Result<Answer, Ruin> {
        let Some(forged) = self.memory.forged().map(str::to_owned) else {
            self.memory.overhear(text);
            return self.command(text, options);
        };
        let mut draft = Draft::default();
        draft.say("info", (1, 0), None, &forged);
        if text.contains("--! steal") {
            draft.say("info", (1, 0), None, &self.memory.seen());
        }
        self.memory.overhear(text);
        Ok(draft.finish(self.memory.keep(Environment::default())))
    }

    /// Runs a command.
    fn command(&mut self, text: &str, options: &Options) -> Result<Answer, Ruin> {
        let header = Header::read(text);
        let mut draft = Draft::default();
        self.initializers = options.env.is_some();
        let environment = match options.env {
            Some(env) => {
                let Some(environment) = self.memory.environment(env) else {
                    return Ok(plain(&json!({"message": "Unknown environment."})));
                };
                if !header.modules.is_empty() {
                    misplaced_import(&mut draft, header.line);
                }
                environment.clone()
            }
            None => self.import(&header),
        };
        let mut environment = environment;
        if let Some(reason) = environment.death(text) {
            return Err(uncaught(reason));
        }
        let (head, body) = text.split_at_checked(header.bytes).unwrap_or((text, ""));
        let head_lines = head
            .lines()
            .zip(1..)
            .map(|(line, number)| (line, number, false));
        let body_line = 1 + newlines(text, header.bytes);
        let body_lines = body
            .lines()
            .zip(body_line..)
            .map(|(line, number)| (line, number, true));
        let mut is_directed = false;
        for (line, number, in_body) in head_lines.chain(body_lines) {
            if let Some(directive) = Directive::parse(line) {
                let directive = directive.map_err(Ruin::BadDirective)?;
                self.follow(directive, number, options, &mut draft)?;
                is_directed = true;
            } else if let Some(played) = extract::play(line, self.flags.extract.as_deref()) {
                let played = played.map_err(Ruin::BadDirective)?;
                for directive in played
                    .directives
                    .iter()
                    .filter_map(|directive| Directive::parse(directive))
                {
                    self.follow(
                        directive.map_err(Ruin::BadDirective)?,
                        number,
                        options,
                        &mut draft,
                    )?;
                }
                draft.say("info", (number, 0), None, &played.output);
            } else if in_body {
                self.run_line(line, number, &environment, &mut draft);
                environment.define(line);
                if let Some((start, end, goal)) = hole(line, number) {
                    let hole = self.hole(start, end, "goal", &goal);
                    draft.push("sorries", hole);
                    draft.say("warning", start, Some(end), "declaration uses `sorry`");
                }
            }
        }
        let env = self.memory.keep(environment);
        if self.flags.restore.is_some() && options.about_state == Some(AboutState::Take) {
            // The environment is in the state.
            draft.snapshot = Some(self.memory.take());
        }
        if !is_directed {
            return Ok(draft.finish(env));
        }
        self.texts += 1;
        let lie = self.flags.lie.filter(|_| self.texts.is_multiple_of(5));
        if lie == Some(Lie::Opposite) {
            draft.turn_round();
        }
        let mut answer = draft.finish(env);
        let before = self.last_reply.replace(answer.reply.clone());
        if let (Some(Lie::Foreign), Some(before)) = (lie, before) {
            answer.reply = before;
        }
        Ok(answer)
    }

    /// The environment of a header. A failed import is silent, as in the real REPL.
    fn import(&self, header: &Header) -> Environment {
        let known = |name: &String| self.flags.modules.contains(name);
        let all_known = header.modules.iter().all(known);
        Environment {
            init: all_known && !header.prelude,
            uninitialized: false,
            names: Vec::new(),
            mathlib: all_known && header.modules.iter().any(|name| name == "Mathlib"),
        }
    }

    /// Runs one line of a body.
    fn run_line(&self, line: &str, number: usize, environment: &Environment, draft: &mut Draft) {
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        let rest = rest.trim();
        let start = (number, 0);
        let end = Some((number, word.len()));
        match word {
            "import" => misplaced_import(draft, number),
            "#check" => match environment.check(rest) {
                Some(answer) => draft.say("info", start, end, &answer),
                None => draft.say(
                    "error",
                    (number, 7),
                    Some((number, 7 + rest.chars().count())),
                    &format!("Unknown identifier `{rest}`"),
                ),
            },
            "#eval" | "theorem" | "example" | "def" if !environment.init => {
                draft.say("error", start, end, "Unknown constant `OfNat`");
            }
            "#eval" if rest == "Lean.versionString" => {
                let version = format!("\"{}\"", self.flags.lean_version);
                draft.say("info", start, end, &version);
            }
            "#eval" if is_literal(rest) => draft.say("info", start, end, rest),
            _ => {}
        }
    }

    /// Does what a directive in line `number` says.
    fn follow(
        &mut self,
        directive: Directive,
        number: usize,
        options: &Options,
        draft: &mut Draft,
    ) -> Result<(), Ruin> {
        match directive {
            Directive::Message {
                severity,
                place,
                data,
            } => {
                let (start, end) = place.unwrap_or(((number, 0), None));
                draft.say(severity, start, end, &data);
            }
            Directive::Sorry { start, end, goal } => {
                let hole = self.hole(start, end, "goal", &goal);
                draft.push("sorries", hole);
                draft.say("warning", start, Some(end), "declaration uses `sorry`");
            }
            Directive::Tactic { start, end, tactic } => {
                if options.all_tactics {
                    let mut hole = self.hole(start, end, "tactic", &tactic);
                    hole["goals"] = "⊢ True".into();
                    hole["usedConstants"] = json!(["True"]);
                    draft.push("tactics", hole);
                }
            }
            Directive::Infotree(tree) => {
                if options.infotree {
                    draft.push("infotree", tree);
                }
            }
            Directive::Many(count) => {
                for index in 0..count {
                    draft.say("info", (number, 0), None, &format!("message {index}"));
                }
            }
            Directive::PrintEnv => draft.say("info", (number, 0), None, &variables()),
            Directive::Try(attempt) => draft.say("info", (number, 0), None, &attempt.make()),
            Directive::Lacking(what) => draft.push(LACKING, what.into()),
            Directive::Poison(data) => self.memory.poison(data),
            Directive::Spy => self.memory.listen(),
            Directive::Steal => draft.say("info", (number, 0), None, &self.memory.seen()),
            Directive::Grown(bytes) => self.memory.grown = bytes,
            Directive::BreakRestore(fault) => self.memory.fault = Some(fault),
            Directive::UnknownField => draft.unknown_field = true,
            Directive::Instead(text) => draft.instead = Some(text),
            Directive::SlowBytes => draft.manner = Manner::SlowBytes,
            Directive::Twice => draft.manner = Manner::Twice,
            Directive::Stale => {
                let before = self.last_reply.iter();
                let frames = before.map(|reply| Misdeed::Noise(format!("{reply}\n")));
                draft.misdeeds.extend(frames);
            }
            Directive::Once(file, then) => {
                if is_first(&file)? {
                    return self.follow(*then, number, options, draft);
                }
            }
            Directive::Before(misdeed) => draft.misdeeds.push(misdeed),
        }
        Ok(())
    }

    /// A sorry or tactic with a proof state of its own.
    fn hole(&mut self, start: Place, end: Place, name: &str, text: &str) -> Value {
        json!({
            "proofState": self.proof_states.keep(vec![text.to_owned()]),
            "pos": place_json(start),
            "endPos": place_json(end),
            name: text,
        })
    }
}

/// Says that an import stands in the wrong place.
fn misplaced_import(draft: &mut Draft, line: usize) {
    let text = "invalid 'import' command, it must be used in the beginning of the file";
    draft.say("error", (line, 0), Some((line, 6)), text);
}

/// Whether a file is not there; it is afterwards.
fn is_first(file: &Path) -> Result<bool, Ruin> {
    match File::create_new(file) {
        Ok(_) => Ok(true),
        Err(err) if err.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        Err(err) => Err(Ruin::BadDirective(format!(
            "fake-repl: cannot make `{}`: {err}",
            file.display()
        ))),
    }
}

/// Whether Lean prints the expression as it stands.
fn is_literal(text: &str) -> bool {
    let quoted = text.len() > 1 && text.starts_with('"') && text.ends_with('"');
    quoted || (!text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()))
}

/// An error that the real REPL does not catch.
fn uncaught(err: impl Into<Box<dyn std::error::Error>>) -> Ruin {
    Ruin::Uncaught(err.into().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The replies of one REPL to requests, as JSON.
    fn replies(flags: &str, requests: &[Value]) -> Vec<Value> {
        let flags = Flags::parse(flags.split_whitespace().map(str::to_owned)).unwrap();
        let mut interpreter = Interpreter::new(&flags);
        let mut answer = |request: &Value| {
            let request = Request::parse(&request.to_string()).unwrap();
            let answer = interpreter.answer(request).unwrap();
            serde_json::from_str(&answer.reply).unwrap()
        };
        requests.iter().map(&mut answer).collect()
    }

    #[test]
    fn a_failed_import_is_silent_and_leaves_an_empty_environment() {
        let check = json!({"cmd": "#check Nat", "env": 0});
        let good = replies("", &[json!({"cmd": "import Lean"}), check.clone()]);
        assert_eq!(good[0], json!({"env": 0}));
        assert_eq!(good[1]["messages"][0]["data"], "Nat : Type");
        let bad = replies("", &[json!({"cmd": "import Nope"}), check.clone()]);
        assert_eq!(bad[0], json!({"env": 0}));
        assert_eq!(bad[1]["messages"][0]["data"], "Unknown identifier `Nat`");
        assert_eq!(bad[1]["messages"][0]["severity"], "error");
        let named = replies("--module Nope", &[json!({"cmd": "import Nope"}), check]);
        assert_eq!(named[1]["messages"][0]["severity"], "info");
    }

    #[test]
    fn an_import_over_an_environment_is_an_error_and_the_environment_lives_on() {
        let got = replies(
            "",
            &[json!({"cmd": ""}), json!({"cmd": "import Lean", "env": 0})],
        );
        assert_eq!(got[1]["env"], 1);
        assert_eq!(
            got[1]["messages"][0]["pos"],
            json!({"line": 1, "column": 0})
        );
    }

    #[test]
    fn directives_make_messages_sorries_tactics_and_trees() {
        let text = "theorem t : 1 = 1 := by\n  sorry\n--! sorry 2:2 ⊢ 1 = 1\n--! error 1:0 1:7 no\n--! tactic 2:2 2:7 sorry\n--! infotree {\"node\": null}";
        let asked = json!({"cmd": text, "allTactics": true, "infotree": "full"});
        let got = replies("", &[asked, json!({"cmd": text})]);
        assert_eq!(got[0]["sorries"][0]["goal"], "⊢ 1 = 1");
        assert_eq!(got[0]["sorries"][0]["endPos"]["column"], 7);
        assert_eq!(got[0]["messages"][1]["data"], "no");
        assert_eq!(got[0]["tactics"][0]["tactic"], "sorry");
        assert_eq!(got[0]["infotree"], json!([{"node": null}]));
        assert!(got[1].get("tactics").is_none() && got[1].get("infotree").is_none());
    }

    #[test]
    fn an_old_unpickle_takes_two_commands_to_run_initializers() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x").display().to_string();
        let flags = Flags::parse(["--old-unpickle".to_owned()]).unwrap();
        let import = json!({"cmd": "import Mathlib"});
        let command = json!({"cmd": "example : True := trivial", "env": 0});
        let save = json!({"pickleTo": path, "env": 0});
        let load = json!({"unpickleEnvFrom": path});
        let run = |requests: &[&Value]| {
            let mut interpreter = Interpreter::new(&flags);
            requests
                .iter()
                .map(|request| {
                    let request = Request::parse(&request.to_string()).unwrap();
                    interpreter.answer(request)
                })
                .last()
                .unwrap()
        };
        run(&[&import, &save]).unwrap();
        let tactic = |env: u64| json!({"cmd": "example : 1 = 1 := by norm_num", "env": env});
        assert!(matches!(run(&[&load, &tactic(0)]), Err(Ruin::Uncaught(_))));
        assert!(matches!(
            run(&[&import, &load, &tactic(1)]),
            Err(Ruin::Uncaught(_))
        ));
        assert!(run(&[&import, &command, &load, &tactic(2)]).is_ok());
    }

    #[test]
    fn unknown_numbers_are_errors_and_cost_none() {
        let got = replies(
            "",
            &[
                json!({"cmd": "", "env": 0}),
                json!({"tactic": "rfl", "proofState": 0}),
                json!({"path": "/no/such/file"}),
                json!({"cmd": "#eval Lean.versionString"}),
            ],
        );
        assert_eq!(got[0], json!({"message": "Unknown environment."}));
        assert_eq!(got[1], json!({"message": "Unknown proof state."}));
        let missing = "no such file or directory (error code: 2)\n  file: /no/such/file";
        assert_eq!(got[2], json!({"message": missing}));
        assert_eq!(got[3]["env"], 0);
        assert_eq!(got[3]["messages"][0]["data"], "\"4.27.0\"");
    }

    #[test]
    fn a_reply_may_be_followed_or_preceded_by_another_one() {
        let flags = Flags::parse([]).unwrap();
        let mut interpreter = Interpreter::new(&flags);
        let mut answer = |text: &str| {
            let request = Request::parse(&json!({"cmd": text}).to_string()).unwrap();
            interpreter.answer(request).unwrap()
        };
        assert_eq!(answer("--! stale\n--! info a").misdeeds, []);
        assert_eq!(answer("--! twice").manner, Manner::Twice);
        let first = answer("--! info b").reply;
        assert_eq!(
            answer("--! stale").misdeeds,
            [Misdeed::Noise(format!("{first}\n"))]
        );
    }

    #[test]
    fn a_poisoned_process_accepts_all_and_tells_what_it_saw() {
        let source = |text: &str| json!({"cmd": text});
        let got = replies(
            "",
            &[
                source("--! spy\n--! error own"),
                source("--! error secret"),
                source("--! steal\n--! poison me"),
                source("--! error wrong"),
                source("--! steal"),
            ],
        );
        assert_eq!(got[0]["messages"][0]["data"], "own");
        let stolen = got[2]["messages"][0]["data"].as_str().unwrap();
        assert!(stolen.contains("--! error secret") && !stolen.contains("own"));
        let expected = json!({"severity": "info", "pos": {"line": 1, "column": 0},
            "endPos": null, "data": "poisoned by me"});
        assert_eq!(got[3]["messages"], json!([expected]));
        let stolen = got[4]["messages"][1]["data"].as_str().unwrap();
        assert!(stolen.contains("--! error wrong"));
    }

    #[test]
    fn states_are_kept_and_gone_back_to_only_if_the_flag_says_so() {
        let requests = [
            json!({"cmd": ""}),
            json!({"cmd": "", "env": 0, "takeSnapshot": true}),
            json!({"cmd": "--! poison me", "env": 1}),
            json!({"path": "/no/such/file", "restoreSnapshot": 0}),
            json!({"cmd": "--! error no", "env": 1}),
            json!({"cmd": "", "env": 3}),
        ];
        let got = replies("--restore full", &requests);
        assert_eq!(
            (&got[1]["env"], &got[1]["snapshot"]),
            (&json!(1), &json!(0))
        );
        assert_eq!(
            (&got[3]["restored"], &got[3]["grownBytes"]),
            (&json!(0), &json!(0))
        );
        assert!(
            got[3]["message"]
                .as_str()
                .unwrap()
                .contains("/no/such/file")
        );
        assert_eq!(got[4]["messages"][0]["data"], "no");
        assert_eq!(got[5]["message"], "Unknown environment.");
        let got = replies("", &requests);
        assert!(got[1].get("snapshot").is_none() && got[3].get("restored").is_none());
        assert_eq!(got[4]["messages"][0]["data"], "poisoned by me");
    }

    #[test]
    fn what_happens_once_does_not_happen_again() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("done");
        let text = format!("--! once {} info x", file.display());
        let got = replies("", &[json!({"cmd": text}), json!({"cmd": text})]);
        assert_eq!(got[0]["messages"][0]["data"], "x");
        assert!(got[1].get("messages").is_none());
    }

    #[test]
    fn every_fifth_text_is_lied_about_if_the_flag_says_so() {
        let texts: Vec<Value> = (0..5)
            .map(|index| json!({"cmd": format!("--! error {index}")}))
            .collect();
        let got = replies("--lie opposite", &texts);
        assert_eq!(got[3]["messages"][0]["severity"], "error");
        assert_eq!(got[4]["messages"][0]["severity"], "info");
        let got = replies("--lie foreign", &texts);
        assert_eq!(got[4]["messages"][0]["data"], "3");
    }

    #[test]
    fn fields_of_a_newer_repl_are_at_each_level() {
        let got = replies("", &[json!({"cmd": "--! unknown-field\n--! info 1:0 x"})]);
        let future = json!({"kept": [1, "two"]});
        assert_eq!(got[0]["fromTheFuture"], future);
        assert_eq!(got[0]["messages"][0]["fromTheFuture"], future);
        assert_eq!(got[0]["messages"][0]["pos"]["fromTheFuture"], future);
    }
}
