//! From boards as they are found to boards that a rack can run on: how they are reached, what they lack.

pub mod agent;
pub mod fix;
pub mod link;
pub mod preflight;
