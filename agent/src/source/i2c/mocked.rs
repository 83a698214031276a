//! A scripted bus for the drivers' tests: it fails unless exactly the expected bytes are exchanged.

use embedded_hal::i2c::{ErrorKind, ErrorType, I2c, Operation};
use embedded_hal_mock::eh1::delay::NoopDelay;
use embedded_hal_mock::eh1::i2c::{Mock, Transaction};

use super::{BusError, BusFault, Chip, ChipSettings, open};
use crate::record::{Quality, Quantity, Reading};
use crate::source::Source;

pub(super) struct Mocked(pub(super) Mock);

impl ErrorType for Mocked {
    type Error = BusError;
}

fn carried<T>(address: u8, outcome: Result<T, ErrorKind>) -> Result<T, BusError> {
    outcome.map_err(|kind| {
        let fault = match kind {
            ErrorKind::NoAcknowledge(_) => BusFault::NoAcknowledge,
            ErrorKind::ArbitrationLoss => BusFault::ArbitrationLost,
            ErrorKind::Bus => BusFault::Busy,
            _ => BusFault::Timeout,
        };
        BusError { bus: "script".into(), address, fault, source: None }
    })
}

impl I2c for Mocked {
    fn read(&mut self, address: u8, buffer: &mut [u8]) -> Result<(), BusError> {
        carried(address, self.0.read(address, buffer))
    }

    fn write(&mut self, address: u8, bytes: &[u8]) -> Result<(), BusError> {
        carried(address, self.0.write(address, bytes))
    }

    fn write_read(&mut self, address: u8, bytes: &[u8], buffer: &mut [u8]) -> Result<(), BusError> {
        carried(address, self.0.write_read(address, bytes, buffer))
    }

    fn transaction(&mut self, address: u8, operations: &mut [Operation<'_>]) -> Result<(), BusError> {
        // Everything comes here through `SharedBus`; the script speaks of reads, writes and both.
        match operations {
            [Operation::Write(bytes)] => self.write(address, bytes),
            [Operation::Read(buffer)] => self.read(address, buffer),
            [Operation::Write(bytes), Operation::Read(buffer)] => self.write_read(address, bytes, buffer),
            more => panic!("an adapter such as bcm2835 refuses {} operations at once", more.len()),
        }
    }
}

/// A chip at its default address on a bus that expects this script, and the script's end.
pub(super) fn scripted(chip: Chip, script: &[Transaction]) -> (Box<dyn Source>, Mock) {
    let mock = Mock::new(script);
    let settings = ChipSettings {
        name: "it".into(),
        chip,
        address: chip.default_address(),
        shunt_ohms: None,
        supply: true,
    };
    (open(&settings, Mocked(mock.clone()), NoopDelay::new()), mock)
}

/// The reading of one quantity.
pub(super) fn value(readings: &[Reading], quantity: Quantity) -> (f64, Quality) {
    let found = readings.iter().find(|reading| reading.quantity == quantity).unwrap();
    (found.value, found.quality)
}
