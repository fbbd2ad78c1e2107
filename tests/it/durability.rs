//! What is acknowledged or shown is never lost, altered, repeated or reordered: not when the process is killed, not when
//! the disk is full or fails, not when the database is damaged or the clock steps.

mod ledger;
mod load;
mod registers;
mod world;

mod clock;
mod damage;
mod failing_disk;
mod flipped_bits;
mod forgetting;
mod full_disk;
mod in_doubt;
mod kill;
mod read_only;
mod start;
mod sync;

/// The size of a test, which a longer run raises by an environment variable.
#[expect(
    clippy::disallowed_methods,
    reason = "a test has no configuration but the environment"
)]
pub fn size(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().expect("a number"))
}

/// Numbers that look random and are the same in every run.
pub struct Dice(pub u64);

impl Dice {
    /// A number below `end`.
    pub fn below(&mut self, end: u64) -> u64 {
        // SplitMix64.
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % end
    }
}
