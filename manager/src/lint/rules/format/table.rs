//! The format as `docker stack deploy` has it: docker/cli, cli/compose/schema, version 3.13, and for its words what
//! the engine takes.

use super::Form::{self, *};

/// What a file has at its top.
pub(super) const TOP: &[(&str, Form)] = &[
    ("version", Text),
    ("services", Named(&SERVICE)),
    ("networks", Named(&Maybe(&NETWORK))),
    ("volumes", Named(&Maybe(&VOLUME))),
    ("configs", Named(&CONFIG)),
    ("secrets", Named(&SECRET)),
];

const TEXTS: Form = List(&Text);
const TEXT_OR_TEXTS: Form = Either(&[Text, TEXTS]);
/// A mapping, or a list of `NAME=VALUE`.
const PAIRS: Form = Either(&[Named(&Maybe(&TextOrNumber)), TEXTS]);
const OPTIONS: Form = Named(&TextOrNumber);
const ELSEWHERE: Form = Either(&[Truth, Keys(&[("name", Text)])]);
/// The same of configs and secrets, of which Docker does not look at the keys.
const FILE_ELSEWHERE: Form = Either(&[Truth, Loose(&[("name", Text)])]);

/// What a service has, also what a swarm ignores.
const SERVICE: Form = Extended(&[
    ("build", Any),
    ("cap_add", TEXTS),
    ("cap_drop", TEXTS),
    ("cgroup_parent", Text),
    ("cgroupns_mode", Text),
    ("command", TEXT_OR_TEXTS),
    ("configs", List(&FILE)),
    ("container_name", Text),
    ("credential_spec", Keys(&[("config", Text), ("file", Text), ("registry", Text)])),
    ("depends_on", Any),
    ("deploy", Maybe(&DEPLOY)),
    ("devices", TEXTS),
    ("dns", TEXT_OR_TEXTS),
    ("dns_search", TEXT_OR_TEXTS),
    ("domainname", Text),
    ("entrypoint", TEXT_OR_TEXTS),
    ("env_file", TEXT_OR_TEXTS),
    ("environment", PAIRS),
    ("expose", List(&TextOrNumber)),
    ("external_links", TEXTS),
    ("extra_hosts", PAIRS),
    ("group_add", List(&TextOrNumber)),
    ("healthcheck", HEALTHCHECK),
    ("hostname", Text),
    ("image", Maybe(&Text)),
    ("init", Truth),
    ("ipc", Text),
    ("isolation", Text),
    ("labels", PAIRS),
    ("links", TEXTS),
    ("logging", Keys(&[("driver", Text), ("options", Named(&Maybe(&TextOrNumber)))])),
    ("mac_address", Text),
    ("network_mode", Text),
    ("networks", Either(&[TEXTS, Named(&Maybe(&ATTACHMENT))])),
    ("oom_score_adj", Integer),
    ("pid", Maybe(&Text)),
    ("ports", List(&PORT)),
    ("privileged", Truth),
    ("read_only", Truth),
    ("restart", Text),
    ("secrets", List(&FILE)),
    ("security_opt", TEXTS),
    ("shm_size", Text),
    ("stdin_open", Truth),
    ("stop_grace_period", Time),
    ("stop_signal", Text),
    ("sysctls", PAIRS),
    ("tmpfs", TEXT_OR_TEXTS),
    ("tty", Truth),
    ("ulimits", Named(&Either(&[Integer, Keys(&[("hard", Integer), ("soft", Integer)])]))),
    ("user", Text),
    ("userns_mode", Text),
    ("volumes", List(&Maybe(&MOUNT))),
    ("working_dir", Text),
]);

const FILE: Form = Either(&[
    Text,
    Loose(&[("source", Text), ("target", Text), ("uid", Text), ("gid", Text), ("mode", Whole)]),
]);
const ATTACHMENT: Form =
    Keys(&[("aliases", TEXTS), ("driver_opts", OPTIONS), ("ipv4_address", Text), ("ipv6_address", Text)]);
const PORT: Form = Either(&[
    TextOrNumber,
    Keys(&[
        ("mode", Word(&["ingress", "host"])),
        ("target", Whole),
        ("published", Whole),
        ("protocol", Word(&["tcp", "udp", "sctp"])),
    ]),
]);
const MOUNT: Form = Either(&[
    Text,
    Keys(&[
        ("type", Word(&["bind", "volume", "tmpfs", "npipe", "cluster"])),
        ("source", Text),
        ("target", Text),
        ("read_only", Truth),
        ("consistency", Text),
        ("bind", Loose(&[("propagation", Text)])),
        ("volume", Loose(&[("nocopy", Truth)])),
        ("tmpfs", Loose(&[("size", Whole)])),
    ]),
]);
const HEALTHCHECK: Form = Keys(&[
    ("disable", Truth),
    ("interval", Time),
    ("retries", Whole),
    ("start_interval", Time),
    ("start_period", Time),
    ("test", TEXT_OR_TEXTS),
    ("timeout", Time),
]);

const DEPLOY: Form = Keys(&[
    ("endpoint_mode", Word(&["vip", "dnsrr"])),
    ("labels", PAIRS),
    ("mode", Word(&["replicated", "global", "replicated-job", "global-job"])),
    (
        "placement",
        Keys(&[
            ("constraints", TEXTS),
            ("max_replicas_per_node", Whole),
            ("preferences", List(&Keys(&[("spread", Text)]))),
        ]),
    ),
    ("replicas", Whole),
    (
        "resources",
        Keys(&[
            ("limits", Keys(&[("cpus", Text), ("memory", Bytes), ("pids", Integer)])),
            ("reservations", Keys(&[("cpus", Text), ("generic_resources", Any), ("memory", Bytes)])),
        ]),
    ),
    (
        "restart_policy",
        Keys(&[
            ("condition", Word(&["none", "on-failure", "any"])),
            ("delay", Time),
            ("max_attempts", Whole),
            ("window", Time),
        ]),
    ),
    ("rollback_config", UPDATE),
    ("update_config", UPDATE),
]);
const UPDATE: Form = Keys(&[
    ("delay", Time),
    ("failure_action", Word(&["pause", "continue", "rollback"])),
    ("max_failure_ratio", Number),
    ("monitor", Time),
    ("order", Word(&["start-first", "stop-first"])),
    ("parallelism", Whole),
]);

const NETWORK: Form = Extended(&[
    ("attachable", Truth),
    ("driver", Text),
    ("driver_opts", OPTIONS),
    ("external", ELSEWHERE),
    ("internal", Truth),
    ("ipam", Keys(&[("config", List(&Keys(&[("subnet", Text)]))), ("driver", Text)])),
    ("labels", PAIRS),
    ("name", Text),
]);
const VOLUME: Form = Extended(&[
    ("driver", Text),
    ("driver_opts", OPTIONS),
    ("external", ELSEWHERE),
    ("labels", PAIRS),
    ("name", Text),
]);
const CONFIG: Form = Extended(&[
    ("external", FILE_ELSEWHERE),
    ("file", Text),
    ("labels", PAIRS),
    ("name", Text),
    ("template_driver", Text),
]);
const SECRET: Form = Extended(&[
    ("driver", Text),
    ("driver_opts", OPTIONS),
    ("external", FILE_ELSEWHERE),
    ("file", Text),
    ("labels", PAIRS),
    ("name", Text),
    ("template_driver", Text),
]);
