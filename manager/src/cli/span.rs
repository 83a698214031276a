//! Times as people give them on the command line: as in the rack's file, `30s`, `5m`, `36h`, `7d`, `2w`.

use std::time::Duration;

pub(crate) use pirack::rack::span::span;

/// A deadline for a whole command.
pub(crate) fn deadline(text: &str) -> Result<Duration, String> {
    let sensible = Duration::from_secs(1)..=Duration::from_secs(86_400);
    let asked = span(text).filter(|deadline| sensible.contains(deadline));
    asked.ok_or_else(|| "give a time such as 30s or 5m, of at most a day".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deadline_is_between_a_second_and_a_day() {
        assert_eq!(deadline("5m"), Ok(Duration::from_secs(300)));
        assert_eq!(deadline("1d"), Ok(Duration::from_secs(86_400)));
        for wrong in ["", "0s", "25h", "-1m", "soon"] {
            assert!(deadline(wrong).is_err(), "{wrong:?} passed");
        }
    }
}
