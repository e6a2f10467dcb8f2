//! Numbers that look random and come back with their seed. Never reads a clock.

/// A stream of numbers (splitmix64).
#[derive(Debug, Clone)]
pub(crate) struct Dice(u64);

impl Dice {
    /// The stream of that number among those of a seed.
    pub(crate) fn new(seed: u64, stream: u64) -> Self {
        let mut dice = Self(seed ^ stream.wrapping_mul(0xD6E8_FEB8_6659_FD93));
        // The first numbers of neighbouring streams are alike before the bits are mixed.
        dice.next();
        dice
    }

    /// The next number.
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number below `bound`; 0 if that is 0.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.next().checked_rem(bound).unwrap_or_default()
    }

    /// Whether something comes true that does so so many times in a hundred.
    pub(crate) fn percent(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    /// One of some things, each as often as its weight says; nothing if there are none.
    pub(crate) fn pick<'a, T>(&mut self, things: &'a [T], weight: fn(&T) -> u64) -> Option<&'a T> {
        let mut at = self.below(things.iter().map(weight).sum());
        things.iter().find(|thing| {
            let weight = weight(thing);
            let is_here = at < weight;
            at = at.saturating_sub(weight);
            is_here
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_the_same_numbers_again_and_streams_differ() {
        let roll = |seed, stream| {
            let mut dice = Dice::new(seed, stream);
            [dice.below(1000), dice.below(1000), dice.below(1000)]
        };
        assert_eq!(roll(1, 2), roll(1, 2));
        assert_ne!(roll(1, 2), roll(1, 3));
        assert_ne!(roll(1, 2), roll(2, 2));
    }

    #[test]
    fn heavy_things_come_more_often_and_weightless_ones_never() {
        let mut dice = Dice::new(7, 0);
        let mut counts = [0; 3];
        for _ in 0..4000 {
            let picked = dice.pick(&[(0, 3), (1, 0), (2, 1)], |thing| thing.1);
            counts[picked.unwrap().0] += 1;
        }
        assert_eq!(counts[1], 0);
        assert!((2800..3200).contains(&counts[0]), "{counts:?}");
    }
}
