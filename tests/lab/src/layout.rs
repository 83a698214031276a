//! What is written where in a lab: addresses, names and the files that machines begin with. All of it pure.

use std::net::Ipv4Addr;

/// The hub's address, its registry's port included.
pub(crate) const REGISTRY: &str = "10.77.0.1:5000";
/// The hub's address, which is the boards' gateway.
pub(crate) const HUB: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 1);
/// How many bits of an address are the lab's.
pub(crate) const PREFIX: u8 = 24;
/// The most boards that the addresses hold: .11 to .74.
pub(crate) const MOST_BOARDS: usize = 64;
/// slirp4netns's own name server, which asks this machine's.
const NAME_SERVER: Ipv4Addr = Ipv4Addr::new(10, 0, 2, 3);

/// The name of the board of that number; the first is 1.
pub(crate) fn board_name(number: usize) -> String {
    format!("b{number}")
}

/// The address of the board of that number.
pub(crate) fn board_address(number: usize) -> Ipv4Addr {
    let last = u8::try_from(10 + number.min(MOST_BOARDS)).unwrap_or(u8::MAX);
    Ipv4Addr::new(10, 77, 0, last)
}

/// Read by the engine's init script, which wants more open files than a machine without CAP_SYS_RESOURCE may allow.
const ENGINE_DEFAULTS: &str = "DOCKER_LOGFILE=/var/log/dockerd.log\n\
                               ulimit() { command ulimit \"$@\" 2>/dev/null || true; }\n";

/// One file of a machine's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Text {
    /// Its path on the machine, without the first slash.
    pub(crate) path: &'static str,
    /// What it says.
    pub(crate) text: String,
    /// Its permissions.
    pub(crate) mode: u32,
    /// Who owns it, user and group alike.
    pub(crate) owner: u32,
}

fn text(path: &'static str, text: impl Into<String>) -> Text {
    Text { path, text: text.into(), mode: 0o644, owner: 0 }
}

/// The files of every machine of a lab of so many boards.
pub(crate) fn machine_files(name: &str, machine_id: &str, boards: usize) -> Vec<Text> {
    let mut hosts = format!("127.0.0.1 localhost\n::1 localhost\n{HUB} hub\n");
    for number in 1..=boards {
        hosts.push_str(&hosts_line(number));
    }
    vec![
        text("etc/hostname", format!("{name}\n")),
        text("etc/hosts", hosts),
        text("etc/machine-id", format!("{machine_id}\n")),
        text("etc/resolv.conf", format!("nameserver {NAME_SERVER}\n")),
    ]
}

/// What a machine's `/etc/hosts` says of the board of that number.
pub(crate) fn hosts_line(number: usize) -> String {
    format!("{} {}\n", board_address(number), board_name(number))
}

/// The files of a board besides: its engine's and its SSH door's. What is the lab's own business is an engine's
/// option, so that `daemon.json` is free for whoever looks after the board.
pub(crate) fn board_files(cgroup: &str, host_key: &str, visitor: &str) -> Vec<Text> {
    let daemon = serde_json::json!({ "insecure-registries": [REGISTRY], "storage-driver": "overlay2" });
    let options = format!("--cgroup-parent={cgroup} --exec-opt=native.cgroupdriver=cgroupfs --debug");
    let private = |file: Text| Text { mode: 0o600, ..file };
    let sshd = "HostKey /etc/ssh/ssh_host_ed25519_key\nPermitRootLogin prohibit-password\n\
                PasswordAuthentication no\nUsePAM yes\nSubsystem sftp internal-sftp\nPrintMotd no\n";
    vec![
        text("etc/docker/daemon.json", format!("{daemon:#}\n")),
        text("etc/default/docker", format!("{ENGINE_DEFAULTS}DOCKER_OPTS='{options}'\n")),
        text("etc/default/ssh", "SSHD_OPTS='-E /var/log/sshd.log'\n"),
        // A package's own is never asked about: there is nobody to answer.
        text("etc/dpkg/dpkg.cfg.d/lab", "force-confdef\nforce-confold\n"),
        // Read by the engine's init script, which else mounts control groups.
        text("etc/fstab", "cgroup /sys/fs/cgroup cgroup noauto 0 0\n"),
        text("etc/ssh/sshd_config", sshd),
        private(text("etc/ssh/ssh_host_ed25519_key", host_key)),
        private(text("root/.ssh/authorized_keys", visitor)),
        // The first user of a Debian has the id 1000.
        Text { owner: 1000, ..private(text("home/pi/.ssh/authorized_keys", visitor)) },
    ]
}

/// The files of the hub besides: its registry's.
pub(crate) fn hub_files() -> Vec<Text> {
    let config = format!(
        "version: 0.1\nlog: {{ level: warn }}\nstorage:\n  filesystem: {{ rootdirectory: /var/lib/docker-registry }}\n  \
         delete: {{ enabled: true }}\nhttp:\n  addr: {REGISTRY}\n  secret: lab\n"
    );
    vec![text("etc/docker/registry/config.yml", config)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_board_has_an_address_of_its_own_and_every_machine_knows_them_all() {
        assert_eq!(board_address(1), Ipv4Addr::new(10, 77, 0, 11));
        assert_eq!(board_address(MOST_BOARDS), Ipv4Addr::new(10, 77, 0, 74));
        let files = machine_files("b2", "00", 3);
        let hosts = &files.iter().find(|file| file.path == "etc/hosts").unwrap().text;
        assert!(hosts.contains("10.77.0.1 hub\n") && hosts.contains("10.77.0.13 b3\n"), "{hosts}");
    }

    #[test]
    fn an_engine_listens_to_nobody_over_tcp() {
        let files = board_files("/g", "k", "v");
        let daemon = &files.iter().find(|file| file.path == "etc/docker/daemon.json").unwrap().text;
        let daemon: serde_json::Value = serde_json::from_str(daemon).unwrap();
        assert!(daemon.get("hosts").is_none());
        let options = &files.iter().find(|file| file.path == "etc/default/docker").unwrap().text;
        assert!(options.contains("--cgroup-parent=/g ") && !options.contains("-H"), "{options}");
    }
}
