//! Which brokers a cluster counts as its own, those that are away among them, and how one is struck off:
//! `DescribeCluster` (KIP-700, with the fenced ones by KIP-1073) and `UnregisterBroker` (KIP-500), keys 60 and 64.
//!
//! ```text
//! describe    request   operations bool | endpoint i8 = 1 | fenced ones too bool | tags                    version 2
//!             answer    throttle ms i32 | error i16 | words | endpoint i8 | cluster id | controller i32 |
//!                       brokers: count | (node i32, host, port i32, rack, fenced bool, tags) | operations i32 | tags
//! unregister  request   node i32 | tags                                                                    version 0
//!             answer    throttle ms i32 | error i16 | words | tags
//! ```
//! Before 4.0 Kafka knows no version 2, and ends the connection.

use std::net::SocketAddr;

use super::bytes::{Reader, Writer};
use super::{Call, Refused, WireError, error};

const DESCRIBE: Call = Call { what: "asked for its brokers (DescribeCluster)", key: 60, version: 2 };
const UNREGISTER: Call = Call { what: "told to strike a broker off (UnregisterBroker)", key: 64, version: 0 };
/// No broker of that number is registered.
const NOT_REGISTERED: i16 = 102;

/// One broker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::stack::kafka) struct Member {
    pub(in crate::stack::kafka) node: u32,
    /// Which boards share a plug or a switch with it.
    pub(in crate::stack::kafka) place: Option<String>,
    /// It is away, or on its way in.
    pub(in crate::stack::kafka) fenced: bool,
}

/// Everyone.
pub(in crate::stack::kafka) async fn members(broker: SocketAddr) -> Result<Vec<Member>, WireError> {
    let mut body = Writer::default();
    body.bool(false).i8(1).bool(true).tags();
    DESCRIBE.ask(broker, body, described).await
}

/// Strikes one off. One that is struck off already is no error.
pub(in crate::stack::kafka) async fn unregister(broker: SocketAddr, node: u32) -> Result<(), WireError> {
    let mut body = Writer::default();
    body.node(node).tags();
    UNREGISTER.ask(broker, body, unregistered).await
}

pub(super) fn described(at: &mut Reader<'_>) -> Option<Result<Vec<Member>, Refused>> {
    at.i32()?;
    if let Err(refused) = error(at)? {
        return Some(Err(refused));
    }
    at.i8()?;
    at.text()?;
    at.i32()?;
    let members = at.all(|at| {
        let node = at.node()?;
        at.text()?;
        at.i32()?;
        let (place, fenced) = (at.text()?, at.bool()?);
        at.tags()?;
        Some(Member { node, place, fenced })
    });
    members.map(Ok)
}

pub(super) fn unregistered(at: &mut Reader<'_>) -> Option<Result<(), Refused>> {
    at.i32()?;
    match error(at)? {
        Err((NOT_REGISTERED, _)) => Some(Ok(())),
        outcome => Some(outcome),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brokers_that_are_away_are_told_from_those_that_live() {
        let mut answer = Writer::default();
        answer.i32(0).i16(0).none().i8(1).text("cluster").i32(1).count(2);
        answer.node(1).text("10.77.0.11").i32(9094).text("desk").bool(false).tags();
        answer.node(4).text("").i32(-1).none().bool(true).tags();
        answer.i32(i32::MIN).tags();
        let bytes = answer.into_bytes();
        let here = Member { node: 1, place: Some("desk".to_owned()), fenced: false };
        let away = Member { node: 4, place: None, fenced: true };
        assert_eq!(described(&mut Reader(&bytes)), Some(Ok(vec![here, away])));
        // What comes after the brokers nobody reads.
        for length in 0..bytes.len() - 5 {
            assert_eq!(described(&mut Reader(&bytes[..length])), None, "{length} bytes");
        }
    }

    #[test]
    fn a_broker_that_is_struck_off_already_is_no_error() {
        let answer = |code: i16, words: &str| {
            let mut answer = Writer::default();
            answer.i32(0).i16(code).text(words).tags();
            unregistered(&mut Reader(&answer.into_bytes()))
        };
        assert_eq!((answer(0, ""), answer(102, "gone")), (Some(Ok(())), Some(Ok(()))));
        assert_eq!(answer(41, "no"), Some(Err((41, Some("no".to_owned())))));
    }
}
