//! `read`: every source once, as a table or as JSON.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use pirack_agent::letter::chain;
use pirack_agent::record::{Health, Reading};
use pirack_agent::run;
use pirack_agent::source::{self, Source};
use serde_json::json;

/// Shares of time are measured between two reads; this is long enough for a processor's.
const BETWEEN: Duration = Duration::from_millis(200);

pub(crate) fn read(config: Option<PathBuf>, json: bool) -> anyhow::Result<ExitCode> {
    let config = super::load_if_there(config)?;
    let sources = match &config {
        Some(config) => run::sources(config).into_iter().map(|scheduled| scheduled.source).collect(),
        None => source::host::sources(&source::host::HostSettings::default()),
    };
    let seen = Seen::by(sources);
    let text = if json { seen.json()? } else { seen.table()? };
    super::print(&text)?;
    for (source, error) in &seen.errors {
        eprintln!("pirack-agent: {source}: {error}");
    }
    Ok(if seen.errors.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

#[derive(Default)]
struct Seen {
    health: Health,
    readings: Vec<(String, Reading)>,
    errors: Vec<(String, String)>,
}

impl Seen {
    fn by(mut sources: Vec<Box<dyn Source>>) -> Self {
        for source in &mut sources {
            // Only to have something to measure from; what is wrong shows at the second read.
            drop(source.read());
        }
        std::thread::sleep(BETWEEN);
        let mut seen = Self::default();
        for source in &mut sources {
            let name = source.name().to_owned();
            match source.read() {
                Ok(observation) => {
                    seen.health.merge(observation.health);
                    let named = |reading| (name.clone(), reading);
                    seen.readings.extend(observation.readings.into_iter().map(named));
                }
                Err(error) => seen.errors.push((name, chain(&error))),
            }
        }
        seen
    }

    fn json(&self) -> serde_json::Result<String> {
        let readings: Vec<_> = self
            .readings
            .iter()
            .map(|(source, reading)| {
                json!({"source": source, "sensor": reading.sensor, "chip": reading.chip, "quantity": reading.quantity,
                    "unit": reading.quantity.unit(), "value": reading.value, "quality": reading.quality})
            })
            .collect();
        let errors: Vec<_> =
            self.errors.iter().map(|(source, error)| json!({"source": source, "error": error})).collect();
        let whole = json!({"health": self.health, "readings": readings, "errors": errors});
        Ok(format!("{}\n", serde_json::to_string_pretty(&whole)?))
    }

    fn table(&self) -> serde_json::Result<String> {
        let mut rows = vec![["HEALTH", "VALUE"].map(String::from).to_vec()];
        if let serde_json::Value::Object(fields) = serde_json::to_value(&self.health)? {
            rows.extend(fields.into_iter().map(|(field, value)| match value {
                serde_json::Value::String(text) => vec![field, text],
                other => vec![field, other.to_string()],
            }));
        }
        let mut readings =
            vec![["SENSOR", "CHIP", "QUANTITY", "VALUE", "UNIT", "QUALITY"].map(String::from).to_vec()];
        for (_, reading) in &self.readings {
            readings.push(vec![
                reading.sensor.clone(),
                reading.chip.clone(),
                reading.quantity.name().to_owned(),
                format!("{:.3}", reading.value).trim_end_matches('0').trim_end_matches('.').to_owned(),
                reading.quantity.unit().to_owned(),
                format!("{:?}", reading.quality).to_lowercase(),
            ]);
        }
        Ok(format!("{}\n{}", super::table(&rows), super::table(&readings)))
    }
}
