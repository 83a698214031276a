//! `lab`: boards on this machine, up and down.

fn main() {}
