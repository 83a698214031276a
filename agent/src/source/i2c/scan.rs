//! Who answers on a bus, and what it is, without disturbing it.
//!
//! Asking is never quite free on I2C. As i2cdetect(8) does: reserved addresses (0x00 to 0x07, 0x78 to
//! 0x7f) are left alone; where memories live (0x30 to 0x37, 0x50 to 0x5f), and an empty write could be
//! taken for the start of one, a byte is read; everywhere else an empty write asks, which even a chip
//! that refuses reads acknowledges. Adapters that cannot send an empty write get a read instead.
//! A chip is identified by reads, and, for Sensirion's, by the command that asks its serial number. An
//! INA219 is recognised by the look of its registers, because the sure way resets it. A Sensirion chip that
//! an agent measures at this very moment may cost that agent one reading.

use ::sht4x::{Address, Sht4x};
use embedded_hal::delay::DelayNs;
use embedded_hal::i2c::I2c;

use super::tmp102::{self, plausible};
use super::{BusError, BusFault, Chip, bme280};

/// Something that answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    /// Its 7-bit address.
    pub address: u8,
    /// What it is, where it is a chip that this agent reads.
    pub chip: Option<Chip>,
}

/// The addresses that are not reserved.
const ADDRESSES: std::ops::RangeInclusive<u8> = 0x08..=0x77;

/// Asks every address of a bus. Takes about a tenth of a second; `delay` waits for a chip's answer.
///
/// # Errors
/// When the bus itself fails; that nothing answers at an address is no error.
pub fn scan<B, D>(bus: &mut B, delay: &mut D) -> Result<Vec<Found>, BusError>
where
    B: I2c<Error = BusError>,
    D: DelayNs,
{
    let mut found = Vec::new();
    for address in ADDRESSES {
        if answers(bus, address, delay)? {
            let chip = identify(bus, address, delay);
            found.push(Found { address, chip });
        }
    }
    Ok(found)
}

fn answers<B, D>(bus: &mut B, address: u8, delay: &mut D) -> Result<bool, BusError>
where
    B: I2c<Error = BusError>,
    D: DelayNs,
{
    let memory = matches!(address, 0x30..=0x37 | 0x50..=0x5f);
    let asked = if memory { bus.read(address, &mut [0]) } else { bus.write(address, &[]) };
    let asked = match asked {
        Err(error) if error.fault == BusFault::Unsupported && !memory => bus.read(address, &mut [0]),
        asked => asked,
    };
    match asked {
        Ok(()) => Ok(true),
        // A Sensirion chip with nothing to tell refuses a read, so where one may live it is asked by name.
        Err(error) if error.fault == BusFault::NoAcknowledge => {
            Ok(Chip::Sht4x.addresses().contains(&address) && is_sht4x(bus, address, delay))
        }
        Err(error) => Err(error),
    }
}

fn identify<B: I2c, D: DelayNs>(bus: &mut B, address: u8, delay: &mut D) -> Option<Chip> {
    // Sensirion's first: one that has just refused another chip's command may refuse its own as well.
    let order = [Chip::Sht4x, Chip::Bme280, Chip::Ina219, Chip::Tmp102];
    order.into_iter().filter(|chip| chip.addresses().contains(&address)).find(|chip| match chip {
        Chip::Bme280 => register(bus, address, bme280::ID) == Some([bme280::ID_BME280]),
        Chip::Ina219 => is_ina219(bus, address),
        Chip::Tmp102 => is_tmp102(bus, address),
        Chip::Sht4x => is_sht4x(bus, address, delay),
    })
}

fn register<const N: usize, B: I2c>(bus: &mut B, address: u8, register: u8) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    bus.write_read(address, &[register], &mut bytes).ok().map(|()| bytes)
}

/// Datasheet SBOS448, "Register Maps": in the configuration bits 15 and 14 read 0 and a mode other than power
/// down runs, in the bus voltage bit 2 reads 0, and the last bit of the calibration does.
fn is_ina219<B: I2c>(bus: &mut B, address: u8) -> bool {
    let mut word = |number| register(bus, address, number).map(u16::from_be_bytes);
    let (Some(configuration), Some(voltage), Some(calibration)) = (word(0), word(2), word(5)) else {
        return false;
    };
    configuration & 0xc000 == 0
        && configuration & 0b111 != 0
        && voltage & 0b100 == 0
        && calibration & 1 == 0
        && word(0) == Some(configuration)
}

/// As [`plausible`], and a temperature register with its last three bits 0, or 001 when extended.
fn is_tmp102<B: I2c>(bus: &mut B, address: u8) -> bool {
    let mut word = |number| register(bus, address, number).map(u16::from_be_bytes);
    let (Some(temperature), Some(configuration)) = (word(0), word(tmp102::CONFIGURATION)) else {
        return false;
    };
    plausible(configuration) && matches!(temperature & 0b111, 0b000 | 0b001)
}

/// Its serial number comes with two checksums, which a stranger hardly gets right.
fn is_sht4x<B: I2c, D: DelayNs>(bus: &mut B, address: u8, delay: &mut D) -> bool {
    let address = match address {
        0x44 => Address::Address0x44,
        0x45 => Address::Address0x45,
        0x46 => Address::Address0x46,
        _ => return false,
    };
    let serial_number = Sht4x::new_with_address(bus, address).serial_number(delay);
    serial_number.is_ok_and(|number| number != 0 && number != u32::MAX)
}
