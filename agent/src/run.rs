//! Wires sources, queue and sinks together and owns their lifetimes.
