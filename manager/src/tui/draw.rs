//! A view onto the screen. Decides only about space and colour.

use ratatui::Frame;
use ratatui::layout::{Alignment, Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style, Stylize};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Cell, Clear, Paragraph, Row, Table, TableState};

use super::view::View;
use crate::watch::State;

const HEADS: [&str; 10] =
    ["BOARD", "ROLE", "STATE", "CPU", "TEMP", "POWER", "MEMORY", "QUEUE", "SEEN", "WHY"];
const WIDTHS: [u16; 9] = [9, 8, 9, 14, 8, 7, 6, 7, 7];
/// Columns in the order in which they go when the terminal is narrow: reasons stay, they matter most.
const GIVEN_UP: [usize; 6] = [1, 5, 6, 3, 8, 4];
/// What the reason needs to be worth its column.
const LEAST_REASON: u16 = 24;

const HELP: [&str; 9] = [
    "q, Ctrl-C   quit",
    "↑ ↓, j k    select a board",
    "u           unplug the board, or plug it in again",
    "b           stop the broker for 20 s, or start it again",
    "?           this help",
    "",
    "● well   ▲ warm: needs a look",
    "◌ silent: missed a few records",
    "✕ gone: not heard of for long",
];

/// Draws the whole screen.
pub(super) fn draw(frame: &mut Frame<'_>, view: &View, colour: bool) {
    let area = frame.area();
    let event_lines = if area.height >= 18 { 6 } else { 0 };
    let parts = Layout::vertical([
        Constraint::Length(3),
        Constraint::Min(3),
        Constraint::Length(event_lines),
        Constraint::Length(1),
    ]);
    let [head, table, events, foot] = parts.areas(area);
    draw_head(frame, view, head, colour);
    draw_table(frame, view, table, colour);
    if event_lines > 0 {
        let lines: Vec<Line<'_>> = view.events.iter().map(|event| Line::raw(event.as_str())).collect();
        let block = Block::bordered().title(" events ");
        frame.render_widget(Paragraph::new(lines).block(block), events);
    }
    let keys = "q quit  ↑↓ select  u unplug/plug  b broker  ? help";
    let foot_text = view.notice.as_deref().unwrap_or(keys);
    frame.render_widget(Paragraph::new(foot_text).style(style(colour, Color::Gray)), foot);
    if view.help {
        draw_help(frame, area);
    }
}

fn draw_head(frame: &mut Frame<'_>, view: &View, area: Rect, colour: bool) {
    let title = Span::styled(view.title.as_str(), Style::new().add_modifier(Modifier::BOLD));
    let tint = if view.broker_stopped { Color::Red } else { Color::Green };
    let broker = Span::styled(view.broker.as_str(), style(colour, tint));
    let dashboard =
        Line::from(vec![Span::raw("dashboard "), Span::raw(view.dashboard.as_str()).underlined()]);
    let lines =
        vec![Line::from(vec![title, Span::raw("   "), broker]), dashboard, Line::raw(view.totals.as_str())];
    frame.render_widget(Paragraph::new(lines), area);
}

fn draw_table(frame: &mut Frame<'_>, view: &View, area: Rect, colour: bool) {
    let columns = columns(area.width);
    let pick = |cells: &[String; 10]| -> Vec<String> {
        columns.iter().filter_map(|&column| cells.get(column).cloned()).collect()
    };
    let rows = view.rows.iter().map(|row| {
        let tint = match row.state {
            State::Well => Color::Reset,
            State::Warm => Color::Yellow,
            State::Silent => Color::Magenta,
            State::Gone => Color::DarkGray,
        };
        Row::new(pick(&row.cells).into_iter().map(Cell::from)).style(style(colour, tint))
    });
    let widths = columns.iter().map(|&column| match WIDTHS.get(column) {
        Some(&width) => Constraint::Length(width),
        None => Constraint::Min(LEAST_REASON.min(area.width)),
    });
    let heads = pick(&HEADS.map(str::to_owned));
    let table = Table::new(rows, widths)
        .header(Row::new(heads).style(Style::new().add_modifier(Modifier::BOLD)))
        .row_highlight_style(Style::new().add_modifier(Modifier::REVERSED));
    let mut state = TableState::new().with_selected(Some(view.selected));
    frame.render_stateful_widget(table, area, &mut state);
}

/// The columns for which there is room, in their order.
fn columns(width: u16) -> Vec<usize> {
    let mut columns: Vec<usize> = (0..HEADS.len()).collect();
    let needed = |columns: &[usize]| -> u16 {
        columns.iter().map(|&column| WIDTHS.get(column).copied().unwrap_or(LEAST_REASON) + 1).sum()
    };
    for given_up in GIVEN_UP {
        if needed(&columns) <= width {
            break;
        }
        columns.retain(|&column| column != given_up);
    }
    columns
}

fn draw_help(frame: &mut Frame<'_>, area: Rect) {
    let (width, height) = (58.min(area.width), 11.min(area.height));
    let middle =
        Rect { x: area.x + (area.width - width) / 2, y: area.y + (area.height - height) / 2, width, height };
    let lines: Vec<Line<'_>> = HELP.into_iter().map(Line::raw).collect();
    let block = Block::bordered().title(" keys ").title_alignment(Alignment::Center);
    frame.render_widget(Clear, middle);
    frame.render_widget(Paragraph::new(lines).block(block), middle);
}

fn style(colour: bool, tint: Color) -> Style {
    if colour { Style::new().fg(tint) } else { Style::new() }
}
