//! Releases of Lean as numbers that can be compared. Pure; never knows which releases there are.

use std::fmt;
use std::str::FromStr;

/// A release such as `4.27.0` or `4.28.0-rc1`. A candidate comes before its release.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Release {
    /// The first number.
    pub major: u32,
    /// The second number.
    pub minor: u32,
    /// The third number.
    pub patch: u32,
    /// Which candidate; the release itself comes after all of them.
    pub stage: Stage,
}

/// How far a release has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stage {
    /// A release candidate, counted from 1.
    Candidate(u32),
    /// The release itself.
    Final,
}

/// A text that names no release.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a release such as `4.27.0` or `4.28.0-rc1`")]
pub struct NoRelease;

impl Release {
    /// A release that is no candidate.
    pub const fn new(major: u32, minor: u32, patch: u32) -> Self {
        Self {
            major,
            minor,
            patch,
            stage: Stage::Final,
        }
    }

    /// The same release as a candidate.
    #[must_use]
    pub const fn candidate(self, number: u32) -> Self {
        Self {
            stage: Stage::Candidate(number),
            ..self
        }
    }

    /// Its name as a tag: `v4.27.0`.
    pub fn tag(self) -> String {
        format!("v{self}")
    }
}

impl FromStr for Release {
    type Err = NoRelease;

    /// Reads `4.27.0`, `v4.27.0` and `v4.28.0-rc1`; nightlies and milestones are no releases.
    fn from_str(text: &str) -> Result<Self, NoRelease> {
        let text = text.strip_prefix('v').unwrap_or(text);
        let (numbers, stage) = match text.split_once('-') {
            None => (text, Stage::Final),
            Some((numbers, rest)) => {
                let number = rest.strip_prefix("rc").ok_or(NoRelease)?;
                (numbers, Stage::Candidate(self::number(number)?))
            }
        };
        let mut parts = numbers.split('.').map(number);
        let mut next = || parts.next().unwrap_or(Err(NoRelease));
        let release = Self {
            major: next()?,
            minor: next()?,
            patch: next()?,
            stage,
        };
        match parts.next() {
            None => Ok(release),
            Some(_) => Err(NoRelease),
        }
    }
}

impl fmt::Display for Release {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)?;
        match self.stage {
            Stage::Candidate(number) => write!(f, "-rc{number}"),
            Stage::Final => Ok(()),
        }
    }
}

/// A number in digits only; `+1` is a number for the standard library, too.
fn number(text: &str) -> Result<u32, NoRelease> {
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        text.parse().map_err(|_empty_or_too_large| NoRelease)
    } else {
        Err(NoRelease)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_release_is_written_as_it_is_read() {
        for text in ["4.27.0", "4.28.0-rc1", "4.9.1", "10.0.12-rc34"] {
            let release: Release = text.parse().unwrap();
            assert_eq!(release.to_string(), text);
            assert_eq!(release.tag().parse(), Ok(release));
        }
    }

    #[test]
    fn what_is_no_release_is_not_taken_for_one() {
        for text in [
            "",
            "v",
            "4",
            "4.27",
            "4.27.0.1",
            "4.27.x",
            "4.27.0-",
            "4.27.0-rc",
            "4.27.0-m5",
            "4.29.0-nightly-2026-01-01",
            "+4.27.0",
            "4. 27.0",
            "4.99999999999.0",
            "stable",
        ] {
            assert_eq!(text.parse::<Release>(), Err(NoRelease), "{text}");
        }
    }

    #[test]
    fn candidates_come_before_their_release_and_after_the_one_before() {
        let order = [
            "4.9.1",
            "4.27.1",
            "4.28.0-rc1",
            "4.28.0-rc2",
            "4.28.0-rc10",
            "4.28.0",
        ];
        let releases: Vec<Release> = order.iter().map(|text| text.parse().unwrap()).collect();
        assert!(releases.is_sorted());
    }
}
