//! What there is of a lab, for people and for programs.

use std::fmt;
use std::fs;

use serde::Serialize;

use crate::error::LabError;
use crate::lab::Lab;
use crate::lock;
use crate::place::Place;

/// A lab, as `lab status --json` prints it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LabStatus {
    /// Its name.
    pub name: String,
    /// Whether all of its machines run.
    pub up: bool,
    /// Which process works with it: a test that started it, or `lab up` while it does.
    pub held_by: Option<String>,
    /// Its registry, as boards name it.
    pub registry: String,
    /// Its boards; none when it is not up.
    pub boards: Vec<BoardStatus>,
}

/// One board of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BoardStatus {
    /// Its host name.
    pub name: String,
    /// Its address in the lab.
    pub address: String,
    /// Its first process, as this machine sees it.
    pub pid: i32,
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
        let place = Place::named(name)?;
        let lab = Lab::attach(name).ok();
        let boards = lab.iter().flat_map(Lab::boards).map(|board| BoardStatus {
            name: board.name().to_owned(),
            address: board.address().to_string(),
            pid: board.machine.init.pid,
            engine: board.engine_answers(),
            plugged: has_carrier(&board.machine.path("/sys/class/net/eth0/carrier")),
        });
        Ok(Self {
            name: name.to_owned(),
            up: lab.is_some(),
            held_by: lock::holder(&place),
            registry: crate::layout::REGISTRY.to_owned(),
            boards: boards.collect(),
        })
    }
}

fn has_carrier(file: &std::path::Path) -> bool {
    fs::read_to_string(file).is_ok_and(|text| text.trim() == "1")
}

impl fmt::Display for LabStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = if self.up { "up" } else { "not up" };
        write!(f, "lab {} is {state}", self.name)?;
        if let Some(holder) = &self.held_by {
            write!(f, ", held by {holder}")?;
        }
        for board in &self.boards {
            let engine = if board.engine { "answers" } else { "does not answer" };
            let cable = if board.plugged { "in" } else { "out" };
            write!(
                f,
                "\n  {:<4} {:<12} engine {engine}, cable {cable}, process {}",
                board.name, board.address, board.pid
            )?;
        }
        Ok(())
    }
}
