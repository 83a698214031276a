//! One measured value: which sensor, which quantity, and whether it can be believed.

use serde::{Deserialize, Serialize};

/// What is measured. Each quantity has one unit, a base unit as Prometheus names them, so that the
/// two can never disagree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Quantity {
    /// Temperature, in degrees Celsius.
    Temperature,
    /// Relative humidity, 0 to 1.
    RelativeHumidity,
    /// Air pressure, in pascals.
    Pressure,
    /// Voltage, in volts.
    Voltage,
    /// Current, in amperes; negative when it flows back.
    Current,
    /// Power, in watts.
    Power,
    /// Bytes a user without privilege can still write.
    StorageFree,
    /// Bytes a file system holds in all.
    StorageTotal,
    /// Bytes received by an interface since it came up.
    NetworkReceiveTotal,
    /// Bytes sent by an interface since it came up.
    NetworkTransmitTotal,
    /// Packets an interface received with errors since it came up.
    NetworkReceiveErrorsTotal,
    /// Packets an interface failed to send since it came up.
    NetworkTransmitErrorsTotal,
}

impl Quantity {
    /// Its unit, the last word of a Prometheus name.
    #[must_use]
    pub fn unit(self) -> &'static str {
        match self {
            Self::Temperature => "celsius",
            Self::RelativeHumidity => "ratio",
            Self::Pressure => "pascals",
            Self::Voltage => "volts",
            Self::Current => "amperes",
            Self::Power => "watts",
            Self::StorageFree
            | Self::StorageTotal
            | Self::NetworkReceiveTotal
            | Self::NetworkTransmitTotal => "bytes",
            Self::NetworkReceiveErrorsTotal | Self::NetworkTransmitErrorsTotal => "packets",
        }
    }

    /// Its name on the wire.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Temperature => "temperature",
            Self::RelativeHumidity => "relative_humidity",
            Self::Pressure => "pressure",
            Self::Voltage => "voltage",
            Self::Current => "current",
            Self::Power => "power",
            Self::StorageFree => "storage_free",
            Self::StorageTotal => "storage_total",
            Self::NetworkReceiveTotal => "network_receive_total",
            Self::NetworkTransmitTotal => "network_transmit_total",
            Self::NetworkReceiveErrorsTotal => "network_receive_errors_total",
            Self::NetworkTransmitErrorsTotal => "network_transmit_errors_total",
        }
    }
}

impl Quantity {
    /// The quantity of this name on the wire.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        use serde::de::value::{Error, StrDeserializer};
        let name: StrDeserializer<'_, Error> = serde::de::IntoDeserializer::into_deserializer(name);
        Self::deserialize(name).ok()
    }
}

/// Whether a value can be believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Quality {
    /// Within what the chip can measure, and checked where the chip offers a check.
    Good,
    /// Outside the range the chip is specified for.
    OutOfRange,
    /// The chip answered, but says itself that the value may be wrong (an overflow flag, a stale conversion).
    Suspect,
}

/// One value, from one sensor.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reading {
    /// The sensor's name in the configuration ("inlet"), a mount point, a thermal zone or an interface.
    pub sensor: String,
    /// What measured it: a chip ("bme280"), or "filesystem", "thermal_zone", "network_interface".
    pub chip: String,
    /// What is measured.
    pub quantity: Quantity,
    /// The value, in the quantity's unit; always finite.
    pub value: f64,
    /// Whether it can be believed.
    pub quality: Quality,
}
