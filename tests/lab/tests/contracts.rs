//! What the images' pages promise each other, read as text: ports, versions, lists.

#![allow(clippy::unwrap_used, clippy::panic, reason = "what the tests here share is a test as well")]
#![allow(unreachable_pub, reason = "ports is shared with another test program")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use pirack_lab::images::{self, Architecture};

#[path = "images/ports.rs"]
mod ports;

fn read(path: &str) -> String {
    fs::read_to_string(images::folder().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

#[test]
fn no_two_services_that_may_share_a_board_share_a_port() {
    let table = ports::table();
    assert!(table.len() >= 6, "PORTS.md has no table any more: {table:?}");
    assert_eq!(ports::clashes(&table, &ports::apart()), Vec::<String>::new());
}

#[test]
fn a_port_that_two_services_want_is_refused_unless_they_never_meet() {
    let table = BTreeMap::from([
        ("kafka".to_owned(), BTreeSet::from([8080, 9092])),
        ("graphqlapi".to_owned(), BTreeSet::from([8080])),
    ]);
    let told = ports::clashes(&table, &[]);
    assert_eq!(told, ["graphqlapi and kafka both want 8080"]);
    let apart = [("kafka".to_owned(), "graphqlapi".to_owned())];
    assert_eq!(ports::clashes(&table, &apart), Vec::<String>::new());
}

#[test]
fn every_port_that_an_image_exposes_is_in_the_table() {
    let table = ports::table();
    for service in ["kafka", "cassandra", "agent"] {
        let text = read(&format!("{service}/Dockerfile"));
        let line = text.lines().find_map(|line| line.strip_prefix("EXPOSE ")).unwrap();
        let exposed: BTreeSet<u16> = line.split(' ').map(|port| port.parse().unwrap()).collect();
        assert_eq!(exposed, table[service], "{service}");
    }
}

#[test]
fn every_page_that_a_file_of_an_image_names_is_there() {
    let mut named = BTreeSet::new();
    for service in ["agent", "cassandra", "jre", "kafka", "stargate"] {
        let folder = images::folder().join(service);
        assert!(service == "jre" || folder.join("CONTRACT.md").is_file(), "{service} has no contract");
        let mut folders = vec![folder.clone()];
        while let Some(inner) = folders.pop() {
            for entry in fs::read_dir(&inner).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                    continue;
                }
                let text = fs::read_to_string(&path).unwrap();
                let words = text.split(|c: char| !c.is_ascii_alphanumeric() && !"/._-".contains(c));
                for word in words.filter(|word| word.ends_with(".md")) {
                    let bases = [folder.clone(), images::folder().join("..")];
                    let there = bases.iter().any(|base| base.join(word).is_file());
                    assert!(there, "{} names {word}, which is not there", path.display());
                    named.insert(word.to_owned());
                }
            }
        }
    }
    assert!(named.contains("CONTRACT.md") && named.contains("../PORTS.md"), "{named:?}");
}

#[test]
fn the_rack_s_listeners_are_where_the_table_of_ports_has_them() {
    let defaults: toml::Table = read("kafka/defaults.toml").parse().unwrap();
    let listeners = defaults["listeners"].as_table().unwrap();
    assert_eq!(listeners.keys().collect::<Vec<_>>(), ["CONTROLLER", "GUEST", "RACK"]);
    let table = ports::table();
    for (name, listener) in listeners {
        assert_eq!(listener["security"].as_str(), Some("plaintext"), "{name}");
        let port = u16::try_from(listener["port"].as_integer().unwrap()).unwrap();
        assert!(table["kafka"].contains(&port), "{name} listens on {port}");
    }
}

#[test]
fn a_version_is_written_in_one_place() {
    let versions: toml::Table = read("versions.toml").parse().unwrap();
    let known: BTreeSet<String> =
        versions["maven"].as_table().unwrap().keys().map(|key| format!("${{{key}.version}}")).collect();
    let mut used = BTreeSet::new();
    for pom in ["kafka/pom.xml", "cassandra/pom-5.0.xml", "cassandra/pom-4.0.xml"] {
        for line in read(pom).lines().filter(|line| line.starts_with("      <") && line.contains("version>"))
        {
            let version = line.trim().trim_start_matches("<version>").trim_end_matches("</version>");
            assert!(known.contains(version), "{pom} has a version of its own: {version}");
            used.insert(version.to_owned());
        }
    }
    used.insert("${scala.version}".to_owned());
    assert_eq!(used, known, "versions.toml has a version that nobody takes");
}

#[test]
fn every_image_has_a_tag_of_its_own_and_each_processor_another() {
    let references = |architecture| -> BTreeSet<String> {
        images::recipes(architecture).unwrap().iter().map(images::Recipe::reference).collect()
    };
    let (amd, arm) = (references(Architecture::Amd64), references(Architecture::Arm64));
    assert_eq!(amd.len(), images::NAMES.len());
    assert!(amd.is_disjoint(&arm), "{amd:?} {arm:?}");
    assert!(!amd.iter().any(|reference| reference.ends_with(":latest")));
}
