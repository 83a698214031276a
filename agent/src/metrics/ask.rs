//! Asks a running agent's own door: whether it is well, which is what a container's health check runs, or for
//! all that it tells.
//!
//! Within its deadline whatever the door does: one that takes the connection and says nothing is not well.

use std::io::{self, Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

/// Well below what a container's health check is given.
pub const HEALTHY_WITHIN: Duration = Duration::from_secs(4);
/// `HTTP/1.1 200`.
const STATUS_BYTES: usize = 12;
/// A board with every reading that may be told has 100 kB.
const MOST_BYTES: usize = 4 << 20;

/// Why the agent at that address is not well.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// Nobody is there, or does not speak in time.
    #[error(
        "asking {address} for metrics: it gave no answer; look at the agent's log for why it does not run, or does not listen there"
    )]
    Silent {
        /// Who was asked.
        address: SocketAddr,
        /// What came of it.
        source: io::Error,
    },
    /// Somebody is there, and has no metrics.
    #[error(
        "asking {address} for metrics: it answered \"{said}\"; something other than the agent listens there, or the agent has no metrics to give"
    )]
    Refused {
        /// Who was asked.
        address: SocketAddr,
        /// Its status line, as far as it was read.
        said: String,
    },
}

/// Asks the agent that listens there for its metrics, and takes a status of 200 for well.
///
/// # Errors
/// When it does not say so within `patience`.
pub fn ask(listening: SocketAddr, patience: Duration) -> Result<(), AskError> {
    let address = reached_at(listening);
    let answer = answer(address, patience, STATUS_BYTES);
    let said = status(&answer.map_err(|source| AskError::Silent { address, source })?);
    if is_well(&said) { Ok(()) } else { Err(AskError::Refused { address, said }) }
}

/// Asks the agent that listens there for its metrics, and gives them as they came: text 0.0.4.
///
/// # Errors
/// When they have not all come within `patience`.
pub fn fetch(listening: SocketAddr, patience: Duration) -> Result<String, AskError> {
    let address = reached_at(listening);
    let answer =
        answer(address, patience, MOST_BYTES).map_err(|source| AskError::Silent { address, source })?;
    let said = status(&answer);
    if !is_well(&said) {
        return Err(AskError::Refused { address, said });
    }
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n").map_or(answer.len(), |end| end + 4);
    Ok(String::from_utf8_lossy(&answer[end..]).into_owned())
}

/// The beginning of an answer, which is its status.
fn status(answer: &[u8]) -> String {
    String::from_utf8_lossy(&answer[..answer.len().min(STATUS_BYTES)]).into_owned()
}

fn is_well(status: &str) -> bool {
    status.starts_with("HTTP/1.") && status.ends_with(" 200")
}

/// Where one on the same board reaches what listens there: everywhere is also the loopback.
fn reached_at(listening: SocketAddr) -> SocketAddr {
    let ip = match listening.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, listening.port())
}

/// Its answer, up to so many bytes. In HTTP/1.0 it comes in one piece, and its end is the connection's.
fn answer(address: SocketAddr, patience: Duration, most: usize) -> io::Result<Vec<u8>> {
    let deadline = Instant::now() + patience;
    // No time left is said as a time-out: a socket takes zero for never.
    let left = || match deadline.saturating_duration_since(Instant::now()) {
        Duration::ZERO => Err(io::Error::from(io::ErrorKind::TimedOut)),
        left => Ok(left),
    };
    let mut stream = TcpStream::connect_timeout(&address, left()?)?;
    stream.set_write_timeout(Some(left()?))?;
    let question = format!("GET /metrics HTTP/1.0\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(question.as_bytes())?;
    let (mut answer, mut piece) = (vec![], [0; 8192]);
    while answer.len() < most {
        stream.set_read_timeout(Some(left()?))?;
        let room = piece.len().min(most - answer.len());
        match stream.read(&mut piece[..room])? {
            0 => break,
            count => answer.extend_from_slice(&piece[..count]),
        }
    }
    Ok(answer)
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::thread;

    use super::*;

    /// A door that answers so, once; held open until `answer` is dropped.
    fn door(answer: &'static str) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            stream.write_all(answer.as_bytes()).unwrap();
            // Until whoever asked has gone.
            drop(io::copy(&mut stream, &mut io::sink()));
        });
        address
    }

    #[test]
    fn an_agent_that_gives_its_metrics_is_well_and_nobody_else_is() {
        let patience = Duration::from_secs(20);
        ask(door("HTTP/1.1 200 OK\r\n\r\n"), patience).unwrap();
        let refused = ask(door("HTTP/1.1 404 Not Found\r\n\r\n"), patience).unwrap_err().to_string();
        assert!(refused.contains("HTTP/1.1 404"), "{refused}");
        let other = ask(door("SSH-2.0-OpenSSH"), patience).unwrap_err().to_string();
        assert!(other.contains("something other than the agent"), "{other}");
        // Nobody listens on port 9.
        assert!(matches!(ask("127.0.0.1:9".parse().unwrap(), patience), Err(AskError::Silent { .. })));
    }

    #[test]
    fn all_that_an_agent_tells_is_given_as_it_came() {
        let patience = Duration::from_secs(20);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            // What is not read when a connection is closed costs its answer.
            assert!(stream.read(&mut [0; 4096]).unwrap() > 20);
            stream.write_all(b"HTTP/1.0 200 OK\r\nConnection: close\r\n\r\nup 1\n").unwrap();
        });
        assert_eq!(fetch(address, patience).unwrap(), "up 1\n");
        assert!(matches!(
            fetch(door("HTTP/1.1 404 No"), Duration::from_secs(1)),
            Err(AskError::Silent { .. })
        ));
    }

    #[test]
    fn a_door_that_takes_the_connection_and_says_nothing_is_not_waited_for_longer_than_the_deadline() {
        for said in ["", "HTTP/1.1"] {
            let silent = ask(door(said), Duration::from_millis(50));
            assert!(matches!(silent, Err(AskError::Silent { .. })), "{silent:?}");
        }
    }

    #[test]
    fn whoever_listens_everywhere_is_asked_at_the_loopback_and_others_where_they_listen() {
        let reached = |text: &str| reached_at(text.parse().unwrap()).to_string();
        assert_eq!(reached("0.0.0.0:9477"), "127.0.0.1:9477");
        assert_eq!(reached("[::]:9478"), "[::1]:9478");
        assert_eq!(reached("10.77.0.11:9477"), "10.77.0.11:9477");
    }
}
