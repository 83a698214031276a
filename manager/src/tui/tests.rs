use std::sync::Mutex;

use pirack_agent::record::{Body, Health};
use ratatui::Terminal;
use ratatui::backend::TestBackend;

use super::*;
use crate::watch::testing::record;
use crate::watch::{AgentGauge, ControlError, Happening, Role};

#[derive(Default)]
struct Levers(Mutex<Vec<String>>);

impl Levers {
    fn note(&self, what: &str) -> Result<(), ControlError> {
        self.0.lock().unwrap().push(what.to_owned());
        Ok(())
    }
}

impl Controls for Levers {
    fn unplug(&self, board: &str) -> Result<(), ControlError> {
        if board == "me" {
            return Err(ControlError::Refused("me is this machine".into()));
        }
        self.note(&format!("unplug {board}"))
    }
    fn plug(&self, board: &str) -> Result<(), ControlError> {
        self.note(&format!("plug {board}"))
    }
    fn stop_broker(&self, seconds: f64) -> Result<(), ControlError> {
        self.note(&format!("stop {seconds}"))
    }
    fn start_broker(&self) -> Result<(), ControlError> {
        self.note("start")
    }
}

fn live() -> Live {
    let live = Live::new("demo", Duration::from_secs(1));
    live.declare("me", Role::Admin, false);
    live.declare("w1", Role::Worker, true);
    live.set_broker("127.0.0.1:40123", BrokerState::Running, None);
    let health = Health {
        cpu_ratio: Some(0.5),
        cpu_temperature_celsius: Some(81.2),
        supply_watts: Some(4.25),
        memory_used_bytes: Some(1 << 30),
        memory_total_bytes: Some(4 << 30),
        ..Health::default()
    };
    live.apply(&[record("w1", 1, Body::Health(Box::new(health)))], Instant::now());
    let gauge = AgentGauge { produced: 20, delivered: 8, queued: 12, dropped: 0, plugged: true };
    live.set_agent("w1", gauge);
    live
}

fn rendered(screen: &Screen, width: u16, height: u16) -> String {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal.draw(|frame| draw::draw(frame, &screen.view(), screen.colour)).unwrap();
    terminal.backend().to_string()
}

fn press(screen: &mut Screen, levers: &Levers, code: KeyCode) {
    screen.press(KeyEvent::new(code, KeyModifiers::NONE), levers);
}

#[test]
fn the_table_says_state_in_words_figures_with_units_and_why() {
    let mut screen = Screen::new(live().snapshot(), false);
    screen.events.push_front("08:00:00Z w1 is warm: cpu at 81.2 °C".into());
    let text = rendered(&screen, 120, 24);
    for expected in [
        "pirack demo",
        "broker 127.0.0.1:40123 running",
        "produced 20 · delivered 8 · stored 0 · queued 12",
        "me        admin    ◌ silent",
        "w1        worker   ▲ warm    ████░░░░  50 % 81.2 °C  4.2 W   25 %   12      now     cpu at 81.2 °C",
        "08:00:00Z w1 is warm",
        "q quit",
    ] {
        assert!(text.contains(expected), "{expected:?} is not in\n{text}");
    }
}

#[test]
fn a_narrow_terminal_keeps_the_state_and_the_reason() {
    let text = rendered(&Screen::new(live().snapshot(), true), 60, 10);
    assert!(text.contains("▲ warm") && text.contains("cpu at 81.2 °C"), "{text}");
    assert!(!text.contains("ROLE"), "{text}");
    rendered(&Screen::new(live().snapshot(), true), 1, 1);
}

#[test]
fn without_colour_no_cell_has_one() {
    let mut screen = Screen::new(live().snapshot(), false);
    let coloured = |screen: &Screen| {
        let mut terminal = Terminal::new(TestBackend::new(120, 24)).unwrap();
        terminal.draw(|frame| draw::draw(frame, &screen.view(), screen.colour)).unwrap();
        let cells = terminal.backend().buffer().content.clone();
        cells.iter().any(|cell| cell.fg != ratatui::style::Color::Reset)
    };
    assert!(!coloured(&screen));
    screen.colour = true;
    assert!(coloured(&screen));
}

#[test]
fn what_did_not_change_is_not_drawn_again() {
    let live = live();
    let now = Instant::now();
    let first = live.snapshot_at(now);
    let later = live.snapshot_at(now + Duration::from_millis(250));
    assert_ne!(first, later);
    let strip = |snapshot| View { title: String::new(), ..View::of(&snapshot, "w1") };
    assert_eq!(strip(first), strip(later));
}

#[test]
fn keys_select_pull_and_say_why_not() {
    let live = live();
    let levers = Levers::default();
    let mut screen = Screen::new(live.snapshot(), false);
    press(&mut screen, &levers, KeyCode::Char('u'));
    assert_eq!(screen.notice.as_deref(), Some("me is this machine"));
    press(&mut screen, &levers, KeyCode::Down);
    press(&mut screen, &levers, KeyCode::Down);
    assert_eq!((screen.selected.as_str(), screen.notice.as_deref()), ("w1", None));
    press(&mut screen, &levers, KeyCode::Char('u'));
    press(&mut screen, &levers, KeyCode::Char('b'));
    live.set_agent("w1", AgentGauge { produced: 1, delivered: 1, queued: 0, dropped: 0, plugged: false });
    live.set_broker("127.0.0.1:40123", BrokerState::Stopped, None);
    screen.snapshot = live.snapshot();
    press(&mut screen, &levers, KeyCode::Char('u'));
    press(&mut screen, &levers, KeyCode::Char('b'));
    assert_eq!(*levers.0.lock().unwrap(), ["unplug w1", "stop 20", "plug w1", "start"]);
}

#[test]
fn help_opens_and_closes_and_quitting_has_three_ways() {
    let levers = Levers::default();
    let mut screen = Screen::new(live().snapshot(), false);
    press(&mut screen, &levers, KeyCode::Char('?'));
    assert!(rendered(&screen, 100, 24).contains("unplug the board, or plug it in again"));
    press(&mut screen, &levers, KeyCode::Esc);
    assert!(!screen.help && !screen.over);
    for (code, modifiers) in [
        (KeyCode::Char('q'), KeyModifiers::NONE),
        (KeyCode::Esc, KeyModifiers::NONE),
        (KeyCode::Char('c'), KeyModifiers::CONTROL),
    ] {
        screen.over = false;
        screen.press(KeyEvent::new(code, modifiers), &levers);
        assert!(screen.over, "{code:?}");
    }
}

#[test]
fn the_newest_events_stand_first_and_old_ones_go() {
    let live = live();
    let mut heard = live.subscribe();
    for number in 0..20 {
        live.tell(Event::now("demo", &format!("w{number}"), Happening::Plugged {}));
    }
    let mut screen = Screen::new(live.snapshot(), false);
    screen.hear(&mut heard);
    assert_eq!(screen.events.len(), EVENTS);
    assert!(screen.events[0].ends_with("w19 was plugged in"));
}

#[test]
fn a_shutdown_and_the_end_of_its_teller_are_both_heard() {
    let (shutdown, told) = watch::channel(false);
    assert!(!ended(&told));
    shutdown.send_replace(true);
    assert!(ended(&told));
    let (gone, told) = watch::channel(false);
    drop(gone);
    assert!(ended(&told));
}

#[test]
fn colours_are_not_for_who_wants_none_nor_for_a_terminal_that_has_none() {
    let wanted = |no_color: Option<&str>, term: Option<&str>| {
        wants_colour(no_color.map(OsStr::new), term.map(OsStr::new))
    };
    assert!(wanted(None, None) && wanted(Some(""), Some("xterm")));
    assert!(!wanted(Some("1"), Some("xterm")) && !wanted(None, Some("dumb")));
}
