//! Asks Docker's engine, over its socket, how many containers run. Opt-in: whoever can open that socket
//! is root on the board.
//!
//! One request of the Engine API, `GET /containers/json` (only running containers), in HTTP/1.0, so that
//! the answer ends with the connection and never comes in chunks. The whole exchange has one deadline:
//! an engine that hangs is an error, not a source that hangs.

use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, connect, socket_with};
use serde::de::IgnoredAny;

const REQUEST: &[u8] = b"GET /containers/json HTTP/1.0\r\nHost: docker\r\n\r\n";

/// A container takes some 2 kB of the answer; past this it is not Docker that talks.
const LONGEST_ANSWER: usize = 4 << 20;

/// How many containers run; none where no engine listens.
///
/// # Errors
/// When the socket may not be opened, when the engine does not answer in time, and when what it answers
/// is not a list of containers.
pub(super) fn running_containers(socket: &Path, deadline: Duration) -> io::Result<Option<u32>> {
    let until = Instant::now() + deadline;
    let mut stream = match open(socket) {
        Ok(stream) => stream,
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused) => {
            return Ok(None);
        }
        Err(error) => return Err(error),
    };
    stream.set_write_timeout(Some(left(until)?))?;
    stream.write_all(REQUEST)?;
    count(&receive(&mut stream, until)?).map(Some)
}

/// Connects without waiting: `connect(2)` on a socket whose backlog is full would block past any deadline.
fn open(path: &Path) -> io::Result<UnixStream> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
    connect(&socket, &SocketAddrUnix::new(path)?)?;
    let stream = UnixStream::from(socket);
    stream.set_nonblocking(false)?;
    Ok(stream)
}

fn receive(stream: &mut UnixStream, until: Instant) -> io::Result<Vec<u8>> {
    let mut answer = Vec::new();
    let mut buffer = [0; 16 << 10];
    loop {
        stream.set_read_timeout(Some(left(until)?))?;
        let length = match stream.read(&mut buffer) {
            Ok(0) => return Ok(answer),
            Ok(length) => length,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            // A read that ran into its timeout says EAGAIN.
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Err(late()),
            Err(error) => return Err(error),
        };
        answer.extend_from_slice(buffer.get(..length).unwrap_or_default());
        if answer.len() > LONGEST_ANSWER {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "the answer does not end"));
        }
    }
}

fn left(until: Instant) -> io::Result<Duration> {
    Some(until.saturating_duration_since(Instant::now())).filter(|left| !left.is_zero()).ok_or_else(late)
}

fn late() -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, "the engine did not answer in time")
}

/// The number of containers in a whole HTTP answer.
fn count(answer: &[u8]) -> io::Result<u32> {
    let wrong = |what: String| io::Error::new(io::ErrorKind::InvalidData, what);
    let end = answer.windows(4).position(|window| window == b"\r\n\r\n");
    let (head, body) = end
        .and_then(|end| Some((answer.get(..end)?, answer.get(end + 4..)?)))
        .ok_or_else(|| wrong("the answer is not HTTP".to_owned()))?;
    let status = head.split(|byte| *byte == b'\r').next().unwrap_or_default();
    if status.split(|byte| *byte == b' ').nth(1) != Some(b"200") {
        return Err(wrong(format!("the engine answered {}", String::from_utf8_lossy(status))));
    }
    let containers: Vec<IgnoredAny> = serde_json::from_slice(body)?;
    u32::try_from(containers.len()).map_err(|_| wrong("more containers than can be".to_owned()))
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixListener;
    use std::thread::JoinHandle;

    use super::*;

    const LONG: Duration = Duration::from_secs(30);

    /// An engine that reads one request and answers so.
    fn engine(folder: &Path, answer: &'static [u8]) -> JoinHandle<Vec<u8>> {
        let listener = UnixListener::bind(folder.join("docker.sock")).unwrap();
        std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = vec![0; REQUEST.len()];
            stream.read_exact(&mut request).unwrap();
            stream.write_all(answer).unwrap();
            request
        })
    }

    #[test]
    fn running_containers_are_counted_by_the_engine_s_own_list() {
        let folder = tempfile::tempdir().unwrap();
        let body =
            b"HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n\r\n[{\"Id\":\"a\"},{\"Id\":\"b\"}]\n";
        let engine = engine(folder.path(), body);
        assert_eq!(running_containers(&folder.path().join("docker.sock"), LONG).unwrap(), Some(2));
        assert!(engine.join().unwrap().starts_with(b"GET /containers/json HTTP/1.0\r\n"));
    }

    #[test]
    fn no_socket_and_no_listener_mean_no_engine_rather_than_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("docker.sock");
        assert_eq!(running_containers(&path, LONG).unwrap(), None);
        drop(UnixListener::bind(&path).unwrap());
        assert_eq!(running_containers(&path, LONG).unwrap(), None);
    }

    #[test]
    fn an_engine_that_hangs_is_an_error_at_the_deadline() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("docker.sock");
        let listener = UnixListener::bind(&path).unwrap();
        let error = running_containers(&path, Duration::from_millis(20)).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        drop(listener);
    }

    #[test]
    fn a_refusal_says_what_the_engine_said() {
        let answer = b"HTTP/1.0 500 Internal Server Error\r\n\r\n{\"message\":\"no\"}";
        assert!(count(answer).unwrap_err().to_string().contains("500 Internal Server Error"));
    }

    #[test]
    fn what_is_no_answer_is_no_count() {
        for answer in
            [&b""[..], b"hello", b"HTTP/1.0 200 OK\r\n\r\n", b"HTTP/1.0 200 OK\r\n\r\n{}", b"\r\n\r\n[]"]
        {
            assert!(count(answer).is_err(), "{:?}", String::from_utf8_lossy(answer));
        }
        assert_eq!(count(b"HTTP/1.0 200 OK\r\n\r\n[]").unwrap(), 0);
    }
}
