//! Who leads the controllers, and who follows: `DescribeQuorum` (KIP-595, KIP-836), key 55, version 1.
//!
//! ```text
//! request   topics: count | (name, partitions: count | (number i32, tags), tags) | tags
//! answer    error i16 | topics: count | (name, partitions: count | (number i32, error i16, leader i32,
//!           epoch i32, high watermark i64, voters: count | state, observers: count | state, tags), tags) | tags
//! state     node i32 | log end i64 | last fetch ms i64 | last caught up ms i64 | tags
//! ```

use std::net::SocketAddr;

use super::bytes::{Reader, Writer};
use super::{Call, Refused, WireError};

const CALL: Call = Call { what: "asked for the controllers' quorum (DescribeQuorum)", key: 55, version: 1 };
const TOPIC: &str = "__cluster_metadata";

/// What the active controller says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::stack::kafka) struct Described {
    /// Its number; absent while one is being chosen.
    pub(in crate::stack::kafka) leader: Option<u32>,
    /// Those that vote.
    pub(in crate::stack::kafka) voters: Vec<State>,
}

/// One controller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::stack::kafka) struct State {
    pub(in crate::stack::kafka) node: u32,
    pub(in crate::stack::kafka) log_end: i64,
    /// By the leader's clock, in milliseconds; -1 where it never asked.
    pub(in crate::stack::kafka) last_fetch: i64,
}

/// Asks one broker. The caller keeps the time.
pub(in crate::stack::kafka) async fn describe(broker: SocketAddr) -> Result<Described, WireError> {
    let mut body = Writer::default();
    body.count(1).text(TOPIC).count(1).i32(0).tags().tags().tags();
    CALL.ask(broker, body, parse).await
}

/// What an answer says, or its error; nothing where it is not of the shape above.
fn parse(at: &mut Reader<'_>) -> Option<Result<Described, Refused>> {
    let error = at.i16()?;
    if error != 0 {
        return Some(Err((error, None)));
    }
    if at.count()? != 1 {
        return None;
    }
    at.text()?;
    if at.count()? != 1 {
        return None;
    }
    at.i32()?;
    let error = at.i16()?;
    if error != 0 {
        return Some(Err((error, None)));
    }
    let leader = u32::try_from(at.i32()?).ok();
    at.i32()?;
    at.i64()?;
    let voters = at.all(state)?;
    Some(Ok(Described { leader, voters }))
}

fn state(at: &mut Reader<'_>) -> Option<State> {
    let node = at.node()?;
    let (log_end, last_fetch) = (at.i64()?, at.i64()?);
    at.i64()?;
    at.tags()?;
    Some(State { node, log_end, last_fetch })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An answer with these voters, as a broker writes it.
    fn answer(error: i16, leader: i32, voters: &[(i32, i64, i64)]) -> Vec<u8> {
        let mut all = error.to_be_bytes().to_vec();
        all.extend([2, 19]);
        all.extend(TOPIC.as_bytes());
        all.push(2);
        all.extend(0_i32.to_be_bytes());
        all.extend(0_i16.to_be_bytes());
        all.extend(leader.to_be_bytes());
        all.extend(3_i32.to_be_bytes());
        all.extend(100_i64.to_be_bytes());
        all.push(u8::try_from(voters.len()).unwrap() + 1);
        for (node, log_end, fetched) in voters {
            all.extend(node.to_be_bytes());
            all.extend(log_end.to_be_bytes());
            all.extend(fetched.to_be_bytes());
            all.extend(fetched.to_be_bytes());
            all.push(0);
        }
        all.extend([1, 0, 0, 0]);
        all
    }

    #[test]
    fn a_leader_and_its_followers_are_read() {
        let parse = |bytes: Vec<u8>| parse(&mut Reader(&bytes));
        let voters = [(1, 90, 5000), (2, 100, 5100)].map(|(node, log_end, last_fetch)| State {
            node,
            log_end,
            last_fetch,
        });
        let described = Described { leader: Some(2), voters: voters.to_vec() };
        assert_eq!(parse(answer(0, 2, &[(1, 90, 5000), (2, 100, 5100)])), Some(Ok(described)));
        assert_eq!(parse(answer(0, -1, &[])).unwrap().unwrap().leader, None);
        assert_eq!(parse(answer(41, 0, &[])), Some(Err((41, None))));
    }

    #[test]
    fn an_answer_that_ends_early_is_no_answer() {
        let whole = answer(0, 2, &[(1, 90, 5000), (2, 100, 5100)]);
        // The last four bytes are observers and tags, which nobody reads.
        for length in 0..whole.len() - 4 {
            assert_eq!(parse(&mut Reader(&whole[..length])), None, "{length} bytes");
        }
    }
}
