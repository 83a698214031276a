//! The configuration: raw file to checked values.
