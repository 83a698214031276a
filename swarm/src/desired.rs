//! What a swarm should be: plain data that cannot be wrong.
//!
//! A [`Draft`] is filled by hand from values that were each checked when they were made; [`Draft::check`]
//! then holds them against each other and gives a [`Desired`], or every [`Flaw`] at once. Behind that door
//! nobody checks again.

mod check;
mod constraint;
mod container;
mod image;
mod name;
mod service;

pub use check::{DesiredError, Flaw};
pub use constraint::{Constraint, Subject};
pub use container::{Limited, Log, LogForm, StopSignal, User};
pub use image::Image;
pub use name::{
    AbsolutePath, Capability, ConfigName, EnvKey, HostName, LabelKey, NameError, NetworkName, Owner,
    SecretName, ServiceName, VolumeName,
};
pub use service::{Attachment, File, HostEntry, Mount, Service, Source};

use std::collections::BTreeMap;
use std::net::IpAddr;

use crate::spec::{Availability, Role, SecretValue};

/// An overlay network that services share.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Network {
    /// Its name.
    pub name: NetworkName,
    /// Whether containers outside of services may join it.
    pub attachable: bool,
    /// Whether it leads nowhere outside.
    pub internal: bool,
    /// Whether its traffic between boards is encrypted (IPsec; dear on small boards).
    pub encrypted: bool,
    /// Its address range; where none is given, Docker chooses one.
    pub subnet: Option<Subnet>,
    /// The greatest packet in bytes; where none is given, Docker's 1450.
    pub mtu: Option<u16>,
}

impl Network {
    /// A network with Docker's defaults.
    #[must_use]
    pub fn new(name: NetworkName) -> Self {
        Self { name, attachable: false, internal: false, encrypted: false, subnet: None, mtu: None }
    }
}

/// An IPv4 or IPv6 range with no bits set past its prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Subnet {
    address: IpAddr,
    prefix: u8,
}

impl std::fmt::Display for Subnet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
    }
}

impl std::str::FromStr for Subnet {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let refuse = || {
            NameError::new(text, "an address range", "write its first address and prefix, as in 10.20.0.0/24")
        };
        let (address, prefix) = text.split_once('/').ok_or_else(refuse)?;
        let address: IpAddr = address.parse().map_err(|_| refuse())?;
        let prefix: u8 = prefix.parse().map_err(|_| refuse())?;
        let (bits, width): (u128, u32) = match address {
            IpAddr::V4(address) => (u128::from(address.to_bits()), 32),
            IpAddr::V6(address) => (address.to_bits(), 128),
        };
        let host_bits = width.checked_sub(u32::from(prefix)).ok_or_else(refuse)?;
        let past = bits.checked_shl(128 - host_bits).unwrap_or(0);
        if past == 0 { Ok(Self { address, prefix }) } else { Err(refuse()) }
    }
}

/// A config: a file that services read, of any content up to 1000 KiB (Docker's bound).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Its name as services know it.
    pub name: ConfigName,
    /// Its content.
    pub content: Vec<u8>,
}

/// A secret: a file that services read and nobody else, up to 500 KiB (Docker's bound).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Secret {
    /// Its name as services know it.
    pub name: SecretName,
    /// Its value.
    pub value: SecretValue,
}

/// A board that has joined the swarm, or must.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// Its host name.
    pub name: HostName,
    /// Its part in the swarm.
    pub role: Role,
    /// Whether it takes tasks.
    pub availability: Availability,
    /// Labels for services' constraints. Others that somebody set are left alone.
    pub labels: BTreeMap<LabelKey, String>,
}

/// What should be, not yet held against itself.
#[derive(Clone, Debug)]
pub struct Draft {
    /// Whose all of it is. A plan never touches what another owns.
    pub owner: Owner,
    /// Nodes. One that the owner had and that is not here is drained, demoted and forgotten.
    pub nodes: Vec<Node>,
    /// Networks.
    pub networks: Vec<Network>,
    /// Configs.
    pub configs: Vec<Config>,
    /// Secrets.
    pub secrets: Vec<Secret>,
    /// What the hashes in secrets' names are keyed with: the same for as long as secrets are to keep their names.
    /// Empty by itself, and then whoever sees a name can test guesses at the value against it.
    pub secret_key: SecretValue,
    /// Services.
    pub services: Vec<Service>,
}

impl Draft {
    /// Nothing at all, of this owner.
    #[must_use]
    pub fn new(owner: Owner) -> Self {
        Self {
            owner,
            nodes: vec![],
            networks: vec![],
            configs: vec![],
            secrets: vec![],
            secret_key: SecretValue::new(vec![]),
            services: vec![],
        }
    }

    /// Holds everything against everything else.
    ///
    /// # Errors
    /// Every flaw there is: a name used twice, a reference to nothing, two files on one path, and the like.
    pub fn check(self) -> Result<Desired, DesiredError> {
        check::check(self)
    }
}

/// What should be. Made by [`Draft::check`] alone: names are unique, references lead somewhere.
#[derive(Clone, Debug)]
pub struct Desired {
    pub(crate) owner: Owner,
    pub(crate) nodes: BTreeMap<HostName, Node>,
    pub(crate) networks: BTreeMap<NetworkName, Network>,
    pub(crate) configs: BTreeMap<ConfigName, Config>,
    pub(crate) secrets: BTreeMap<SecretName, Secret>,
    pub(crate) secret_key: SecretValue,
    pub(crate) services: BTreeMap<ServiceName, Service>,
}

impl Desired {
    /// Whose it is.
    #[must_use]
    pub fn owner(&self) -> &Owner {
        &self.owner
    }

    /// The services, by name.
    pub fn services(&self) -> impl Iterator<Item = &Service> {
        self.services.values()
    }

    /// The nodes, by name.
    pub fn nodes(&self) -> impl Iterator<Item = &Node> {
        self.nodes.values()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_has_no_bits_past_its_prefix() {
        for good in ["10.20.0.0/24", "10.0.0.1/32", "0.0.0.0/0", "fd00::/64", "::/0"] {
            assert_eq!(good.parse::<Subnet>().map(|range| range.to_string()), Ok(good.to_owned()));
        }
        for bad in ["10.20.0.1/24", "10.0.0.0", "10.0.0.0/33", "fd00::1/64", "x/8", ""] {
            assert!(bad.parse::<Subnet>().is_err(), "{bad:?} passed");
        }
    }
}
