//! Kafka's own protocol, for the few questions that librdkafka does not have: one request, one answer, one connection.
//!
//! Each goes to a broker's listener RACK; what only the active controller can answer, the broker hands on to it.
//! Where no majority of the controllers lives, nobody answers then: the caller's deadline is the answer. All of it is
//! in the flexible encoding of KIP-482:
//!
//! ```text
//! request   length i32 | key i16 | version i16 | correlation i32 | client id: length i16, text | tags | body
//! answer    length i32 | correlation i32 | tags | body
//! ```
//! A count and a text's length are unsigned varints of the number and one, 0 where there is none; tags are a varint of
//! how many, 0 here, those of a later Kafka passed over.

mod bytes;
pub(super) mod members;
pub(super) mod quorum;
pub(super) mod reassign;

use std::io;
use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use bytes::{Reader, Writer};

/// The longest answer that is read: some thousand partitions of 50 bytes each that move at once.
const LONGEST: usize = 4 << 20;
const CORRELATION: i32 = 7;
const CLIENT: &[u8] = b"pirack";

/// Why a broker's answer says nothing of what it was asked.
#[derive(Debug, thiserror::Error)]
pub(in crate::stack) enum WireError {
    #[error("{broker} does not answer when {what}: {error}")]
    Silent { broker: SocketAddr, what: &'static str, error: io::Error },
    #[error("{broker} refuses with Kafka's error {code} when {what}{}", told(.words))]
    Code { broker: SocketAddr, what: &'static str, code: i16, words: Option<String> },
    #[error("{broker} answers what is not Kafka's protocol when {what}")]
    Garbled { broker: SocketAddr, what: &'static str },
}

fn told(words: &Option<String>) -> String {
    words.as_ref().map(|words| format!(": {words}")).unwrap_or_default()
}

/// One kind of request.
struct Call {
    /// What is done with it, for an error's words: `asked for ...`.
    what: &'static str,
    key: i16,
    version: i16,
}

/// An error of Kafka's, with its words where it has any.
type Refused = (i16, Option<String>);

impl Call {
    /// Asks one broker, and reads what it says with `parse`. The caller keeps the time.
    async fn ask<T>(
        &self,
        broker: SocketAddr,
        body: Writer,
        parse: impl FnOnce(&mut Reader<'_>) -> Option<Result<T, Refused>>,
    ) -> Result<T, WireError> {
        let what = self.what;
        let silent = |error| WireError::Silent { broker, what, error };
        let garbled = || WireError::Garbled { broker, what };
        let mut connection = TcpStream::connect(broker).await.map_err(silent)?;
        connection.write_all(&self.framed(body)).await.map_err(silent)?;
        let length = connection.read_i32().await.map_err(silent)?;
        let length = usize::try_from(length).ok().filter(|length| *length <= LONGEST);
        let mut answer = vec![0; length.ok_or_else(garbled)?];
        connection.read_exact(&mut answer).await.map_err(silent)?;
        match unframed(&answer).and_then(|mut body| parse(&mut body)) {
            Some(Ok(said)) => Ok(said),
            Some(Err((code, words))) => Err(WireError::Code { broker, what, code, words }),
            None => Err(garbled()),
        }
    }

    /// The whole request.
    fn framed(&self, body: Writer) -> Vec<u8> {
        let mut head = Writer::default();
        head.i16(self.key).i16(self.version).i32(CORRELATION);
        // The client's name is the one text that is not compact.
        head.i16(i16::try_from(CLIENT.len()).unwrap_or_default()).raw(CLIENT).tags();
        let all = [head.into_bytes(), body.into_bytes()].concat();
        [&u32::try_from(all.len()).unwrap_or(u32::MAX).to_be_bytes()[..], &all].concat()
    }
}

/// An answer's body, if it is an answer to ours.
fn unframed(answer: &[u8]) -> Option<Reader<'_>> {
    let mut at = Reader(answer);
    if at.i32()? != CORRELATION {
        return None;
    }
    at.tags()?;
    Some(at)
}

/// An answer's error with its words; nothing of it where it is none.
fn error(at: &mut Reader<'_>) -> Option<Result<(), Refused>> {
    let code = at.i16()?;
    let words = at.text()?;
    Some(if code == 0 { Ok(()) } else { Err((code, words)) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_says_its_own_length() {
        let mut body = Writer::default();
        body.i32(1);
        let request = Call { what: "asked", key: 64, version: 0 }.framed(body);
        assert_eq!(request[..4], u32::try_from(request.len() - 4).unwrap().to_be_bytes());
        assert_eq!(request[4..6], 64_i16.to_be_bytes());
    }

    /// As brokers of Kafka 4.1.0 answered.
    #[test]
    fn what_real_brokers_answered_is_read() {
        let bytes = |hex: &str| -> Vec<u8> {
            (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
        };
        let described = bytes(concat!(
            "000000070000000000000000011770345f786561707157684f49736a51506c72395f72510000000204",
            "000000010b31302e37372e302e313100002384067261636b310000",
            "000000020b31302e37372e302e313200002384067261636b310000",
            "000000030b31302e37372e302e313300002384067261636b310000",
            "8000000000"
        ));
        let members = members::described(&mut unframed(&described).unwrap()).unwrap().unwrap();
        assert_eq!(members.iter().map(|member| member.node).collect::<Vec<_>>(), [1, 2, 3]);
        assert!(members.iter().all(|member| member.place.as_deref() == Some("rack1") && !member.fenced));
        let idle = bytes("0000000700000000000000000100");
        assert_eq!(reassign::listed(&mut unframed(&idle).unwrap()), Some(Ok(vec![])));
        let refused = bytes(concat!(
            "000000070000000000000000020c6e6f73756368746f70696302000000000003",
            "2a556e61626c6520746f2066696e64206120746f706963206e616d6564206e6f73756368746f7069632e000000"
        ));
        let words = "nosuchtopic-0: Unable to find a topic named nosuchtopic.".to_owned();
        assert_eq!(reassign::altered(&mut unframed(&refused).unwrap()), Some(Err((3, Some(words)))));
        let gone = bytes(concat!(
            "0000000700000000000066",
            "2942726f6b6572204944203939206973206e6f742063757272656e746c79207265676973746572656400"
        ));
        assert_eq!(members::unregistered(&mut unframed(&gone).unwrap()), Some(Ok(())));
    }

    #[test]
    fn what_is_no_answer_to_ours_is_none() {
        assert!(unframed(b"HTTP/1.1 400 Bad Request").is_none());
        assert!(unframed(b"\0\0").is_none());
    }
}
