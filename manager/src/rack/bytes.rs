//! A size in bytes, read and written as people do: `512MiB`, `1.5GiB`.

use std::fmt;
use std::str::FromStr;

use serde::Serialize;

/// So many bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Bytes(pub u64);

/// Why a text is no size.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is no size: write a number and KiB, MiB, GiB or TiB, for example 512MiB or 1.5GiB")]
pub struct BytesError(String);

const UNITS: [(&str, u64); 4] = [("TiB", 1 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)];

impl Bytes {
    /// So many mebibytes.
    #[must_use]
    pub const fn mebibytes(count: u64) -> Self {
        Self(count << 20)
    }

    /// Rounded down to whole mebibytes, as the JVM's options want them.
    #[must_use]
    pub const fn as_mebibytes(self) -> u64 {
        self.0 >> 20
    }
}

impl FromStr for Bytes {
    type Err = BytesError;

    fn from_str(text: &str) -> Result<Self, BytesError> {
        let refuse = || BytesError(text.to_owned());
        let (number, unit) = (UNITS.iter())
            .find_map(|(name, unit)| Some((text.strip_suffix(name)?.trim_end(), *unit)))
            .ok_or_else(refuse)?;
        let (whole, part) = number.split_once('.').unwrap_or((number, "0"));
        let digits =
            |text: &str| !text.is_empty() && text.len() <= 9 && text.bytes().all(|c| c.is_ascii_digit());
        if !digits(whole) || !digits(part) {
            return Err(refuse());
        }
        let whole: u64 = whole.parse().map_err(|_| refuse())?;
        let tenths: u64 = part.parse().map_err(|_| refuse())?;
        let scale = 10_u64.pow(u32::try_from(part.len()).map_err(|_| refuse())?);
        let bytes =
            u128::from(whole) * u128::from(unit) + u128::from(tenths) * u128::from(unit) / u128::from(scale);
        u64::try_from(bytes).map(Self).map_err(|_| refuse())
    }
}

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(bytes) = *self;
        for (name, unit) in UNITS {
            if bytes >= unit && (bytes * 10) % unit == 0 {
                let tenths = bytes / unit * 10 + bytes % unit * 10 / unit;
                return match tenths % 10 {
                    0 => write!(f, "{}{name}", tenths / 10),
                    part => write!(f, "{}.{part}{name}", tenths / 10),
                };
            }
        }
        write!(f, "{bytes} bytes")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_and_written_as_people_do() {
        for (text, bytes) in [("512MiB", 512 << 20), ("1.5GiB", 3 << 29), ("4KiB", 4096), ("2TiB", 2 << 40)] {
            assert_eq!(text.parse(), Ok(Bytes(bytes)), "{text}");
            assert_eq!(Bytes(bytes).to_string(), text);
        }
        assert_eq!("1536 MiB".parse(), Ok(Bytes(1536 << 20)));
        for bad in ["", "5", "MiB", "1.MiB", "-1GiB", "1e3MiB", "99999999999GiB", "1GB", "999999999TiB"] {
            assert!(bad.parse::<Bytes>().is_err(), "{bad:?} passed");
        }
    }
}
