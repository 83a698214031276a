//! What there is of a lab, for people and for programs: of one that is up, and of one that is not wholly.
//!
//! Each machine is told by its own record, so that a dead one hides no living one.

use std::collections::BTreeSet;
use std::fmt;
use std::fs;

use serde::Serialize;

use crate::error::LabError;
use crate::machine::Machine;
use crate::place::Place;
use crate::{board, hub, lab, layout, lock, power};

/// How a lab stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// Nothing of it is there.
    Down,
    /// All of its machines run.
    Up,
    /// Some of it is there: it is coming, going, or damaged.
    Partial,
    /// What a killed run left: nobody holds it, and it was not to stay.
    Left,
}

/// A lab, as `lab status --json` prints it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LabStatus {
    /// Its name.
    pub name: String,
    /// Whether it is up, which is to say [`Standing::Up`].
    pub up: bool,
    /// How it stands.
    pub standing: Standing,
    /// Whether `lab up` brought it up, to stay.
    pub kept: bool,
    /// Which process works with it: a test that started it, or `lab up` while it does.
    pub held_by: Option<String>,
    /// Its registry, as boards name it.
    pub registry: String,
    /// The first process of its hub, as this machine sees it, if it runs.
    pub hub: Option<i32>,
    /// Its boards, running or not.
    pub boards: Vec<BoardStatus>,
}

/// One board of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BoardStatus {
    /// Its host name.
    pub name: String,
    /// Its address in the lab.
    pub address: String,
    /// Its first process, as this machine sees it, if it runs.
    pub pid: Option<i32>,
    /// Whether it has power: `power-off` takes it.
    pub power: bool,
    /// Whether its engine answers.
    pub engine: bool,
    /// Whether its cable is in.
    pub plugged: bool,
}

impl LabStatus {
    /// Looks at the lab of that name.
    ///
    /// # Errors
    /// When that is no name for a lab.
    pub fn of(name: &str) -> Result<Self, LabError> {
        Ok(Self::at(&Place::named(name)?))
    }

    /// All labs but the one of that name that there is anything of.
    ///
    /// # Errors
    /// None, as names go.
    pub fn others(name: &str) -> Result<Vec<Self>, LabError> {
        Ok(Place::all()?.iter().filter(|place| place.name() != name).map(Self::at).collect())
    }

    fn at(place: &Place) -> Self {
        let (held_by, kept) = (lock::holder(place), lab::is_kept(place));
        let hub = Machine::recorded(place, hub::HUB).map(|machine| machine.pid());
        let wanted = lab::boards(place);
        let numbers: BTreeSet<usize> = recorded(place).into_iter().chain(1..=wanted.unwrap_or(0)).collect();
        let boards: Vec<_> = numbers.into_iter().map(|number| look(place, number)).collect();
        let whole = wanted.is_some()
            && hub.is_some()
            && boards.iter().all(|board| board.pid.is_some() || !board.power);
        let standing = standing(place.is_there(), whole, kept || held_by.is_some());
        Self {
            name: place.name().to_owned(),
            up: standing == Standing::Up,
            standing,
            kept,
            held_by,
            registry: layout::REGISTRY.to_owned(),
            hub,
            boards,
        }
    }

    /// Whether `lab up` has nothing to do, since the lab has been brought up to stay, with so many boards, and is
    /// well. What nobody means to keep is not up.
    ///
    /// # Errors
    /// With what differs, when any machine of a lab that was to stay still runs: somebody may be using it.
    pub fn is_as_asked(&self, boards: usize) -> Result<bool, LabError> {
        let lives = self.hub.is_some() || self.boards.iter().any(|board| board.pid.is_some());
        if !self.kept || self.held_by.is_some() || !lives {
            return Ok(false);
        }
        let mut differences = Vec::new();
        if self.boards.len() != boards {
            let s = if self.boards.len() == 1 { "" } else { "s" };
            differences.push(format!("it has {} board{s}, not {boards}", self.boards.len()));
        }
        if self.hub.is_none() {
            differences.push("its hub does not run".to_owned());
        }
        differences.extend(self.boards.iter().filter_map(|board| match board {
            BoardStatus { name, power: false, .. } => Some(format!("{name} has no power")),
            BoardStatus { name, pid: None, .. } => Some(format!("{name} does not run")),
            BoardStatus { name, engine: false, .. } => Some(format!("{name}'s engine does not answer")),
            _ => None,
        }));
        if differences.is_empty() {
            return Ok(true);
        }
        Err(LabError::Differs { name: self.name.clone(), how: differences.join(", ") })
    }
}

fn standing(there: bool, whole: bool, wanted: bool) -> Standing {
    match (there, wanted) {
        (false, _) => Standing::Down,
        (true, false) => Standing::Left,
        (true, true) if whole => Standing::Up,
        (true, true) => Standing::Partial,
    }
}

/// The numbers of the boards that were begun.
fn recorded(place: &Place) -> Vec<usize> {
    let entries = fs::read_dir(place.state()).into_iter().flatten().flatten();
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    let numbers = names.filter_map(|name| name.strip_prefix('b')?.parse().ok());
    let begun = |name: &str| place.machine(name).join("init").exists() || power::is_off(place, name);
    numbers.filter(|number| begun(&layout::board_name(*number))).collect()
}

fn look(place: &Place, number: usize) -> BoardStatus {
    let name = layout::board_name(number);
    let machine = Machine::recorded(place, &name);
    let carrier = |machine: &Machine| fs::read_to_string(machine.path("/sys/class/net/eth0/carrier"));
    BoardStatus {
        address: layout::board_address(number).to_string(),
        pid: machine.as_ref().map(Machine::pid),
        power: !power::is_off(place, &name),
        engine: machine.as_ref().is_some_and(board::engine_answers),
        plugged: machine
            .as_ref()
            .is_some_and(|machine| carrier(machine).is_ok_and(|text| text.trim() == "1")),
        name,
    }
}

impl fmt::Display for LabStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match self.standing {
            Standing::Down => "is not up",
            Standing::Up => "is up",
            Standing::Partial if self.held_by.is_some() => "is not wholly up",
            Standing::Partial => "is not wholly up any more; `lab down` removes it",
            Standing::Left => "was left by a killed run; `lab down` removes it",
        };
        write!(f, "lab {} {state}", self.name)?;
        if let Some(holder) = &self.held_by {
            write!(f, ", held by {holder}")?;
        }
        if self.standing == Standing::Down {
            return Ok(());
        }
        match self.hub {
            // It says nothing of a lab that is up.
            Some(_) if self.up => {}
            Some(pid) => write!(f, "\n  {:<4} {:<12} process {pid}", hub::HUB, layout::HUB)?,
            None => write!(f, "\n  {:<4} {:<12} does not run", hub::HUB, layout::HUB)?,
        }
        for BoardStatus { name, address, pid, power, engine, plugged } in &self.boards {
            let engine = if *engine { "answers" } else { "does not answer" };
            let cable = if *plugged { "in" } else { "out" };
            write!(f, "\n  {name:<4} {address:<12} ")?;
            match pid {
                Some(pid) => write!(f, "engine {engine}, cable {cable}, process {pid}")?,
                None if !power => write!(f, "has no power; `lab power-on {name}` gives it back")?,
                None => write!(f, "does not run")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(boards: &[(Option<i32>, bool)]) -> LabStatus {
        let boards = boards.iter().zip(1..).map(|((pid, engine), number)| BoardStatus {
            name: layout::board_name(number),
            address: layout::board_address(number).to_string(),
            pid: *pid,
            power: true,
            engine: *engine,
            plugged: true,
        });
        LabStatus {
            name: "a".to_owned(),
            up: true,
            standing: Standing::Up,
            kept: true,
            held_by: None,
            registry: String::new(),
            hub: Some(1),
            boards: boards.collect(),
        }
    }

    #[test]
    fn a_lab_that_runs_is_never_made_anew_by_asking_for_another() {
        let two = kept(&[(Some(2), true), (Some(3), true)]);
        assert!(two.is_as_asked(2).unwrap());
        assert!(
            two.is_as_asked(3).unwrap_err().to_string().contains("it has 2 boards, not 3; `lab down` first")
        );
        let paused = kept(&[(Some(2), false)]).is_as_asked(1).unwrap_err().to_string();
        assert!(paused.contains("b1's engine does not answer"), "{paused}");
        let dead = kept(&[(Some(2), true), (None, false)]).is_as_asked(2).unwrap_err().to_string();
        assert!(dead.contains("b2 does not run"), "{dead}");
        // What nobody uses, and what nobody meant to keep, makes room.
        assert!(!LabStatus { hub: None, ..kept(&[(None, false)]) }.is_as_asked(1).unwrap());
        assert!(!LabStatus { kept: false, ..kept(&[(Some(2), true)]) }.is_as_asked(1).unwrap());
    }

    #[test]
    fn what_a_killed_run_left_is_told_machine_by_machine() {
        let mut left = kept(&[(None, false), (Some(7), true)]);
        (left.standing, left.up) = (standing(true, false, false), false);
        let said = left.to_string();
        for part in [
            "left by a killed run; `lab down` removes it",
            "hub  10.77.0.1    process 1",
            "does not run",
            "process 7",
        ] {
            assert!(said.contains(part), "{said}");
        }
        assert_eq!(standing(false, false, false), Standing::Down);
        assert_eq!(standing(true, true, true), Standing::Up);
        assert_eq!(standing(true, false, true), Standing::Partial);
        assert_eq!(standing(true, true, false), Standing::Left);
    }
}
