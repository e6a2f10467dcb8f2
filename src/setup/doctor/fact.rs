//! One thing that was looked at, and how it is. Never formats.

use std::fmt;

use crate::failure::Failure;

/// How a thing is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    /// As it should be.
    Ok,
    /// Needed, and not there or not as it should be.
    Missing,
    /// Not there or not as it could be; what is asked for works without it.
    NotNeeded,
}

impl State {
    /// The word that stands for it in JSON.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Missing => "missing",
            Self::NotNeeded => "not_needed",
        }
    }
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fact {
    /// What was looked at, one or two words.
    pub(crate) name: &'static str,
    pub(crate) state: State,
    /// What was found, in a few words.
    pub(crate) found: String,
    /// Where that comes from: a path, or "… says so".
    pub(crate) origin: Option<String>,
    /// What to do about it: one command if there is one, else an imperative that names what to do.
    pub(crate) hint: Option<String>,
}

impl Fact {
    /// A thing that is as it should be.
    pub(crate) fn ok(name: &'static str, found: impl Into<String>) -> Self {
        Self {
            name,
            state: State::Ok,
            found: found.into(),
            origin: None,
            hint: None,
        }
    }

    /// A thing that is needed and lacking.
    pub(crate) fn missing(
        name: &'static str,
        found: impl Into<String>,
        hint: impl Into<String>,
    ) -> Self {
        Self {
            state: State::Missing,
            hint: Some(hint.into()),
            ..Self::ok(name, found)
        }
    }

    /// A thing that may be lacking.
    pub(crate) fn not_needed(name: &'static str, found: impl Into<String>) -> Self {
        Self {
            state: State::NotNeeded,
            ..Self::ok(name, found)
        }
    }

    /// A thing whose look at it failed: missing if it is needed.
    pub(crate) fn failed(name: &'static str, failure: &Failure, needed: bool) -> Self {
        let fact = Self::missing(name, failure.problem(), failure.hint());
        if needed {
            fact
        } else {
            Self {
                state: State::NotNeeded,
                ..fact
            }
        }
    }

    /// The same with where it comes from.
    #[must_use]
    pub(crate) fn from(mut self, origin: impl fmt::Display) -> Self {
        self.origin = Some(format!("{origin}"));
        self
    }

    /// The same with what to do about it.
    #[must_use]
    pub(crate) fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}
