//! Every code by an example: what gives it, and what its caret points to.

use std::collections::BTreeSet;

use super::*;

/// A larger rack to be spoilt: five boards with their parts, an app, Stargate.
const RACK: &str = r#"version = 1
name = "desk"

[[board]]
name = "b1"
address = "10.0.0.11"
roles = ["admin", "manager", "worker"]
memory = "8GiB"

[[board]]
name = "b2"
address = "10.0.0.12"
roles = ["worker"]

[[board]]
name = "b3"
address = "10.0.0.13"
roles = ["worker"]

[[board]]
name = "b4"
address = "10.0.0.14"
roles = ["app"]

[[board]]
name = "b5"
address = "10.0.0.15"
roles = ["app"]

[kafka]

[cassandra]
version = "4.0"

[stargate]
boards = ["b5"]

[[app]]
name = "web"
image = "nginx:1.29.3"
"#;

/// Of the same version, for another Cassandra.
const COORDINATOR_3_11: &str = "boards = [\"b5\"]\ncoordinator = \"stargateio/coordinator-3_11:v2.0.52\"";

/// Four copies over three places.
const FOUR_COPIES: &str = r#"
[[board]]
name = "b6"
address = "10.0.0.16"
roles = ["worker"]
place = "left"

[[board]]
name = "b7"
address = "10.0.0.17"
roles = ["worker"]
place = "right"

[cassandra]
replication = 4"#;

/// A line of the rack, what stands in its place, the code that this gives, and what the caret is under; nothing
/// where it is the file as a whole.
const SPOILT: &[(&str, &str, &str, Option<&str>)] = &[
    ("version = 1", "version = = 1", "RF002", Some("=")),
    ("version = 1", "", "RF003", None),
    ("version = 1", "version = 2", "RF004", Some("2")),
    ("version = 1", "version = 0", "RF004", Some("0")),
    ("[kafka]", "[kafka]\nheaps = \"1GiB\"", "RF005", Some("heaps")),
    ("[kafka]", "[kafka.settings.listener]", "RF005", Some("listener")),
    ("[kafka]", "[[board.sensor]]\nvoltage = 5\n[kafka]", "RF005", Some("voltage")),
    ("[cassandra]", "[cassandra]\nreplication = \"3\"", "RF006", Some("\"3\"")),
    ("name = \"b2\"", "", "RF007", Some("[[board]]")),
    ("address = \"10.0.0.12\"", "", "RF007", Some("[[board]]")),
    ("image = \"nginx:1.29.3\"", "", "RF007", Some("[[app]]")),
    ("name = \"desk\"", "", "RF007", None),
    ("[stargate]", "[network]\nmtu = 100\n[stargate]", "RF008", Some("100")),
    ("[stargate]", "[agent]\ninterval = \"2h\"\n[stargate]", "RF008", Some("\"2h\"")),
    ("[kafka]", "[kafka]\nlimit = \"512MB\"", "RF009", Some("\"512MB\"")),
    ("[kafka]", "[kafka]\nretention = \"a while\"", "RF010", Some("\"a while\"")),
    ("name = \"b2\"", "name = \"Board 2\"", "RF011", Some("\"Board 2\"")),
    ("name = \"web\"", "name = \"web\"\nnetworks = [\"host\"]", "RF011", Some("\"host\"")),
    ("[kafka]", "[board.labels]\n\"rack.place\" = \"x\"\n[kafka]", "RF011", Some("\"rack.place\"")),
    ("name = \"b2\"", "name = \"b1\"", "RF012", Some("\"b1\"")),
    ("name = \"web\"", "name = \"kafka-b1\"", "RF012", Some("\"kafka-b1\"")),
    ("address = \"10.0.0.12\"", "address = \"127.0.0.1\"", "RF013", Some("\"127.0.0.1\"")),
    ("address = \"10.0.0.12\"", "address = \"b2.local\"", "RF013", Some("\"b2.local\"")),
    ("address = \"10.0.0.12\"", "address = \"10.0.0.11\"", "RF014", Some("\"10.0.0.11\"")),
    ("[stargate]", "[ssh]\nidentity = \"~root/key\"\n[stargate]", "RF015", Some("\"~root/key\"")),
    (
        "address = \"10.0.0.12\"",
        "address = \"10.0.0.12\"\nlocal = true\nssh = { port = 2 }",
        "RF016",
        Some("true"),
    ),
    ("name = \"b2\"", "name = \"localhost\"", "RF011", Some("\"localhost\"")),
    ("address = \"10.0.0.12\"", "address = \"0.0.0.1\"", "RF013", Some("\"0.0.0.1\"")),
    ("address = \"10.0.0.12\"", "address = \"240.1.1.1\"", "RF013", Some("\"240.1.1.1\"")),
    ("address = \"10.0.0.12\"", "address = \"255.255.255.255\"", "RF013", Some("\"255.255.255.255\"")),
    (
        "memory = \"8GiB\"",
        "data_disk = { uuid = \"0f3c1c9e-6f0b-4c6d-9d6a-2b7a9c1e5f10\", mount = \"/mnt/a b\" }",
        "RF015",
        Some("\"/mnt/a b\""),
    ),
    (
        "memory = \"8GiB\"",
        "data_disk = { uuid = \"0f3c1c9e-6f0b-4c6d-9d6a-2b7a9c1e5f10\", mount = \"/mnt/#1\" }",
        "RF015",
        Some("\"/mnt/#1\""),
    ),
    (
        "memory = \"8GiB\"",
        "data_disk = { uuid = \"0f3c1c9e-6f0b-4c6d-9d6a-2b7a9c1e5f10\", mount = '/mnt/a\\b' }",
        "RF015",
        Some("'/mnt/a\\b'"),
    ),
    (
        "memory = \"8GiB\"",
        "data_disk = { uuid = \"0f3c1c9e-6f0b-4c6d-9d6a-2b7a9c1e5f10\", mount = \"/etc/x\" }",
        "RF015",
        Some("\"/etc/x\""),
    ),
    (
        "memory = \"8GiB\"",
        "data_disk = { uuid = \"0f3c1c9e-6f0b-4c6d-9d6a-2b7a9c1e5f10\", mount = \"/var/lib/docker\" }",
        "RF015",
        Some("\"/var/lib/docker\""),
    ),
    (
        "memory = \"8GiB\"",
        "data_disk = { uuid = \"0f3c1c9e-6f0b-4c6d-9d6a-2b7a9c1e5f10\", mount = \"/var/lib/docker/volumes\" }",
        "RF015",
        Some("\"/var/lib/docker/volumes\""),
    ),
    (
        "memory = \"8GiB\"",
        "data_disk = { uuid = \"0f3c1c9e-6f0b-4c6d-9d6a-2b7a9c1e5f10\", mount = \"/var\" }",
        "RF015",
        Some("\"/var\""),
    ),
    (
        "memory = \"8GiB\"\n\n[[board]]\nname = \"b2\"",
        "local = true\n\n[[board]]\nname = \"b2\"\nlocal = true",
        "RF016",
        Some("true"),
    ),
    (
        "memory = \"8GiB\"\n\n[[board]]\nname = \"b2\"",
        "data_disk = { uuid = \"0f3c1c9e-6f0b-4c6d-9d6a-2b7a9c1e5f10\" }\n\n[[board]]\nname = \"b2\"\ndata_disk = { uuid = \"0F3C1C9E-6F0B-4C6D-9D6A-2B7A9C1E5F10\" }",
        "RF029",
        Some("\"0F3C1C9E"),
    ),
    ("roles = [\"worker\"]", "roles = [\"workers\"]", "RF020", Some("\"workers\"")),
    ("roles = [\"worker\"]", "", "RF021", Some("[[board]]")),
    ("roles = [\"worker\"]", "roles = \"worker\"", "RF006", Some("\"worker\"")),
    ("roles = [\"worker\"]", "roles = [\"worker\", \"worker\"]", "RF031", Some("\"worker\"")),
    ("name = \"b2\"", "nmae = \"b2\"", "RF005", Some("nmae")),
    ("address = \"10.0.0.12\"", "adress = \"10.0.0.12\"", "RF005", Some("adress")),
    ("version = \"4.0\"", "version = 4.0", "RF006", Some("4.0")),
    ("[cassandra]", "[casandra]", "RF005", Some("casandra")),
    ("[cassandra]", "[cassandra]\nnodes = \"b1\"", "RF006", Some("\"b1\"")),
    ("[kafka]", "[kafka]\nbroker = [\"b1\", \"b4\"]", "RF005", Some("broker")),
    ("\"manager\", ", "", "RF022", None),
    ("roles = [\"worker\"]", "roles = [\"worker\", \"manager\"]", "RF023", Some("[\"worker\", \"manager\"]")),
    ("roles = [\"worker\"]", "roles = [\"worker\", \"admin\"]", "RF024", Some("[\"worker\", \"admin\"]")),
    ("\"admin\", ", "", "RF025", None),
    ("memory = \"8GiB\"", "ssh = { host_keys = [\"SHA256:x\"] }", "RF026", Some("\"SHA256:x\"")),
    ("memory = \"8GiB\"", "data_disk = { uuid = \"sda1\" }", "RF027", Some("\"sda1\"")),
    (
        "[kafka]",
        "[[board.sensor]]\nname = \"in\"\nchip = \"bme280\"\nbus = \"/dev/i2c-1\"\naddress = 0x12\n[kafka]",
        "RF028",
        Some("0x12"),
    ),
    ("[kafka]", "[kafka]\nbrokers = [\"b1\", \"b9\"]", "RF030", Some("\"b9\"")),
    ("[kafka]", "[kafka]\nbrokers = [\"b1\", \"b1\"]", "RF031", Some("\"b1\"")),
    ("[kafka]", "[kafka]\nbrokers = []", "RF032", Some("[]")),
    ("[kafka]", "[kafka]\nbrokers = [\"b1\", \"b4\"]", "RF033", Some("\"b4\"")),
    ("name = \"web\"", "name = \"web\"\nboards = [\"b1\"]", "RF033", Some("\"b1\"")),
    ("\"nginx:1.29.3\"", "\"NGINX:1\"", "RF034", Some("\"NGINX:1\"")),
    ("\"nginx:1.29.3\"", "\"nginx\"", "RF035", Some("\"nginx\"")),
    ("\"nginx:1.29.3\"", "\"nginx:latest\"", "RF035", Some("\"nginx:latest\"")),
    ("[kafka]", "[kafka]\nvoters = [\"b1\", \"b2\"]", "RF036", Some("[\"b1\", \"b2\"]")),
    ("[kafka]", "[kafka.settings.replication]\nmost = 0", "RF037", Some("replication")),
    ("[kafka]", "[kafka.settings.properties]\n\"log.dirs\" = \"/tmp\"", "RF037", Some("\"log.dirs\"")),
    ("[kafka]", "[kafka]\njvm_options = \"-Xmx8g\"", "RF016", Some("\"-Xmx8g\"")),
    ("[kafka]", "[kafka]\nimage = \"cassandra:5.0.9\"", "RF038", Some("\"cassandra:5.0.9\"")),
    (
        "version = \"4.0\"",
        "version = \"4.0\"\nimage = \"apache/kafka:4.0\"",
        "RF038",
        Some("\"apache/kafka:4.0\""),
    ),
    (
        "boards = [\"b5\"]",
        "graphql = \"stargateio/graphqlapi:v1.0.0\"",
        "RF038",
        Some("\"stargateio/graphqlapi"),
    ),
    ("[cassandra]", "[cassandra]\nnodes = [\"b1\"]\nseeds = [\"b2\"]", "RF040", Some("\"b2\"")),
    ("[cassandra]", "[cassandra]\nreplication = 4", "RF041", Some("4")),
    ("version = \"4.0\"", "version = \"3.11\"", "RF042", Some("\"3.11\"")),
    (
        "version = \"4.0\"",
        "version = \"4.0\"\nimage = \"cassandra:5.0.9\"",
        "RF042",
        Some("\"cassandra:5.0.9\""),
    ),
    ("version = \"4.0\"", "version = \"4.0\"\nimage = \"cassandra:5.1\"", "RF042", Some("\"cassandra:5.1\"")),
    (
        "version = \"4.0\"",
        "version = \"4.0\"\nimage = \"cassandra:3.11\"",
        "RF042",
        Some("\"cassandra:3.11\""),
    ),
    ("[cassandra]", FOUR_COPIES, "RF043", Some("[cassandra]")),
    ("roles = [\"worker\"]", "roles = [\"worker\"]\nplace = \"left\"", "RF046", Some("[cassandra]")),
    ("version = \"4.0\"", "", "RF044", Some("[stargate]")),
    ("[cassandra]\nversion = \"4.0\"", "", "RF044", Some("[stargate]")),
    ("boards = [\"b5\"]", COORDINATOR_3_11, "RF044", Some("\"stargateio/coordinator-3_11")),
    ("boards = [\"b5\"]", "boards = [\"b3\"]", "RF045", Some("\"b3\"")),
    ("\"8GiB\"", "\"1GiB\"", "RF050", Some("\"1GiB\"")),
    ("[kafka]", "[kafka]\nlimit = \"5GiB\"", "RF050", Some("\"8GiB\"")),
    ("[kafka]", "[kafka]\nheap = \"2GiB\"\nlimit = \"1GiB\"", "RF051", Some("\"2GiB\"")),
    ("[kafka]", "[kafka]\nheap = \"1GiB\"\nlimit = \"1.1GiB\"", "RF051", Some("\"1GiB\"")),
    ("[kafka]", "[kafka]\nlimit = \"200MiB\"", "RF051", Some("\"200MiB\"")),
    ("[kafka]", "[kafka]\nheap = \"4KiB\"\nlimit = \"1GiB\"", "RF051", Some("\"4KiB\"")),
    ("[cassandra]", "[cassandra]\nyoung = \"2GiB\"", "RF051", Some("\"2GiB\"")),
    ("version = 1", "version = 1\nssh = { port = 9092 }", "RF052", Some("9092")),
    ("name = \"web\"", "name = \"web\"\nports = [\"7946:53/udp\"]", "RF052", Some("\"7946:53/udp\"")),
    ("[kafka]", "[kafka.settings.listeners]\nGUEST = { port = 9042 }", "RF052", Some("settings")),
    ("name = \"web\"", "name = \"web\"\nports = [\"9477:80\"]", "RF052", Some("\"9477:80\"")),
    ("name = \"web\"", "name = \"web\"\nreplicas = 3\nports = [\"80\"]", "RF053", Some("[\"80\"]")),
    ("name = \"web\"", "name = \"web\"\nsecrets = { key = \"hunter2\" }", "RF060", Some("*********")),
    (
        "name = \"web\"",
        "name = \"web\"\nsecrets = { key = { file = \"x\", env = \"Y\" } }",
        "RF061",
        Some("{ file = \"x\", env = \"Y\" }"),
    ),
    (
        "name = \"web\"",
        "name = \"web\"\nsecrets = { key = { value = \"hunter2\" } }",
        "RF061",
        Some("{ value = ********* }"),
    ),
    ("name = \"web\"", "name = \"web\"\nenv = { DB_PASSWORD = \"hunter2\" }", "RF062", Some("*********")),
    (
        "name = \"web\"",
        "name = \"web\"\ncommand = [\"serve\", \"--password=hunter2\"]",
        "RF062",
        Some("*****"),
    ),
    (
        "name = \"web\"",
        "name = \"web\"\ncommand = [\"serve\", \"--db-password\", \"hunter2\"]",
        "RF062",
        Some("*********"),
    ),
];

fn spoilt(line: &str, instead: &str) -> Problems {
    assert!(RACK.contains(line), "{line:?} is not in the rack");
    read::of_text(&RACK.replacen(line, instead, 1), Path::new("/etc/rack/rack.toml")).1
}

#[test]
fn the_rack_to_be_spoilt_is_well() {
    assert_eq!(wrong(RACK), (vec![], String::new()));
}

#[test]
fn each_code_has_its_example_and_its_caret() {
    for (line, instead, code, under) in SPOILT {
        let problems = spoilt(line, instead);
        let told = problems.render(100, false);
        let Some(problem) = problems.iter().find(|problem| problem.code.as_str() == *code) else {
            panic!("{instead:?} does not give {code}:\n{told}");
        };
        let shown = problem.span.clone().map(|span| problems.text().get(span).unwrap().to_owned());
        match (shown, under) {
            (None, None) => {}
            (Some(shown), Some(under)) => {
                assert!(shown.starts_with(under), "{shown:?} is not {under:?}\n{told}")
            }
            (shown, _) => panic!("{shown:?} is not {under:?}\n{told}"),
        }
        assert!(!told.contains("hunter2"), "{told}");
        assert!(told.contains(code) && told.contains("help:"), "{told}");
    }
}

#[test]
fn one_mistake_is_told_once() {
    for (line, instead, code, _) in SPOILT {
        let problems = spoilt(line, instead);
        let codes: BTreeSet<_> = problems.iter().map(|problem| problem.code.as_str()).collect();
        let told = problems.render(100, false);
        assert_eq!(codes, BTreeSet::from([*code]), "{instead:?} gives:\n{told}");
    }
}

#[test]
fn no_code_is_without_an_example() {
    let shown: BTreeSet<_> = SPOILT.iter().map(|(_, _, code, _)| *code).collect();
    let all: BTreeSet<_> = Code::ALL.iter().map(|code| code.as_str()).collect();
    let bare: Vec<_> = all.difference(&shown).collect();
    assert_eq!(bare, [&"RF001"], "a file that cannot be read has a test of its own");
}

#[test]
fn a_file_that_cannot_be_read_is_told_what_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let text = folder.path().join("latin.toml");
    std::fs::write(&text, b"version = 1\nname = \"caf\xe9\"\n").unwrap();
    for (path, told) in [
        (folder.path().join("no.toml"), "there is no file"),
        (folder.path().into(), "is a folder"),
        (text, "line 2"),
    ] {
        let (rack, problems) = examine(&path);
        assert!(rack.is_none());
        assert_eq!(problems.iter().map(|problem| problem.code).collect::<Vec<_>>(), [Code::Unreadable]);
        assert!(problems.render(100, false).contains(told), "{problems}");
    }
}
