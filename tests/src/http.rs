//! The least of HTTP that a scenario needs: one request, one answer, JSON in and out.
//!
//! An answer ends where its Content-Length says, or else where the connection does; one in chunks is
//! not understood, since nothing asked for here comes so.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;

use serde_json::Value;

/// How long one answer may take.
const PATIENCE: Duration = Duration::from_secs(120);

/// What a server answered.
#[derive(Debug)]
pub struct Answer {
    /// The status: 200, 202, 404.
    pub status: u16,
    /// The body, as text.
    pub body: String,
}

impl Answer {
    /// The body as JSON.
    ///
    /// # Panics
    /// When it is none.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body)
            .unwrap_or_else(|error| panic!("status {}, no JSON ({error}): {}", self.status, self.body))
    }
}

/// Asks `http://ADDRESS/PATH`.
///
/// # Errors
/// When nobody answers in time, or not in HTTP.
pub fn get(address: &str, path: &str) -> io::Result<Answer> {
    exchange(address, &format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n"))
}

/// Posts a JSON body to `http://ADDRESS/PATH`; nothing at all where there is none.
///
/// # Errors
/// As [`get`].
pub fn post(address: &str, path: &str, body: Option<&Value>) -> io::Result<Answer> {
    post_as(address, path, body, &format!("Host: {address}\r\n"))
}

/// Posts with other header lines than an honest client sends, each ended by `\r\n`.
///
/// # Errors
/// As [`get`].
pub fn post_as(address: &str, path: &str, body: Option<&Value>, headers: &str) -> io::Result<Answer> {
    let (kind, text) = match body {
        Some(body) => ("Content-Type: application/json\r\n", body.to_string()),
        None => ("", String::new()),
    };
    let length = text.len();
    let ours = format!("Connection: close\r\n{kind}Content-Length: {length}");
    exchange(address, &format!("POST {path} HTTP/1.1\r\n{headers}{ours}\r\n\r\n{text}"))
}

/// Deletes `http://ADDRESS/PATH`.
///
/// # Errors
/// As [`get`].
pub fn delete(address: &str, path: &str) -> io::Result<Answer> {
    exchange(address, &format!("DELETE {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n"))
}

fn exchange(address: &str, request: &str) -> io::Result<Answer> {
    let no_address = || io::Error::new(io::ErrorKind::InvalidInput, format!("no address: {address}"));
    let address = address.to_socket_addrs()?.next().ok_or_else(no_address)?;
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    stream.write_all(request.as_bytes())?;
    answer(BufReader::new(stream))
}

fn answer(mut stream: impl BufRead) -> io::Result<Answer> {
    let not_http =
        |line: &str| io::Error::new(io::ErrorKind::InvalidData, format!("not understood: {line:?}"));
    let mut line = String::new();
    stream.read_line(&mut line)?;
    let status = line.strip_prefix("HTTP/1.").and_then(|rest| rest.split(' ').nth(1)?.parse().ok());
    let status = status.ok_or_else(|| not_http(&line))?;
    let mut length = u64::MAX;
    loop {
        line.clear();
        stream.read_line(&mut line)?;
        match line.trim_end().to_ascii_lowercase().split_once(':') {
            None => break,
            Some(("content-length", value)) => length = value.trim().parse().map_err(|_| not_http(&line))?,
            Some(("transfer-encoding", _)) => return Err(not_http(&line)),
            Some(_) => {}
        }
    }
    let mut body = String::new();
    stream.take(length).read_to_string(&mut body)?;
    Ok(Answer { status, body })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<(u16, String)> {
        answer(text.as_bytes()).ok().map(|answer| (answer.status, answer.body))
    }

    #[test]
    fn an_answer_ends_where_its_length_says_or_the_connection_does() {
        let whole = Some((202, "{}".to_owned()));
        assert_eq!(read("HTTP/1.1 202 Accepted\r\ncontent-length: 2\r\n\r\n{}more"), whole);
        assert_eq!(read("HTTP/1.0 202 Accepted\r\n\r\n{}"), whole);
    }

    #[test]
    fn an_answer_in_chunks_or_no_answer_is_not_taken_for_one() {
        assert_eq!(read("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"), None);
        assert_eq!(read("SSH-2.0-OpenSSH\r\n"), None);
        assert_eq!(read(""), None);
    }
}
