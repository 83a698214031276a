//! Facts, read from the sections that `gather.sh` prints. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use super::super::sections::{Sections, pairs};
use super::{Address, Disk, Facts, Listener, Mount, NetworkDevice, Ping};
use crate::rack::Bytes;

/// What the gathering printed, as facts; nothing where it did not come to its end.
#[must_use]
pub(in super::super) fn read(text: &str, mark: &str) -> Option<Facts> {
    let sections = Sections::read(text, mark);
    sections.get("end")?;
    let mut uname = sections.lines("uname").skip(1);
    let (machine, host_name) = (uname.next()?.to_owned(), uname.nth(1)?.to_owned());
    let release: BTreeMap<String, String> = sections.lines("os").flat_map(pairs).collect();
    let release_words =
        |key: &str| release.get(key).map(String::as_str).unwrap_or_default().split_whitespace();
    let flag = |name: &str| match sections.text(name) {
        "yes" => Some(true),
        "no" => Some(false),
        _ => None,
    };
    Some(Facts {
        machine,
        host_name,
        userland: sections.said("userland"),
        os: ["ID", "ID_LIKE"].into_iter().flat_map(release_words).map(str::to_owned).collect(),
        os_name: release.get("PRETTY_NAME").cloned().unwrap_or_default(),
        machine_id: sections.said("machine-id"),
        memory: memory(&sections),
        swaps: sections.lines("swaps").skip(1).filter_map(first).collect(),
        memory_cgroup: memory_cgroup(&sections),
        mounts: sections.lines("mounts").map(mount).collect(),
        disks: sections.lines("disks").map(disk).collect(),
        cards: sections
            .lines("cards")
            .filter_map(|line| line.strip_suffix(" SD"))
            .map(str::to_owned)
            .collect(),
        labelled: sections.said("labelled"),
        fstab: fstab(&sections),
        addresses: sections.lines("addresses").filter_map(address).collect(),
        links: sections.lines("links").filter_map(network_device).collect(),
        listeners: sections.lines("listeners").filter_map(listener).collect(),
        time_daemons: sections.lines("time-daemons").map(str::to_owned).collect(),
        time_sources: time_sources(&sections),
        time_served: sections.lines("time-served").filter_map(time_served).collect(),
        temperature_millicelsius: sections.lines("thermal").filter_map(|line| line.parse().ok()).max(),
        under_voltage: sections.lines("voltage").map(|line| line != "0").reduce(|one, other| one || other),
        throttled: sections.lines("throttled").find_map(throttled),
        vxlan: flag("vxlan"),
        overlay: flag("overlay"),
        groups: sections.text("groups").split_whitespace().map(str::to_owned).collect(),
        ufw: sections.text("ufw").to_owned(),
        input: sections.text("firewall").to_owned(),
        docker_user: sections.text("docker-user").to_owned(),
        nftables: sections.said("nftables").and_then(|text| serde_json::from_str(&text).ok()),
        daemon: sections
            .said("daemon")
            .map(|text| serde_json::from_str(&text).map_err(|error| error.to_string())),
        hosts: sections.text("hosts").to_owned(),
        snap: sections.text("snap") == "yes",
        socket: sections.text("socket") == "yes",
        dockerd: sections.text("dockerd") == "yes",
        ping: sections.text("ping") == "yes",
        systemd: sections.text("booted") == "systemd",
        names: sections.lines("names").filter_map(name).collect(),
        pings: sections.lines("pings").filter_map(ping).collect(),
        clock: None,
        engine: None,
    })
}

fn first(line: &str) -> Option<String> {
    line.split_whitespace().next().map(str::to_owned)
}

fn memory(sections: &Sections) -> Option<Bytes> {
    let line = sections.lines("memory").find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(Bytes(kibibytes.saturating_mul(1024)))
}

/// Of version 2 its list says it; of version 1 the last column of `/proc/cgroups`.
fn memory_cgroup(sections: &Sections) -> Option<bool> {
    let mut unified = sections.lines("controllers");
    if unified.next() == Some("unified") {
        return Some(unified.flat_map(str::split_whitespace).any(|controller| controller == "memory"));
    }
    let mut all = sections.lines("cgroups").peekable();
    all.peek()?;
    let line = all.find(|line| first(line).as_deref() == Some("memory"));
    Some(line.is_some_and(|line| line.split_whitespace().next_back() == Some("1")))
}

fn mount(line: &str) -> Mount {
    let mut all: BTreeMap<String, String> = pairs(line).collect();
    let mut take = |key: &str| all.remove(key).unwrap_or_default();
    Mount {
        target: take("TARGET"),
        source: take("SOURCE"),
        kind: take("FSTYPE"),
        options: take("OPTIONS").split(',').map(str::to_owned).collect(),
        size: take("SIZE").parse().ok().map(Bytes),
        available: take("AVAIL").parse().ok().map(Bytes),
    }
}

fn disk(line: &str) -> Disk {
    let mut all: BTreeMap<String, String> = pairs(line).collect();
    let mut take = |key: &str| all.remove(key).unwrap_or_default();
    Disk {
        name: take("NAME"),
        parent: take("PKNAME"),
        kind: take("TYPE"),
        size: take("SIZE").parse().ok().map(Bytes),
        file_system: take("FSTYPE"),
        uuid: take("UUID"),
        mounted: take("MOUNTPOINT"),
    }
}

fn fstab(sections: &Sections) -> Vec<Vec<String>> {
    let lines = sections.lines("fstab").map(str::trim).filter(|line| !line.starts_with('#'));
    let words = |line: &str| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    lines.map(words).filter(|words| words.len() >= 2).collect()
}

/// `2: eth0    inet 10.77.0.11/24 brd 10.77.0.255 scope global dynamic eth0\       valid_lft 86000sec ...`.
fn address(line: &str) -> Option<Address> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let device = (*words.get(1)?).to_owned();
    let (address, _) = words.get(3)?.split_once('/')?;
    let lifetime = words.iter().position(|word| *word == "valid_lft").and_then(|at| words.get(at + 1));
    let leased = words.contains(&"dynamic") || lifetime.is_some_and(|lifetime| *lifetime != "forever");
    Some(Address { device, address: address.parse().ok()?, leased })
}

fn network_device(line: &str) -> Option<NetworkDevice> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let [name, mtu, mac, wireless, speed @ ..] = words.as_slice() else { return None };
    Some(NetworkDevice {
        name: (*name).to_owned(),
        mtu: mtu.parse().ok()?,
        mac: (*mac).to_owned(),
        wireless: *wireless == "yes",
        speed: speed.first().and_then(|speed| speed.parse().ok()),
    })
}

/// `tcp 0.0.0.0:22 sshd -`, with IPv6 as `[::]:22`, and `127.0.0.53%lo:53`.
fn listener(line: &str) -> Option<Listener> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let [kind, local, program, container] = words.as_slice() else { return None };
    let (host, port) = local.rsplit_once(':')?;
    let said = |word: &str| (word != "-").then(|| word.to_owned());
    Some(Listener {
        udp: *kind == "udp",
        port: port.parse().ok()?,
        local: host.starts_with("127.") || host == "[::1]" || host.starts_with("[::ffff:127."),
        program: said(program),
        container: said(container),
    })
}

/// Who keeps the time, then whom that one asks.
fn time_sources(sections: &Sections) -> Option<BTreeSet<String>> {
    let mut lines = sections.lines("time-sources");
    lines.next()?;
    Some(lines.flat_map(str::split_whitespace).map(str::to_owned).collect())
}

/// `10.77.0.12 208 Access allowed`; 209 is denied, and any other number is no answer.
fn time_served(line: &str) -> Option<(Ipv4Addr, bool)> {
    let mut words = line.split_whitespace();
    let address = words.next()?.parse().ok()?;
    match words.next()? {
        "208" => Some((address, true)),
        "209" => Some((address, false)),
        _ => None,
    }
}

/// The driver's file has it in hexadecimal, the tool as `throttled=0x50005`.
fn throttled(line: &str) -> Option<u32> {
    let digits = line.strip_prefix("throttled=").unwrap_or(line);
    u32::from_str_radix(digits.strip_prefix("0x").unwrap_or(digits), 16).ok()
}

fn name(line: &str) -> Option<(String, BTreeSet<Ipv4Addr>)> {
    let mut words = line.split_whitespace();
    Some((words.next()?.to_owned(), words.filter_map(|word| word.parse().ok()).collect()))
}

fn ping(line: &str) -> Option<Ping> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let [address, answers, carried] = words.as_slice() else { return None };
    Some(Ping { address: address.parse().ok()?, answers: *answers == "yes", carried: *carried == "yes" })
}
