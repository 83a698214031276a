//! What is refused, with which code, and that all of it is told at once.

use super::*;

#[test]
fn every_problem_is_told_at_once_in_the_order_of_the_file() {
    let text = r#"version = 1
name = "my desk"

[[board]]
name = "b1"
address = "10.0.0.11"
adress = "10.0.0.11"
roles = ["manager", "wroker"]

[[board]]
name = "b1"
address = "10.0.0.300"

[kafka]
heap = "1GB"
brokers = ["b2"]

[cassandra]
image = "cassandra"
replication = 3

[[app]]
name = "web"
image = "nginx:latest"
secrets = { door = "hunter2", window = { file = "~/w" } }
"#;
    let (codes, told) = wrong(text);
    assert!(!told.contains("hunter2"), "{told}");
    assert_eq!(
        codes,
        [
            "RF011", "RF005", "RF020", "RF021", "RF012", "RF013", "RF009", "RF030", "RF035", "RF041",
            "RF035", "RF060"
        ],
        "{told}"
    );
}

#[test]
fn a_newer_file_is_refused_by_its_version_alone() {
    let (codes, told) = wrong("version = 2\nracks = 7\n[[board]]\nnom = \"b1\"\n");
    assert_eq!(codes, ["RF004"], "{told}");
    assert!(told.contains("is of version 2, and this program reads version 1"), "{told}");
}

#[test]
fn a_disk_is_not_mounted_where_the_engine_would_begin_empty_without_it() {
    for mount in ["/var/lib/docker", "/var/lib/docker/volumes", "/var/lib/containerd"] {
        let disk = format!(
            "\ndata_disk = {{ uuid = \"0f3c1c9e-6f0b-4c6d-9d6a-2b7a9c1e5f10\", mount = \"{mount}\" }}\n"
        );
        let (codes, told) = wrong(&LEAST.replacen("\naddress", &format!("{disk}address"), 1));
        assert_eq!(codes, ["RF015"], "{told}");
        assert!(
            told.contains("is the engine's own: without the disk") && told.contains("/srv/data"),
            "{told}"
        );
    }
}

#[test]
fn a_letter_more_or_less_anywhere_is_told_and_nothing_breaks() {
    let mut refused = 0;
    for (at, letter) in LEAST.char_indices() {
        let (before, after) = LEAST.split_at(at);
        for spoilt in [format!("{before}{}", &after[letter.len_utf8()..]), format!("{before}\"{after}")] {
            let (rack, problems) = read::of_text(&spoilt, Path::new("rack.toml"));
            assert_eq!(rack.is_none(), problems.is_fatal(), "{spoilt}");
            for problem in problems.iter() {
                let position = problems.position(problem);
                assert!(position.line <= spoilt.lines().count() + 1, "{problem}");
            }
            refused += usize::from(rack.is_none());
        }
    }
    assert!(refused > LEAST.len(), "only {refused} of {} were refused", 2 * LEAST.len());
}

#[test]
fn colours_are_only_there_when_they_are_wanted() {
    let (_, problems) = read::of_text("version = 1\n", Path::new("rack.toml"));
    assert!(!problems.render(100, false).contains('\u{1b}'));
    assert!(problems.render(100, true).contains('\u{1b}'));
    assert!(!problems.to_string().contains('\u{1b}'), "errors go to logs too");
}

#[test]
fn an_app_has_room_for_its_tasks_beside_what_the_rack_runs() {
    let board = |text: &str| text.replace("address", "memory = \"8GiB\"\naddress");
    let text = |limit: &str| {
        board(LEAST)
            + &format!("[[app]]\nname = \"web\"\nimage = \"x:1\"\nreplicas = 2\nlimit = \"{limit}\"\n")
    };
    let (codes, told) = wrong(&text("7GiB"));
    assert_eq!(codes, ["RF050"], "{told}");
    assert!(told.contains("have room for 0"), "{told}");
    assert_eq!(wrong(&text("3GiB")).0, Vec::<&str>::new());
}

#[test]
fn one_board_in_single_brackets_is_told_of_double_ones() {
    let (_, told) = wrong("version = 1\nname = \"desk\"\n[board]\nname = \"b1\"\naddress = \"10.0.0.1\"\n");
    assert!(told.contains("[[...]]") && !told.contains("sequence") && !told.contains("map"), "{told}");
    let (_, told) = wrong(&format!("{LEAST}[kafka.settings.listeners]\nGUEST = {{ port = 70000 }}\n"));
    assert!(!told.contains("u16"), "{told}");
}

#[test]
fn a_boards_own_mistake_hides_no_other() {
    let rest = |text: &str| {
        let text = text.replace("[kafka]", "[kafka]\nbrokers = [\"b9\"]");
        text.replace("[cassandra]", "[cassandra]\nreplication = 7")
    };
    let first = "address = \"10.0.0.11\"";
    let (codes, told) = wrong(&rest(&LEAST.replace(first, &format!("{first}\nadress = \"x\""))));
    assert_eq!(codes, ["RF005", "RF030", "RF041"], "{told}");
    assert!(told.contains("7 copies on 3 nodes") && told.contains("The boards: b1, b2, b3"), "{told}");
    let app = "[[app]]\nname = \"web\"\nimage = \"x:1\"\nports = [\"9042:80\"]\n";
    for (instead, code) in [
        (format!("{first}\ndata_disk = {{ mount = \"/srv/data\" }}"), "RF007"),
        ("address = \"10.0.0.300\"".to_owned(), "RF013"),
        (format!("{first}\nplace = \"up there\""), "RF011"),
        (format!("{first}\nlocal = true\nssh = {{ port = 2 }}"), "RF016"),
        ("addr = \"10.0.0.11\"".to_owned(), "RF005"),
    ] {
        let (codes, told) = wrong(&(rest(&LEAST.replace(first, &instead)) + app));
        assert_eq!(codes, [code, "RF030", "RF041", "RF052"], "{told}");
    }
}

#[test]
fn a_value_that_cannot_be_read_hides_no_key_that_is_missing_beside_it() {
    let board = |rest: &str| format!("[[board]]\nname = \"b4\"\naddress = \"10.0.0.14\"\n{rest}");
    let four = |rest: &str| {
        let first = LEAST.find("[[board]]").unwrap();
        let roles = LEAST[first..].replace("address =", "roles = [\"worker\", \"manager\"]\naddress =");
        let roles = roles.replacen("\"manager\"", "\"manager\", \"admin\"", 1);
        format!("{}{}{roles}", &LEAST[..first], board(rest))
    };
    let (codes, told) = wrong(&four("roles = [\"worker\"]\n"));
    assert_eq!(codes, Vec::<&str>::new(), "{told}");
    // What may have been meant as the roles is told alone.
    for (rest, codes) in [
        ("memory = 8\n", &["RF021", "RF006"][..]),
        ("memroy = \"8GiB\"\n", &["RF021", "RF005"]),
        ("role = [\"worker\"]\n", &["RF005"]),
        ("roles = 8\n", &["RF006"]),
    ] {
        let (found, told) = wrong(&four(rest));
        assert_eq!(found, codes, "{told}");
    }
    let (codes, told) = wrong(&four("roles = [\"worker\"]\nmemory = 8\n").replace("name = \"b4\"\n", ""));
    assert_eq!(codes, ["RF007", "RF006"], "{told}");
}

#[test]
fn what_only_follows_from_a_mistake_is_not_told() {
    // Nobody knows which board has the name, how many nodes there are, nor where they stand.
    let named = LEAST.replace("[kafka]", "[kafka]\nbrokers = [\"b1\"]");
    let (codes, told) = wrong(&named.replacen("name = \"b1\"", "nmae = \"b1\"", 1));
    assert_eq!(codes, ["RF005"], "{told}");
    let placed = LEAST
        .replacen("[[board]]", "[[board]]\nplcae = \"left\"", 1)
        .replace("address = \"10.0.0.12\"", "address = \"10.0.0.12\"\nplace = \"left\"");
    assert_eq!(wrong(&placed).0, ["RF005"], "{}", wrong(&placed).1);
    // A node that is written wrong is still a node.
    let nodes =
        LEAST.replace("[cassandra]", "[cassandra]\nnodes = [\"b1\", \"b2\", \"b4\"]\nreplication = 3");
    assert_eq!(wrong(&nodes).0, ["RF030"], "{}", wrong(&nodes).1);
}

#[test]
fn what_a_key_takes_is_told_in_the_words_of_the_file_and_not_of_the_program() {
    let own = [
        "kafka.settings",
        "kafka.settings.replication",
        "kafka.settings.listeners",
        "kafka.settings.listeners.X",
        "kafka.settings.topics",
        "kafka.settings.properties",
    ];
    let inner = ["replication", "listeners", "topics", "properties", "port", "most", "X", "retention"];
    let mut sections = super::super::file::SECTIONS.to_vec();
    sections.extend(own.map(|path| (path, &inner[..])));
    sections.push(("board.sensor", &["name", "chip", "bus", "address", "interval"]));
    for (path, keys) in sections {
        let header = match path.split_once('.') {
            None if path.is_empty() => String::new(),
            None if matches!(path, "board" | "app") => format!("[[{path}]]\n"),
            Some(("board", "sensor")) => "[[board]]\n[[board.sensor]]\n".to_owned(),
            Some(("board", _)) => format!("[[board]]\n[{path}]\n"),
            _ => format!("[{path}]\n"),
        };
        let written = keys.iter().filter(|key| **key != "version" || !path.is_empty());
        for key in written {
            for value in ["9", "1.5", "\"x\"", "true", "[]", "[9]", "{}", "{ x = 9 }", "1979-05-27"] {
                let (_, problems) =
                    read::of_text(&format!("version = 1\n{header}{key} = {value}\n"), Path::new("x"));
                for problem in problems.iter().filter(|problem| problem.code == Code::WrongKind) {
                    let words = [
                        "struct", "enum", "Section", "Settings", "::", " map", "sequence", "i64", "f64",
                        "u16",
                    ];
                    let leak = words.iter().find(|word| problem.what.contains(**word));
                    assert!(leak.is_none(), "[{path}] {key} = {value}: {problem}");
                }
            }
        }
    }
    let (_, told) = wrong(&format!("{LEAST}[kafka.settings]\nreplication = 9\n"));
    assert!(told.contains("expected a table") && told.contains("under its [header]"), "{told}");
}

#[test]
fn a_line_without_end_is_shown_near_the_mistake_alone() {
    let long = "x".repeat(40_000);
    for text in [
        format!("version = 1\nname = \"{long}\"\n"),
        LEAST.replace("[kafka]", &format!("[kafka]\njvm_options = \"-X{long}\", heap = 3")),
        LEAST.replace("[kafka]", &format!("[kafka]\nheap = \"{long}\"")),
        LEAST.replace("[kafka]", &format!("[kafka]\n{long} = 1")),
        LEAST.replace("[kafka]", &format!("[kafka]\nbrokers = [\"{long}\"]")),
    ] {
        let (_, problems) = read::of_text(&text, Path::new("x"));
        let told = problems.render(100, false);
        assert!(problems.is_fatal() && told.len() < 6000, "{} bytes:\n{told}", told.len());
        assert!(problems.iter().all(|problem| problem.what.len() < 1100), "{problems}");
    }
}
