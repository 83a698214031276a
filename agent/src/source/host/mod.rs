//! The board's own health.
