//! Traffic of the physical interfaces, from `/sys/class/net/*/statistics`
//! (`Documentation/ABI/testing/sysfs-class-net-statistics`).
//!
//! An interface is physical when a device stands behind it: bridges, containers' ends and tunnels have
//! none, and would count the same bytes again.

use std::path::{Path, PathBuf};

use super::kernel_file::{KernelFile, is_gone, names_in};
use super::relist::{EVERY, Relist};
use crate::record::{Health, Quality, Quantity, Reading};
use crate::source::{Observation, Source, SourceError};

const COUNTERS: [(Quantity, &str); 4] = [
    (Quantity::NetworkReceiveTotal, "rx_bytes"),
    (Quantity::NetworkTransmitTotal, "tx_bytes"),
    (Quantity::NetworkReceiveErrorsTotal, "rx_errors"),
    (Quantity::NetworkTransmitErrorsTotal, "tx_errors"),
];

struct Interface {
    name: String,
    counters: Vec<(Quantity, KernelFile)>,
}

/// The physical interfaces' counters.
pub(super) struct NetworkSource {
    class: PathBuf,
    relist: Relist,
    interfaces: Vec<Interface>,
}

impl NetworkSource {
    pub(super) fn new(root: &Path) -> Self {
        Self { class: root.join("sys/class/net"), relist: Relist::every(EVERY), interfaces: Vec::new() }
    }

    fn list(&mut self) {
        let physical = names_in(&self.class).into_iter().filter(|name| is_physical(&self.class, name));
        self.interfaces = physical.map(|name| Interface::open(&self.class, name)).collect();
    }
}

/// Whether a device stands behind the interface; `class` is the board's `/sys/class/net`.
pub(super) fn is_physical(class: &Path, interface: &str) -> bool {
    class.join(interface).join("device").exists()
}

impl Interface {
    fn open(class: &Path, name: String) -> Self {
        let folder = class.join(&name).join("statistics");
        let counters = COUNTERS
            .into_iter()
            .filter_map(|(quantity, file)| Some((quantity, KernelFile::open(&folder.join(file))?)))
            .collect();
        Self { name, counters }
    }
}

impl Source for NetworkSource {
    fn name(&self) -> &'static str {
        "network"
    }

    fn read(&mut self) -> Result<Observation, SourceError> {
        if self.relist.due() {
            self.list();
        }
        let mut seen = Observation::default();
        for interface in &self.interfaces {
            for (quantity, file) in &interface.counters {
                let count: u64 = match file.number() {
                    Ok(count) => count,
                    Err(error) => {
                        if is_gone(&error) {
                            self.relist.stale();
                        }
                        continue;
                    }
                };
                add(&mut seen.health, *quantity, count);
                #[expect(clippy::cast_precision_loss, reason = "a reading is a double: exact up to 8 PiB")]
                let value = count as f64;
                seen.readings.push(Reading {
                    sensor: interface.name.clone(),
                    chip: "network_interface".to_owned(),
                    quantity: *quantity,
                    value,
                    quality: Quality::Good,
                });
            }
        }
        Ok(seen)
    }
}

fn add(health: &mut Health, quantity: Quantity, count: u64) {
    let total = match quantity {
        Quantity::NetworkReceiveTotal => &mut health.network_receive_bytes_total,
        Quantity::NetworkTransmitTotal => &mut health.network_transmit_bytes_total,
        _ => return,
    };
    *total = Some(total.unwrap_or(0).saturating_add(count));
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn interface(root: &Path, name: &str, counts: [&str; 4], physical: bool) {
        let folder = root.join("sys/class/net").join(name);
        fs::create_dir_all(folder.join("statistics")).unwrap();
        for ((_, file), text) in COUNTERS.iter().zip(counts) {
            fs::write(folder.join("statistics").join(file), text).unwrap();
        }
        if physical {
            fs::create_dir_all(folder.join("device")).unwrap();
        }
    }

    #[test]
    fn physical_interfaces_add_up_and_virtual_ones_do_not_count_twice() {
        let root = tempfile::tempdir().unwrap();
        interface(root.path(), "eth0", ["1000\n", "200\n", "1\n", "2\n"], true);
        interface(root.path(), "wlan0", ["30\n", "4\n", "0\n", "0\n"], true);
        interface(root.path(), "docker0", ["900\n", "100\n", "0\n", "0\n"], false);
        interface(root.path(), "lo", ["77\n", "77\n", "0\n", "0\n"], false);
        let seen = NetworkSource::new(root.path()).read().unwrap();
        assert_eq!(seen.health.network_receive_bytes_total, Some(1030));
        assert_eq!(seen.health.network_transmit_bytes_total, Some(204));
        let eth0: Vec<f64> = seen.readings.iter().filter(|r| r.sensor == "eth0").map(|r| r.value).collect();
        assert_eq!(eth0, [1000.0, 200.0, 1.0, 2.0]);
        assert_eq!(seen.readings.len(), 8);
    }

    #[test]
    fn a_board_with_only_virtual_interfaces_has_no_totals_rather_than_zero() {
        let root = tempfile::tempdir().unwrap();
        interface(root.path(), "lo", ["77\n", "77\n", "0\n", "0\n"], false);
        assert_eq!(NetworkSource::new(root.path()).read().unwrap(), Observation::default());
    }

    #[test]
    fn a_counter_that_is_no_number_is_left_out_and_a_full_64_bits_are_read() {
        let root = tempfile::tempdir().unwrap();
        interface(root.path(), "eth0", ["18446744073709551615\n", "", "x\n", "-1\n"], true);
        interface(root.path(), "eth1", ["5\n", "6\n", "7\n", "8\n"], true);
        let seen = NetworkSource::new(root.path()).read().unwrap();
        assert_eq!(seen.health.network_receive_bytes_total, Some(u64::MAX), "saturates, never wraps");
        assert_eq!(seen.health.network_transmit_bytes_total, Some(6));
        assert_eq!(seen.readings.len(), 5);
    }
}
