//! A walk through one segment's frames, in order, past damage.
//!
//! The walk believes nothing that its CRC does not prove. Where a frame does not hold it searches,
//! byte by byte, for the next that does and whose sequence can lie there; what lies between is a hole.
//! It reads through a window, so its memory is bounded by the largest frame, not by the segment.

use std::io;
use std::ops::{Range, RangeInclusive};

use super::format::{FRAME_LEN, FrameHead, HEADER_LEN, TAG_SEAL};
use super::storage::StoredFile;
use crate::record::GapReason;

const WINDOW: usize = 128 * 1024;

/// How far a walk may go: what is durable, or what was there when it was looked at.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bound {
    /// Length of the file.
    pub(super) bytes: u64,
    /// The sequence at which the segment ends; `u64::MAX` where that is what the walk must find out.
    pub(super) end: u64,
}

/// What a step met.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step<'a> {
    /// A frame that holds.
    Frame { sequence: u64, tag: u8, payload: &'a [u8] },
    /// Records `from` to `to` cannot be read; the next step meets what follows.
    Hole { from: u64, to: u64 },
    /// The seal of a clean close.
    Seal,
    /// Nothing more within the bound.
    End,
}

/// A place in a segment.
#[derive(Debug)]
pub(super) struct Walk {
    file: Box<dyn StoredFile>,
    offset: u64,
    next: u64,
    window: Vec<u8>,
    window_offset: u64,
    pass_bad_blocks: bool,
}

impl Walk {
    /// A walk from the first frame of the segment that begins at `base`.
    pub(super) fn new(file: Box<dyn StoredFile>, base: u64) -> Self {
        Self::resume(file, HEADER_LEN as u64, base)
    }

    /// A walk that goes on where another one stood: at `offset`, with the frame of `next` to come.
    pub(super) fn resume(file: Box<dyn StoredFile>, offset: u64, next: u64) -> Self {
        Self { file, offset, next, window: Vec::new(), window_offset: offset, pass_bad_blocks: false }
    }

    /// From now on a block that the disk cannot read counts as damage, not as an error.
    pub(super) fn pass_bad_blocks(&mut self) {
        self.pass_bad_blocks = true;
    }

    /// Whether the disk reads the file's beginning.
    pub(super) fn file_answers(&self) -> bool {
        let mut header = [0; HEADER_LEN];
        self.file.read_at(0, &mut header).is_ok()
    }

    /// The sequence that the next frame should have.
    pub(super) fn next_sequence(&self) -> u64 {
        self.next
    }

    /// Where the next frame should begin: the end of the last one that held.
    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    /// What is missing when a walk has met its end before `bound`: the file is cut off at a frame, or
    /// broken to its end.
    pub(super) fn missing_to(&self, bound: Bound) -> (Range<u64>, GapReason) {
        let clean = self.offset == bound.bytes;
        (self.next..bound.end, if clean { GapReason::Vanished } else { GapReason::Corrupt })
    }

    /// Goes to the next frame. After an error the walk stands where it stood.
    pub(super) fn step(&mut self, bound: Bound) -> io::Result<Step<'_>> {
        if self.next >= bound.end {
            return Ok(Step::End);
        }
        let Some(head) = self.frame_at(self.offset, bound.bytes, self.next..=self.next)? else {
            return self.search(bound);
        };
        let start = self.in_window(self.offset);
        self.offset += head.frame_len() as u64;
        if head.tag == TAG_SEAL {
            return Ok(Step::Seal);
        }
        self.next = head.sequence + 1;
        let payload = &self.window[start + FRAME_LEN..start + head.frame_len()];
        Ok(Step::Frame { sequence: head.sequence, tag: head.tag, payload })
    }

    /// Looks for the next frame that holds. Its sequence cannot be further ahead than empty frames
    /// would fill the bytes between, which makes a match by chance all but impossible.
    fn search(&mut self, bound: Bound) -> io::Result<Step<'_>> {
        let left = bound.bytes.saturating_sub(self.offset) / FRAME_LEN as u64;
        let last = self.next.saturating_add(left).min(bound.end - 1);
        for offset in self.offset..bound.bytes.saturating_sub(FRAME_LEN as u64 - 1) {
            let Some(head) = self.frame_at(offset, bound.bytes, self.next..=last)? else { continue };
            let from = std::mem::replace(&mut self.next, head.sequence);
            self.offset = offset;
            if head.sequence == from {
                return self.step(bound);
            }
            return Ok(Step::Hole { from, to: head.sequence - 1 });
        }
        Ok(Step::End)
    }

    /// The head of the frame at `offset`, if one lies there, holds, and has a wanted sequence.
    fn frame_at(
        &mut self,
        offset: u64,
        bytes: u64,
        wanted: RangeInclusive<u64>,
    ) -> io::Result<Option<FrameHead>> {
        if !self.fill(offset, FRAME_LEN, bytes)? {
            return Ok(None);
        }
        let Some(head) = FrameHead::decode(&self.window[self.in_window(offset)..]) else { return Ok(None) };
        if !wanted.contains(&head.sequence) || !self.fill(offset, head.frame_len(), bytes)? {
            return Ok(None);
        }
        let start = self.in_window(offset);
        Ok(head.holds(&self.window[start..start + head.frame_len()]).then_some(head))
    }

    /// Sees to it that the window holds `need` bytes from `offset` on; false when the file ends before.
    fn fill(&mut self, offset: u64, need: usize, bytes: u64) -> io::Result<bool> {
        if offset + need as u64 > bytes {
            return Ok(false);
        }
        if offset < self.window_offset || offset > self.window_offset + self.window.len() as u64 {
            self.window.clear();
            self.window_offset = offset;
        }
        if self.window.len() - self.in_window(offset) >= need {
            return Ok(true);
        }
        let passed = self.in_window(offset);
        self.window.drain(..passed);
        self.window_offset = offset;
        let filled = self.window.len();
        let most = usize::try_from(bytes - offset).unwrap_or(usize::MAX);
        self.window.resize(need.max(WINDOW).min(most), 0);
        let read = match self.file.read_at(offset + filled as u64, &mut self.window[filled..]) {
            Err(_) if self.pass_bad_blocks => {
                Ok(read_blocks(&*self.file, offset + filled as u64, &mut self.window[filled..]))
            }
            read => read,
        };
        self.window.truncate(filled + *read.as_ref().unwrap_or(&0));
        read.map(|_| self.window.len() >= need)
    }

    fn in_window(&self, offset: u64) -> usize {
        usize::try_from(offset - self.window_offset).unwrap_or(usize::MAX)
    }
}

/// The unit in which disks and file systems fail.
const BLOCK: u64 = 4096;

/// Reads block by block; what cannot be read is zeros, which no frame's CRC takes for its own.
fn read_blocks(file: &dyn StoredFile, offset: u64, buffer: &mut [u8]) -> usize {
    let mut filled = 0;
    while filled < buffer.len() {
        let at = offset + filled as u64;
        let to_block_end = usize::try_from(BLOCK - at % BLOCK).unwrap_or(1);
        let end = buffer.len().min(filled + to_block_end);
        let part = &mut buffer[filled..end];
        match file.read_at(at, part) {
            Ok(read) if read < part.len() => return filled + read,
            Ok(_) => {}
            Err(_) => part.fill(0),
        }
        filled = end;
    }
    filled
}
