//! What differs between two specs, field by field, in words.

use serde::Serialize;
use serde_json::Value;

/// One line a difference, by the field's path: `env.HEAP: "1G" -> "2G"`. Empty where there is none.
pub(super) fn between<T: Serialize + PartialEq>(is: &T, should: &T) -> Vec<String> {
    let mut lines = vec![];
    if is == should {
        return lines;
    }
    match (serde_json::to_value(is), serde_json::to_value(should)) {
        (Ok(is), Ok(should)) => walk("", Some(&is), Some(&should), &mut lines),
        // Maps with keys of text never fail to serialise; should one ever, a change must still be seen.
        _ => lines.push("it differs".to_owned()),
    }
    lines
}

fn walk(path: &str, is: Option<&Value>, should: Option<&Value>, lines: &mut Vec<String>) {
    if is == should {
        return;
    }
    if let (Some(Value::Object(is)), Some(Value::Object(should))) = (is, should) {
        let keys: std::collections::BTreeSet<&String> = is.keys().chain(should.keys()).collect();
        for key in keys {
            let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
            walk(&path, is.get(key), should.get(key), lines);
        }
    } else {
        lines.push(format!("{path}: {} -> {}", show(is), show(should)));
    }
}

fn show(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => "nothing".to_owned(),
        Some(value) => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[test]
    fn each_difference_is_told_by_its_path_and_equals_tell_nothing() {
        let is = BTreeMap::from([("a", Some(BTreeMap::from([("x", 1), ("y", 2)]))), ("b", None)]);
        let should = BTreeMap::from([("a", Some(BTreeMap::from([("x", 1), ("y", 3)]))), ("c", None)]);
        assert_eq!(between(&is, &should), ["a.y: 2 -> 3", "b: nothing -> nothing", "c: nothing -> nothing"]);
        assert!(between(&is, &is.clone()).is_empty());
    }
}
