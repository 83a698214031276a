//! Times as people write them, in the rack's file and on the command line: `500ms`, `30s`, `5m`, `36h`, `7d`, `2w`.

use std::time::Duration;

use jiff::{Span, SpanRelativeTo};

/// Such a time; nothing where it is none, or is negative. A day has 24 hours.
#[must_use]
pub fn span(text: &str) -> Option<Duration> {
    let span: Span = text.parse().ok()?;
    span.to_duration(SpanRelativeTo::days_are_24_hours()).ok()?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_a_number_and_its_unit() {
        for (text, milliseconds) in
            [("500ms", 500), ("30s", 30_000), ("36h", 129_600_000), ("2w", 1_209_600_000)]
        {
            assert_eq!(span(text), Some(Duration::from_millis(milliseconds)), "{text}");
        }
        for wrong in ["", "5", "-1m", "soon", "1 fortnight"] {
            assert_eq!(span(wrong), None, "{wrong:?}");
        }
    }
}
