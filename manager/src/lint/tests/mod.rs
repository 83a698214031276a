//! Every rule by a file that breaks it alone, to the letter. `UPDATE_GOLDEN=1` writes what is said, and the
//! rows of docs/lint.md, anew; read the difference then.

mod mends;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use miette::{GraphicalReportHandler, GraphicalTheme, NamedSource, Report};
use proptest::prelude::*;

use super::rules::{self, THEMES};
use super::{Finding, lint};

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src/lint").join(name)
}

fn fixture(name: &str) -> String {
    std::fs::read_to_string(folder("fixtures").join(format!("{name}.yaml"))).unwrap()
}

fn fixtures() -> Vec<String> {
    let names = std::fs::read_dir(folder("fixtures")).unwrap().map(|entry| entry.unwrap().path());
    let mut names: Vec<_> =
        names.map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned()).collect();
    names.sort();
    names
}

fn codes(findings: &[Finding]) -> BTreeSet<&'static str> {
    findings.iter().map(|found| found.code).collect()
}

fn drawn(name: &str, findings: &[Finding]) -> String {
    let handler = GraphicalReportHandler::new_themed(GraphicalTheme::none()).with_width(110);
    let source = NamedSource::new(format!("{name}.yaml"), fixture(name));
    let mut text = String::new();
    for found in findings {
        let report = Report::new(found.clone()).with_source_code(source.clone());
        handler.render_report(&mut text, report.as_ref()).unwrap();
    }
    text
}

fn kept(path: &Path, text: &str) {
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(path, text).unwrap();
    }
    let kept = std::fs::read_to_string(path).unwrap_or_default();
    assert!(kept == text, "{} differs from:\n{text}", path.display());
}

/// The rule that a fixture breaks: the first word of its name.
fn broken_by(fixture: &str) -> Option<&'static rules::Rule> {
    rules::all().find(|rule| fixture.split('-').next() == Some(rule.code))
}

#[test]
fn every_rule_has_a_file_that_breaks_it_alone() {
    let all = fixtures();
    let mut wrong = Vec::new();
    for rule in rules::all().filter(|rule| !all.iter().any(|name| name == rule.code)) {
        wrong.push(format!("{} has none", rule.code));
    }
    for (name, rule) in all.iter().filter_map(|name| Some((name, broken_by(name)?))) {
        let found = lint(&fixture(name)).unwrap();
        if codes(&found) != BTreeSet::from([rule.code]) {
            let found: Vec<_> = found.iter().map(|found| (found.code, &found.message)).collect();
            wrong.push(format!("{name}: {found:?}"));
        }
        assert!(found.iter().all(|found| found.severity == rule.severity));
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn what_is_found_is_said_with_its_line_reason_and_remedy() {
    for name in fixtures().iter().filter(|name| broken_by(name).is_some()) {
        let found = lint(&fixture(name)).unwrap();
        kept(&folder("golden").join(format!("{name}.txt")), &drawn(name, &found));
    }
}

#[test]
fn a_rack_that_a_swarm_can_run_gives_nothing() {
    let all = fixtures();
    let clean: Vec<&String> = all.iter().filter(|name| name.starts_with("clean")).collect();
    assert!(clean.len() > 10, "{clean:?}");
    for name in clean {
        assert_eq!(lint(&fixture(name)).unwrap(), [], "{name}");
    }
}

#[test]
fn a_stack_of_2023_shows_all_that_kept_it_from_forming_a_cluster() {
    let found = lint(&fixture("rack-2023")).unwrap();
    let expected = [
        ("SL003", "depends_on"),
        ("SL021", "the image's typo"),
        ("SL022", "latest"),
        ("SL031", "max_attempts"),
        ("SL033", "four managers"),
        ("SL041", "~ as a volume"),
        ("SL052", "ports 90931 and 90932"),
        ("SL071", "no volumes"),
        ("SL073", "virtual addresses"),
        ("SL077", "no placement"),
        ("SL102", "every node id 0"),
        ("SL105", "voters joined by @"),
        ("SL110", "no cluster id"),
        ("SL114", "advertised without a host"),
        ("SL301", "Stargate's cluster name"),
        ("SL303", "its version against latest"),
    ];
    for (code, what) in expected {
        assert!(codes(&found).contains(code), "{code}, {what}, is missing: {:?}", codes(&found));
    }
    kept(&folder("golden/rack-2023.txt"), &drawn("rack-2023", &found));
}

#[test]
fn codes_are_in_order_and_none_is_used_twice() {
    let codes: Vec<_> = rules::all().map(|rule| rule.code).collect();
    assert!(codes.is_sorted_by(|a, b| a < b), "{codes:?}");
    for rule in rules::all() {
        let sentence = |text: &str| text.starts_with(|c: char| !c.is_lowercase()) && !text.ends_with('.');
        assert!(sentence(rule.reason) && sentence(rule.remedy), "{}", rule.code);
    }
}

#[test]
fn the_documentation_has_every_rule_as_it_is() {
    let mut table = String::new();
    for (theme, rules) in THEMES {
        table.push_str(&format!(
            "\n### {theme}\n| code | | what | why | what to do |\n|---|---|---|---|---|\n"
        ));
        for rule in *rules {
            let (code, severity) = (rule.code, rule.severity);
            table.push_str(&format!(
                "| {code} | {severity} | {} | {} | {} |\n",
                rule.title, rule.reason, rule.remedy
            ));
        }
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/lint.md");
    let text = std::fs::read_to_string(&path).unwrap();
    let (before, _) = text.split_once("\n### ").unwrap_or((&text, ""));
    kept(&path, &format!("{before}{table}"));
}

#[test]
fn what_cannot_be_known_is_not_judged() {
    let text = fixture("SL102").replace("KAFKA_NODE_ID: 2", "KAFKA_NODE_ID: ${ID:-2}");
    assert_eq!(lint(&text).unwrap(), []);
    let text =
        fixture("SL110").replace("  networks: [board]\n", "  networks: [board]\n  env_file: kafka.env\n");
    assert_eq!(lint(&text).unwrap(), []);
}

/// The codes of a fixture with one edit; it must be one.
fn codes_after(name: &str, from: &str, to: &str) -> Vec<&'static str> {
    let text = fixture(name);
    assert!(text.contains(from), "{name} has no {from:?}");
    codes(&lint(&text.replace(from, to)).unwrap()).into_iter().collect()
}

#[test]
fn a_server_behind_a_command_or_in_an_image_of_its_own_is_found_all_the_same() {
    let image = "  image: apache/kafka:4.1.2\n";
    for other in [
        "  image: apache/kafka:4.1.2\n  command: [sh, -c, \"sleep 30; exec /etc/kafka/docker/run\"]\n",
        "  image: apache/kafka:4.1.2\n  entrypoint: /start.sh\n",
        "  image: apache/kafak:4.1.2\n",
        "  image: registry.local:5000/broker:4.1.2\n",
        "  image: ${REGISTRY}/${BROKER}\n",
    ] {
        let codes = codes_after("SL102", image, other);
        assert!(codes.contains(&"SL102"), "{other}: {codes:?}");
    }
    let image = "  image: cassandra:5.0.9\n";
    for other in ["", "  image: ${IMAGE}\n", "  image: casandra:5.0.9\n"] {
        let codes = codes_after("SL203", image, other);
        assert!(codes.contains(&"SL203"), "{other}: {codes:?}");
    }
}

#[test]
fn a_node_that_a_mounted_configuration_sets_up_may_write_elsewhere() {
    let volume = "volumes: [cassandra-b1:/var/lib/cassandra]";
    assert_eq!(codes_after("clean", volume, "volumes: [cassandra-b1:/data]"), ["SL071"]);
    let configured = "volumes: [cassandra-b1:/data, /srv/c.yaml:/etc/cassandra/cassandra.yaml]";
    assert_eq!(codes_after("clean", volume, configured), [""; 0]);
    assert_eq!(codes_after("clean", volume, "env_file: ring.env"), ["SL071"]);
}

#[test]
fn a_voter_that_nobody_is_or_that_listens_elsewhere_is_told() {
    let own = "3@10.0.0.13:9093";
    for wrong in [
        "3@10.0.0.13:9093,4@10.0.0.14:9093,5@10.0.0.15:9093",
        "3@10.0.0.13:9094",
        "3@10.0.0.99:9093",
        "3@[::1]:9093",
    ] {
        assert_eq!(codes_after("clean", own, wrong), ["SL108"], "{wrong}");
    }
    assert_eq!(codes_after("clean-kafka-apart", "3@10.0.0.3:9093", "3@10.0.0.3:9094"), ["SL108"]);
    assert_eq!(codes_after("clean-kafka-overlay", "3@kafka-3:9093", "3@kafka-3:9094"), ["SL108"]);
}

#[test]
fn a_voter_by_a_name_or_a_published_port_contradicts_nobody() {
    assert_eq!(codes_after("clean", "3@10.0.0.13:9093", "3@b3.local:9093"), [""; 0]);
    assert_eq!(codes_after("clean", "CONTROLLER://10.0.0.13:9093", "CONTROLLER://:9093"), [""; 0]);
    assert_eq!(codes_after("clean", "CONTROLLER://10.0.0.13:9093", "CONTROLLER://0.0.0.0:9093"), [""; 0]);
    assert_eq!(codes_after("clean", "CONTROLLER://10.0.0.13:9093", "CONTROLLER://b3:9093"), [""; 0]);
    // One of whose fellows the file does not know.
    assert_eq!(
        codes_after("clean-own-images", "7@10.0.0.17:9093", "7@10.0.0.17:9093,8@10.0.0.18:9093,9@x:1"),
        [""; 0]
    );
    assert_eq!(codes_after("clean-kafka-overlay", "3@kafka-3:9093", "3@10.0.0.13:19093"), [""; 0]);
    // One of a quorum that other files have.
    let apart = fixture("clean-kafka-apart");
    let (before, after) = (apart.find("  controller-2:").unwrap(), apart.find("\nnetworks:").unwrap());
    let single = format!("{}{}", &apart[..before], &apart[after..]);
    assert_eq!(lint(&single).unwrap(), []);
    let both =
        single.replacen("KAFKA_PROCESS_ROLES: controller", "KAFKA_PROCESS_ROLES: broker,controller", 1);
    assert!(both != single && lint(&both).unwrap().iter().all(|found| found.code != "SL108"));
}

#[test]
fn an_address_in_a_ports_long_form_is_a_key_that_no_stack_takes() {
    let short = "\"127.0.0.1:9000:9000\", \"[::1]:9001-9002:9001-9002/udp\"";
    let long = "{target: 9000, published: 9000, host_ip: 127.0.0.1}";
    assert_eq!(codes_after("SL057", short, long), ["SL011"]);
}

#[test]
fn what_several_services_share_is_told_once_for_each_and_never_twice() {
    let found = lint(&fixture("SL112")).unwrap();
    assert_eq!(found.len(), 3);
    let lines: BTreeSet<_> = found.iter().map(|found| found.line).collect();
    assert_eq!(lines.len(), 1, "{found:?}");
}

#[test]
fn a_cluster_id_that_kafka_takes_for_an_option_is_none() {
    assert_eq!(codes_after("SL112", "desk-kafka", "-FqYkA3nSGq0t2Zr7LbW5g"), ["SL112"]);
}

#[test]
fn a_list_of_variables_has_places_of_its_own() {
    let text = fixture("SL301");
    let found = lint(&text).unwrap();
    assert_eq!(&text[found[0].span.clone()], "backend");
}

/// One thing that a slip of a hand, or malice, does to a file.
#[derive(Clone, Debug)]
enum Slip {
    Cut(usize, usize),
    Insert(usize, String),
    Swap(usize, usize),
    Repeat(usize, usize),
}

fn slip() -> impl Strategy<Value = Slip> {
    let piece = prop_oneof![
        "[\\[\\]{}:,&*!|>'\"%@`#?~ \\n\\t$-]{1,6}",
        "\\PC{1,4}",
        Just("<<: *kafka\n".to_owned()),
        Just("&a *a".to_owned()),
        Just("99999999999999999999".to_owned()),
        Just("://".to_owned()),
        Just("@,@".to_owned()),
        Just("null".to_owned()),
    ];
    prop_oneof![
        (any::<usize>(), 1..80usize).prop_map(|(at, length)| Slip::Cut(at, length)),
        (any::<usize>(), piece).prop_map(|(at, piece)| Slip::Insert(at, piece)),
        (any::<usize>(), any::<usize>()).prop_map(|(a, b)| Slip::Swap(a, b)),
        (any::<usize>(), 1..200usize).prop_map(|(at, length)| Slip::Repeat(at, length)),
    ]
}

fn slipped(text: &str, slips: &[Slip]) -> String {
    let mut letters: Vec<char> = text.chars().collect();
    for slip in slips {
        let length = letters.len().max(1);
        match slip {
            Slip::Cut(at, count) => {
                let at = at % length;
                let end = (at + count).min(letters.len());
                letters.drain(at.min(end)..end);
            }
            Slip::Insert(at, piece) => {
                let at = (at % length).min(letters.len());
                letters.splice(at..at, piece.chars());
            }
            Slip::Swap(a, b) if !letters.is_empty() => letters.swap(a % length, b % length),
            Slip::Swap(..) => {}
            Slip::Repeat(at, count) => {
                let at = (at % length).min(letters.len());
                let end = (at + count).min(letters.len());
                let copy = letters[at..end].to_vec();
                letters.splice(end..end, copy);
            }
        }
    }
    letters.into_iter().collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_text_makes_it_panic(
        name in proptest::sample::select(fixtures()),
        slips in proptest::collection::vec(slip(), 1..12),
    ) {
        let text = slipped(&fixture(&name), &slips);
        match lint(&text) {
            Ok(findings) => for found in findings {
                prop_assert!(text.get(found.span.clone()).is_some(), "{found:?} is no place");
                prop_assert!(found.line >= 1 && found.column >= 1);
            },
            Err(why) => prop_assert!(text.get(why.span.clone()).is_some(), "{why:?} is no place"),
        }
    }

    #[test]
    fn no_yaml_of_any_shape_makes_it_panic(text in "([a-z]{1,4}(: |:\n  )|- |[\\[\\]{},&*#\"'|>]|x|\n *|services:\n|environment:|ports: ){0,40}") {
        let _outcome = lint(&text);
    }
}
