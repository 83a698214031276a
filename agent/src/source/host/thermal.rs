//! Temperatures: the kernel's thermal zones, and hwmon chips beside them (NVMe disks, x86 processors).
//!
//! `/sys/class/thermal/thermal_zone*/{type,temp}` (`Documentation/driver-api/thermal/sysfs-api.rst`) and
//! `/sys/class/hwmon/hwmon*/{name,temp*_input,temp*_label}` (`Documentation/hwmon/sysfs-interface.rst`),
//! both in thousandths of a degree Celsius. The kernel shows most zones as hwmon chips too, under the
//! zone's type with `_` for `-`; each is told once, as a zone.

use std::path::{Path, PathBuf};

use super::kernel_file::{KernelFile, is_gone, line, names_in};
use super::relist::{EVERY, Relist};
use crate::record::{Health, Quality, Quantity, Reading};
use crate::source::{Observation, Source, SourceError};

/// What a board's sensors can plausibly see: the widest range that silicon is sold for. Drivers without
/// a sensor behind them report values such as -127 or 0xffff.
const PLAUSIBLE_CELSIUS: std::ops::RangeInclusive<f64> = -55.0..=150.0;

struct Sensor {
    name: String,
    chip: &'static str,
    /// How well it stands for the processor's temperature; 0 is best.
    processor: Option<u8>,
    file: KernelFile,
}

/// Every temperature the kernel knows.
pub(super) struct ThermalSource {
    class: PathBuf,
    relist: Relist,
    sensors: Vec<Sensor>,
}

impl ThermalSource {
    pub(super) fn new(root: &Path) -> Self {
        Self { class: root.join("sys/class"), relist: Relist::every(EVERY), sensors: Vec::new() }
    }

    fn list(&mut self) {
        self.sensors.clear();
        self.list_zones();
        let zones: Vec<String> = self.sensors.iter().map(|sensor| sensor.name.replace('-', "_")).collect();
        self.list_chips(&zones);
    }

    fn list_zones(&mut self) {
        let folder = self.class.join("thermal");
        for zone in names_in(&folder).iter().filter(|name| name.starts_with("thermal_zone")) {
            let kind = line(&folder.join(zone).join("type")).unwrap_or_else(|| zone.clone());
            let processor = processor_rank(&kind);
            self.add(kind, zone, "thermal_zone", processor, &folder.join(zone).join("temp"));
        }
    }

    fn list_chips(&mut self, zones: &[String]) {
        let folder = self.class.join("hwmon");
        for chip in names_in(&folder) {
            let name = line(&folder.join(&chip).join("name")).unwrap_or_else(|| chip.clone());
            if zones.contains(&name.replace('-', "_")) {
                continue;
            }
            for input in names_in(&folder.join(&chip)) {
                let Some(channel) = input.strip_suffix("_input").filter(|name| name.starts_with("temp"))
                else {
                    continue;
                };
                let label = line(&folder.join(&chip).join(format!("{channel}_label")));
                let label = format!("{name} {}", label.as_deref().unwrap_or(channel));
                let processor = processor_rank(&label);
                self.add(label, &chip, "hwmon", processor, &folder.join(&chip).join(&input));
            }
        }
    }

    /// Two zones may share a type; a reading's sensor must not, so the second also bears its folder's name.
    fn add(&mut self, name: String, folder: &str, chip: &'static str, processor: Option<u8>, path: &Path) {
        let Some(file) = KernelFile::open(path) else { return };
        let taken = self.sensors.iter().any(|sensor| sensor.name == name);
        let name = if taken { format!("{name} {folder}") } else { name };
        self.sensors.push(Sensor { name, chip, processor, file });
    }
}

impl Source for ThermalSource {
    fn name(&self) -> &'static str {
        "thermal"
    }

    fn read(&mut self) -> Result<Observation, SourceError> {
        if self.relist.due() {
            self.list();
        }
        let mut readings = Vec::with_capacity(self.sensors.len());
        let mut processor: Option<(u8, f64)> = None;
        for sensor in &self.sensors {
            // A zone that is switched off (a radio that is down) has no temperature now: absent.
            let millidegrees: i32 = match sensor.file.number() {
                Ok(value) => value,
                Err(error) => {
                    if is_gone(&error) {
                        self.relist.stale();
                    }
                    continue;
                }
            };
            let value = f64::from(millidegrees) / 1000.0;
            let plausible = PLAUSIBLE_CELSIUS.contains(&value);
            if let Some(rank) = sensor.processor.filter(|_| plausible) {
                processor = Some(better(processor, (rank, value)));
            }
            readings.push(Reading {
                sensor: sensor.name.clone(),
                chip: sensor.chip.to_owned(),
                quantity: Quantity::Temperature,
                value,
                quality: if plausible { Quality::Good } else { Quality::Suspect },
            });
        }
        let health =
            Health { cpu_temperature_celsius: processor.map(|(_, value)| value), ..Health::default() };
        Ok(Observation { health, readings })
    }
}

/// The better rank; at the same rank the hotter, because the hottest cluster is the one that throttles.
fn better(best: Option<(u8, f64)>, next: (u8, f64)) -> (u8, f64) {
    match best {
        Some(best) if best.0 < next.0 || (best.0 == next.0 && best.1 >= next.1) => best,
        _ => next,
    }
}

/// How well a sensor of this name stands for the processor, if at all. ACPI's own zone (`acpitz`) does
/// not: on many machines it never changes.
fn processor_rank(name: &str) -> Option<u8> {
    let name = name.to_ascii_lowercase().replace('-', "_");
    // cpu_thermal: Pi, Allwinner; cpu: RK3399; bigcore, littlecore: RK3588's clusters.
    let clusters =
        ["cpu", "bigcore", "littlecore", "x86_pkg_temp", "tcpu", "coretemp package", "k10temp tctl"];
    let whole_chip = ["soc_thermal", "package_thermal", "coretemp", "k10temp"];
    if clusters.iter().any(|start| name.starts_with(start)) {
        Some(0)
    } else if whole_chip.iter().any(|start| name.starts_with(start)) {
        Some(1)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// `thermal/thermal_zone0/type`, its text, and so on.
    fn board(files: &[(&str, &str)]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = root.path().join("sys/class").join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        root
    }

    fn values(observation: &Observation) -> Vec<(&str, f64)> {
        observation.readings.iter().map(|reading| (reading.sensor.as_str(), reading.value)).collect()
    }

    #[test]
    fn a_pi_s_zone_is_told_once_though_hwmon_shows_it_again() {
        let root = board(&[
            ("thermal/thermal_zone0/type", "cpu-thermal\n"),
            ("thermal/thermal_zone0/temp", "47231\n"),
            ("hwmon/hwmon0/name", "cpu_thermal\n"),
            ("hwmon/hwmon0/temp1_input", "47231\n"),
            ("hwmon/hwmon1/name", "rpi_volt\n"),
            ("hwmon/hwmon1/in0_lcrit_alarm", "0\n"),
        ]);
        let seen = ThermalSource::new(root.path()).read().unwrap();
        assert_eq!(values(&seen), [("cpu-thermal", 47.231)]);
        assert_eq!(seen.health.cpu_temperature_celsius, Some(47.231));
    }

    #[test]
    fn an_orange_pi_5_s_processor_is_as_hot_as_its_hottest_cluster() {
        let root = board(&[
            ("thermal/thermal_zone0/type", "soc-thermal\n"),
            ("thermal/thermal_zone0/temp", "52000\n"),
            ("thermal/thermal_zone1/type", "bigcore0-thermal\n"),
            ("thermal/thermal_zone1/temp", "49000\n"),
            ("thermal/thermal_zone2/type", "littlecore-thermal\n"),
            ("thermal/thermal_zone2/temp", "51500\n"),
            ("thermal/thermal_zone3/type", "gpu-thermal\n"),
            ("thermal/thermal_zone3/temp", "58000\n"),
        ]);
        let seen = ThermalSource::new(root.path()).read().unwrap();
        assert_eq!(seen.health.cpu_temperature_celsius, Some(51.5));
        assert_eq!(seen.readings.len(), 4);
    }

    #[test]
    fn an_amd_desk_machine_gives_its_processor_and_its_disk_by_hwmon() {
        let root = board(&[
            ("thermal/thermal_zone0/type", "acpitz\n"),
            ("thermal/thermal_zone0/temp", "16800\n"),
            ("hwmon/hwmon2/name", "k10temp\n"),
            ("hwmon/hwmon2/temp1_input", "61125\n"),
            ("hwmon/hwmon2/temp1_label", "Tctl\n"),
            ("hwmon/hwmon3/name", "nvme\n"),
            ("hwmon/hwmon3/temp1_input", "38850\n"),
            ("hwmon/hwmon3/temp1_label", "Composite\n"),
        ]);
        let seen = ThermalSource::new(root.path()).read().unwrap();
        assert_eq!(values(&seen), [("acpitz", 16.8), ("k10temp Tctl", 61.125), ("nvme Composite", 38.85)]);
        assert_eq!(seen.health.cpu_temperature_celsius, Some(61.125));
    }

    #[test]
    fn zones_of_one_type_get_names_of_their_own() {
        let root = board(&[
            ("thermal/thermal_zone0/type", "acpitz\n"),
            ("thermal/thermal_zone0/temp", "16800\n"),
            ("thermal/thermal_zone1/type", "acpitz\n"),
            ("thermal/thermal_zone1/temp", "20000\n"),
        ]);
        let seen = ThermalSource::new(root.path()).read().unwrap();
        assert_eq!(values(&seen), [("acpitz", 16.8), ("acpitz thermal_zone1", 20.0)]);
        assert_eq!(seen.health.cpu_temperature_celsius, None, "acpitz stands for no processor");
    }

    #[test]
    fn an_impossible_value_is_suspect_and_garbage_is_absent() {
        let root = board(&[
            ("thermal/thermal_zone0/type", "cpu-thermal\n"),
            ("thermal/thermal_zone0/temp", "-127000\n"),
            ("thermal/thermal_zone1/type", "gpu-thermal\n"),
            ("thermal/thermal_zone1/temp", "\n"),
        ]);
        let seen = ThermalSource::new(root.path()).read().unwrap();
        assert_eq!(values(&seen), [("cpu-thermal", -127.0)]);
        assert_eq!(seen.readings[0].quality, Quality::Suspect);
        assert_eq!(seen.health.cpu_temperature_celsius, None);
    }

    #[test]
    fn the_next_read_tells_the_next_value() {
        let root = board(&[
            ("thermal/thermal_zone0/type", "cpu-thermal\n"),
            ("thermal/thermal_zone0/temp", "47000\n"),
        ]);
        let mut source = ThermalSource::new(root.path());
        assert_eq!(source.read().unwrap().health.cpu_temperature_celsius, Some(47.0));
        fs::write(root.path().join("sys/class/thermal/thermal_zone0/temp"), "48500\n").unwrap();
        assert_eq!(source.read().unwrap().health.cpu_temperature_celsius, Some(48.5));
    }
}
