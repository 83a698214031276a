//! Docker's rules, one function each.

use super::swarm::Swarm;
use crate::engine::EngineError;
use crate::object::{Id, Kind, Object, Version};
use crate::observed::Held;
use crate::spec::{NetworkSpec, ServiceSpec};

impl Swarm {
    /// A majority of the other managers answers.
    pub(super) fn majority_without(&self, object: &Object, without: &Id) -> Result<(), EngineError> {
        let (reachable, managers) = self.managers_without(Some(without));
        if managers > 0 && reachable > managers / 2 {
            Ok(())
        } else {
            Err(EngineError::QuorumLost { object: object.clone(), reachable, managers })
        }
    }

    /// A service refers only to what is there.
    pub(super) fn references(&self, spec: &ServiceSpec) -> Result<(), EngineError> {
        let missing = |kind, name: &str| EngineError::UnknownReference {
            object: Object::new(Kind::Service, &spec.name),
            needs: Object::new(kind, name),
        };
        for name in spec.networks.iter().filter(|name| *name != "host") {
            if !self.networks.values().any(|held| held.spec.name == *name) {
                return Err(missing(Kind::Network, name));
            }
        }
        for file in spec.configs.values() {
            if !self.configs.values().any(|held| held.spec.name == file.source) {
                return Err(missing(Kind::Config, &file.source));
            }
        }
        for file in spec.secrets.values() {
            if !self.secrets.values().any(|(held, _)| held.spec.name == file.source) {
                return Err(missing(Kind::Secret, &file.source));
            }
        }
        Ok(())
    }

    /// Nothing goes while a service uses it.
    pub(super) fn unused(&self, object: &Object) -> Result<(), EngineError> {
        let name = &object.name;
        let user = self.services.values().find(|held| match object.kind {
            Kind::Network => held.spec.networks.contains(name),
            Kind::Config => held.spec.configs.values().any(|file| file.source == *name),
            Kind::Secret => held.spec.secrets.values().any(|file| file.source == *name),
            Kind::Swarm | Kind::Node | Kind::Service => false,
        });
        match user {
            None => Ok(()),
            Some(user) => Err(EngineError::InUse {
                object: object.clone(),
                by: Object::new(Kind::Service, &user.spec.name),
            }),
        }
    }

    /// What Docker chooses for a network by itself: a range out of its pool (10.0.0.0/8, /24 each) and a VXLAN number.
    pub(super) fn choose(&mut self, mut spec: NetworkSpec) -> NetworkSpec {
        let number = self.index;
        spec.subnet.get_or_insert_with(|| format!("10.{}.{}.0/24", number / 256 % 256, number % 256));
        let key = "com.docker.network.driver.overlay.vxlanid_list";
        spec.options.insert(key.to_owned(), (4096 + number).to_string());
        spec
    }
}

/// An update names the version that the object has.
pub(super) fn current<T>(held: &Held<T>, named: Version, object: &Object) -> Result<(), EngineError> {
    if held.version == named {
        Ok(())
    } else {
        Err(EngineError::VersionConflict { object: object.clone(), named })
    }
}

/// Parts that never change.
pub(super) fn fixed(same: bool, object: &Object, field: &str) -> Result<(), EngineError> {
    if same {
        Ok(())
    } else {
        Err(EngineError::Immutable { object: object.clone(), field: field.to_owned() })
    }
}

/// A name is given once.
pub(super) fn free<'a>(
    mut names: impl Iterator<Item = &'a String>,
    object: &Object,
) -> Result<(), EngineError> {
    if names.any(|name| *name == object.name) {
        Err(EngineError::NameClash { object: object.clone() })
    } else {
        Ok(())
    }
}

/// What is named by id is there.
pub(super) fn there<T>(found: Option<T>, object: &Object) -> Result<T, EngineError> {
    found.ok_or_else(|| EngineError::NotFound { object: object.clone() })
}
