//! How a session holds its level of isolation. Pure: decides from what was asked for and what the session
//! can do, and says whose sources the session may run next.

use crate::failure::{Failure, Kind};
use crate::isolation::Isolation;

/// How a session holds its level.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Holding {
    /// It runs any source after any other.
    Shared,
    /// It runs sources of one client: of the one whose source it ran first.
    ByClient,
    /// Its memory is put back before each source.
    Restored,
    /// It runs one source in its life.
    SingleUse,
}

impl Holding {
    /// Every way.
    #[cfg(test)]
    pub(crate) const ALL: [Self; 4] = [
        Self::Shared,
        Self::ByClient,
        Self::Restored,
        Self::SingleUse,
    ];

    /// The one decision: what is done for a level that was asked for, none for the highest that does not
    /// cost a process for each source. `single_use` promises a process for each source whatever the level.
    pub(crate) fn choose(asked: Option<Isolation>, single_use: bool, is_restorable: bool) -> Self {
        match asked {
            _ if single_use => Self::SingleUse,
            Some(Isolation::None) => Self::Shared,
            None | Some(Isolation::Source) if is_restorable => Self::Restored,
            None | Some(Isolation::Client) => Self::ByClient,
            Some(Isolation::Source) => Self::SingleUse,
        }
    }

    /// The level that it holds.
    pub(crate) fn level(self) -> Isolation {
        match self {
            Self::Shared => Isolation::None,
            Self::ByClient => Isolation::Client,
            Self::Restored | Self::SingleUse => Isolation::Source,
        }
    }

    /// Whether a session may run a source of `client` whose last source was one of `last`, if it ran any.
    pub(crate) fn lets_follow(self, last: Option<&str>, client: &str) -> bool {
        match self {
            Self::Shared | Self::Restored => true,
            Self::ByClient => last.is_none_or(|last| last == client),
            Self::SingleUse => last.is_none(),
        }
    }

    /// The level and what holds it, for a user.
    pub(crate) fn note(self) -> &'static str {
        match self {
            Self::Shared => "isolation `none`: a session runs the sources of all clients",
            Self::ByClient => "isolation `client`: a session runs the sources of one client only",
            Self::Restored => {
                "isolation `source`: the memory of a session is put back before each source"
            }
            Self::SingleUse => "isolation `source`: each source has a session of its own",
        }
    }
}

/// A session that came up without what the level of its pool needs.
pub(crate) fn too_low(found: Holding, level: Isolation) -> Failure {
    Failure::new(
        Kind::Session,
        format!(
            "the sessions of this run hold the isolation `{level}`, but a new one holds `{}` only: \
             its memory cannot be put back",
            found.level()
        ),
        "start leanrepl again; with `--isolation source` such a session serves one source",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_level_is_the_highest_without_a_process_for_each_source_or_the_one_asked_for() {
        use Isolation::{Client, None as Nothing, Source};
        for (asked, single_use, is_restorable, expected, level) in [
            (None, false, true, Holding::Restored, Source),
            (None, false, false, Holding::ByClient, Client),
            (Some(Source), false, true, Holding::Restored, Source),
            (Some(Source), false, false, Holding::SingleUse, Source),
            (Some(Client), false, true, Holding::ByClient, Client),
            (Some(Client), false, false, Holding::ByClient, Client),
            (Some(Nothing), false, true, Holding::Shared, Nothing),
            (Some(Nothing), false, false, Holding::Shared, Nothing),
            (None, true, true, Holding::SingleUse, Source),
            (Some(Nothing), true, false, Holding::SingleUse, Source),
        ] {
            let chosen = Holding::choose(asked, single_use, is_restorable);
            assert_eq!((chosen, chosen.level()), (expected, level), "{asked:?}");
        }
    }

    #[test]
    fn no_level_that_is_asked_for_is_held_by_less() {
        for asked in Isolation::ALL {
            for (single_use, is_restorable) in
                [(false, false), (false, true), (true, false), (true, true)]
            {
                let chosen = Holding::choose(Some(asked), single_use, is_restorable);
                assert!(chosen.level() >= asked, "{asked} {chosen:?}");
            }
        }
    }

    #[test]
    fn who_may_follow_whom_depends_on_the_level() {
        for (holding, same, other) in [
            (Holding::Shared, true, true),
            (Holding::ByClient, true, false),
            (Holding::Restored, true, true),
            (Holding::SingleUse, false, false),
        ] {
            assert!(holding.lets_follow(None, "a"));
            assert_eq!(holding.lets_follow(Some("a"), "a"), same);
            assert_eq!(holding.lets_follow(Some("a"), "b"), other);
        }
    }

    #[test]
    fn what_holds_a_level_is_noted_with_its_name() {
        for holding in Holding::ALL {
            assert!(holding.note().contains(holding.level().as_str()));
        }
    }
}
