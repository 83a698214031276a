//! The rack in a terminal: a live table, or plain lines where there is none.
//!
//! Invariants: the terminal is given back on every way out, a panic included. New figures are drawn at
//! most four times a second and only when something on the screen differs; keys answer at once.

mod draw;
pub mod plain;
mod view;

use std::collections::VecDeque;
use std::ffi::OsStr;
use std::io::{self, IsTerminal};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crossterm::event::{self, Event as Input, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use ratatui::DefaultTerminal;
use tokio::sync::{broadcast, watch};

use crate::watch::{BrokerState, Controls, Event, Live, Snapshot};
use view::View;

/// How often new figures are looked for.
const LOOK: Duration = Duration::from_millis(250);
/// Events kept for the screen.
const EVENTS: usize = 8;
/// For how long the key for it stops the broker, in seconds.
const BROKER_STOP: f64 = 20.0;

/// Whether this stream shows colours: a terminal's that can, unless `NO_COLOR` is set to anything (no-color.org).
#[must_use]
pub fn colour(stream: &impl IsTerminal) -> bool {
    let variable = |name: &str| std::env::var_os(name);
    stream.is_terminal() && wants_colour(variable("NO_COLOR").as_deref(), variable("TERM").as_deref())
}

fn wants_colour(no_color: Option<&OsStr>, term: Option<&OsStr>) -> bool {
    no_color.is_none_or(OsStr::is_empty) && term.is_none_or(|term| term != "dumb")
}

/// Shows the rack, and where its dashboard is served, until a person quits or `shutdown` says true. Blocks: give it a thread of its own.
///
/// # Errors
/// When the terminal cannot be taken, drawn on or read; it is given back first.
pub fn run(
    live: &Live,
    controls: &dyn Controls,
    mut events: broadcast::Receiver<Arc<Event>>,
    dashboard: &str,
    shutdown: &watch::Receiver<bool>,
) -> io::Result<()> {
    if !io::stdout().is_terminal() {
        let reason = "standard output is no terminal: pass --headless for plain lines";
        return Err(io::Error::new(io::ErrorKind::Unsupported, reason));
    }
    let colour = colour(&io::stdout());
    let _restored = Restored;
    let mut terminal = ratatui::try_init()?;
    let mut screen = Screen::new(live.snapshot(), colour);
    dashboard.clone_into(&mut screen.dashboard);
    let mut looked = Instant::now();
    while !screen.over && !ended(shutdown) {
        screen.hear(&mut events);
        screen.draw(&mut terminal)?;
        if event::poll(LOOK.saturating_sub(looked.elapsed()))? {
            match event::read()? {
                Input::Key(key) if key.kind != KeyEventKind::Release => screen.press(key, controls),
                Input::Resize(..) => screen.drawn = None,
                _ => {}
            }
        }
        if looked.elapsed() >= LOOK {
            looked = Instant::now();
            screen.snapshot = live.snapshot();
        }
    }
    Ok(())
}

/// Whether it is time to go; also when whoever would say so is gone.
fn ended(shutdown: &watch::Receiver<bool>) -> bool {
    *shutdown.borrow() || shutdown.has_changed().is_err()
}

/// Gives the terminal back when it goes; `try_init` sees to panics.
struct Restored;

impl Drop for Restored {
    fn drop(&mut self) {
        if let Err(error) = ratatui::try_restore() {
            tracing::warn!(%error, "the terminal could not be given back: run `reset`");
        }
    }
}

/// What the screen shows and what was last drawn.
struct Screen {
    snapshot: Snapshot,
    /// Where the dashboard is served.
    dashboard: String,
    events: VecDeque<String>,
    selected: String,
    help: bool,
    notice: Option<String>,
    colour: bool,
    over: bool,
    drawn: Option<View>,
}

impl Screen {
    fn new(snapshot: Snapshot, colour: bool) -> Self {
        let selected = snapshot.boards.first().map(|board| board.name.clone()).unwrap_or_default();
        Self {
            snapshot,
            dashboard: String::new(),
            events: VecDeque::new(),
            selected,
            help: false,
            notice: None,
            colour,
            over: false,
            drawn: None,
        }
    }

    fn hear(&mut self, events: &mut broadcast::Receiver<Arc<Event>>) {
        loop {
            match events.try_recv() {
                Ok(event) => {
                    self.events.push_front(view::line(&event));
                    self.events.truncate(EVENTS);
                }
                Err(broadcast::error::TryRecvError::Lagged(_)) => {}
                Err(_) => return,
            }
        }
    }

    fn draw(&mut self, terminal: &mut DefaultTerminal) -> io::Result<()> {
        let view = self.view();
        if self.drawn.as_ref() != Some(&view) {
            terminal.draw(|frame| draw::draw(frame, &view, self.colour))?;
            self.drawn = Some(view);
        }
        Ok(())
    }

    fn view(&self) -> View {
        let mut view = View::of(&self.snapshot, &self.selected);
        view.events = self.events.iter().cloned().collect();
        view.dashboard.clone_from(&self.dashboard);
        view.help = self.help;
        view.notice.clone_from(&self.notice);
        view
    }

    fn press(&mut self, key: KeyEvent, controls: &dyn Controls) {
        self.notice = None;
        let control = key.modifiers.contains(KeyModifiers::CONTROL);
        match key.code {
            KeyCode::Char('c') if control => self.over = true,
            KeyCode::Esc if self.help => self.help = false,
            KeyCode::Char('q') | KeyCode::Esc => self.over = true,
            KeyCode::Char('?' | 'h') => self.help = !self.help,
            KeyCode::Down | KeyCode::Char('j') => self.step(|at, last| (at + 1).min(last)),
            KeyCode::Up | KeyCode::Char('k') => self.step(|at, _| at.saturating_sub(1)),
            KeyCode::Home => self.step(|_, _| 0),
            KeyCode::End => self.step(|_, last| last),
            KeyCode::Char('u') => self.pull_link(controls),
            KeyCode::Char('b') => self.pull_broker(controls),
            _ => {}
        }
    }

    fn step(&mut self, to: impl Fn(usize, usize) -> usize) {
        let boards = &self.snapshot.boards;
        let at = boards.iter().position(|board| board.name == self.selected).unwrap_or(0);
        if let Some(board) = boards.get(to(at, boards.len().saturating_sub(1))) {
            self.selected.clone_from(&board.name);
        }
    }

    fn pull_link(&mut self, controls: &dyn Controls) {
        let board = self.snapshot.boards.iter().find(|board| board.name == self.selected);
        let outcome = match board.map(|board| board.plugged) {
            Some(true) => controls.unplug(&self.selected),
            Some(false) => controls.plug(&self.selected),
            None => return,
        };
        self.notice = outcome.err().map(|error| error.to_string());
    }

    fn pull_broker(&mut self, controls: &dyn Controls) {
        let outcome = match self.snapshot.broker.state {
            BrokerState::Running => controls.stop_broker(BROKER_STOP),
            BrokerState::Stopped | BrokerState::Away => controls.start_broker(),
        };
        self.notice = outcome.err().map(|error| error.to_string());
    }
}

#[cfg(test)]
mod tests;
