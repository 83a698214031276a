//! The agent's contract. The program is the one that cargo built beside this test: what is shown is the image's.

use std::env;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use pirack_lab::images::{self, Architecture};
use pirack_lab::{Board, Outcome};

use crate::container::{Container, Run};
use crate::{doors, get, listening, only_its_ports};

const LIMIT: Duration = Duration::from_secs(300);
/// Where its configuration lies on the board, and where it looks for it.
const CONFIG: (&str, &str) = ("/srv/agent.toml", "/etc/pirack/agent.toml:ro");
/// Nobody listens on port 9: whatever it has to say waits in its queue.
const TEXT: &str = "board = \"b1\"\ninterval_seconds = 0.1\n[kafka]\nbootstrap = [\"127.0.0.1:9\"]\n";

/// `PIRACK_AGENT_BIN`, or the agent that cargo built one above this test.
pub fn program() -> PathBuf {
    let beside = || Some(env::current_exe().ok()?.parent()?.parent()?.join("pirack-agent"));
    env::var_os("PIRACK_AGENT_BIN").map(PathBuf::from).or_else(beside).unwrap_or_default()
}

fn start(board: &Board, variables: &[(&str, &str)]) -> Container {
    let own = Architecture::of_this_machine().unwrap();
    let image = images::reference_with("agent", own, &program()).unwrap();
    fs::write(board.path(CONFIG.0), TEXT).unwrap();
    Container::start(board, &Run { image: &image, variables, memory: 64, volume: Some(CONFIG) })
}

pub fn healthy(board: &Board) -> Outcome {
    let before = listening(board);
    // Not where it would listen by itself.
    let listen = format!("{}:9478", board.address());
    let agent = start(board, &[("PIRACK_METRICS_LISTEN", &listen), ("PIRACK_BOARD", "b7")]);
    agent.healthy(LIMIT);
    only_its_ports(board, "agent", &before, &[(9477, 9478)]);
    assert!(doors(board).contains(&listen), "{:?}", doors(board));
    assert!(get(board, 9478, "/metrics").contains("board=\"b7\""), "{}", get(board, 9478, "/metrics"));
    // The same check, of an agent that would listen elsewhere.
    let elsewhere = ["env", "PIRACK_METRICS_LISTEN=127.0.0.1:9477", "pirack-agent", "healthy"];
    let said = agent.exec(&elsewhere);
    assert!(said.status == 1 && said.text.contains("127.0.0.1:9477"), "{}: {}", said.status, said.text);
    Ok(())
}

pub fn contract(board: &Board) -> Outcome {
    let before = listening(board);
    let agent = start(board, &[]);
    agent.healthy(LIMIT);
    only_its_ports(board, "agent", &before, &[]);
    assert!(get(board, 9477, "/metrics").contains("board=\"b1\""), "{}", get(board, 9477, "/metrics"));
    assert_eq!(agent.exec(&["id", "-u"]).text.trim(), "990");
    assert_eq!(agent.exec(&["stat", "-c", "%u", "/var/lib/pirack/queue"]).text.trim(), "990");
    assert_ne!(agent.exec(&["touch", "/usr/seen"]).status, 0, "the root is writable");
    let status = agent.exec(&["pirack-agent", "buffer", "status"]);
    assert_eq!(status.status, 0, "{}", status.text);
    let status = agent.stop(30);
    assert_eq!(status, 0, "{}", agent.logs());
    Ok(())
}
