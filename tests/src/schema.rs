//! The JSON Schemas of `images/kafka/`, ready to hold a document against.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use jsonschema::{Registry, Validator};
use serde_json::Value;

/// Where the schemas are taken to live while they are resolved. Nothing is ever fetched.
const BASE: &str = "https://schemas.invalid/";

/// One validator a schema, by its kind: `reading`, `health`, `gap`, `event`.
#[derive(Debug)]
pub struct Schemas {
    by_kind: BTreeMap<String, Validator>,
}

impl Schemas {
    /// Reads every schema of `images/kafka/`.
    ///
    /// # Panics
    /// When one cannot be read or is no schema.
    #[must_use]
    pub fn load() -> Self {
        let documents = documents(&folder());
        let mut registry = Registry::new();
        for (name, document) in &documents {
            registry = registry.add(format!("{BASE}{name}"), document.clone()).unwrap();
        }
        let registry = registry.prepare().unwrap();
        let build = |(name, document): (&String, &Value)| {
            let validator = jsonschema::options()
                .with_base_uri(format!("{BASE}{name}"))
                .with_registry(&registry)
                .build(document)
                .unwrap_or_else(|error| panic!("{name}: {error}"));
            (name.trim_end_matches(".schema.json").to_owned(), validator)
        };
        Self { by_kind: documents.iter().map(build).collect() }
    }

    /// What is wrong with a document, as its own `kind` or, where it has none, as an event; nothing
    /// when it is sound.
    #[must_use]
    pub fn faults(&self, document: &Value) -> Vec<String> {
        let kind = document.get("kind").map_or(Some("event"), Value::as_str).unwrap_or("no text");
        match self.by_kind.get(kind) {
            None => vec![format!("no schema describes the kind \"{kind}\"")],
            Some(schema) => schema
                .iter_errors(document)
                .map(|error| format!("{}: {error}", error.instance_path()))
                .collect(),
        }
    }
}

fn documents(folder: &Path) -> BTreeMap<String, Value> {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    entries
        .map(|entry| entry.unwrap().path())
        .filter_map(|path| {
            let name = path.file_name()?.to_str()?.to_owned();
            name.ends_with(".schema.json").then(|| (name, read(&path)))
        })
        .collect()
}

fn read(path: &Path) -> Value {
    let text = fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../images/kafka")
}
