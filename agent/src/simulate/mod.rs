//! Boards that do not exist.
