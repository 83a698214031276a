//! What a service starts by its `entrypoint` and `command`: its image's own server, a tool that speaks to one, or what
//! nobody knows from the file. A shell's script is looked through for programs, and starts the server wherever one
//! of them is it: many wait for a peer with a tool first.

use crate::lint::yaml::Node;

/// What a service starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Program {
    /// What its image is for; so too where nothing, or no more than options, is said.
    Server,
    Client,
    Unknown,
}

impl Program {
    pub(super) fn of(service: &Node) -> Self {
        let said = ["entrypoint", "command"].into_iter().filter_map(|key| service.get(key));
        let programs = programs(said.flat_map(|node| words(node)).collect());
        if programs.is_empty() || programs.iter().any(|program| is_server(program)) {
            Self::Server
        } else if programs.iter().any(|program| is_client(program)) {
            Self::Client
        } else {
            Self::Unknown
        }
    }
}

/// A list's items, or a text's words; no shell reads either.
fn words(node: &Node) -> Vec<String> {
    match node.word() {
        Some(word) => simple_commands(&word.text).concat(),
        None => node.items().iter().filter_map(|item| item.word()).map(|word| word.text).collect(),
    }
}

/// The programs that a command line starts, in the scripts that it hands to a shell as well.
fn programs(line: Vec<String>) -> Vec<String> {
    let mut found = Vec::new();
    let mut lines = vec![line];
    while let Some(line) = lines.pop() {
        let Some(at) = line.iter().position(|word| !is_passed_by(word)) else { continue };
        let (program, after) = (&line[at], &line[at + 1..]);
        if !is_shell(program) {
            found.push(program.clone());
        } else if let Some(option) = after.iter().position(|word| is_script_option(word)) {
            lines.extend(after.get(option + 1).map(|script| simple_commands(script)).unwrap_or_default());
        } else {
            found.extend(after.iter().find(|word| !is_passed_by(word) && !is_shell(word)).cloned());
        }
    }
    found
}

/// A script's commands, each as its words without their quotes.
fn simple_commands(script: &str) -> Vec<Vec<String>> {
    let (mut commands, mut word, mut quote) = (vec![Vec::new()], String::new(), None);
    let mut letters = script.chars().chain(['\n']);
    while let Some(letter) = letters.next() {
        let ends = matches!(letter, ';' | '&' | '|' | '(' | ')' | '`' | '\n');
        match (quote, letter) {
            (Some(open), _) if letter == open => quote = None,
            (None, '\'' | '"') => quote = Some(letter),
            // Before a line's end it joins the next to it.
            (None | Some('"'), '\\') => word.extend(letters.next().filter(|next| *next != '\n')),
            (None, '#') if word.is_empty() => {
                letters.by_ref().take_while(|letter| *letter != '\n').for_each(drop);
                commands.push(Vec::new());
            }
            (None, _) if ends || letter.is_whitespace() => {
                if let Some(command) = commands.last_mut().filter(|_| !word.is_empty()) {
                    command.push(std::mem::take(&mut word));
                }
                if ends {
                    commands.push(Vec::new());
                }
            }
            _ => word.push(letter),
        }
    }
    commands
}

/// The last part of a program's path, without `.sh`.
fn name(program: &str) -> &str {
    let name = program.rsplit('/').next().unwrap_or_default();
    name.strip_suffix(".sh").unwrap_or(name)
}

fn is_shell(program: &str) -> bool {
    matches!(name(program), "sh" | "bash" | "ash" | "dash")
}

/// `-c`, and others with it: `-ec`.
fn is_script_option(word: &str) -> bool {
    word.starts_with('-') && !word.starts_with("--") && word.ends_with('c')
}

/// What stands before a program and starts it, or is no program at all.
fn is_passed_by(word: &str) -> bool {
    let variable =
        |name: &str| !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    let assigns = word.split_once('=').is_some_and(|(name, _)| variable(name));
    let arguments = matches!(word.trim_start_matches('$'), "@" | "*");
    let starters = [
        "exec",
        "env",
        "nohup",
        "time",
        "timeout",
        "sudo",
        "gosu",
        "su-exec",
        "tini",
        "dumb-init",
        "!",
        "{",
        "do",
        "then",
        "else",
        "elif",
        "if",
        "while",
        "until",
        "docker-entrypoint",
        "entrypoint",
        "__cacert_entrypoint",
    ];
    // An option, or how many seconds of `timeout`.
    let none = word.starts_with(|c: char| c == '-' || c.is_ascii_digit());
    none || assigns || arguments || starters.contains(&name(word))
}

fn is_server(program: &str) -> bool {
    let by_name =
        matches!(name(program), "cassandra" | "kafka-server-start" | "start-kafka" | "starctl" | "run-java");
    // Of Apache's and Confluent's images, and of Bitnami's.
    by_name
        || ["/docker/run", "/docker/launch", "/kafka/run.sh", "/cassandra/run.sh"]
            .iter()
            .any(|end| program.ends_with(end))
}

/// The tools of Kafka's and Cassandra's images, without those that a server's own start may need.
const TOOLS: &[&str] = &[
    "cassandra-stress",
    "connect-distributed",
    "connect-mirror-maker",
    "connect-standalone",
    "cqlsh",
    "cub",
    "kafka-acls",
    "kafka-broker-api-versions",
    "kafka-client-metrics",
    "kafka-cluster",
    "kafka-configs",
    "kafka-console-consumer",
    "kafka-console-producer",
    "kafka-console-share-consumer",
    "kafka-consumer-groups",
    "kafka-consumer-perf-test",
    "kafka-delegation-tokens",
    "kafka-delete-records",
    "kafka-dump-log",
    "kafka-e2e-latency",
    "kafka-features",
    "kafka-get-offsets",
    "kafka-groups",
    "kafka-jmx",
    "kafka-leader-election",
    "kafka-log-dirs",
    "kafka-metadata-quorum",
    "kafka-metadata-shell",
    "kafka-mirror-maker",
    "kafka-producer-perf-test",
    "kafka-reassign-partitions",
    "kafka-replica-verification",
    "kafka-share-groups",
    "kafka-streams-application-reset",
    "kafka-topics",
    "kafka-transactions",
    "kafka-verifiable-consumer",
    "kafka-verifiable-producer",
    "kcat",
    "nodetool",
    "zookeeper-shell",
];

fn is_client(program: &str) -> bool {
    let name = name(program);
    TOOLS.contains(&name) || name.starts_with("sstable")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lint::yaml;

    fn program(service: &str) -> Program {
        Program::of(&yaml::parse(service).unwrap())
    }

    #[test]
    fn a_server_is_known_in_whatever_starts_it() {
        for service in [
            "image: kafka",
            "command: null",
            "entrypoint: []",
            "command: [cassandra, -f]",
            "command: [-R, -Dcassandra.ring_delay_ms=1000]",
            "command: docker-entrypoint.sh -f",
            "command: /etc/kafka/docker/run",
            "entrypoint: [/__cacert_entrypoint.sh]\ncommand: [/etc/kafka/docker/run]",
            "command: [/opt/bitnami/scripts/kafka/run.sh]",
            "entrypoint: [/usr/bin/tini, --, gosu, cassandra, cassandra, -f]",
            "command: sh /etc/confluent/docker/run",
            "command: bash -c \"echo > /etc/confluent/docker/ensure && /etc/confluent/docker/run\"",
            "entrypoint: [sh, -ec]\ncommand: [sleep 30; exec docker-entrypoint.sh cassandra -f]",
            "entrypoint: [bash, -o, pipefail, -c, \"until nodetool -h b1 status; do sleep 5; done\\nexec cassandra -f\"]",
            "command:\n  - sh\n  - -c\n  - |\n    # cqlsh comes later\n    kafka-storage.sh format -t $$ID \\\n      -c x\n    exec kafka-server-start.sh x",
            "command: sh -c 'if [ -f /x ]; then cqlsh; else bash -c \"A=b /etc/kafka/docker/run\"; fi'",
        ] {
            assert_eq!(program(service), Program::Server, "{service}");
        }
    }

    #[test]
    fn a_tool_is_a_client_and_a_server_by_its_arguments_never() {
        for service in [
            "entrypoint: /opt/kafka/bin/kafka-topics.sh --bootstrap-server ${KAFKA}:9092 --create",
            "entrypoint: [kafka-console-consumer, --topic, cassandra]",
            "command: [cqlsh, cassandra, -f, /schema.cql]",
            "command: [cqlsh, -e, \"CREATE KEYSPACE a; USE a;\", cassandra]",
            "command: docker-entrypoint.sh nodetool -h cassandra repair",
            "entrypoint: [/bin/sh, -c]\ncommand: [\"until nc -z cassandra 9042; do sleep 1; done; cqlsh cassandra -f x\"]",
            "command:\n  - bash\n  - -c\n  - |\n    cqlsh \\\n      cassandra -f /schema.cql\n    cqlsh -e 'a;\n    cassandra'",
            "command: timeout 60 kafka-topics --list",
            "entrypoint: [connect-distributed.sh, /connect.properties]",
        ] {
            assert_eq!(program(service), Program::Client, "{service}");
        }
    }

    #[test]
    fn a_script_of_ones_own_or_a_variable_is_not_known() {
        for service in [
            "entrypoint: /kafka-start.sh",
            "command: kafka-storage.sh random-uuid",
            "command: [\"${WHAT}\"]",
            "command: sh -c '/wait.sh && /go.sh'",
        ] {
            assert_eq!(program(service), Program::Unknown, "{service}");
        }
    }
}
