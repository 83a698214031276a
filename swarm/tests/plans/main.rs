//! What a plan promises, held against a swarm that keeps Docker's rules.

#[cfg(test)]
mod converge;
#[cfg(test)]
mod fake;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod golden;
#[cfg(test)]
mod order;
#[cfg(test)]
mod worlds;
