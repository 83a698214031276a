//! The least of HTTP that a scenario needs: one request, one answer, JSON in and out.
//!
//! Requests are HTTP/1.0, so that an answer is never chunked and ends where the connection does.

use std::io::{self, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;

use serde_json::Value;

/// How long one answer may take.
const PATIENCE: Duration = Duration::from_secs(5);

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
    exchange(address, &format!("GET {path} HTTP/1.0\r\nHost: {address}\r\n\r\n"))
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
    exchange(
        address,
        &format!("POST {path} HTTP/1.0\r\n{headers}{kind}Content-Length: {length}\r\n\r\n{text}"),
    )
}

fn exchange(address: &str, request: &str) -> io::Result<Answer> {
    let no_address = || io::Error::new(io::ErrorKind::InvalidInput, format!("no address: {address}"));
    let address = address.to_socket_addrs()?.next().ok_or_else(no_address)?;
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    stream.write_all(request.as_bytes())?;
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes)?;
    parse(&String::from_utf8_lossy(&bytes))
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "the answer is not HTTP"))
}

fn parse(text: &str) -> Option<Answer> {
    let (head, body) = text.split_once("\r\n\r\n")?;
    let status = head.strip_prefix("HTTP/1.")?.split(' ').nth(1)?.parse().ok()?;
    Some(Answer { status, body: body.to_owned() })
}
