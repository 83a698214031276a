//! The narrow edge to the wires: embedded-hal's [`I2c`] over the kernel's `I2C_RDWR`.
//!
//! One call of [`I2c::transaction`] is one `ioctl`, so that no other program comes between a register's
//! address and its bytes. The kernel bounds every transfer in time (one second, unless the adapter's
//! driver says otherwise), so no call hangs. Errors keep what the kernel meant
//! (`Documentation/i2c/fault-codes.rst`): a Raspberry Pi reports a chip that is not there as `EREMOTEIO`,
//! an Orange Pi as `ENXIO`, and both are [`BusFault::NoAcknowledge`].

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use embedded_hal::i2c::{ErrorKind, ErrorType, I2c, NoAcknowledgeSource, Operation};
use i2cdev::core::{I2CMessage, I2CTransfer};
use i2cdev::linux::{I2CMessageFlags, LinuxI2CBus, LinuxI2CMessage};

/// A transaction that failed: where, why, and what to do.
#[derive(Debug, thiserror::Error)]
#[error("{bus}, address 0x{address:02x}: {fault}")]
pub struct BusError {
    /// The bus: a path such as `/dev/i2c-1`, or a simulated bus's name.
    pub bus: Arc<str>,
    /// The 7-bit address that was spoken to.
    pub address: u8,
    /// What went wrong.
    pub fault: BusFault,
    /// The kernel's own word, where there is a kernel.
    #[source]
    pub source: Option<io::Error>,
}

/// What can go wrong on a bus.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BusFault {
    /// Nothing acknowledged its address, or a chip stopped acknowledging (`EREMOTEIO`, `ENXIO`).
    #[error(
        "nothing answers; check the chip's power, its wires and its address (`pirack-agent scan` lists who answers)"
    )]
    NoAcknowledge,
    /// The transfer did not end in time (`ETIMEDOUT`).
    #[error("the bus does not move: a chip holds SDA or SCL low; take its power away and give it back")]
    Timeout,
    /// Another controller won the bus (`EAGAIN`).
    #[error("another controller speaks on this bus; give each bus one controller")]
    ArbitrationLost,
    /// The bus was taken (`EBUSY`).
    #[error("the bus is busy; if this stays, a chip holds SDA low: take its power away and give it back")]
    Busy,
    /// The adapter cannot do what was asked (`EOPNOTSUPP`).
    #[error(
        "the adapter refuses this kind of transfer (a Raspberry Pi's bcm2835 takes a read only as the last \
         message); use another bus, for example a software bus with dtoverlay=i2c-gpio"
    )]
    Unsupported,
    /// There is no such bus (`ENOENT`, `ENODEV`).
    #[error(
        "there is no such bus; switch I2C on (dtparam=i2c_arm=on on a Raspberry Pi) or correct the bus's path"
    )]
    NoBus,
    /// This user may not use it (`EACCES`, `EPERM`).
    #[error("this user may not use the bus; add it to the group i2c")]
    Forbidden,
    /// Anything else; the kernel's word says what.
    #[error("the adapter failed; `dmesg` may say why")]
    Adapter,
}

impl BusFault {
    fn from_errno(errno: Option<i32>) -> Self {
        match errno {
            Some(libc::EREMOTEIO | libc::ENXIO) => Self::NoAcknowledge,
            Some(libc::ETIMEDOUT) => Self::Timeout,
            Some(libc::EAGAIN) => Self::ArbitrationLost,
            Some(libc::EBUSY) => Self::Busy,
            Some(libc::EOPNOTSUPP) => Self::Unsupported,
            Some(libc::ENOENT | libc::ENODEV) => Self::NoBus,
            Some(libc::EACCES | libc::EPERM) => Self::Forbidden,
            _ => Self::Adapter,
        }
    }
}

impl embedded_hal::i2c::Error for BusError {
    fn kind(&self) -> ErrorKind {
        match self.fault {
            // The kernel does not tell whether the address or a byte was refused.
            BusFault::NoAcknowledge => ErrorKind::NoAcknowledge(NoAcknowledgeSource::Unknown),
            BusFault::ArbitrationLost => ErrorKind::ArbitrationLoss,
            BusFault::Busy => ErrorKind::Bus,
            _ => ErrorKind::Other,
        }
    }
}

/// A bus of this machine, opened at its first transaction and again after it vanished: a USB adapter
/// may come and go.
#[derive(Debug)]
pub struct LinuxBus {
    path: PathBuf,
    name: Arc<str>,
    open: Option<LinuxI2CBus>,
}

impl LinuxBus {
    /// The bus behind a device file such as `/dev/i2c-1`. Touches nothing yet.
    #[must_use]
    pub fn new(path: &Path) -> Self {
        Self { path: path.to_owned(), name: path.to_string_lossy().into(), open: None }
    }

    fn transfer(&mut self, address: u8, operations: &mut [Operation<'_>]) -> io::Result<()> {
        if self.open.is_none() {
            self.open = Some(LinuxI2CBus::new(&self.path)?);
        }
        let Some(bus) = self.open.as_mut() else { return Err(io::ErrorKind::NotConnected.into()) };
        let mut messages = messages(address, operations);
        let done = bus.transfer(&mut messages)?;
        if usize::try_from(done) == Ok(messages.len()) {
            Ok(())
        } else {
            Err(io::Error::other(format!("only {done} of {} messages went through", messages.len())))
        }
    }
}

impl ErrorType for LinuxBus {
    type Error = BusError;
}

impl I2c for LinuxBus {
    fn transaction(&mut self, address: u8, operations: &mut [Operation<'_>]) -> Result<(), BusError> {
        if operations.is_empty() {
            return Ok(());
        }
        self.transfer(address, operations).map_err(|source| {
            let fault = BusFault::from_errno(source.raw_os_error());
            if fault == BusFault::NoBus {
                self.open = None;
            }
            BusError { bus: self.name.clone(), address, fault, source: Some(source) }
        })
    }
}

fn messages<'a>(address: u8, operations: &'a mut [Operation<'_>]) -> Vec<LinuxI2CMessage<'a>> {
    let mut previous = None;
    operations
        .iter_mut()
        .map(|operation| {
            let reads = matches!(operation, Operation::Read(_));
            let joins = previous.replace(reads) == Some(reads);
            let message = match operation {
                Operation::Read(buffer) => LinuxI2CMessage::read(buffer),
                Operation::Write(bytes) => LinuxI2CMessage::write(bytes),
            };
            message.with_address(address.into()).with_flags(flags(reads, joins))
        })
        .collect()
}

/// embedded-hal joins neighbours of the same direction without a new start condition; the kernel's word
/// for that is `I2C_M_NOSTART`, which an adapter may refuse with `EOPNOTSUPP`.
fn flags(reads: bool, joins: bool) -> I2CMessageFlags {
    let direction = if reads { I2CMessageFlags::READ } else { I2CMessageFlags::empty() };
    if joins { direction | I2CMessageFlags::NO_START } else { direction }
}

/// One bus for several chips, each read on a thread of its own: a transaction holds the bus, and
/// nothing longer does, so a chip that converts for 40 ms delays no other.
#[derive(Debug)]
pub struct SharedBus<B>(Arc<Mutex<B>>);

impl<B> SharedBus<B> {
    /// Shares a bus.
    pub fn new(bus: B) -> Self {
        Self(Arc::new(Mutex::new(bus)))
    }

    /// Does something with the bus that a transaction cannot, between two transactions.
    pub fn with<T>(&self, act: impl FnOnce(&mut B) -> T) -> T {
        // A thread that panicked here left no half-done state behind: a transaction is one system call.
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl<B> Clone for SharedBus<B> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<B: ErrorType> ErrorType for SharedBus<B> {
    type Error = B::Error;
}

impl<B: I2c> I2c for SharedBus<B> {
    fn transaction(&mut self, address: u8, operations: &mut [Operation<'_>]) -> Result<(), B::Error> {
        self.with(|bus| bus.transaction(address, operations))
    }
}

/// The I2C buses in a folder of device files (`/dev`), by number.
///
/// # Errors
/// When the folder cannot be listed. A folder without buses is an empty list.
pub fn buses(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut numbered = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let number = entry
            .file_name()
            .to_str()
            .and_then(|name| name.strip_prefix("i2c-"))
            .and_then(|number| number.parse::<u32>().ok());
        if let Some(number) = number {
            numbered.push((number, entry.path()));
        }
    }
    numbered.sort();
    Ok(numbered.into_iter().map(|(_, path)| path).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use embedded_hal::i2c::Error as _;

    fn kind(errno: i32) -> ErrorKind {
        let fault = BusFault::from_errno(Some(errno));
        BusError { bus: "bus".into(), address: 0x76, fault, source: None }.kind()
    }

    #[test]
    fn what_the_kernel_meant_is_what_a_driver_is_told() {
        let silent = ErrorKind::NoAcknowledge(NoAcknowledgeSource::Unknown);
        assert_eq!(kind(libc::EREMOTEIO), silent);
        assert_eq!(kind(libc::ENXIO), silent);
        assert_eq!(kind(libc::EAGAIN), ErrorKind::ArbitrationLoss);
        assert_eq!(kind(libc::EBUSY), ErrorKind::Bus);
        assert_eq!(kind(libc::ETIMEDOUT), ErrorKind::Other);
        assert_eq!(kind(libc::EOPNOTSUPP), ErrorKind::Other);
        assert_eq!(kind(libc::EIO), ErrorKind::Other);
    }

    #[test]
    fn an_error_names_bus_and_address_and_what_to_do() {
        let error = BusError {
            bus: "/dev/i2c-1".into(),
            address: 0x76,
            fault: BusFault::from_errno(Some(libc::EREMOTEIO)),
            source: Some(io::Error::from_raw_os_error(libc::EREMOTEIO)),
        };
        let text = error.to_string();
        assert_eq!(
            text,
            "/dev/i2c-1, address 0x76: nothing answers; check the chip's power, its wires and its address \
             (`pirack-agent scan` lists who answers)"
        );
        assert!(BusFault::Unsupported.to_string().contains("bcm2835"));
    }

    #[test]
    fn a_bus_that_is_not_there_is_an_error_of_the_transaction_and_found_when_it_comes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("i2c-9");
        let mut bus = LinuxBus::new(&path);
        let mut byte = [0];
        assert_eq!(bus.read(0x48, &mut byte).unwrap_err().fault, BusFault::NoBus);
        // A plain file opens, and knows no I2C_RDWR: the bus was opened anew, and the error is another.
        fs::write(&path, "").unwrap();
        assert_eq!(bus.read(0x48, &mut byte).unwrap_err().fault, BusFault::Adapter);
    }

    #[test]
    fn neighbours_of_one_direction_are_joined_without_a_new_start() {
        // The numbers are the kernel's (include/uapi/linux/i2c.h): I2C_M_RD and I2C_M_NOSTART.
        assert_eq!(flags(false, false).bits(), 0);
        assert_eq!(flags(true, false).bits(), 0x0001);
        assert_eq!(flags(false, true).bits(), 0x4000);
        assert_eq!(flags(true, true).bits(), 0x4001);
    }

    #[test]
    fn buses_are_listed_by_number_and_nothing_else_is() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["i2c-10", "i2c-2", "i2c-x", "i2c", "tty0"] {
            fs::write(folder.path().join(name), "").unwrap();
        }
        let found = buses(folder.path()).unwrap();
        assert_eq!(found, [folder.path().join("i2c-2"), folder.path().join("i2c-10")]);
    }
}
