//! One question over HTTP to a service of the rack: plain, without a proxy, with a deadline, and an end to what
//! is read. HTTP/1.0, in which a body ends with its connection and is never cut into chunks.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// As much of an answer is read.
const LONGEST: u64 = 1024 * 1024;

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Said {
    pub(super) status: u16,
    pub(super) body: String,
}

/// Why there is none.
#[derive(Debug, thiserror::Error)]
pub(super) enum HttpError {
    #[error("http://{address}{path} does not answer: {source}")]
    Silent { address: SocketAddr, path: String, source: io::Error },
    #[error("http://{address}{path} does not answer within {} s", .within.as_secs())]
    Late { address: SocketAddr, path: String, within: Duration },
    #[error("http://{address}{path} answers what is not HTTP")]
    Garbled { address: SocketAddr, path: String },
}

/// A question.
pub(super) struct Question<'a> {
    pub(super) address: SocketAddr,
    pub(super) path: &'a str,
    /// Lines beyond those that every question has.
    pub(super) headers: &'a [(&'a str, &'a str)],
    /// Nothing is a GET, else a POST of JSON.
    pub(super) body: Option<&'a str>,
}

impl Question<'_> {
    /// Asks.
    pub(super) async fn ask(&self, within: Duration) -> Result<Said, HttpError> {
        let (address, path) = (self.address, self.path.to_owned());
        match timeout(within, self.exchange()).await {
            Ok(Ok(bytes)) => parse(&bytes).ok_or(HttpError::Garbled { address, path }),
            Ok(Err(source)) => Err(HttpError::Silent { address, path, source }),
            Err(_) => Err(HttpError::Late { address, path, within }),
        }
    }

    async fn exchange(&self) -> io::Result<Vec<u8>> {
        let mut connection = TcpStream::connect(self.address).await?;
        connection.write_all(self.text().as_bytes()).await?;
        let mut answer = vec![];
        connection.take(LONGEST).read_to_end(&mut answer).await?;
        Ok(answer)
    }

    fn text(&self) -> String {
        let Self { address, path, headers, body } = self;
        let method = if body.is_some() { "POST" } else { "GET" };
        let mut text = format!("{method} {path} HTTP/1.0\r\nHost: {address}\r\nAccept: application/json\r\n");
        for (name, value) in *headers {
            text.extend([name, ": ", value, "\r\n"]);
        }
        if let Some(body) = body {
            let length = body.len().to_string();
            text.extend(["Content-Type: application/json\r\nContent-Length: ", &length, "\r\n"]);
        }
        text.push_str("\r\n");
        text.push_str(body.unwrap_or_default());
        text
    }
}

fn parse(bytes: &[u8]) -> Option<Said> {
    let text = String::from_utf8_lossy(bytes);
    let (head, body) = text.split_once("\r\n\r\n")?;
    let mut words = head.strip_prefix("HTTP/1.")?.split(' ');
    let status = words.nth(1)?.get(..3)?.parse().ok()?;
    Some(Said { status, body: body.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_has_a_status_and_a_body() {
        let said = parse(b"HTTP/1.1 401 Unauthorized\r\nContent-Type: a\r\n\r\n{\"x\":1}").unwrap();
        assert_eq!((said.status, said.body.as_str()), (401, "{\"x\":1}"));
        assert_eq!(parse(b"HTTP/1.0 200\r\n\r\n").map(|said| said.status), Some(200));
        for bad in [&b"SSH-2.0-OpenSSH_9.2\r\n\r\n"[..], b"", b"HTTP/1.1 ok\r\n\r\n", b"HTTP/1.1 200 OK\r\n"]
        {
            assert_eq!(parse(bad), None);
        }
    }

    #[test]
    fn a_question_with_a_body_says_how_long_it_is() {
        let address = SocketAddr::from(([10, 77, 0, 31], 8081));
        let question = Question { address, path: "/v1/auth", headers: &[("X-A", "b")], body: Some("{}") };
        let text = question.text();
        assert!(text.starts_with("POST /v1/auth HTTP/1.0\r\nHost: 10.77.0.31:8081\r\n"), "{text}");
        assert!(
            text.ends_with("X-A: b\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"),
            "{text}"
        );
    }
}
