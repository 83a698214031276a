//! The boards: each by itself, then names and addresses against each other.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use pirack_agent::config::check_sensors;
use pirack_swarm::desired::{AbsolutePath, LabelKey};
use toml::Spanned;

use super::super::code::Code;
use super::super::file::{BoardSection, DataDiskSection, File};
use super::super::{Access, Board, BoardName, DataDisk, Role, SshAccess};
use super::{Boards, Checker, Known};

/// As Cassandra calls the rack of a node that says nothing.
const PLACE: &str = "rack1";
/// Where a disk for data is mounted.
const MOUNT: &str = "/srv/data";
/// Folders that no disk for data is mounted over, nor in.
const SYSTEM: [&str; 10] =
    ["/bin", "/boot", "/dev", "/etc", "/lib", "/proc", "/run", "/sbin", "/sys", "/usr"];
/// Nor these: an engine whose disk is away makes anew, on the card, what it kept there.
const ENGINE: [&str; 2] = ["/var/lib/containerd", "/var/lib/docker"];
/// Folders that none is mounted over.
const ABOVE: [&str; 6] = ["/home", "/root", "/tmp", "/var", "/var/lib", "/var/log"];
/// A service's name is `cassandra-` and this at the longest, and has 50 characters at most.
const LONGEST_NAME: usize = 40;
/// Node labels that the manager sets itself, and beginnings of such.
const OWN_PREFIXES: [&str; 2] = ["rack.", "io.pirack."];

impl Checker<'_> {
    pub(super) fn boards(&mut self, file: &File) -> Boards {
        if file.board.is_empty() {
            self.missing(
                (&[], "board"),
                None,
                "the rack has no boards",
                "write [[board]], with its name and its address below, for each",
            );
        }
        let ssh = self.rack_ssh(file.ssh.as_ref());
        let roles = self.roles(file);
        let each = file.board.iter().zip(roles).enumerate();
        let all =
            each.map(|(at, (section, roles))| self.board(&at.to_string(), section, roles, &ssh)).collect();
        self.twins(file);
        Boards { all, lost: self.lost.key(&[], "board"), ssh }
    }

    fn board(
        &mut self,
        at: &str,
        section: &Spanned<BoardSection>,
        roles: BTreeSet<Role>,
        ssh: &SshAccess,
    ) -> Known {
        let (written, table) = (section.get_ref(), ["board", at]);
        if written.name.is_none() {
            self.missing(
                (&table, "name"),
                Some(section.span()),
                "the board has no name",
                "add name = \"b1\", or the like: its host name",
            );
        }
        if written.address.is_none() {
            self.missing(
                (&table, "address"),
                Some(section.span()),
                "the board has no address",
                "add address = \"10.0.0.11\", or the like",
            );
        }
        let name = written.name.as_ref().and_then(|name| self.board_name(name));
        let address = written.address.as_ref().and_then(|address| self.address(address));
        let place = match &written.place {
            Some(place) => self.place(place),
            None => Some(PLACE.to_owned()).filter(|_| !self.lost.key(&table, "place")),
        };
        let access = self.access(&table, written, ssh);
        let memory = self.size(&written.memory);
        let data_disk = written.data_disk.as_ref().map(|disk| self.data_disk(at, disk));
        let labels = self.labels(written);
        // Of a sensor that could be read in part, everything else would seem to be missing.
        if !self.lost.below(&["board", at, "sensor"]) {
            for problem in check_sensors(&written.sensor, self.door.file, self.text) {
                let span = problem.span.or_else(|| Some(section.span()));
                self.say(Code::Sensor, span, problem.what, problem.remedy);
            }
        }
        let has_disk = !matches!(data_disk, Some(None));
        let whole = address.is_some() && place.is_some() && access.is_some() && has_disk;
        let board = name.clone().map(|name| Board {
            name,
            // What is left out here has been told, and says nothing of what runs where.
            address: address.unwrap_or(Ipv4Addr::UNSPECIFIED),
            roles: roles.clone(),
            access: access.unwrap_or(Access::Local),
            memory,
            data_disk: data_disk.flatten(),
            place: place.clone().unwrap_or_default(),
            labels,
            sensors: written.sensor.clone(),
        });
        let text = written.name.as_ref().map(|name| name.get_ref().clone());
        Known { text, name, roles, place, board, whole }
    }

    /// A board's name is its host name, the board of its agent's records, and the end of its services' names.
    fn board_name(&mut self, written: &Spanned<String>) -> Option<BoardName> {
        let text = written.get_ref();
        let fits = text.len() <= LONGEST_NAME
            && text != "localhost"
            && text.parse::<pirack_agent::record::BoardName>().is_ok();
        let name = text.parse().ok().filter(|_| fits);
        if name.is_none() {
            self.say(
                Code::Name,
                written.span(),
                format!("\"{text}\" cannot be a board's name"),
                format!("use 1 to {LONGEST_NAME} of a-z, 0-9 and '-', with a letter or digit at either end, for example \"w3\""),
            );
        }
        name
    }

    fn address(&mut self, written: &Spanned<String>) -> Option<Ipv4Addr> {
        let text = written.get_ref();
        let parsed = text.parse::<Ipv4Addr>().ok();
        let why = match parsed {
            None => "is no IPv4 address",
            Some(address) if address.is_loopback() => "is every machine's own",
            Some(address) if address.is_link_local() => "is made up anew whenever no server gives one",
            Some(address) if matches!(address.octets(), [0 | 224..=255, ..]) => "is no single board's",
            Some(address) => return Some(address),
        };
        self.say(
            Code::Address,
            written.span(),
            format!("\"{text}\" {why}"),
            "write the board's own address, which stays: set on the board, or kept for it by the router",
        );
        None
    }

    /// Cassandra's rack and Kafka's: a word that both take as it is.
    fn place(&mut self, written: &Spanned<String>) -> Option<String> {
        let text = written.get_ref();
        let inner = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if (1..=48).contains(&text.len()) && text.chars().all(inner) {
            return Some(text.clone());
        }
        let what = format!("\"{text}\" cannot be a place");
        self.say(
            Code::Name,
            written.span(),
            what,
            "use 1 to 48 letters, digits, '-', '_' and '.', for example \"left\"",
        );
        None
    }

    fn data_disk(&mut self, at: &str, section: &Spanned<DataDiskSection>) -> Option<DataDisk> {
        let DataDiskSection { uuid, mount, device } = section.get_ref();
        if uuid.is_none() {
            let remedy = "add uuid = \"...\", as `lsblk -o NAME,UUID` tells it on the board; `uuidgen` makes one for a new disk";
            self.missing(
                (&["board", at, "data_disk"], "uuid"),
                Some(section.span()),
                "the disk has no UUID: its name may be another after each start",
                remedy,
            );
        }
        let known = uuid.as_ref().filter(|written| {
            let good = is_uuid(written.get_ref());
            if !good {
                let what = format!("\"{}\" is no UUID of a file system for data", written.get_ref());
                let remedy = "write it as `lsblk -o NAME,UUID` tells it: 8-4-4-4-12 hexadecimal digits";
                self.say(Code::DiskUuid, written.span(), what, remedy);
            }
            good
        });
        let mut absolute = |written: &Spanned<String>, least: &str| {
            let path = written.get_ref().parse::<AbsolutePath>();
            let fits = path.is_ok() && written.get_ref().starts_with(least) && written.get_ref() != least;
            if !fits {
                let what = format!("\"{}\" is no path for it", written.get_ref());
                let remedy = format!("begin it with {least}, without '.', '..' or a '/' at its end");
                self.say(Code::Path, written.span(), what, remedy);
            }
            fits.then(|| written.get_ref().clone())
        };
        let place = mount.as_ref().map_or(Some(MOUNT.to_owned()), |written| absolute(written, "/"));
        let device = match device {
            Some(written) => Some(absolute(written, "/dev/")?),
            None => None,
        };
        if let (Some(written), Some(place)) = (mount, &place) {
            self.mount(written, place);
        }
        Some(DataDisk { uuid: known?.get_ref().to_ascii_lowercase(), mount: place?, device })
    }

    /// A place that /etc/fstab takes as it is, and that hides nothing of the system's.
    fn mount(&mut self, written: &Spanned<String>, place: &str) {
        let lies_in = |folder: &&&str| {
            place.strip_prefix(**folder).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        let what = if !place.chars().all(|c| c.is_ascii_graphic() && !matches!(c, '#' | '\\' | '"' | '\'')) {
            "would break /etc/fstab".to_owned()
        } else if let Some(folder) = SYSTEM.iter().find(lies_in) {
            format!("is the system's own: {folder}")
        } else if ENGINE.iter().any(|folder| lies_in(&folder)) {
            "is the engine's own: without the disk, data would begin empty on the card".to_owned()
        } else if ABOVE.contains(&place) {
            "would hide what the system has there".to_owned()
        } else {
            return;
        };
        let remedy = "write for example \"/srv/data\" or \"/mnt/data\": letters, digits and such without blanks, '#', quotes and backslashes";
        self.say(Code::Path, written.span(), format!("the place \"{place}\" {what}"), remedy);
    }

    fn labels(&mut self, section: &BoardSection) -> BTreeMap<LabelKey, String> {
        let mut labels = BTreeMap::new();
        for (key, value) in &section.labels {
            let Some(name) = self.name::<LabelKey>(key) else { continue };
            let own = name.as_str() == crate::stack::BOARD
                || OWN_PREFIXES.iter().any(|prefix| name.as_str().starts_with(prefix));
            if own {
                let what = format!("the label {name} is one that pirack sets itself");
                self.say(Code::Name, key.span(), what, "give it another name");
            }
            if let Some(text) = self.scalar(value) {
                labels.insert(name, text);
            }
        }
        labels
    }

    /// A text, a number, true or false, as a text.
    pub(super) fn scalar(&mut self, value: &Spanned<toml::Value>) -> Option<String> {
        match value.get_ref() {
            toml::Value::String(text) => Some(text.clone()),
            toml::Value::Integer(number) => Some(number.to_string()),
            toml::Value::Float(number) => Some(number.to_string()),
            toml::Value::Boolean(truth) => Some(truth.to_string()),
            other => {
                let what = format!("this is of the kind {}", other.type_str());
                self.say(Code::WrongKind, value.span(), what, "give a text, a number, true or false");
                None
            }
        }
    }

    fn twins(&mut self, file: &File) {
        let mut names: BTreeMap<&str, usize> = BTreeMap::new();
        let mut addresses: BTreeMap<&str, &str> = BTreeMap::new();
        let mut disks: BTreeMap<String, &str> = BTreeMap::new();
        let mut local = None;
        for board in file.board.iter().map(Spanned::get_ref) {
            let name = board.name.as_ref().map_or("another", |name| name.get_ref());
            if let Some(written) = &board.name {
                let seen = names.entry(written.get_ref()).or_default();
                *seen += 1;
                if *seen > 1 {
                    let what = format!("two boards are named \"{name}\"");
                    self.say(Code::TwoNames, written.span(), what, "give each a name of its own");
                }
            }
            if let Some(disk) = &board.data_disk
                && let Some(written) = &disk.get_ref().uuid
                && let Some(first) = disks.insert(written.get_ref().to_ascii_lowercase(), name)
            {
                let what = format!("{name} and {first} both have the disk {}", written.get_ref());
                let remedy = "write the UUID of each board's own disk; a copied disk gets another, for example with `tune2fs -U random`";
                self.say(Code::DiskTwice, written.span(), what, remedy);
            }
            if let Some(written) = board.local.as_ref().filter(|local| *local.get_ref())
                && let Some(first) = local.replace(name)
            {
                let what = format!("{name} and {first} are both the machine that pirack runs on");
                self.say(Code::Contradiction, written.span(), what, "take local out at one of them");
            }
            if let Some(written) = &board.address
                && let Some(first) = addresses.insert(written.get_ref(), name)
            {
                let what = format!("{name} and {first} are both at {}", written.get_ref());
                self.say(Code::TwoAddresses, written.span(), what, "give each board its own address");
            }
        }
    }
}

fn is_uuid(text: &str) -> bool {
    let groups: Vec<usize> = text.split('-').map(str::len).collect();
    groups == [8, 4, 4, 4, 12] && text.bytes().all(|c| c == b'-' || c.is_ascii_hexdigit())
}
