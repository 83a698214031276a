//! What services a rack has, to the letter, and what must not touch them. `UPDATE_GOLDEN=1` writes the letters
//! anew; read the difference then.

mod golden;
mod promises;
mod property;
pub(crate) mod racks;
