//! docs/rack.md says what the program does: every key, every default, every code. `UPDATE_GOLDEN=1` writes the
//! table of codes anew.

use std::fmt::Write as _;

use super::super::file::SECTIONS;
use super::*;

const PAGE: &str = include_str!("../../../../docs/rack.md");
/// Every section, with no more in it than must be.
const BARE: &str = r#"version = 1
name = "desk"
[ssh]
[[board]]
name = "b1"
address = "10.0.0.11"
roles = ["admin", "manager", "worker", "app"]
[board.ssh]
[board.data_disk]
uuid = "0f3c1c9e-6f0b-4c6d-9d6a-2b7a9c1e5f10"
[[board]]
name = "b2"
address = "10.0.0.12"
roles = ["app"]
[board.tls]
authority = "ca.pem"
certificate = "cert.pem"
key = "key.pem"
[network]
[agent]
[kafka]
[cassandra]
[stargate]
[[app]]
name = "web"
image = "nginx:1.29.3"
"#;

/// The rows of a section's table: key, default.
fn rows(path: &str) -> Vec<(String, String)> {
    let headings = [format!("# `[{path}]`"), format!("# `[[{path}]]`")];
    let is_heading = |line: &&str| match path {
        "" => *line == "## The file itself",
        _ => headings.iter().any(|heading| line.ends_with(heading.as_str())),
    };
    let below = PAGE.lines().skip_while(|line| !is_heading(line)).skip(1);
    let table = below.take_while(|line| !line.starts_with('#')).filter(|line| line.starts_with("| `"));
    let cells = |row: &str| row.split(" | ").map(|cell| cell.trim_matches(['|', ' ']).to_owned()).collect();
    table
        .map(cells)
        .map(|cells: Vec<String>| (cells[0].trim_matches('`').to_owned(), cells[2].clone()))
        .collect()
}

/// A rack with every section, and with a Cassandra that takes them.
pub(super) fn bare(path: &str) -> String {
    match path {
        "cassandra" => BARE.replace("[stargate]\n", ""),
        _ => BARE.replace("[cassandra]\n", "[cassandra]\nversion = \"4.0\"\n"),
    }
}

fn shape(text: &str) -> String {
    format!("{:?}", rack(text))
}

#[test]
fn the_page_tells_of_every_key_in_the_programs_order_and_of_no_other() {
    for (path, keys) in SECTIONS {
        let told: Vec<String> = rows(path).into_iter().map(|(key, _)| key).collect();
        assert_eq!(told, *keys, "[{path}]");
    }
}

#[test]
fn every_default_that_the_page_tells_is_the_programs() {
    let mut held = 0;
    for (path, _) in SECTIONS {
        for (key, default) in rows(path) {
            let Some(value) = default.strip_prefix('`').and_then(|rest| rest.strip_suffix('`')) else {
                continue;
            };
            if value.starts_with('[') {
                continue;
            }
            let text = bare(path);
            let header = [format!("[[{path}]]\n"), format!("[{path}]\n")];
            let header = header.iter().find(|header| text.contains(header.as_str())).unwrap();
            let said = text.replacen(header, &format!("{header}{key} = {value}\n"), 1);
            assert_eq!(shape(&said), shape(&text), "[{path}] {key} = {value}");
            held += 1;
        }
    }
    assert!(held >= 15, "only {held} defaults were found on the page");
}

#[test]
fn the_example_on_the_page_is_a_rack() {
    let indented: Vec<&str> = PAGE
        .lines()
        .skip_while(|line| *line != "    version = 1")
        .take_while(|line| line.is_empty() || line.starts_with("    "))
        .map(str::trim_start)
        .collect();
    assert_eq!(shape(&indented.join("\n")), shape(LEAST));
}

#[test]
fn the_page_lists_every_code_with_its_meaning() {
    let mut table = String::new();
    for code in Code::ALL {
        let severity = match code.severity() {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        writeln!(table, "| `{code}` | {severity} | {} |", code.meaning()).unwrap();
    }
    let start = PAGE.find("| code | | what it means |\n|---|---|---|\n").unwrap();
    let start = start + "| code | | what it means |\n|---|---|---|\n".len();
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/rack.md");
        std::fs::write(path, format!("{}{table}", &PAGE[..start])).unwrap();
    }
    assert!(PAGE[start..] == table, "the table of codes is now:\n{table}");
}

#[test]
fn the_default_images_are_of_the_versions_that_this_project_builds() {
    let versions: toml::Table = toml::from_str(include_str!("../../../../images/versions.toml")).unwrap();
    let version = |name: &str| versions["maven"][name].as_str().unwrap().to_owned();
    let text = bare("");
    let (new, old) = (rack(LEAST), rack(&text));
    let image = |rack: &Rack| rack.cassandra.as_ref().map(|cassandra| cassandra.image.to_string());
    assert_eq!(image(&new), Some(format!("cassandra:{}", version("cassandra-5_0"))));
    assert_eq!(image(&old), Some(format!("cassandra:{}", version("cassandra-4_0"))));
    let kafka = new.kafka.map(|kafka| kafka.image.to_string());
    assert_eq!(kafka, Some(format!("apache/kafka:{}", version("kafka"))));
}
