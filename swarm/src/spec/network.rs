//! An overlay network. Docker lets nothing of one change after its creation.

use std::collections::BTreeMap;

use serde::Serialize;

/// One network.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NetworkSpec {
    /// Its name.
    pub name: String,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// Its driver: `overlay` for all that a swarm's services share.
    pub driver: String,
    /// Whether containers outside of services may join it.
    pub attachable: bool,
    /// Whether it leads nowhere outside.
    pub internal: bool,
    /// Its address range in CIDR notation; where nothing is said, Docker chooses one.
    pub subnet: Option<String>,
    /// The driver's options; it adds some of its own.
    pub options: BTreeMap<String, String>,
}

impl NetworkSpec {
    /// What the engine reports, less what it chose by itself because `wanted` did not say: the range and the
    /// driver's own options.
    #[must_use]
    pub fn as_far_as_said_by(&self, wanted: &Self) -> Self {
        let said = |key: &str| wanted.options.contains_key(key) || !Self::is_drivers_own(key);
        Self {
            subnet: if wanted.subnet.is_some() { self.subnet.clone() } else { None },
            options: self
                .options
                .iter()
                .filter(|(key, _)| said(key))
                .map(|(key, value)| (key.clone(), value.clone()))
                .collect(),
            ..self.clone()
        }
    }

    /// The overlay driver notes its VXLAN numbers among the options.
    fn is_drivers_own(key: &str) -> bool {
        key == "com.docker.network.driver.overlay.vxlanid_list"
    }
}
