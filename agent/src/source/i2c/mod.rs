//! Chips on I2C buses.
/// Why a chip could not be read.
#[derive(Debug, thiserror::Error)]
pub enum I2cError {}
