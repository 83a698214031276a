//! The engine's own file: what is in it, with what a rack needs.

use serde_json::{Map, Value, json};

use super::Facts;
use crate::rack::Rack;

/// Where every engine reads it.
pub(super) const FILE: &str = "/etc/docker/daemon.json";

/// The file as it should be: whatever else was in it stays.
pub(super) fn wanted(rack: &Rack, facts: &Facts) -> Result<String, String> {
    let mut file = match &facts.daemon {
        None => Map::new(),
        Some(Ok(Value::Object(file))) => file.clone(),
        Some(Ok(_) | Err(_)) => return Err(format!("{FILE} is no JSON object: correct it first")),
    };
    // A swarm's tasks are its own to restart; the engine refuses both together. A running one only takes a word
    // that is there: without it, it would keep what it had.
    if let Some(live) = file.get_mut("live-restore") {
        *live = json!(false);
    }
    if !rack.network.insecure_registries.is_empty() {
        let known = file.remove("insecure-registries");
        let mut all: Vec<Value> = known.as_ref().and_then(Value::as_array).cloned().unwrap_or_default();
        for registry in &rack.network.insecure_registries {
            if !all.iter().any(|other| other == registry) {
                all.push(json!(registry));
            }
        }
        file.insert("insecure-registries".to_owned(), Value::Array(all));
    }
    let driver = file.get("log-driver").and_then(Value::as_str).unwrap_or("json-file");
    if driver == "json-file" {
        let options = file.entry("log-opts").or_insert_with(|| json!({}));
        if let Some(options) = options.as_object_mut() {
            options.entry("max-size").or_insert_with(|| json!("10m"));
            options.entry("max-file").or_insert_with(|| json!("3"));
        }
    }
    Ok(format!("{:#}\n", Value::Object(file)))
}
