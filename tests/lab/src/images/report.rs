//! What `lab images` prints: one line an image.

use crate::images::{Made, Origin};

/// A table: name, how it came about, what a board pulls, reference.
#[must_use]
pub fn table(made: &[Made]) -> String {
    let width = made.iter().map(|made| made.name.len()).max().unwrap_or_default();
    let lines = made.iter().map(|made| {
        let how = match made.origin {
            Origin::Kept => "kept".to_owned(),
            Origin::Built => format!("{:.0} s", made.seconds),
        };
        let size = made.pulled_bytes.div_ceil(1_000_000);
        format!("{:width$}  {how:>6}  {size:>4} MB to pull  {}", made.name, made.reference)
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_tells_what_a_board_pulls_and_whether_anything_was_built() {
        let made = |name, origin| Made {
            name,
            reference: format!("r/{name}:1"),
            origin,
            pulled_bytes: 81_000_001,
            seconds: 12.4,
        };
        let text = table(&[made("kafka", Origin::Kept), made("cassandra-5.0", Origin::Built)]);
        assert_eq!(
            text,
            "kafka            kept    82 MB to pull  r/kafka:1\n\
             cassandra-5.0    12 s    82 MB to pull  r/cassandra-5.0:1"
        );
    }
}
