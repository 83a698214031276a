//! Which records go to the client at once: few enough that a topic's go out in one request.
//!
//! This is what keeps a board's records in order. Were a topic's records under way in two requests, the second
//! could be taken after the first was refused, and what is sent again of the first would follow it. librdkafka
//! cuts a request when its first record has lingered, when it is full, or as records reach a partition that
//! it has only heard of since. So a group is handed over well within the lingering, it fits into one request,
//! and of a topic that has not taken a record yet it holds one.

use std::collections::HashSet;
use std::time::Duration;

use crate::record::{Entry, Kind};

/// The client waits so long for more records before it sends the first.
pub(super) const LINGERING: Duration = Duration::from_millis(20);
/// No record is handed over later than this after the first; the others make a group of their own.
pub(super) const HANDING_OVER: Duration = Duration::from_millis(10);
/// The most bytes in a request, and so in a record with its key and what Kafka writes around it: as
/// `max.message.bytes` in `images/kafka/topics.toml`.
pub(super) const REQUEST_BYTES: usize = 1_114_112;
/// The most bytes in a group of several, so that a broker's own default (1,048,588) has room for it.
const BYTES: usize = 900_000;
/// The most records in one, within `queue.buffering.max.messages`.
const RECORDS: usize = 2000;
/// What Kafka writes around a record, at the most (`rdkafka_proto.h`, `RD_KAFKAP_MESSAGE_V2_MAX_OVERHEAD`),
/// and its key: a board's name.
const AROUND: usize = 128;

/// How many of these records, from the first on, make the next group. `taken` are the topics that have taken
/// a record of this client before.
pub(super) fn next(batch: &[Entry], indices: &[usize], taken: &HashSet<&'static str>) -> usize {
    let (mut bytes, mut first) = (0, HashSet::new());
    let fits = |&(count, &index): &(usize, &usize)| {
        let Some(entry) = batch.get(index) else { return true };
        bytes += entry.payload.len() + AROUND;
        let topic = Kind::from_tag(entry.tag).map(Kind::topic);
        let known = topic.is_none_or(|topic| taken.contains(topic) || first.insert(topic));
        count == 0 || (count < RECORDS && bytes <= BYTES && known)
    };
    indices.iter().enumerate().take_while(fits).count()
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::record::{Identity, TOPIC_READINGS};

    fn batch(payloads: &[(Kind, usize)]) -> (Vec<Entry>, Vec<usize>) {
        let entry = |(sequence, &(kind, bytes)): (usize, &(Kind, usize))| Entry {
            identity: Identity { queue: Uuid::nil(), sequence: sequence as u64 },
            tag: kind.tag(),
            payload: vec![b'x'; bytes],
        };
        (payloads.iter().enumerate().map(entry).collect(), (0..payloads.len()).collect())
    }

    #[test]
    fn a_topic_that_has_taken_nothing_yet_is_tried_with_one_record() {
        let (batch, indices) =
            batch(&[(Kind::Reading, 9), (Kind::Health, 9), (Kind::Reading, 9), (Kind::Reading, 9)]);
        assert_eq!(next(&batch, &indices, &HashSet::new()), 2);
        assert_eq!(next(&batch, &indices, &[TOPIC_READINGS].into()), 4);
    }

    #[test]
    fn a_group_fits_into_one_request_and_a_record_that_does_not_goes_alone() {
        let taken = [TOPIC_READINGS].into();
        let (several, indices) = batch(&[(Kind::Reading, 400_000); 4]);
        assert_eq!(next(&several, &indices, &taken), 2);
        let (large, indices) = batch(&[(Kind::Reading, 2_000_000), (Kind::Reading, 9)]);
        assert_eq!(next(&large, &indices, &taken), 1);
        let (many, indices) = batch(&[(Kind::Reading, 9); 2500]);
        assert_eq!(next(&many, &indices, &taken), 2000);
        assert_eq!(next(&many, &indices[..0], &taken), 0);
    }
}
