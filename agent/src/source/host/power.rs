//! Whether the supply is too low, and whether the processor is slowed down right now.
//!
//! Three tellers, each asked where it exists:
//! - hwmon `rpi_volt`, `in0_lcrit_alarm`: 1 while the Raspberry Pi's supply is below its limit
//!   (`Documentation/hwmon/raspberrypi-hwmon.rst`).
//! - `get_throttled` of Raspberry Pi's kernels: the firmware's flags in hexadecimal (Raspberry Pi
//!   documentation, "vcgencmd: `get_throttled`"). The hwmon driver renews it every 2 s. Those kernels call
//!   the file deprecated, with one warning in the kernel's log after each boot; nothing else tells of
//!   throttling without access to the firmware's mailbox.
//! - `/sys/class/thermal/cooling_device*`: elsewhere the kernel itself caps the frequency; a processor's
//!   `cur_state` above 0 means that it does (`Documentation/driver-api/thermal/sysfs-api.rst`).

use std::path::{Path, PathBuf};

use super::kernel_file::{KernelFile, line, names_in};
use super::relist::{EVERY, Relist};
use crate::record::Health;
use crate::source::{Observation, Source, SourceError};

/// Under-voltage and throttling.
pub(super) struct PowerSource {
    sys: PathBuf,
    relist: Relist,
    alarms: Vec<KernelFile>,
    firmware: Vec<KernelFile>,
    cooling: Vec<KernelFile>,
}

impl PowerSource {
    pub(super) fn new(root: &Path) -> Self {
        Self {
            sys: root.join("sys"),
            relist: Relist::every(EVERY),
            alarms: Vec::new(),
            firmware: Vec::new(),
            cooling: Vec::new(),
        }
    }

    fn list(&mut self) {
        self.alarms = open_each(&self.sys.join("class/hwmon"), "in0_lcrit_alarm", |chip| {
            line(&chip.join("name")).as_deref() == Some("rpi_volt")
        });
        // By the driver, not the device: that one's path differs between models.
        self.firmware =
            open_each(&self.sys.join("bus/platform/drivers/raspberrypi-firmware"), "get_throttled", |_| true);
        self.cooling = open_each(&self.sys.join("class/thermal"), "cur_state", |device| {
            line(&device.join("type")).is_some_and(|kind| slows_processor(&kind))
        });
    }
}

fn open_each(folder: &Path, file: &str, wanted: impl Fn(&Path) -> bool) -> Vec<KernelFile> {
    let entries = names_in(folder).into_iter().map(|name| folder.join(name));
    entries.filter(|entry| wanted(entry)).filter_map(|entry| KernelFile::open(&entry.join(file))).collect()
}

/// Whether a cooling device cools by slowing the processor (a fan does not). Names of
/// `drivers/thermal/cpufreq_cooling.c`, new and old, and of ACPI's processor driver.
fn slows_processor(kind: &str) -> bool {
    kind.starts_with("cpufreq-") || kind.starts_with("thermal-cpufreq-") || kind == "Processor"
}

impl Source for PowerSource {
    fn name(&self) -> &'static str {
        "power"
    }

    fn read(&mut self) -> Result<Observation, SourceError> {
        if self.relist.due() {
            self.list();
        }
        let alarms = self.alarms.iter().filter_map(|file| file.number::<u8>().ok()).map(|alarm| alarm != 0);
        let firmware: Vec<Flags> = self.firmware.iter().filter_map(|file| file.parsed(flags).ok()).collect();
        let cooling = self.cooling.iter().filter_map(|file| file.number::<i64>().ok()).map(|state| state > 0);
        let health = Health {
            under_voltage: any(alarms.chain(firmware.iter().map(|flags| flags.under_voltage))),
            throttled: any(cooling.chain(firmware.iter().map(|flags| flags.throttled))),
            ..Health::default()
        };
        Ok(Observation { health, ..Observation::default() })
    }
}

/// Whether one of the tellers says yes; none where there is no teller.
fn any(tellers: impl Iterator<Item = bool>) -> Option<bool> {
    tellers.reduce(|one, other| one || other)
}

/// The firmware's flags that hold now; those from bit 16 on tell of the past.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Flags {
    under_voltage: bool,
    throttled: bool,
}

fn flags(text: &str) -> Option<Flags> {
    const UNDER_VOLTAGE: u32 = 1 << 0;
    const FREQUENCY_CAPPED: u32 = 1 << 1;
    const THROTTLED: u32 = 1 << 2;
    const SOFT_TEMPERATURE_LIMIT: u32 = 1 << 3;
    let bits = u32::from_str_radix(text.strip_prefix("0x").unwrap_or(text), 16).ok()?;
    Some(Flags {
        under_voltage: bits & UNDER_VOLTAGE != 0,
        throttled: bits & (FREQUENCY_CAPPED | THROTTLED | SOFT_TEMPERATURE_LIMIT) != 0,
    })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn read(files: &[(&str, &str)]) -> (Option<bool>, Option<bool>) {
        let root = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = root.path().join("sys").join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let health = PowerSource::new(root.path()).read().unwrap().health;
        (health.under_voltage, health.throttled)
    }

    const FIRMWARE: &str = "bus/platform/drivers/raspberrypi-firmware/soc:firmware/get_throttled";

    #[test]
    fn a_pi_on_a_weak_supply_says_so_and_one_that_was_is_well_again() {
        let alarm = ("class/hwmon/hwmon1/in0_lcrit_alarm", "1\n");
        let name = ("class/hwmon/hwmon1/name", "rpi_volt\n");
        assert_eq!(read(&[name, alarm]), (Some(true), None));
        assert_eq!(read(&[(FIRMWARE, "50005\n")]), (Some(true), Some(true)));
        assert_eq!(read(&[(FIRMWARE, "50000\n")]), (Some(false), Some(false)));
        assert_eq!(read(&[(FIRMWARE, "0\n"), name, alarm]), (Some(true), Some(false)));
    }

    #[test]
    fn another_chip_s_alarm_is_not_the_board_s_supply() {
        let files = [("class/hwmon/hwmon1/name", "ltc4282\n"), ("class/hwmon/hwmon1/in0_lcrit_alarm", "1\n")];
        assert_eq!(read(&files), (None, None));
    }

    #[test]
    fn an_orange_pi_is_throttled_while_a_processor_s_cooling_is_active_and_not_by_its_fan() {
        let fan = [
            ("class/thermal/cooling_device0/type", "pwm-fan\n"),
            ("class/thermal/cooling_device0/cur_state", "3\n"),
        ];
        let big = ("class/thermal/cooling_device1/type", "cpufreq-cpu4\n");
        let old = ("class/thermal/cooling_device1/type", "thermal-cpufreq-0\n");
        let at = |state| ("class/thermal/cooling_device1/cur_state", state);
        assert_eq!(read(&fan), (None, None));
        assert_eq!(read(&[fan[0], fan[1], big, at("0\n")]), (None, Some(false)));
        assert_eq!(read(&[fan[0], fan[1], old, at("2\n")]), (None, Some(true)));
    }

    #[test]
    fn every_flag_of_now_slows_the_processor_and_nonsense_tells_nothing() {
        for (text, throttled) in [("1", false), ("2", true), ("4", true), ("8", true), ("0x80008", true)] {
            assert_eq!(flags(text).map(|flags| flags.throttled), Some(throttled), "{text}");
        }
        for text in ["", "0x", "throttled=0x0", "-1", "123456789"] {
            assert_eq!(flags(text), None, "{text:?}");
        }
    }
}
