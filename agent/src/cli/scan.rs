//! `scan`: who answers on this board's I2C buses.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use linux_embedded_hal::Delay;
use pirack_agent::letter::chain;
use pirack_agent::source::i2c::{self, Found, LinuxBus};
use serde_json::json;

pub(crate) fn scan(bus: Option<&Path>, json: bool) -> anyhow::Result<ExitCode> {
    let buses = match bus {
        Some(bus) => vec![bus.to_owned()],
        None => i2c::buses(Path::new("/dev")).context("cannot list /dev")?,
    };
    if buses.is_empty() {
        eprintln!(
            "pirack-agent: this machine has no I2C bus: on a Raspberry Pi put dtparam=i2c_arm=on into \
             /boot/firmware/config.txt, load i2c-dev, and start again"
        );
    }
    let mut status = ExitCode::SUCCESS;
    let mut found = Vec::new();
    for bus in buses {
        match i2c::scan(&mut LinuxBus::new(&bus), &mut Delay) {
            Ok(chips) => found.extend(chips.into_iter().map(|chip| (bus.clone(), chip))),
            Err(error) => {
                eprintln!("pirack-agent: {}", chain(&error));
                status = ExitCode::FAILURE;
            }
        }
    }
    super::print(&if json { as_json(&found)? } else { as_table(&found) })?;
    Ok(status)
}

fn as_json(found: &[(PathBuf, Found)]) -> serde_json::Result<String> {
    let rows: Vec<_> = found
        .iter()
        .map(|(bus, Found { address, chip })| json!({"bus": bus, "address": address, "chip": chip.map(i2c::Chip::name)}))
        .collect();
    Ok(format!("{}\n", serde_json::to_string_pretty(&rows)?))
}

fn as_table(found: &[(PathBuf, Found)]) -> String {
    if found.is_empty() {
        return String::new();
    }
    let mut rows = vec![["BUS", "ADDRESS", "CHIP"].map(String::from).to_vec()];
    rows.extend(found.iter().map(|(bus, Found { address, chip })| {
        let name = chip.map_or("unknown", i2c::Chip::name);
        vec![bus.display().to_string(), format!("0x{address:02x}"), name.to_owned()]
    }));
    super::table(&rows)
}
