//! Flaws: what is wrong with a board before anything runs on it, and what a preflight check looks for.
//!
//! Each is seen where a real board's is: in the kernel's files, in the network, in every session over ssh. Those
//! in the kernel's files, in the network and on the small disk end with the power.

use std::str::FromStr;

use crate::board::Board;
use crate::error::LabError;

const SCRIPT: &str = include_str!("flaw.sh");

/// One thing that is wrong with a board.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Flaw {
    /// The kernel says that its memory control group is off. Limits hold nevertheless.
    NoMemoryGroup,
    /// The time of day is so many seconds off for every program that is begun over ssh, by `sudo` and as a service
    /// too; monotonic clocks are true. Not for those that call the kernel by themselves, as Docker's do, nor in
    /// containers. [`Board::shift_time`] is for one program, which sees it move.
    Clock(i64),
    /// The board's link takes packets of so many bytes; 1500 is right.
    Mtu(u32),
    /// A program listens at the TCP port.
    Port(u16),
    /// So many bytes are free on the small disk, [`SMALL_DISK`](crate::SMALL_DISK).
    FreeDisk(u64),
    /// Another machine's id.
    MachineId(String),
    /// No name is resolved but `localhost`.
    NoNames,
    /// Its address is one that DHCP gave, for an hour.
    Lease,
    /// Its processor is so many degrees Celsius hot.
    Hot(u16),
    /// A Raspberry Pi's firmware says that its supply is too weak, and its processor slowed down for it.
    LowPower,
}

impl Flaw {
    /// Its name, and how much of it.
    fn told(&self) -> (&'static str, String) {
        match self {
            Self::NoMemoryGroup => ("no-memory-group", String::new()),
            Self::Clock(seconds) => ("clock", format!("{seconds:+}")),
            Self::Mtu(bytes) => ("mtu", bytes.to_string()),
            Self::Port(number) => ("port", number.to_string()),
            Self::FreeDisk(bytes) => ("free-disk", bytes.to_string()),
            Self::MachineId(id) => ("machine-id", id.clone()),
            Self::NoNames => ("no-names", String::new()),
            Self::Lease => ("lease", String::new()),
            Self::Hot(celsius) => ("hot", celsius.to_string()),
            Self::LowPower => ("low-power", String::new()),
        }
    }
}

impl FromStr for Flaw {
    type Err = String;

    /// As in `clock=120` or `lease`.
    fn from_str(text: &str) -> Result<Self, String> {
        let (name, value) = text.split_once('=').unwrap_or((text, ""));
        let number = || value.parse::<i64>().map_err(|_| format!("{name} takes a number, as in {name}=1400"));
        let within = |most: i64| match number()? {
            number if (0..=most).contains(&number) => Ok(number),
            number => Err(format!("{name} takes a number from 0 to {most}, not {number}")),
        };
        let narrow = |most: u16| within(i64::from(most)).map(|number| u16::try_from(number).unwrap_or(most));
        match (name, value) {
            ("no-memory-group", "") => Ok(Self::NoMemoryGroup),
            ("no-names", "") => Ok(Self::NoNames),
            ("lease", "") => Ok(Self::Lease),
            ("low-power", "") => Ok(Self::LowPower),
            ("machine-id", id) if !id.is_empty() => Ok(Self::MachineId(id.to_owned())),
            ("clock", _) => number().map(Self::Clock),
            ("mtu", _) => narrow(u16::MAX).map(|bytes| Self::Mtu(bytes.into())),
            ("port", _) => narrow(u16::MAX).map(Self::Port),
            ("hot", _) => narrow(999).map(Self::Hot),
            ("free-disk", _) => within(i64::MAX).map(|bytes| Self::FreeDisk(bytes.unsigned_abs())),
            _ => Err(format!(
                "\"{text}\" is no flaw: no-memory-group, clock=SECONDS, mtu=BYTES, port=NUMBER, free-disk=BYTES, \
                 machine-id=ID, no-names, lease, hot=CELSIUS or low-power"
            )),
        }
    }
}

impl Board {
    /// Gives the board a flaw; the same flaw again, with another value, changes it.
    ///
    /// # Errors
    /// When the kernel refuses, or the port is taken already.
    pub fn give(&self, flaw: &Flaw) -> Result<(), LabError> {
        self.flaw("give", flaw)
    }

    /// Mends a flaw, as it was given. One that the board has not got is a success.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub fn mend(&self, flaw: &Flaw) -> Result<(), LabError> {
        self.flaw("mend", flaw)
    }

    fn flaw(&self, act: &str, flaw: &Flaw) -> Result<(), LabError> {
        let (name, value) = flaw.told();
        let what = if act == "give" { format!("giving the flaw {name}") } else { format!("mending {name}") };
        self.machine.script(&what, SCRIPT, &[act, name, &value]).map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_flaw_is_read_from_what_it_is_told_as() {
        let all = [
            Flaw::NoMemoryGroup,
            Flaw::Clock(-120),
            Flaw::Mtu(1400),
            Flaw::Port(9092),
            Flaw::FreeDisk(4096),
            Flaw::MachineId("0f".repeat(16)),
            Flaw::NoNames,
            Flaw::Lease,
            Flaw::Hot(85),
            Flaw::LowPower,
        ];
        for flaw in all {
            let (name, value) = flaw.told();
            let text = if value.is_empty() { name.to_owned() } else { format!("{name}={value}") };
            assert_eq!(text.parse(), Ok(flaw));
        }
        for (text, why) in [
            ("port=65536", "from 0 to 65535"),
            ("mtu", "takes a number"),
            ("cold", "no flaw"),
            ("lease=1", "no flaw"),
        ] {
            assert!(text.parse::<Flaw>().unwrap_err().contains(why), "{text}");
        }
    }
}
