//! Which commit of the REPL's repository fits a release of Lean, and what that REPL needs. Pure: the
//! tags come from the caller.

use crate::lean::release::{Release, Stage};

/// Releases that a commit of the community repository was made for, although no tag says so. Found by
/// looking for each value that `lean-toolchain` has had in its history; all are on its main branch
/// but the one that says otherwise.
const UNTAGGED: [(Release, &str, &str); 8] = [
    (
        Release::new(4, 7, 0).candidate(2),
        "97182f07a57ec294c35bf92ef4c323751631a035",
        "chore: move to v4.7.0-rc2",
    ),
    (
        Release::new(4, 8, 0).candidate(1),
        "6d5b2c3dbfe7f8619d264bbc473ae13ac4aacf17",
        "chore: bump to v4.8.0-rc1 (#39)",
    ),
    (
        Release::new(4, 11, 0),
        "adbbfcb9d4e61c12db96c45d227de92f21cc17dd",
        "chore: bump toolchain to v4.11.0 (#55)",
    ),
    (
        Release::new(4, 20, 0),
        "16054ca34b80803d6621dccd11882ca2ea03e215",
        "chore: bump toolchain to v4.20.0, on the branch `bump_to_v4.20.0`",
    ),
    (
        Release::new(4, 20, 1),
        "8d025135c9f82143657dc476027d5c95aaed4db6",
        "chore: bump toolchain to v4.20.1 (#103)",
    ),
    (
        Release::new(4, 22, 0).candidate(3),
        "8cca59562eabefce8494fb4600c4bbfa1c3b335b",
        "chore: bump toolchain to v4.22.0-rc3 (#116)",
    ),
    (
        Release::new(4, 23, 0),
        "2f8073af0a5e3a141fee075652790a2c19132516",
        "chore: bump toolchain to v4.23.0 (#128)",
    ),
    (
        Release::new(4, 25, 0).candidate(1),
        "ec9123ace75d192367c9c3c7031062a4b2710c2d",
        "chore: bump toolchain to v4.25.0-rc1 (#132)",
    ),
];

/// The first release whose REPL runs initializers when it unpickles (its commit c9cde4d).
const UNPICKLES_WHOLE: Release = Release::new(4, 30, 0).candidate(1);

/// How many tags on either side are named when none fits.
const NEAR: usize = 2;

/// What to check out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A tag.
    Tag(String),
    /// A commit without a tag, by its whole name.
    Commit(String),
}

/// A choice with its reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// What to check out.
    pub source: Source,
    /// The release that it was made for.
    pub made_for: Release,
    /// Why this one, as the end of "the REPL at …, ".
    pub why: String,
}

/// No commit is known to fit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoTag {
    /// The nearest tags, oldest first.
    pub near: Vec<String>,
}

/// Chooses the REPL for a release among the tags of the repository.
///
/// # Errors
/// A release for which no commit is known: an earlier minor version is another language, so that
/// nothing is guessed.
pub fn choose(wanted: Release, tags: &[String]) -> Result<Choice, NoTag> {
    let tagged = releases(tags);
    if tagged.contains(&wanted) {
        return Ok(Choice {
            source: Source::Tag(wanted.tag()),
            made_for: wanted,
            why: "the tag of this release".to_owned(),
        });
    }
    let untagged = UNTAGGED.iter().map(|(release, commit, subject)| Choice {
        source: Source::Commit((*commit).to_owned()),
        made_for: *release,
        why: format!("which has no tag but was made for this release: \"{subject}\""),
    });
    if let Some(choice) = untagged.clone().find(|choice| choice.made_for == wanted) {
        return Ok(choice);
    }
    // A patch release changes nothing that the REPL is built on, so that the one before it will do.
    let fits = |made_for: Release| {
        (made_for.major, made_for.minor) == (wanted.major, wanted.minor)
            && made_for.stage == Stage::Final
            && made_for < wanted
            && wanted.patch > 0
    };
    let tagged = tagged.iter().map(|made_for| Choice {
        source: Source::Tag(made_for.tag()),
        made_for: *made_for,
        why: String::new(),
    });
    let earlier = tagged
        .chain(untagged)
        .filter(|choice| fits(choice.made_for))
        .max_by_key(|choice| choice.made_for);
    match earlier {
        Some(choice) => Ok(Choice {
            why: format!(
                "made for Lean {}: the patch release {wanted} has none of its own",
                choice.made_for
            ),
            ..choice
        }),
        None => Err(NoTag {
            near: near(wanted, tags),
        }),
    }
}

/// The releases among the tags.
fn releases(tags: &[String]) -> Vec<Release> {
    let release = |tag: &String| tag.strip_prefix('v')?.parse().ok();
    tags.iter().filter_map(release).collect()
}

/// The tags around a release.
fn near(wanted: Release, tags: &[String]) -> Vec<String> {
    let mut releases = releases(tags);
    releases.sort_unstable();
    let before = releases.partition_point(|release| *release < wanted);
    releases
        .iter()
        .skip(before.saturating_sub(NEAR))
        .take(NEAR.min(before) + NEAR)
        .map(|release| release.tag())
        .collect()
}

/// Whether a REPL for that version of Lean has to be primed before it unpickles, since its
/// `CommandSnapshot.unpickle` leaves initializers off. Worked around while it runs rather than
/// patched: the change touches what the REPL compiles against, which differs from tag to tag, while
/// two requests are the same everywhere and harmless where they are not needed. So a version that is
/// no release, such as a nightly, is primed too.
pub fn needs_priming(lean_version: &str) -> bool {
    lean_version
        .parse::<Release>()
        .map_or(true, |release| release < UNPICKLES_WHOLE)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The tags that the community repository had at v4.33.0-rc2, from v4.9.0.
    const TAGS: &str = "v4.9.0-rc1 v4.9.0 v4.10.0-rc1 v4.10.0 v4.11.0-rc1 v4.14.0 v4.15.0-rc1 \
        v4.15.0 v4.16.0-rc2 v4.16.0 v4.17.0-rc1 v4.17.0 v4.18.0-rc1 v4.18.0 v4.19.0-rc2 v4.19.0 \
        v4.21.0-rc3 v4.21.0 v4.22.0-rc2 v4.22.0-rc4 v4.22.0 v4.23.0-rc2 v4.24.0-rc1 v4.24.0 \
        v4.25.0-rc2 v4.25.0 v4.25.1 v4.26.0-rc1 v4.26.0-rc2 v4.26.0 v4.27.0-rc1 v4.27.0 \
        v4.28.0-rc1 v4.28.0 v4.29.0-rc1 v4.29.0-rc2 v4.29.0-rc3 v4.29.0-rc4 v4.29.0-rc6 \
        v4.29.0-rc7 v4.29.0-rc8 v4.29.0 v4.30.0-rc1 v4.30.0-rc2 v4.30.0 v4.31.0-rc1 v4.31.0-rc2 \
        v4.31.0 v4.32.0-rc1 v4.32.0 v4.33.0-rc1 v4.33.0-rc2 not-a-release nightly-testing";

    /// The choice for a release, as `SOURCE for RELEASE`, or the near tags.
    fn chosen(wanted: &str) -> String {
        let tags: Vec<String> = TAGS.split_whitespace().map(str::to_owned).collect();
        match choose(wanted.parse().unwrap(), &tags) {
            Ok(choice) => {
                let source = match choice.source {
                    Source::Tag(tag) => tag,
                    Source::Commit(commit) => commit.chars().take(7).collect(),
                };
                format!("{source} for {}", choice.made_for)
            }
            Err(none) => format!("none near {}", none.near.join(" ")),
        }
    }

    #[test]
    fn each_release_gets_its_own_repl_or_one_that_is_known_to_fit_or_none() {
        for (wanted, expected) in [
            // The exact tag.
            ("4.27.0", "v4.27.0 for 4.27.0"),
            ("4.25.1", "v4.25.1 for 4.25.1"),
            ("4.28.0-rc1", "v4.28.0-rc1 for 4.28.0-rc1"),
            // A patch release without a tag.
            ("4.9.1", "v4.9.0 for 4.9.0"),
            ("4.24.1", "v4.24.0 for 4.24.0"),
            ("4.25.2", "v4.25.1 for 4.25.1"),
            ("4.28.1", "v4.28.0 for 4.28.0"),
            ("4.29.1", "v4.29.0 for 4.29.0"),
            ("4.23.1", "2f8073a for 4.23.0"),
            ("4.20.2", "8d02513 for 4.20.1"),
            // A commit without a tag.
            ("4.11.0", "adbbfcb for 4.11.0"),
            ("4.20.0", "16054ca for 4.20.0"),
            ("4.20.1", "8d02513 for 4.20.1"),
            ("4.22.0-rc3", "8cca595 for 4.22.0-rc3"),
            ("4.23.0", "2f8073a for 4.23.0"),
            ("4.25.0-rc1", "ec9123a for 4.25.0-rc1"),
            // Nothing is guessed.
            (
                "4.12.0",
                "none near v4.10.0 v4.11.0-rc1 v4.14.0 v4.15.0-rc1",
            ),
            (
                "4.13.0",
                "none near v4.10.0 v4.11.0-rc1 v4.14.0 v4.15.0-rc1",
            ),
            (
                "4.29.0-rc5",
                "none near v4.29.0-rc3 v4.29.0-rc4 v4.29.0-rc6 v4.29.0-rc7",
            ),
            ("4.33.0", "none near v4.33.0-rc1 v4.33.0-rc2"),
            ("4.2.0", "none near v4.9.0-rc1 v4.9.0"),
        ] {
            assert_eq!(chosen(wanted), expected, "{wanted}");
        }
    }

    #[test]
    fn a_candidate_never_stands_in_for_a_patch_release() {
        let tags = ["v4.34.0-rc1".to_owned()];
        assert!(choose(Release::new(4, 34, 1), &tags).is_err());
    }

    #[test]
    fn the_table_names_whole_commits_and_no_release_twice() {
        for (release, commit, _) in UNTAGGED {
            assert_eq!(commit.len(), 40);
            assert!(commit.bytes().all(|byte| byte.is_ascii_hexdigit()));
            let same = UNTAGGED.iter().filter(|(other, ..)| *other == release);
            assert_eq!(same.count(), 1);
        }
    }

    #[test]
    fn priming_is_left_out_only_where_it_is_known_to_be_needless() {
        assert!(needs_priming("4.9.0") && needs_priming("4.29.1") && needs_priming("4.28.0-pre"));
        assert!(needs_priming("4.31.0-nightly-2026-05-01"));
        assert!(!needs_priming("4.30.0-rc1") && !needs_priming("4.33.0"));
    }
}
