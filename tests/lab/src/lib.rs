//! Boards made out of one Linux machine: what the rack's promises are proven on.
