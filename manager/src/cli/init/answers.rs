//! What a rack's beginning is made of, as people write it in a flag or type it at a question.

use std::net::Ipv4Addr;

use pirack::rack::{BoardName, RackName};

/// Everything that a first file says.
#[derive(Clone, Debug)]
pub(super) struct Answers {
    pub(super) name: String,
    pub(super) boards: Boards,
    pub(super) user: String,
    pub(super) stacks: Stacks,
    pub(super) data_disks: DataDisks,
}

/// What flags gave.
#[derive(Clone, Debug, Default)]
pub(super) struct Given {
    pub(super) name: Option<String>,
    pub(super) boards: Option<Boards>,
    pub(super) user: Option<String>,
    pub(super) stacks: Option<Stacks>,
    pub(super) data_disks: Option<DataDisks>,
}

/// Boards in their order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Boards(pub(super) Vec<(String, Ipv4Addr)>);

/// Disks by their board's name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct DataDisks(pub(super) Vec<(String, String)>);

/// What runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stacks {
    pub(super) kafka: bool,
    pub(super) cassandra: bool,
    pub(super) stargate: bool,
}

impl DataDisks {
    /// Why one of them is of no board, if it is.
    pub(super) fn stray(&self, boards: &Boards) -> Option<String> {
        let known: Vec<&str> = boards.0.iter().map(|(name, _)| name.as_str()).collect();
        let (name, _) = self.0.iter().find(|(name, _)| !known.contains(&name.as_str()))?;
        Some(format!("there is no board \"{name}\" for that disk: name one of {}", known.join(", ")))
    }
}

pub(super) const NAME: &str = "desk";
pub(super) const USER: &str = "pi";
pub(super) const STACKS: Stacks = Stacks { kafka: true, cassandra: true, stargate: false };

impl Given {
    /// What no flag gave has its default; nothing without boards, which have none.
    pub(super) fn or_defaults(self) -> Option<Answers> {
        Some(Answers {
            name: self.name.unwrap_or_else(|| NAME.to_owned()),
            boards: self.boards?,
            user: self.user.unwrap_or_else(|| USER.to_owned()),
            stacks: self.stacks.unwrap_or(STACKS),
            data_disks: self.data_disks.unwrap_or_default(),
        })
    }
}

pub(super) fn name(text: &str) -> Result<String, String> {
    let wrong = "use 1 to 50 letters, digits, '-' and '_', with a letter or digit at either end";
    text.parse::<RackName>().map(|name| name.to_string()).map_err(|_| wrong.to_owned())
}

pub(super) fn user(text: &str) -> Result<String, String> {
    let inner = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    let first = text.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
    let fits = first && text.len() <= 32 && text.chars().all(inner);
    if fits {
        Ok(text.to_owned())
    } else {
        Err("give the name that you would give ssh, for example pi".to_owned())
    }
}

/// `b1=10.0.0.11,b2=10.0.0.27`, `b1..b5=10.0.0.11`, and both together.
pub(super) fn boards(text: &str) -> Result<Boards, String> {
    let mut boards: Vec<(String, Ipv4Addr)> = vec![];
    for item in text.split(',').map(str::trim).filter(|item| !item.is_empty()) {
        let (names, address) = item.split_once('=').ok_or_else(|| {
            format!("\"{item}\" has no address: write NAME=ADDRESS, for example b1=10.0.0.11")
        })?;
        let first: Ipv4Addr = (address.trim().parse())
            .map_err(|_| format!("\"{}\" is no IPv4 address, for example 10.0.0.11", address.trim()))?;
        let names = counted(names.trim())?;
        let [.., last] = first.octets();
        // Counted in one network of 254, which is what most have.
        let most = usize::from(255 - last);
        if matches!(last, 0 | 255) {
            return Err(format!("{first} is a network's own address: begin at one that ends in 1 to 254"));
        }
        if names.len() > most {
            return Err(format!(
                "from {first} on there is room for {most} of {} boards: begin lower, or name the others beside them, as w1..w3=10.0.1.11",
                names.len()
            ));
        }
        let addresses = (first.to_bits()..).map(Ipv4Addr::from_bits);
        boards.extend(names.into_iter().zip(addresses));
    }
    if boards.is_empty() {
        return Err("name one board at least, for example b1=10.0.0.11".to_owned());
    }
    for (index, (name, address)) in boards.iter().enumerate() {
        if boards[..index].iter().any(|(other, _)| other == name) {
            return Err(format!("two boards are named {name}"));
        }
        if boards[..index].iter().any(|(_, other)| other == address) {
            return Err(format!("two boards are at {address}"));
        }
    }
    Ok(Boards(boards))
}

/// One name, or all from `b1` to `b5`.
fn counted(names: &str) -> Result<Vec<String>, String> {
    let Some((first, last)) = names.split_once("..") else { return Ok(vec![board(names)?]) };
    let wrong = || format!("\"{names}\" counts nothing up: write for example b1..b5");
    let number = |name: &str| -> Option<(String, u32)> {
        let stem = name.trim_end_matches(|c: char| c.is_ascii_digit());
        Some((stem.to_owned(), name[stem.len()..].parse().ok()?))
    };
    let ((stem, from), (other, to)) = (number(first).ok_or_else(wrong)?, number(last).ok_or_else(wrong)?);
    if stem != other || from > to || to - from >= 500 {
        return Err(wrong());
    }
    (from..=to).map(|number| board(&format!("{stem}{number}"))).collect()
}

fn board(name: &str) -> Result<String, String> {
    let fits = name.len() <= 40 && name.parse::<pirack_agent::record::BoardName>().is_ok();
    if fits && name.parse::<BoardName>().is_ok() {
        return Ok(name.to_owned());
    }
    Err(format!("\"{name}\" cannot be a board's name: use 1 to 40 of a-z, 0-9 and '-', for example b1"))
}

pub(super) fn stacks(text: &str) -> Result<Stacks, String> {
    let mut stacks = Stacks { kafka: false, cassandra: false, stargate: false };
    if text.trim() == "none" {
        return Ok(stacks);
    }
    for word in text.split(',').map(str::trim) {
        match word {
            "kafka" => stacks.kafka = true,
            "cassandra" => stacks.cassandra = true,
            "stargate" => stacks.stargate = true,
            _ => return Err(format!("\"{word}\" is no stack: give kafka, cassandra, stargate, or none")),
        }
    }
    if stacks.stargate && !stacks.cassandra {
        return Err("Stargate stores nothing itself: give cassandra as well".to_owned());
    }
    Ok(stacks)
}

pub(super) fn data_disks(text: &str) -> Result<DataDisks, String> {
    let disk = |item: &str| -> Result<(String, String), String> {
        let (board, uuid) = item.split_once('=').ok_or_else(|| {
            format!("\"{item}\" has no UUID: write NAME=UUID, as lsblk -o NAME,UUID tells it")
        })?;
        let uuid: uuid::Uuid =
            uuid.trim().parse().map_err(|_| format!("\"{}\" is no UUID of a file system", uuid.trim()))?;
        Ok((board.trim().to_owned(), uuid.to_string()))
    };
    text.split(',')
        .map(str::trim)
        .filter(|item| !item.is_empty())
        .map(disk)
        .collect::<Result<_, _>>()
        .map(DataDisks)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boards_are_named_one_by_one_or_counted_up() {
        let told = |text| {
            boards(text).map(|Boards(all)| all.iter().map(|(n, a)| format!("{n} {a}")).collect::<Vec<_>>())
        };
        assert_eq!(told("b1=10.0.0.11, w7=10.0.0.27").unwrap(), ["b1 10.0.0.11", "w7 10.0.0.27"]);
        assert_eq!(
            told("w9..w11=10.0.0.252").unwrap(),
            ["w9 10.0.0.252", "w10 10.0.0.253", "w11 10.0.0.254"]
        );
        for wrong in [
            "",
            "b1",
            "b1=x",
            "B1=10.0.0.1",
            "b1..c3=10.0.0.1",
            "b3..b1=10.0.0.1",
            "b..c=10.0.0.1",
            "b1=10.0.0.1,b1=10.0.0.2",
            "b1=10.0.0.1,b2=10.0.0.1",
            "b1=10.0.0.0",
            "b1=10.0.0.255",
            "b1..b3=10.0.0.253",
            "b1..b3=255.255.255.254",
        ] {
            assert!(boards(wrong).is_err(), "{wrong:?} passed");
        }
    }

    #[test]
    fn boards_are_not_counted_past_the_end_of_a_network() {
        let told = boards("b1..b3=10.0.0.254").unwrap_err();
        assert!(told.contains("room for 1 of 3 boards: begin lower"), "{told}");
    }

    #[test]
    fn a_disk_is_of_a_board_that_there_is() {
        let boards = boards("b1..b2=10.0.0.1").unwrap();
        let disk =
            |board: &str| data_disks(&format!("{board}=0f3c1c9e-6f0b-4c6d-9d6a-2b7a9c1e5f10")).unwrap();
        assert_eq!(disk("b2").stray(&boards), None);
        assert!(disk("b3").stray(&boards).unwrap().contains("name one of b1, b2"));
    }

    #[test]
    fn stargate_wants_cassandra() {
        assert!(stacks("stargate").is_err());
        assert_eq!(stacks("kafka,cassandra"), Ok(STACKS));
        assert!(stacks("spark").is_err());
    }
}
