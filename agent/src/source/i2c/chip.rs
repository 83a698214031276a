//! Which chips there are drivers for, and what a configuration says of one.

use std::fmt;
use std::str::FromStr;

/// A kind of chip that this agent reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Chip {
    /// Bosch BME280: temperature, relative humidity, air pressure.
    Bme280,
    /// Texas Instruments INA219: voltage, and current by a shunt.
    Ina219,
    /// Texas Instruments TMP102, and the TMP112, which has the same registers: temperature.
    Tmp102,
    /// Sensirion SHT40, SHT41, SHT43 and SHT45: temperature, relative humidity.
    Sht4x,
}

impl Chip {
    /// Every chip.
    pub const ALL: [Self; 4] = [Self::Bme280, Self::Ina219, Self::Tmp102, Self::Sht4x];

    /// Its name in the configuration and in records.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Bme280 => "bme280",
            Self::Ina219 => "ina219",
            Self::Tmp102 => "tmp102",
            Self::Sht4x => "sht4x",
        }
    }

    /// The addresses it can have, lowest first.
    #[must_use]
    pub fn addresses(self) -> &'static [u8] {
        match self {
            // Datasheet 6.2: the SDO pin.
            Self::Bme280 => &[0x76, 0x77],
            // Datasheet, "Address Pins and Slave Addresses": A0 and A1, each to ground, supply, SDA or SCL.
            Self::Ina219 => &[
                0x40, 0x41, 0x42, 0x43, 0x44, 0x45, 0x46, 0x47, 0x48, 0x49, 0x4a, 0x4b, 0x4c, 0x4d, 0x4e,
                0x4f,
            ],
            // Datasheet, "Address Pin and Slave Addresses": the ADD0 pin.
            Self::Tmp102 => &[0x48, 0x49, 0x4a, 0x4b],
            // Datasheet, "Ordering Information": fixed by the order code (-AD1B, -BD1B, -CD1B).
            Self::Sht4x => &[0x44, 0x45, 0x46],
        }
    }

    /// The address it most often has: the one that boards are sold with.
    #[must_use]
    pub fn default_address(self) -> u8 {
        match self {
            Self::Bme280 => 0x76,
            Self::Ina219 => 0x40,
            Self::Tmp102 => 0x48,
            Self::Sht4x => 0x44,
        }
    }

    /// Its addresses as a person reads them: "0x76, 0x77".
    #[must_use]
    pub fn addresses_text(self) -> String {
        let texts: Vec<String> = self.addresses().iter().map(|address| format!("0x{address:02x}")).collect();
        texts.join(", ")
    }
}

impl fmt::Display for Chip {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A text that names no chip this agent reads.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is no chip that this agent reads: use one of bme280, ina219, tmp102, sht4x")]
pub struct UnknownChip(String);

impl FromStr for Chip {
    type Err = UnknownChip;

    fn from_str(text: &str) -> Result<Self, UnknownChip> {
        Self::ALL.into_iter().find(|chip| chip.name() == text).ok_or_else(|| UnknownChip(text.to_owned()))
    }
}

/// One chip, as the configuration describes it.
#[derive(Clone, Debug, PartialEq)]
pub struct ChipSettings {
    /// The sensor's name in records: "inlet", "exhaust", "supply".
    pub name: String,
    /// What it is.
    pub chip: Chip,
    /// Its 7-bit address, one of [`Chip::addresses`].
    pub address: u8,
    /// An INA219's shunt, in ohms, above zero; 0.1, as breakout boards have it, where it is absent.
    pub shunt_ohms: Option<f64>,
    /// Whether this INA219 measures the board's own supply, and so fills the supply fields of its health.
    pub supply: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_chip_is_found_by_its_name_and_has_its_default_among_its_addresses() {
        for chip in Chip::ALL {
            assert_eq!(chip.name().parse(), Ok(chip));
            assert!(chip.addresses().contains(&chip.default_address()), "{chip}");
        }
    }

    #[test]
    fn an_unknown_chip_is_refused_with_the_names_of_all_known_ones() {
        let message = "bmp180".parse::<Chip>().unwrap_err().to_string();
        for chip in Chip::ALL {
            assert!(message.contains(chip.name()), "{message}");
        }
    }
}
