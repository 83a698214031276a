//! How the manager reaches boards, and what it says of them: real boards over real SSH doors.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "all of it is tests, which clippy cannot see without libtest's harness"
)]

mod boards;
mod checks;
mod disk;
mod faults;
mod fixes;
mod link;
mod other_doors;
mod rack;
mod time;

use std::process::ExitCode;

use pirack_lab::{Spec, conduct};

fn main() -> ExitCode {
    if std::env::args().nth(1).as_deref() == Some(link::HOLD) {
        link::hold();
        return ExitCode::SUCCESS;
    }
    conduct(
        &Spec::new(4).with_bare(&[4]),
        &[
            ("every board is reached over one session, and scripts run as root", link::reached),
            ("a script is bounded in time and in what it prints, on the board itself", link::bounded),
            ("a file is written whole or not at all", link::files),
            (
                "an unknown host key is refused with the fingerprint that the board itself gives",
                link::unknown_key,
            ),
            (
                "a changed host key is refused, and keys in the rack file are the only ones taken",
                link::changed_key,
            ),
            ("the engine is reached through the session by a member of docker", link::engine),
            ("the engine is reached by sudo where the user is in no group docker", link::engine_by_sudo),
            ("a session that broke says so, and is made anew under the same link and client", link::renewed),
            ("a board that takes connections and says nothing holds up no other", link::silent_board),
            (
                "a manager that is killed leaves no ssh behind, and the next removes its folder",
                link::killed_manager,
            ),
            ("a board is its own rack, over its own shell and socket", other_doors::local),
            (
                "an engine is reached over TLS, and each certificate that is wrong says what is wrong with it",
                other_doors::tls,
            ),
            ("boards that are well have no errors, and looking changes nothing on them", checks::well),
            ("PF001: an unplugged board is told once, and its neighbours are not blamed", checks::unplugged),
            (
                "PF002: a key that nobody vouches for is refused until its fingerprint is confirmed",
                checks::trust,
            ),
            ("PF003, PF004, PF044: who is not let in, and who has no rights there", checks::rights),
            (
                "PF012 to PF047: every flaw of the lab's is found by its code, and gone once it is mended",
                checks::flaws,
            ),
            ("PF018: a disk that is nearly full is told until there is room", checks::full),
            (
                "PF005 to PF052: what only another system, kernel or device has is found, and gone once it is mended",
                faults::of_the_system,
            ),
            (
                "PF011 to PF053: so is what is wrong with a disk, an engine, a clock and an address",
                faults::of_one_board,
            ),
            ("PF024, PF033, PF034: neighbours that are kept apart, and firewalls", checks::network),
            ("PF039, PF045: an engine that is silent, or in another swarm", checks::engine),
            ("PF050: managers that are even", checks::even),
            ("--fix gives a board its name and its line in /etc/hosts", fixes::names),
            ("--fix corrects the engine's file and never restarts it", fixes::engine_s_file),
            (
                "--fix sets the kernel's flags where the boot loader reads them, and keeps a backup",
                fixes::kernel_flags,
            ),
            ("--fix lets the user reach the engine", fixes::group),
            ("--fix formats a disk only where the file names it and --format is given", fixes::disk),
            ("--fix makes a bare board one that is well, and a second time does nothing", fixes::bare),
            (
                "--fix: PF054, PF055: the admin serves the time and the others ask it, at a booth too",
                time::served,
            ),
            ("every code that there is was found on a board of this story", rack::every_code),
        ],
    )
}
