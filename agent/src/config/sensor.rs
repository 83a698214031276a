//! The sensors' tables: each checked by itself, then all against each other.

use std::collections::HashMap;
use std::ops::Range;
use std::time::Duration;

use toml::Spanned;

use super::SensorConfig;
use super::check::Checker;
use super::file::{SensorSection, Written};
use crate::source::i2c::{Chip, ChipSettings};

impl Checker<'_> {
    pub(super) fn sensor(&mut self, section: &SensorSection, interval: Duration) -> Option<SensorConfig> {
        let name = self.required(section, section.name.as_ref(), "name", "\"inlet\"").and_then(|name| {
            let allowed = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
            if name.len() <= 63 && name.chars().all(allowed) {
                return Some(name);
            }
            self.say(
                section.name.as_ref().map(Spanned::span),
                "name: it stands in every reading and in addresses, and this one cannot",
                "use up to 63 letters, digits, '-' and '_', for example \"inlet\"",
            );
            None
        });
        let chip = self.required(section, section.chip.as_ref(), "chip", "\"bme280\"").and_then(|text| {
            let parsed = text.parse::<Chip>();
            if let (Err(error), Some(written)) = (&parsed, &section.chip) {
                self.say(
                    Some(written.span()),
                    format!("chip: {error}"),
                    "name the chip as it is marked, in lower case",
                );
            }
            parsed.ok()
        });
        let bus = self
            .required(section, section.bus.as_ref(), "bus", "\"/dev/i2c-1\"")
            .and_then(|_| self.path(section.bus.as_ref()));
        self.only_for_current(section, chip);
        let address = chip.and_then(|chip| self.address(section.address.as_ref(), chip));
        let shunt_ohms = self.shunt(section.shunt_ohms.as_ref());
        let interval = match &section.interval_seconds {
            None => Some(interval),
            written => self.interval(written.as_ref()),
        };
        let supply = section.supply.as_ref().is_some_and(|written| *written.get_ref());
        Some(SensorConfig {
            chip: ChipSettings { name: name?, chip: chip?, address: address?, shunt_ohms, supply },
            bus: bus?,
            interval: interval?,
        })
    }

    fn required(
        &mut self,
        section: &SensorSection,
        written: Option<&Spanned<String>>,
        key: &str,
        example: &str,
    ) -> Option<String> {
        match written {
            Some(value) if !value.get_ref().is_empty() => Some(value.get_ref().clone()),
            Some(value) => {
                self.say(
                    Some(value.span()),
                    format!("{key} is empty"),
                    format!("write {key} = {example}, or the like"),
                );
                None
            }
            None => {
                let near = near(section);
                self.say(
                    near,
                    format!("a sensor has no {key}"),
                    format!("add {key} = {example}, or the like"),
                );
                None
            }
        }
    }

    fn address(&mut self, written: Option<&Spanned<i64>>, chip: Chip) -> Option<u8> {
        let Some(written) = written else { return Some(chip.default_address()) };
        let address = *written.get_ref();
        let known = chip.addresses();
        match u8::try_from(address).ok().filter(|address| known.contains(address)) {
            Some(address) => Some(address),
            None => {
                let list: Vec<_> = known.iter().map(|address| format!("0x{address:02x}")).collect();
                self.say(
                    Some(written.span()),
                    format!("address: a {chip} never answers at {}", written_address(address)),
                    format!("it can be strapped to {}; pirack-agent scan shows who answers", list.join(", ")),
                );
                None
            }
        }
    }

    fn shunt(&mut self, written: Option<&Spanned<f64>>) -> Option<f64> {
        let written = written?;
        let ohms = *written.get_ref();
        if ohms.is_finite() && (0.0001..=10.0).contains(&ohms) {
            return Some(ohms);
        }
        self.say(
            Some(written.span()),
            format!("shunt_ohms: {ohms} is no shunt"),
            "0.1 is what most breakout boards carry",
        );
        None
    }

    /// A shunt and a supply are a current sensor's; on another chip somebody meant something else.
    fn only_for_current(&mut self, section: &SensorSection, chip: Option<Chip>) {
        let Some(chip) = chip.filter(|chip| *chip != Chip::Ina219) else { return };
        let shunt = section.shunt_ohms.as_ref().map(|written| ("shunt_ohms", written.span()));
        let supply = section.supply.as_ref().filter(|written| *written.get_ref());
        let supply = supply.map(|written| ("supply", written.span()));
        for (key, span) in shunt.into_iter().chain(supply) {
            self.say(
                Some(span),
                format!("{key}: a {chip} measures no current"),
                "take it out, or name an ina219",
            );
        }
    }

    /// Two sensors of one name cannot be told apart later; two at one address are one chip.
    pub(super) fn twins(&mut self, sensors: &[SensorSection]) {
        let mut names = HashMap::new();
        let mut places = HashMap::new();
        let mut supply = false;
        for section in sensors {
            if let Some(name) = &section.name
                && names.insert(name.get_ref().clone(), ()).is_some()
            {
                self.say(
                    Some(name.span()),
                    format!("two sensors are named \"{}\"", name.get_ref()),
                    "give each a name of its own",
                );
            }
            if let Some(written) = section.supply.as_ref().filter(|written| *written.get_ref())
                && std::mem::replace(&mut supply, true)
            {
                self.say(
                    Some(written.span()),
                    "two sensors measure the board's supply",
                    "leave supply = true at the one whose values shall stand in the health",
                );
            }
            if let (Some(bus), Some(address)) = (&section.bus, &section.address)
                && places.insert((bus.get_ref().clone(), *address.get_ref()), ()).is_some()
            {
                let what = format!("two sensors answer at 0x{:02x} on {}", address.get_ref(), bus.get_ref());
                self.say(Some(address.span()), what, "strap one to another address, or take one out");
            }
        }
    }
}

/// Where to point for something that is missing from a sensor: the first thing that is there.
fn near(section: &SensorSection) -> Option<Range<usize>> {
    let texts = [&section.name, &section.chip, &section.bus];
    let span = |written: &Written<String>| written.as_ref().map(Spanned::span);
    texts.into_iter().find_map(span).or_else(|| section.address.as_ref().map(Spanned::span))
}

/// An address as people write it; a negative number as it was written.
fn written_address(address: i64) -> String {
    if address < 0 { address.to_string() } else { format!("0x{address:02x}") }
}
