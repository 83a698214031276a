//! Calls that fail although nothing is wrong with them: never answered, answered in vain, or by chance with a seed.

use crate::engine::EngineError;

/// What befalls the calls to come.
#[derive(Debug, Default)]
pub(super) struct Faults {
    pub(super) mutating_calls: u64,
    /// How many more mutating calls are answered; `None` is all.
    pub(super) answers_left: Option<u64>,
    /// How many more mutating calls until one whose answer is lost.
    pub(super) lost_after: Option<u64>,
    /// How many more mutating calls until one that is done just as the leader goes.
    pub(super) unled_after: Option<u64>,
    /// Before how many more mutating calls every version moves.
    pub(super) moves_left: u64,
    chance: Option<Chance>,
}

#[derive(Debug)]
struct Chance {
    state: u64,
    per_thousand: u64,
}

impl Chance {
    /// `SplitMix64` (Steele, Lea, Flood 2014): the same seed, the same world.
    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn strikes(&mut self) -> bool {
        self.next() % 1000 < self.per_thousand
    }
}

/// What befalls one mutating call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CallFate {
    Answered,
    NeverDone,
    DoneInVain,
    DoneWithoutLeader,
}

impl CallFate {
    pub(super) fn before(self, about: &str) -> Result<(), EngineError> {
        if self == Self::NeverDone { Err(unreachable(about)) } else { Ok(()) }
    }

    pub(super) fn after(self, about: &str) -> Result<(), EngineError> {
        match self {
            Self::DoneInVain => Err(unreachable(about)),
            Self::DoneWithoutLeader => Err(EngineError::NoLeader { about: about.to_owned() }),
            Self::Answered | Self::NeverDone => Ok(()),
        }
    }
}

impl Faults {
    pub(super) fn falter(&mut self, seed: u64, per_thousand: u16) {
        let per_thousand = u64::from(per_thousand);
        self.chance = (per_thousand > 0).then_some(Chance { state: seed, per_thousand });
    }

    pub(super) fn next_change(&mut self) -> CallFate {
        self.mutating_calls += 1;
        if let Some(left) = &mut self.answers_left {
            if *left == 0 {
                return CallFate::NeverDone;
            }
            *left -= 1;
        }
        if is_next(&mut self.lost_after) {
            return CallFate::DoneInVain;
        }
        if is_next(&mut self.unled_after) {
            return CallFate::DoneWithoutLeader;
        }
        let Some(chance) = &mut self.chance else { return CallFate::Answered };
        match (chance.strikes(), chance.next() % 2) {
            (false, _) => CallFate::Answered,
            (true, 0) => CallFate::NeverDone,
            (true, _) => CallFate::DoneInVain,
        }
    }

    /// Whether every version moves before the call that comes.
    pub(super) fn next_moves(&mut self) -> bool {
        let moves = self.moves_left > 0;
        self.moves_left = self.moves_left.saturating_sub(1);
        moves
    }

    /// A question fails by chance alone: that it was asked changes nothing.
    pub(super) fn before_question(&mut self, about: &str) -> Result<(), EngineError> {
        let strikes = self.chance.as_mut().is_some_and(Chance::strikes);
        if strikes { Err(unreachable(about)) } else { Ok(()) }
    }
}

/// Counts a call of those before one to come. Whether it is that one.
fn is_next(after: &mut Option<u64>) -> bool {
    let left = *after;
    *after = left.and_then(|left| left.checked_sub(1));
    left == Some(0)
}

pub(super) fn unreachable(about: &str) -> EngineError {
    EngineError::Unreachable { about: about.to_owned(), source: "the fake does not answer".into() }
}
