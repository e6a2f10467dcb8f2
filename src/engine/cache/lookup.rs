//! From a request to the keys under which its record may lie: one for each level of isolation and confinement
//! that is good enough. Pure.

use crate::engine::cache::key::{Environment, Key, KeyMaker};
use crate::engine::request::{EvalRequest, VERSION};
use crate::isolation::Isolation;
use crate::process::sandbox::Offer;

/// Whose records answer whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Audience {
    /// A client is answered by records of its own requests.
    EachClient,
    /// Any client by those of any other.
    All,
}

/// The levels under which a record was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Levels {
    pub(crate) isolation: Isolation,
    pub(crate) confinement: Offer,
}

impl Levels {
    /// These, and all that promise more, highest first.
    fn at_least(self) -> Vec<Self> {
        let mut confinements = vec![Offer {
            files: true,
            calls: true,
        }];
        if self.confinement != confinements[0] {
            confinements.push(self.confinement);
        }
        let higher = Isolation::ALL.into_iter().rev();
        higher
            .take_while(|level| *level >= self.isolation)
            .flat_map(|isolation| {
                confinements.iter().map(move |confinement| Self {
                    isolation,
                    confinement: *confinement,
                })
            })
            .collect()
    }
}

/// The part of a key that is the same for all levels.
#[derive(Clone)]
pub(crate) struct Question {
    common: Key,
}

impl Question {
    /// What is asked of that environment. Limits and policies are no part of it.
    ///
    /// # Errors
    /// Options that cannot be written, which is a bug.
    pub(crate) fn new(
        request: &EvalRequest,
        environment: &Environment,
        audience: Audience,
    ) -> Result<Self, serde_json::Error> {
        let client = match audience {
            Audience::EachClient => request.terms.client.as_bytes(),
            Audience::All => b"",
        };
        let common = KeyMaker::new()
            .with(&VERSION.to_le_bytes())
            // What is found in a reply depends on the program that reads it.
            .with(env!("CARGO_PKG_VERSION").as_bytes())
            .with(environment.digest.as_bytes())
            .with(request.source.as_bytes())
            .with(&serde_json::to_vec(&request.options)?)
            .with(&serde_json::to_vec(&request.lean_options)?)
            .with(&[u8::from(request.find_sorry_decls)])
            .with(&[u8::from(audience == Audience::All)])
            .with(client)
            .key();
        Ok(Self { common })
    }

    /// Names the question where all that ask it want the same levels.
    pub(crate) fn flight(&self) -> Key {
        self.common
    }

    /// The key of a record that was made under those levels.
    pub(crate) fn key(&self, levels: Levels) -> Key {
        let Offer { files, calls } = levels.confinement;
        KeyMaker::new()
            .with(self.common.bytes())
            .with(levels.isolation.as_str().as_bytes())
            .with(&[u8::from(files), u8::from(calls)])
            .key()
    }

    /// The keys of records that are good enough where those levels are wanted.
    pub(crate) fn keys(&self, wanted: Levels) -> Vec<Key> {
        let levels = wanted.at_least().into_iter();
        levels.map(|levels| self.key(levels)).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use super::*;
    use crate::lean::options::{ModuleOptions, OptionValue};
    use crate::limits::{CancelFlag, Deadline};

    const ALL: Offer = Offer {
        files: true,
        calls: true,
    };

    fn environment(digest: &str) -> Environment {
        Environment {
            digest: digest.to_owned(),
            toolchain: "t".to_owned(),
            repl: "r".to_owned(),
            modules: Arc::from(["Init".to_owned()]),
        }
    }

    fn request() -> EvalRequest {
        EvalRequest::new(Arc::from("#eval 1"), Duration::from_secs(1))
    }

    fn common(request: &EvalRequest, audience: Audience) -> Key {
        let question = Question::new(request, &environment("e"), audience);
        question.unwrap().common
    }

    #[test]
    fn everything_that_a_record_depends_on_is_in_the_key_and_nothing_else() {
        let plain = common(&request(), Audience::EachClient);
        let changed = |change: &dyn Fn(&mut EvalRequest)| {
            let mut request = request();
            change(&mut request);
            common(&request, Audience::EachClient)
        };
        let mut options = ModuleOptions::default();
        options.set(&["maxRecDepth"], OptionValue::Nat(9));
        let options = Arc::new(options);
        let different: [&dyn Fn(&mut EvalRequest); 5] = [
            &|request| request.source = Arc::from("#eval 1 "),
            &|request| request.options.all_tactics = Some(true),
            &|request| request.lean_options = Some(Arc::clone(&options)),
            &|request| request.find_sorry_decls = true,
            &|request| request.terms.client = Arc::from("other"),
        ];
        let mut keys: Vec<Key> = different.iter().map(|change| changed(*change)).collect();
        keys.push(plain);
        keys.push(common(&request(), Audience::All));
        let other = Question::new(&request(), &environment("f"), Audience::EachClient);
        keys.push(other.unwrap().common);
        let count = keys.len();
        keys.sort();
        keys.dedup();
        assert_eq!(keys.len(), count);
        assert_eq!(
            changed(&|request| {
                request.id = Arc::from("r-2");
                request.run_timeout = Duration::from_secs(9);
                request.terms.queue_timeout = Duration::from_secs(9);
                request.terms.client_deadline = Deadline::after(Duration::from_secs(9));
                request.terms.cancel = CancelFlag::default();
            }),
            plain
        );
    }

    #[test]
    fn a_lower_level_never_answers_a_higher_one() {
        let question = Question::new(&request(), &environment("e"), Audience::All).unwrap();
        let confinements = [Offer::NOTHING, ALL];
        let all: Vec<Levels> = Isolation::ALL
            .into_iter()
            .flat_map(|isolation| {
                confinements.map(|confinement| Levels {
                    isolation,
                    confinement,
                })
            })
            .collect();
        for made in &all {
            for wanted in &all {
                let is_enough = made.isolation >= wanted.isolation
                    && (made.confinement == ALL || wanted.confinement == Offer::NOTHING);
                let answers = question.keys(*wanted).contains(&question.key(*made));
                assert_eq!(answers, is_enough, "{made:?} for {wanted:?}");
            }
        }
    }
}
