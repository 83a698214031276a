//! The queue's bytes on disk. This module is the authority; it holds no I/O, only encoding and decoding.
//!
//! A queue is a folder. All integers are little-endian, every CRC is CRC-32 (IEEE 802.3).
//!
//! ```text
//! lock                          flock(2)ed by the one process that writes; empty
//! {base:020}.segment            records base, base + 1, base + 2, ... without a hole
//! {sink}.cursor                 the next sequence that sink has yet to confirm
//! {sink}.refused                what that sink refused for good, see `refused`; and {sink}.refused.old
//! set-aside/                    segments in which something could not be read; bounded
//!
//! segment   offset  length
//! header         0       8  magic "PIRACKQ1"
//!                8      16  queue id
//!               24       8  base: sequence of the first record; the same as in the file's name
//!               32       8  follows: where the segment before this one ended, as the writer knew it
//!               40       8  floor: what is missing before this sequence was shipped, or told as lost
//!               48      16  boot id of the kernel under which the segment was begun
//!               64       4  CRC of bytes 0 to 63
//! frame          0       4  CRC of the rest of the frame
//!                4       4  length of the payload, at most 1 MiB
//!                8       8  sequence
//!               16       1  tag: what the payload is
//!               17       n  payload
//!
//! cursor    offset  length  two slots of moves, at 0 and at 4096; two of what is settled, at 8192 and at 12288
//! move           0       8  generation
//!                8       8  position: the next sequence to ship
//!               16       4  CRC of bytes 0 to 15
//! settled        0       8  generation
//!                8       8  settled: where a new boot begins to ship
//!               16       8  reached: the furthest that the sink ever came; what lies before is no loss
//!               24      16  boot id of the kernel under which the position was set, or set back
//!               40       4  CRC of bytes 0 to 39
//! ```
//!
//! Two tags are the queue's own. Tag 0 is the *seal*: no payload, its sequence the next one to be
//! given; a clean close writes it as the last frame. Tag 255 is a *void*: no payload, the place of a
//! record that was too large to keep, so that sequences in a file have no holes of their own.
//!
//! `follows` and `base` differ where records were given a sequence and never became durable (a full
//! disk), or where a cursor had passed the end of the files: such a hole is known. Together with `floor`
//! it lets an opening tell a loss that is news from one that was told before.
//!
//! What a reader found damaged is written nowhere: a gap may be told again after a restart, and
//! `(of, from, to, reason, sink)` names it.
//!
//! The slots of a cursor lie in different 4096-byte blocks, because a power cut may spoil the
//! whole block that is being written. Of each pair the newest valid slot counts. Agents that knew nothing of
//! what is settled wrote, and read, the first two slots only: without the others nothing is settled, a new
//! boot begins at the oldest record, and headers tell whether it is a new one.

use uuid::Uuid;

/// What every segment begins with; the last byte is the format's version.
pub(super) const MAGIC: [u8; 8] = *b"PIRACKQ1";
/// Length of a segment's header.
pub(super) const HEADER_LEN: usize = 68;
/// Length of a frame without its payload.
pub(super) const FRAME_LEN: usize = 17;
/// The largest payload: a length above it is damage, so that a flipped bit cannot ask for gigabytes.
pub(super) const MAX_PAYLOAD: usize = 1 << 20;
/// Tag of the frame that ends a cleanly closed queue.
pub(super) const TAG_SEAL: u8 = 0;
/// Tag of the frame that stands for a record too large to keep.
pub(super) const TAG_VOID: u8 = u8::MAX;
/// Where the two slots of a cursor's moves lie: one word each, the position.
pub(super) const MOVE_OFFSETS: [u64; 2] = [0, 4096];
/// Where the two slots lie of what is settled: four words each, see [`Settled`].
pub(super) const SETTLED_OFFSETS: [u64; 2] = [8192, 12288];

const SEGMENT_SUFFIX: &str = ".segment";
const CURSOR_SUFFIX: &str = ".cursor";

/// A segment's header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) queue: Uuid,
    pub(super) base: u64,
    pub(super) follows: u64,
    pub(super) floor: u64,
    pub(super) boot: Uuid,
}

impl Header {
    pub(super) fn encode(&self) -> [u8; HEADER_LEN] {
        let mut bytes = [0; HEADER_LEN];
        bytes[0..8].copy_from_slice(&MAGIC);
        bytes[8..24].copy_from_slice(self.queue.as_bytes());
        bytes[24..32].copy_from_slice(&self.base.to_le_bytes());
        bytes[32..40].copy_from_slice(&self.follows.to_le_bytes());
        bytes[40..48].copy_from_slice(&self.floor.to_le_bytes());
        bytes[48..64].copy_from_slice(self.boot.as_bytes());
        let crc = crc32fast::hash(&bytes[..64]);
        bytes[64..68].copy_from_slice(&crc.to_le_bytes());
        bytes
    }

    /// The header that `bytes` begin with, if they are one.
    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        let bytes: &[u8; HEADER_LEN] = bytes.first_chunk()?;
        if bytes[0..8] != MAGIC || u32_at(bytes, 64)? != crc32fast::hash(&bytes[..64]) {
            return None;
        }
        Some(Self {
            queue: Uuid::from_slice(&bytes[8..24]).ok()?,
            base: u64_at(bytes, 24)?,
            follows: u64_at(bytes, 32)?,
            floor: u64_at(bytes, 40)?,
            boot: Uuid::from_slice(&bytes[48..64]).ok()?,
        })
    }

    /// The queue that a header names that does not hold as a whole.
    pub(super) fn claimed_queue(bytes: &[u8; HEADER_LEN]) -> Uuid {
        Uuid::from_slice(&bytes[8..24]).unwrap_or_default()
    }
}

/// Appends one frame to `out`. The payload is at most [`MAX_PAYLOAD`]; the writer sees to it.
pub(super) fn encode_frame(out: &mut Vec<u8>, sequence: u64, tag: u8, payload: &[u8]) {
    let start = out.len();
    #[expect(clippy::cast_possible_truncation, reason = "the writer holds payloads to MAX_PAYLOAD")]
    let length = payload.len() as u32;
    out.extend_from_slice(&[0; 4]);
    out.extend_from_slice(&length.to_le_bytes());
    out.extend_from_slice(&sequence.to_le_bytes());
    out.push(tag);
    out.extend_from_slice(payload);
    let crc = crc32fast::hash(&out[start + 4..]);
    out[start..start + 4].copy_from_slice(&crc.to_le_bytes());
}

/// What a frame says before its payload; not yet believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FrameHead {
    pub(super) crc: u32,
    pub(super) payload_len: usize,
    pub(super) sequence: u64,
    pub(super) tag: u8,
}

impl FrameHead {
    /// The head at the start of `bytes`, if it is long enough and asks for no more than a frame may.
    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        let payload_len = usize::try_from(u32_at(bytes, 4)?).ok()?;
        let head =
            Self { crc: u32_at(bytes, 0)?, payload_len, sequence: u64_at(bytes, 8)?, tag: *bytes.get(16)? };
        (payload_len <= MAX_PAYLOAD).then_some(head)
    }

    /// Length of the whole frame.
    pub(super) fn frame_len(&self) -> usize {
        FRAME_LEN + self.payload_len
    }

    /// Whether `frame`, all of its bytes, is what was written.
    pub(super) fn holds(&self, frame: &[u8]) -> bool {
        frame.len() == self.frame_len() && crc32fast::hash(&frame[4..]) == self.crc
    }
}

/// One slot of a cursor: its generation, and as many words as its kind has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Slot<const N: usize> {
    pub(super) generation: u64,
    pub(super) words: [u64; N],
}

impl<const N: usize> Slot<N> {
    /// Its length.
    pub(super) const LEN: usize = 8 + 8 * N + 4;

    pub(super) fn encode(self) -> Vec<u8> {
        let mut bytes = self.generation.to_le_bytes().to_vec();
        for word in self.words {
            bytes.extend_from_slice(&word.to_le_bytes());
        }
        let crc = crc32fast::hash(&bytes);
        bytes.extend_from_slice(&crc.to_le_bytes());
        bytes
    }

    /// The slot that `bytes` begin with, if they are one. All zeros are none: their CRC is not zero.
    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        let content = bytes.get(..Self::LEN - 4)?;
        if u32_at(bytes, Self::LEN - 4)? != crc32fast::hash(content) {
            return None;
        }
        let mut words = [0; N];
        for (index, word) in words.iter_mut().enumerate() {
            *word = u64_at(content, 8 + 8 * index)?;
        }
        Some(Self { generation: u64_at(content, 0)?, words })
    }
}

/// What a slot tells of what is settled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Settled {
    pub(super) settled: u64,
    pub(super) reached: u64,
    pub(super) boot: Uuid,
}

impl Settled {
    pub(super) fn words(self) -> [u64; 4] {
        let half = |from| u64_at(self.boot.as_bytes(), from).unwrap_or_default();
        [self.settled, self.reached, half(0), half(8)]
    }

    pub(super) fn of([settled, reached, first, second]: [u64; 4]) -> Self {
        let mut boot = [0; 16];
        boot[..8].copy_from_slice(&first.to_le_bytes());
        boot[8..].copy_from_slice(&second.to_le_bytes());
        Self { settled, reached, boot: Uuid::from_bytes(boot) }
    }
}

/// The file of the segment that begins at `base`.
pub(super) fn segment_name(base: u64) -> String {
    format!("{base:020}{SEGMENT_SUFFIX}")
}

/// The base that a segment's file name tells.
pub(super) fn segment_base(name: &str) -> Option<u64> {
    let digits = name.strip_suffix(SEGMENT_SUFFIX)?;
    (digits.len() == 20 && digits.bytes().all(|byte| byte.is_ascii_digit())).then(|| digits.parse().ok())?
}

/// The file of the cursor called `name`.
pub(super) fn cursor_file(name: &str) -> String {
    format!("{name}{CURSOR_SUFFIX}")
}

/// The cursor that a file's name tells.
pub(super) fn cursor_name(file: &str) -> Option<&str> {
    file.strip_suffix(CURSOR_SUFFIX)
}

fn u32_at(bytes: &[u8], offset: usize) -> Option<u32> {
    bytes.get(offset..)?.first_chunk().copied().map(u32::from_le_bytes)
}

fn u64_at(bytes: &[u8], offset: usize) -> Option<u64> {
    bytes.get(offset..)?.first_chunk().copied().map(u64::from_le_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header() -> Header {
        Header { queue: Uuid::from_u128(1), base: 2, follows: 1, floor: 0, boot: Uuid::from_u128(3) }
    }

    #[test]
    fn a_header_reads_back_and_any_flipped_bit_is_noticed() {
        let bytes = header().encode();
        assert_eq!(Header::decode(&bytes), Some(header()));
        for bit in 0..HEADER_LEN * 8 {
            let mut flipped = bytes;
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(Header::decode(&flipped), None, "bit {bit}");
        }
        assert_eq!(Header::decode(&bytes[..HEADER_LEN - 1]), None);
    }

    #[test]
    fn a_frame_is_laid_out_as_the_table_says() {
        let mut bytes = Vec::new();
        encode_frame(&mut bytes, 0x0102, 9, b"ab");
        assert_eq!(bytes[4..], [2, 0, 0, 0, 2, 1, 0, 0, 0, 0, 0, 0, 9, b'a', b'b']);
        let head = FrameHead::decode(&bytes).unwrap();
        assert_eq!((head.sequence, head.tag, head.frame_len()), (0x0102, 9, 19));
        assert!(head.holds(&bytes));
    }

    #[test]
    fn a_frame_that_asks_for_more_than_a_mebibyte_is_none() {
        let mut bytes = Vec::new();
        encode_frame(&mut bytes, 1, 1, b"");
        bytes[4..8].copy_from_slice(&(1_048_577_u32).to_le_bytes());
        assert_eq!(FrameHead::decode(&bytes), None);
    }

    #[test]
    fn zeros_are_neither_a_header_nor_a_frame_nor_a_slot() {
        let zeros = [0; HEADER_LEN];
        assert_eq!(Header::decode(&zeros), None);
        assert!(!FrameHead::decode(&zeros).unwrap().holds(&zeros[..FRAME_LEN]));
        assert_eq!(Slot::<1>::decode(&zeros), None);
        assert_eq!(Slot::<4>::decode(&zeros), None);
    }

    #[test]
    fn a_slot_is_laid_out_as_the_table_says_and_any_flipped_bit_is_noticed() {
        let settled = Settled { settled: 2, reached: 3, boot: Uuid::from_u128(0x0405) };
        let slot = Slot { generation: 1, words: settled.words() };
        let bytes = slot.encode();
        let numbers = [1_u64, 2, 3].iter().flat_map(|number| number.to_le_bytes());
        let mut table: Vec<u8> = numbers.chain(*settled.boot.as_bytes()).collect();
        table.extend(crc32fast::hash(&table).to_le_bytes());
        assert_eq!(bytes, table);
        assert_eq!(Slot::decode(&bytes), Some(slot));
        assert_eq!(Settled::of(slot.words), settled);
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(Slot::<4>::decode(&flipped), None, "bit {bit}");
        }
        assert_eq!(Slot::<4>::decode(&bytes[..43]), None);
        let moved = Slot { generation: 1, words: [2] };
        assert_eq!((moved.encode().len(), Slot::decode(&moved.encode())), (20, Some(moved)));
    }

    #[test]
    fn segments_sort_by_name_as_by_sequence() {
        assert!(segment_name(9) < segment_name(10));
        assert_eq!(segment_base(&segment_name(u64::MAX)), Some(u64::MAX));
        for other in ["1.segment", "00000000000000000001.cursor", "0000000000000000000x.segment"] {
            assert_eq!(segment_base(other), None, "{other}");
        }
    }
}
