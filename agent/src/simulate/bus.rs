//! A bus that is not there, with the rules of one that is.
//!
//! It speaks the same trait and fails with the same errors as [`crate::source::i2c::LinuxBus`]: an
//! address where nothing sits is not acknowledged, a chip may refuse any byte, and the bus itself can be
//! stuck or busy.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use embedded_hal::i2c::{ErrorType, I2c, Operation};

use crate::source::i2c::{BusError, BusFault};

/// A chip did not acknowledge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Nack;

/// A chip at register level: it sees the bytes that a real one would see.
pub trait SimulatedChip: Send {
    /// Bytes written to it after its address; none when it is only asked whether it is there.
    ///
    /// # Errors
    /// When it does not acknowledge its address or one of the bytes.
    fn write(&mut self, bytes: &[u8]) -> Result<(), Nack>;

    /// Fills a buffer with the bytes that it sends.
    ///
    /// # Errors
    /// When it does not acknowledge its address: it is busy, or has nothing to say.
    fn read(&mut self, buffer: &mut [u8]) -> Result<(), Nack>;
}

/// A bus with simulated chips on it.
pub struct SimulatedBus {
    name: Arc<str>,
    chips: BTreeMap<u8, Box<dyn SimulatedChip>>,
    fault: Option<(BusFault, usize)>,
}

impl SimulatedBus {
    /// A bus without chips, with the name that its errors give.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self { name: name.into(), chips: BTreeMap::new(), fault: None }
    }

    /// Puts a chip at an address; one that was there before is gone.
    pub fn attach(&mut self, address: u8, chip: impl SimulatedChip + 'static) {
        let _replaced = self.chips.insert(address, Box::new(chip));
    }

    /// Takes the chip at an address away.
    pub fn detach(&mut self, address: u8) {
        let _gone = self.chips.remove(&address);
    }

    /// Lets the next transactions fail; zero ends a failure.
    pub fn fail(&mut self, fault: BusFault, transactions: usize) {
        self.fault = (transactions > 0).then_some((fault, transactions));
    }

    fn perform(&mut self, address: u8, operations: &mut [Operation<'_>]) -> Result<(), BusFault> {
        if let Some((fault, left)) = self.fault {
            self.fail(fault, left - 1);
            return Err(fault);
        }
        let chip = self.chips.get_mut(&address).ok_or(BusFault::NoAcknowledge)?;
        for operation in operations {
            let answer = match operation {
                Operation::Write(bytes) => chip.write(bytes),
                Operation::Read(buffer) => chip.read(buffer),
            };
            answer.map_err(|Nack| BusFault::NoAcknowledge)?;
        }
        Ok(())
    }
}

impl ErrorType for SimulatedBus {
    type Error = BusError;
}

impl I2c for SimulatedBus {
    fn transaction(&mut self, address: u8, operations: &mut [Operation<'_>]) -> Result<(), BusError> {
        self.perform(address, operations).map_err(|fault| BusError {
            bus: self.name.clone(),
            address,
            fault,
            source: None,
        })
    }
}

impl fmt::Debug for SimulatedBus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SimulatedBus")
            .field("name", &self.name)
            .field("addresses", &self.chips.keys())
            .field("fault", &self.fault)
            .finish()
    }
}
