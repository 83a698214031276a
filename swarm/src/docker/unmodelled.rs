//! What Docker holds of a service and this crate has no field for: by Docker's own path, as JSON, both ways.
//!
//! Reading takes each modelled part out of Docker's structure; what is left stands here, unless it is empty or one
//! of the two values that Docker writes by itself. The invariant: what was read and is put back unchanged is what it was.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

/// Structures of which some fields are modelled and some are not; all others stand here whole.
const OPENED: [&str; 11] = [
    "",
    "TaskTemplate",
    "TaskTemplate.ContainerSpec",
    "TaskTemplate.Resources",
    "TaskTemplate.Resources.Limits",
    "TaskTemplate.Resources.Reservations",
    "TaskTemplate.RestartPolicy",
    "TaskTemplate.Placement",
    "TaskTemplate.LogDriver",
    "UpdateConfig",
    "EndpointSpec",
];

/// What is left of a service, by path.
pub(super) fn of(rest: &Value) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    walk("", rest, &mut found);
    found
}

fn walk(path: &str, value: &Value, found: &mut BTreeMap<String, String>) {
    match value {
        Value::Object(fields) if OPENED.contains(&path) => {
            for (key, value) in fields {
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                walk(&path, value, found);
            }
        }
        value if is_nothing(value) || is_dockers_own(path, value) => {}
        value => {
            found.insert(path.to_owned(), value.to_string());
        }
    }
}

/// Zero, false, empty, or made of such alone: to Docker the same as not said.
fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(value) => !value,
        Value::Number(value) => value.as_f64() == Some(0.0),
        Value::String(value) => value.is_empty(),
        Value::Array(values) => values.is_empty(),
        Value::Object(fields) => fields.values().all(is_nothing),
    }
}

fn is_dockers_own(path: &str, value: &Value) -> bool {
    match path {
        "TaskTemplate.Runtime" => value == "container",
        "TaskTemplate.ContainerSpec.Isolation" => value == "default",
        _ => false,
    }
}

/// Puts it back. What is no JSON was never read from Docker, and is left out.
pub(super) fn put_back(spec: &mut Value, unmodelled: &BTreeMap<String, String>) {
    for (path, text) in unmodelled {
        if let Ok(value) = serde_json::from_str(text) {
            put(spec, path, value);
        }
    }
}

fn put(place: &mut Value, path: &str, value: Value) {
    if !place.is_object() {
        *place = Value::Object(Map::new());
    }
    let Some(fields) = place.as_object_mut() else { return };
    match path.split_once('.') {
        Some((first, rest)) => put(fields.entry(first).or_insert(Value::Null), rest, value),
        None => match (fields.get_mut(path), value) {
            // Of a list some elements are modelled and some stand here.
            (Some(Value::Array(there)), Value::Array(more)) => there.extend(more),
            (_, value) => {
                fields.insert(path.to_owned(), value);
            }
        },
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_was_left_is_put_back_where_it_was_and_nothing_is_not_kept() {
        let rest = json!({
            "TaskTemplate": {
                "ContainerSpec": {
                    "TTY": true, "OpenStdin": false, "DNSConfig": {}, "Isolation": "default",
                    "Labels": {"a.b": "c"}, "Mounts": [{"Target": "/x"}]
                },
                "Runtime": "container",
            },
            "RollbackConfig": {"Parallelism": 1, "Delay": 0},
        });
        let unmodelled = of(&rest);
        assert_eq!(
            unmodelled.keys().map(String::as_str).collect::<Vec<_>>(),
            [
                "RollbackConfig",
                "TaskTemplate.ContainerSpec.Labels",
                "TaskTemplate.ContainerSpec.Mounts",
                "TaskTemplate.ContainerSpec.TTY",
            ]
        );
        let mut spec = json!({"TaskTemplate": {"ContainerSpec": {"Mounts": [{"Target": "/y"}]}}});
        put_back(&mut spec, &unmodelled);
        assert_eq!(
            spec,
            json!({
                "TaskTemplate": {"ContainerSpec": {
                    "TTY": true, "Labels": {"a.b": "c"}, "Mounts": [{"Target": "/y"}, {"Target": "/x"}]
                }},
                "RollbackConfig": {"Parallelism": 1, "Delay": 0},
            })
        );
    }
}
