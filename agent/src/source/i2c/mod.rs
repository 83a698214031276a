//! Chips on I2C buses, read as [`Source`]s.
//!
//! A reading's way: [`bus`] carries bytes, one file a chip knows registers and their conversion, and
//! `sensor` turns what a chip measured into [`crate::record::Reading`]s. Two rules hold for every chip:
//!
//! - Opening touches no wire. A chip that is not there is an error of each read, never of the start,
//!   and a chip that comes back is read again.
//! - No value leaves here that the chip did not measure as it was told to: identity is checked before
//!   the first measurement, and a chip that lost its configuration (it was unplugged, its supply
//!   dipped) is configured anew before its numbers are believed.

mod bme280;
pub mod bus;
mod chip;
mod ina219;
#[cfg(test)]
mod mocked;
pub mod scan;
mod sensor;
mod sht4x;
mod tmp102;

pub use bus::{BusError, BusFault, LinuxBus, SharedBus, buses};
pub use chip::{Chip, ChipSettings, UnknownChip};
pub use scan::{Found, scan};

use embedded_hal::delay::DelayNs;
use embedded_hal::i2c::I2c;

use super::Source;
use sensor::Sensor;

/// A sensor's source, ready to be read. Touches no wire yet.
///
/// `delay` waits out the chip's conversions: `linux_embedded_hal::Delay` for a chip that exists.
///
/// ```no_run
/// use std::path::Path;
///
/// use pirack_agent::source::i2c::{Chip, ChipSettings, LinuxBus, SharedBus, open};
///
/// // One handle for all chips of a bus, so that their transactions take turns.
/// let bus = SharedBus::new(LinuxBus::new(Path::new("/dev/i2c-1")));
/// let settings = ChipSettings {
///     name: "inlet".to_owned(),
///     chip: Chip::Bme280,
///     address: Chip::Bme280.default_address(),
///     shunt_ohms: None,
///     supply: false,
/// };
/// let mut inlet = open(&settings, bus.clone(), linux_embedded_hal::Delay);
/// for reading in inlet.read()?.readings {
///     println!("{} {}: {} {}", reading.sensor, reading.quantity.name(), reading.value, reading.quantity.unit());
/// }
/// # Ok::<(), pirack_agent::source::SourceError>(())
/// ```
pub fn open<B, D>(settings: &ChipSettings, bus: B, delay: D) -> Box<dyn Source>
where
    B: I2c<Error = BusError> + Send + 'static,
    D: DelayNs + Send + 'static,
{
    let bus = SharedBus::new(bus);
    let address = settings.address;
    match settings.chip {
        Chip::Bme280 => Box::new(Sensor::new(settings, bme280::Bme280::new(bus, address, delay))),
        Chip::Ina219 => {
            let ohms = settings.shunt_ohms.unwrap_or(ina219::BREAKOUT_SHUNT_OHMS);
            Box::new(Sensor::new(settings, ina219::Ina219::new(bus, address, delay, ohms)))
        }
        Chip::Tmp102 => Box::new(Sensor::new(settings, tmp102::Tmp102::new(bus, address, delay))),
        Chip::Sht4x => Box::new(Sensor::new(settings, sht4x::Sht4x::new(bus, address, delay))),
    }
}

/// Why a chip could not be read.
#[derive(Debug, thiserror::Error)]
pub enum I2cError {
    /// The bus carried nothing to or from the chip.
    #[error("cannot read sensor \"{sensor}\" ({chip})")]
    Bus {
        /// The sensor's name in the configuration.
        sensor: String,
        /// What it should be.
        chip: Chip,
        /// Which bus, which address, what went wrong and what to do.
        #[source]
        source: BusError,
    },
    /// Something answers at the address, and it is another chip.
    #[error(
        "sensor \"{sensor}\": what answers at address 0x{address:02x} is no {chip}: {found}; correct chip or \
         address in the configuration (`pirack-agent scan` lists what is there)"
    )]
    WrongChip {
        /// The sensor's name in the configuration.
        sensor: String,
        /// What it should be.
        chip: Chip,
        /// Where it was looked for.
        address: u8,
        /// What the chip said of itself.
        found: String,
    },
    /// The chip's answer did not match its checksum.
    #[error(
        "sensor \"{sensor}\" ({chip} at address 0x{address:02x}): the answer does not match its checksum; use \
         shorter wires, check the pull-up resistors, or slow the bus down"
    )]
    Checksum {
        /// The sensor's name in the configuration.
        sensor: String,
        /// What it is.
        chip: Chip,
        /// Where.
        address: u8,
    },
    /// The chip answered something that its datasheet does not know.
    #[error(
        "sensor \"{sensor}\" ({chip} at address 0x{address:02x}): {what}; check its supply and wires, and \
         replace it if this stays"
    )]
    Nonsense {
        /// The sensor's name in the configuration.
        sensor: String,
        /// What it is.
        chip: Chip,
        /// Where.
        address: u8,
        /// What was wrong with the answer.
        what: String,
    },
    /// No chip of this kind can have this address.
    #[error(
        "sensor \"{sensor}\": a {chip} cannot be at address 0x{address:02x}; its addresses are {}",
        chip.addresses_text()
    )]
    Address {
        /// The sensor's name in the configuration.
        sensor: String,
        /// What it should be.
        chip: Chip,
        /// The address in the configuration.
        address: u8,
    },
}
