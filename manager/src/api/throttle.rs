//! How often somebody's guess at a token counts as one: a few times at once, then once every few seconds. Who has a
//! right token is not asked.
//!
//! Counted by address, and by network where one has 2^64 of them (IPv6). All is bounded: of too many addresses the
//! one that was quiet for longest is forgotten.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::time::{Duration, Instant};

/// Wrong tokens in a row before the first pause.
const AT_ONCE: u32 = 8;
/// How long each one counts.
const EACH: Duration = Duration::from_secs(5);
/// Addresses remembered.
const MOST: usize = 1024;

/// Who guessed wrong, and until when that counts.
#[derive(Debug, Default)]
pub(super) struct Throttle(HashMap<IpAddr, Instant>);

impl Throttle {
    /// Whether this address may try now; else how long it has to wait.
    pub(super) fn admits(&self, from: IpAddr, now: Instant) -> Result<(), Duration> {
        let Some(until) = self.0.get(&network(from)) else { return Ok(()) };
        let over = until.saturating_duration_since(now).saturating_sub(EACH * (AT_ONCE - 1));
        if over.is_zero() { Ok(()) } else { Err(over) }
    }

    /// It was wrong.
    pub(super) fn wrong(&mut self, from: IpAddr, now: Instant) {
        self.0.retain(|_, until| *until > now);
        if self.0.len() >= MOST {
            let quiet = self.0.iter().min_by_key(|(_, until)| **until).map(|(address, _)| *address);
            quiet.map(|address| self.0.remove(&address));
        }
        let until = self.0.entry(network(from)).or_insert(now);
        *until = (*until).max(now) + EACH;
    }
}

fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX))),
        address => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guesser_is_slowed_down_and_nobody_else_is() {
        let (guesser, other): (IpAddr, IpAddr) = ("10.0.0.9".parse().unwrap(), "10.0.0.8".parse().unwrap());
        let mut throttle = Throttle::default();
        let now = Instant::now();
        for _ in 0..AT_ONCE {
            assert_eq!(throttle.admits(guesser, now), Ok(()));
            throttle.wrong(guesser, now);
        }
        assert_eq!(throttle.admits(guesser, now), Err(EACH));
        assert_eq!(throttle.admits(other, now), Ok(()));
        let mut guesses = 0;
        for second in 0..3600 {
            let now = now + Duration::from_secs(second);
            if throttle.admits(guesser, now).is_ok() {
                guesses += 1;
                throttle.wrong(guesser, now);
            }
        }
        assert!(guesses <= 3600 / EACH.as_secs(), "{guesses}");
        let later = now + Duration::from_secs(8000);
        assert_eq!(throttle.admits(guesser, later), Ok(()), "it is forgotten");
    }

    #[test]
    fn a_network_of_many_addresses_counts_as_one_and_the_memory_is_bounded() {
        let mut throttle = Throttle::default();
        let now = Instant::now();
        for n in 0..u128::from(AT_ONCE) {
            throttle.wrong(IpAddr::V6(Ipv6Addr::from_bits((0x2001_0db8 << 96) + n)), now);
        }
        assert!(throttle.admits("2001:db8::ffff".parse().unwrap(), now).is_err());
        for n in 0..2000_u32 {
            throttle.wrong(IpAddr::V4(n.into()), now);
        }
        assert!(throttle.0.len() <= MOST);
    }
}
