//! Who the board is and since when it runs: names by `sysinfo`, the system's own by `os-release(5)`.

use std::path::{Path, PathBuf};

use rustix::time::{ClockId, clock_gettime};
use sysinfo::System;

use super::address::Address;
use super::relist::{EVERY, Relist};
use crate::record::Health;
use crate::source::{Observation, Source, SourceError};

/// Uptime, names, address.
pub(super) struct SystemSource {
    root: PathBuf,
    address: Address,
    relist: Relist,
    names: Health,
}

impl SystemSource {
    pub(super) fn new(root: &Path) -> Self {
        Self {
            root: root.to_owned(),
            address: Address::new(root),
            relist: Relist::every(EVERY),
            names: Health::default(),
        }
    }

    fn list(&mut self) {
        self.names = Health {
            hostname: System::host_name().ok().filter(|name| !name.is_empty()),
            kernel: System::kernel_version().ok(),
            os: os(&self.root),
            ..Health::default()
        };
        self.address.list();
    }
}

impl Source for SystemSource {
    fn name(&self) -> &'static str {
        "system"
    }

    fn read(&mut self) -> Result<Observation, SourceError> {
        if self.relist.due() {
            self.list();
        }
        let boottime = clock_gettime(ClockId::Boottime);
        #[expect(clippy::cast_precision_loss, reason = "an uptime past 2^52 seconds is beyond any board")]
        let uptime = boottime.tv_sec as f64 + boottime.tv_nsec as f64 / 1e9;
        let health = Health {
            // To the millisecond: what follows is noise in every record.
            uptime_seconds: Some((uptime * 1000.0).round() / 1000.0),
            address: self.address.now().map(|address| address.to_string()),
            ..self.names.clone()
        };
        Ok(Observation { health, ..Observation::default() })
    }
}

/// The pretty name, from the first of the two places that `os-release(5)` names.
fn os(root: &Path) -> Option<String> {
    let text = ["etc/os-release", "usr/lib/os-release"]
        .iter()
        .find_map(|path| std::fs::read_to_string(root.join(path)).ok())?;
    pretty_name(&text)
}

/// `PRETTY_NAME`, as a shell would read it; else `NAME`.
fn pretty_name(text: &str) -> Option<String> {
    let value = |key: &str| {
        let assigned = text.lines().find_map(|line| line.trim().strip_prefix(key)?.strip_prefix('='))?;
        Some(unquote(assigned)).filter(|value| !value.is_empty())
    };
    value("PRETTY_NAME").or_else(|| value("NAME"))
}

fn unquote(value: &str) -> String {
    let value = value.trim();
    let within = |quote: char| value.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote));
    match (within('"'), within('\'')) {
        (Some(text), _) => {
            let mut plain = String::with_capacity(text.len());
            let mut letters = text.chars();
            while let Some(letter) = letters.next() {
                plain.extend(if letter == '\\' { letters.next() } else { Some(letter) });
            }
            plain
        }
        (None, Some(text)) => text.to_owned(),
        (None, None) => value.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn the_system_s_own_pretty_name_is_told() {
        let debian = "PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nNAME=\"Debian GNU/Linux\"\nID=debian\n";
        assert_eq!(pretty_name(debian).as_deref(), Some("Debian GNU/Linux 12 (bookworm)"));
        let armbian = "# comment\nNAME='Armbian'\nPRETTY_NAME='Armbian 25.2 \"noble\"'\n";
        assert_eq!(pretty_name(armbian).as_deref(), Some("Armbian 25.2 \"noble\""));
        assert_eq!(pretty_name(r#"PRETTY_NAME="A \"B\" \$5""#).as_deref(), Some(r#"A "B" $5"#));
        assert_eq!(pretty_name("NAME=Alpine\n").as_deref(), Some("Alpine"));
    }

    #[test]
    fn a_file_without_a_name_gives_none() {
        for text in ["", "PRETTY_NAME=\n", "PRETTY_NAME=\"\"", "PRETTY_NAMES=x", "no equals sign"] {
            assert_eq!(pretty_name(text), None, "{text:?}");
        }
    }

    #[test]
    fn the_second_place_is_read_where_the_first_is_missing() {
        let root = tempfile::tempdir().unwrap();
        assert_eq!(os(root.path()), None);
        fs::create_dir_all(root.path().join("usr/lib")).unwrap();
        fs::write(root.path().join("usr/lib/os-release"), "PRETTY_NAME=Vendor\n").unwrap();
        assert_eq!(os(root.path()).as_deref(), Some("Vendor"));
        fs::create_dir_all(root.path().join("etc")).unwrap();
        fs::write(root.path().join("etc/os-release"), "PRETTY_NAME=Local\n").unwrap();
        assert_eq!(os(root.path()).as_deref(), Some("Local"));
    }
}
