//! The two text formats of Prometheus, and which of them a scraper wants.
//!
//! `prometheus-client` writes OpenMetrics 1.0. Its older sister, text format 0.0.4, which every scraper
//! understands, differs in what we say only here: a counter's HELP and TYPE carry its sample's whole name
//! (`_total` included), and there is no end mark.
//! (<https://prometheus.io/docs/instrumenting/exposition_formats/>, OpenMetrics 1.0.0 section "Text Format")

use prometheus_client::encoding::text::encode;
use prometheus_client::registry::Registry;

use super::Facts;

/// A text format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    OpenMetrics,
    Plain,
}

impl Format {
    pub(super) fn content_type(self) -> &'static str {
        match self {
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
            Self::Plain => "text/plain; version=0.0.4; charset=utf-8",
        }
    }

    /// What these `Accept` headers prefer. Whoever does not ask for OpenMetrics by its name gets the plain
    /// one, also where it accepts neither: text is better than a refusal.
    pub(super) fn negotiated<'a>(accept: impl Iterator<Item = &'a str>) -> Self {
        let (mut open, mut plain) = (0.0_f32, 0.0_f32);
        for range in accept.flat_map(|header| header.split(',')) {
            let mut parts = range.split(';').map(str::trim);
            let name = parts.next().unwrap_or_default().to_ascii_lowercase();
            let parameters: Vec<(&str, &str)> = parts.filter_map(|part| part.split_once('=')).collect();
            let value = |key: &str| {
                let found = parameters.iter().find(|(name, _)| name.trim().eq_ignore_ascii_case(key));
                found.map(|(_, value)| value.trim().trim_matches('"'))
            };
            let quality = value("q").map_or(1.0, |q| q.parse().unwrap_or(0.0));
            match (name.as_str(), value("version")) {
                ("application/openmetrics-text", None | Some("1.0.0")) => open = open.max(quality),
                ("text/plain", None | Some("0.0.4")) | ("text/*" | "*/*", _) => plain = plain.max(quality),
                _ => {}
            }
        }
        if open > 0.0 && open >= plain { Self::OpenMetrics } else { Self::Plain }
    }
}

/// The facts as text.
pub(super) fn text(facts: Facts, format: Format) -> String {
    let mut registry = Registry::default();
    registry.register_collector(Box::new(facts));
    let mut text = String::new();
    // Writing into a string fails only when memory does.
    if encode(&mut text, &registry).is_err() {
        text.clear();
    }
    match format {
        Format::OpenMetrics => text,
        Format::Plain => plain(&text),
    }
}

/// OpenMetrics to text format 0.0.4.
fn plain(open: &str) -> String {
    let mut text = String::with_capacity(open.len() + open.len() / 16);
    let mut help = None;
    for line in open.lines() {
        if let Some(said) = line.strip_prefix("# HELP ") {
            help = said.split_once(' ');
        } else if let Some((name, kind)) = line.strip_prefix("# TYPE ").and_then(|said| said.split_once(' '))
        {
            let total = if kind == "counter" { "_total" } else { "" };
            let said = help.take().map_or("", |(_, said)| said);
            text += &format!("# HELP {name}{total} {said}\n# TYPE {name}{total} {kind}\n");
        } else if !line.starts_with('#') {
            text.push_str(line);
            text.push('\n');
        }
    }
    text
}
