//! Cloudflare's instance types, and which of them an image fits. Pure.

use std::fmt;
use std::str::FromStr;

use crate::deploy::cloudflare::name;
use crate::failure::{Failure, Kind};
use crate::limits::Bytes;

/// A million bytes, the unit of disks.
const MB: u64 = 1_000_000;

/// What one instance has. The table is that of wrangler 4.71.0.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct InstanceType {
    pub(crate) name: &'static str,
    pub(crate) vcpu_sixteenths: u16,
    pub(crate) memory: Bytes,
    /// Its disk, which holds the image too.
    pub(crate) disk: Bytes,
}

/// All of them, smallest first.
pub(crate) static TYPES: [InstanceType; 6] = [
    InstanceType::new("lite", 1, 256, 2_000),
    InstanceType::new("basic", 4, 1024, 4_000),
    InstanceType::new("standard-1", 8, 4 * 1024, 8_000),
    InstanceType::new("standard-2", 16, 6 * 1024, 12_000),
    InstanceType::new("standard-3", 32, 8 * 1024, 16_000),
    InstanceType::new("standard-4", 64, 12 * 1024, 20_000),
];

/// What a custom type may have at most: processors, MiB of memory, MB of disk.
pub(crate) const MOST: (f64, f64, f64) = (4.0, 12_288.0, 20_000.0);

/// What the images of one account may take together.
pub(crate) const ACCOUNT_DISK: Bytes = Bytes::new(50_000 * MB);

/// What a container needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Needs {
    pub(crate) image: Bytes,
    /// The memory that stays resident when it is busiest.
    pub(crate) memory: Bytes,
}

impl Needs {
    /// What images of a kind need.
    pub(crate) fn of(kind: name::Kind) -> Self {
        let (image, memory) = match kind {
            // Measured: the image on a Debian of 199 MB, of which core Lean is 607 and leanrepl 10; and the
            // peak of its control group from the start through the texts of a trial (1.2 to 1.3 GiB): a
            // session, a spare, and one that takes a place.
            name::Kind::Core => (816 * MB, 1331),
            // Assumed, with room: no native Lean was measured in a container.
            name::Kind::Lean => (3_500 * MB, 2048),
            // Measured by others with Lean 4.27: 10.1 to 10.4 GB, and the peak of the import.
            name::Kind::Mathlib => (10_400 * MB, 5530),
        };
        Self {
            image: Bytes::new(image),
            memory: Bytes::mib(memory),
        }
    }
}

impl InstanceType {
    /// From sixteenths of a processor, MiB and MB.
    const fn new(name: &'static str, vcpu_sixteenths: u16, memory_mib: u64, disk_mb: u64) -> Self {
        Self {
            name,
            vcpu_sixteenths,
            memory: Bytes::mib(memory_mib),
            disk: Bytes::new(disk_mb * MB),
        }
    }

    /// The type of that name.
    pub(crate) fn named(name: &str) -> Option<&'static Self> {
        TYPES.iter().find(|known| known.name == name)
    }

    /// Why the needs do not fit, if they do not.
    pub(crate) fn objection(&self, needs: Needs) -> Option<String> {
        if needs.image > self.disk {
            return Some(format!(
                "an image of {} does not fit the {} of disk of `{}`",
                Disk(needs.image),
                Disk(self.disk),
                self.name
            ));
        }
        (needs.memory > self.memory).then(|| {
            format!(
                "{} of memory do not fit the {} of `{}`",
                needs.memory, self.memory, self.name
            )
        })
    }

    /// The smallest type that the needs fit with room to spare: a quarter of the memory, for requests that
    /// take more than was measured, and a tenth of the disk, for what is written.
    ///
    /// # Errors
    /// No type is large enough.
    pub(crate) fn smallest(needs: Needs) -> Result<&'static Self, Failure> {
        let roomy = Needs {
            image: with_share(needs.image, 10),
            memory: with_share(needs.memory, 4),
        };
        let largest = TYPES.last();
        let fits = |known: &&Self| known.objection(roomy).is_none();
        TYPES.iter().find(fits).map_or_else(
            || {
                // Room to spare is optional; that it fits at all is not.
                let last = largest.filter(|largest| largest.objection(needs).is_none());
                last.ok_or_else(|| Self::too_large(needs))
            },
            Ok,
        )
    }

    /// That no type is large enough.
    fn too_large(needs: Needs) -> Failure {
        let why = TYPES.last().and_then(|largest| largest.objection(needs));
        Failure::new(
            Kind::Usage,
            format!(
                "{}, the largest instance type",
                why.unwrap_or_else(|| "it fits no instance type".to_owned())
            ),
            "make the image smaller (`leanrepl build-image` leaves out what is never read), or say what was measured with `--image-size` and `--memory`",
        )
    }
}

impl FromStr for &'static InstanceType {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        InstanceType::named(text).ok_or_else(|| {
            let names: Vec<&str> = TYPES.iter().map(|known| known.name).collect();
            format!(
                "there is no instance type `{text}`; it is one of {}",
                names.join(", ")
            )
        })
    }
}

/// So much more than `bytes`: one part in `share`.
fn with_share(bytes: Bytes, share: u64) -> Bytes {
    Bytes::new(bytes.get().saturating_add(bytes.get() / share))
}

/// A size in the unit in which disks are sold.
pub(crate) struct Disk(pub(crate) Bytes);

impl fmt::Display for Disk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tenths = self.0.get().div_ceil(100 * MB);
        write!(f, "{}.{} GB", tenths / 10, tenths % 10)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Needs in MB of image and MiB of memory.
    fn needs(image_mb: u64, memory_mib: u64) -> Needs {
        Needs {
            image: Bytes::new(image_mb * MB),
            memory: Bytes::mib(memory_mib),
        }
    }

    #[test]
    fn each_kind_gets_the_type_on_which_it_was_found_to_run() {
        for (kind, name) in [
            (name::Kind::Core, "standard-1"),
            (name::Kind::Lean, "standard-1"),
            (name::Kind::Mathlib, "standard-3"),
        ] {
            assert_eq!(InstanceType::smallest(Needs::of(kind)).unwrap().name, name);
        }
    }

    #[test]
    fn disk_and_memory_both_have_to_fit() {
        for (image, memory, name) in [
            (100, 100, "lite"),
            (100, 3000, "standard-1"),
            (9000, 100, "standard-2"),
            (14_000, 100, "standard-3"),
            (14_600, 100, "standard-4"),
            (19_999, 12_288, "standard-4"),
        ] {
            let found = InstanceType::smallest(needs(image, memory)).unwrap();
            assert_eq!(found.name, name, "{image} MB, {memory} MiB");
        }
    }

    #[test]
    fn what_fits_nowhere_is_refused_with_the_reason() {
        let failure = InstanceType::smallest(needs(20_001, 100)).unwrap_err();
        assert_eq!(
            failure.problem(),
            "an image of 20.1 GB does not fit the 20.0 GB of disk of `standard-4`, the largest instance type"
        );
        let failure = InstanceType::smallest(needs(1, 12_289)).unwrap_err();
        assert!(
            failure
                .problem()
                .starts_with("12.0 GiB of memory do not fit"),
            "{failure}"
        );
    }

    #[test]
    fn a_larger_type_has_more_of_everything() {
        for pair in TYPES.windows(2) {
            assert!(pair[0].memory < pair[1].memory && pair[0].disk < pair[1].disk);
            assert!(pair[0].vcpu_sixteenths < pair[1].vcpu_sixteenths);
        }
    }
}
