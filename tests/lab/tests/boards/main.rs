//! What a lab's boards are, on real engines: one lab of three for all of it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "all of it is tests, which clippy cannot see without libtest's harness"
)]

mod engines;
mod faults;
mod flaws;
mod isolation;
mod power;
mod program;

use std::process::ExitCode;

use pirack_lab::{Spec, conduct};

fn main() -> ExitCode {
    if std::env::args().nth(1).as_deref() == Some(faults::CLOCKS) {
        faults::say_clocks();
        return ExitCode::SUCCESS;
    }
    conduct(
        &Spec::new(3),
        &[
            (
                "each board is a machine of its own by name, id, root and processes",
                isolation::machines_of_their_own,
            ),
            ("a board sees neither this machine's disks nor its settings", isolation::nothing_of_the_host),
            (
                "root on a board can change neither the clock nor the kernel of this machine",
                isolation::no_power_over_the_kernel,
            ),
            ("an engine can be reached over its socket and over no port", isolation::no_port_but_ssh),
            ("ssh lets in with host keys known beforehand, and refuses unknown ones", isolation::strict_ssh),
            ("a program that a command started gets signals and ends with the command", isolation::signals),
            ("the registry keeps what a board pushes and another pulls", engines::registry),
            ("a memory limit holds", engines::memory_limit),
            ("a container on one board reaches another board", engines::container_reaches_board),
            ("what an engine is asked to change is counted, and no question is", engines::calls),
            ("an unplugged board cannot be reached until it is plugged in again", faults::unplug),
            ("a paused engine takes questions and answers none until it is resumed", faults::pause_engine),
            ("a killed engine is gone, its containers run on, and it starts again", faults::kill_engine),
            ("a full disk takes nothing more until it is freed", faults::fill_disk),
            (
                "a shifted time moves under a running program, and its monotonic clocks stay",
                faults::shift_time,
            ),
            ("a slow link is slow each way until it is restored", faults::slow_link),
            ("flaws in what the kernel says are seen and mended", flaws::kernel),
            ("flaws in the network are seen and mended", flaws::network),
            ("a disk that is nearly full and another machine's id are seen and mended", flaws::disk_and_id),
            ("a clock that is off is so for every program that is begun over ssh", flaws::clock),
            ("a board without power is dead, and comes back the same, by itself", power::cut),
            ("a board starts what is enabled when it gets its power, and nothing else", power::services),
            (
                "an isolated lab has no registry and no way out, and boards that see each other",
                power::isolate,
            ),
            ("three boards form a swarm", engines::swarm),
            ("a swarm that lost its power all at once comes back in any order", power::all_at_once),
        ],
    )
}
