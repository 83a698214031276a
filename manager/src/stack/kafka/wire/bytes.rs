//! Bytes as Kafka writes them: big-endian numbers, and varints before whatever has a length.

/// Bytes that are yet to be read. Whatever ends early gives nothing.
pub(super) struct Reader<'a>(pub(super) &'a [u8]);

impl Reader<'_> {
    fn take(&mut self, count: usize) -> Option<&[u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    pub(super) fn bool(&mut self) -> Option<bool> {
        Some(*self.take(1)?.first()? != 0)
    }

    pub(super) fn i8(&mut self) -> Option<i8> {
        Some(i8::from_be_bytes(self.take(1)?.try_into().ok()?))
    }

    pub(super) fn i16(&mut self) -> Option<i16> {
        Some(i16::from_be_bytes(self.take(2)?.try_into().ok()?))
    }

    pub(super) fn i32(&mut self) -> Option<i32> {
        Some(i32::from_be_bytes(self.take(4)?.try_into().ok()?))
    }

    pub(super) fn i64(&mut self) -> Option<i64> {
        Some(i64::from_be_bytes(self.take(8)?.try_into().ok()?))
    }

    /// A node's number.
    pub(super) fn node(&mut self) -> Option<u32> {
        u32::try_from(self.i32()?).ok()
    }

    fn varint(&mut self) -> Option<usize> {
        let mut value = 0;
        for shift in [0, 7, 14, 21] {
            let byte = usize::from(*self.take(1)?.first()?);
            value |= (byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }

    /// How many follow; nothing at all is 0 as well.
    pub(super) fn count(&mut self) -> Option<usize> {
        self.varint().map(|number| number.saturating_sub(1))
    }

    /// A text, where there is one.
    pub(super) fn text(&mut self) -> Option<Option<String>> {
        let Some(length) = self.varint()?.checked_sub(1) else { return Some(None) };
        Some(Some(String::from_utf8_lossy(self.take(length)?).into_owned()))
    }

    /// All of a list.
    pub(super) fn all<T>(&mut self, one: impl Fn(&mut Self) -> Option<T>) -> Option<Vec<T>> {
        (0..self.count()?).map(|_| one(self)).collect()
    }

    /// None is defined so far; a later Kafka's are passed over.
    pub(super) fn tags(&mut self) -> Option<()> {
        for _ in 0..self.varint()? {
            self.varint()?;
            let length = self.varint()?;
            self.take(length)?;
        }
        Some(())
    }
}

/// Bytes that are written.
#[derive(Default)]
pub(super) struct Writer(Vec<u8>);

impl Writer {
    pub(super) fn raw(&mut self, bytes: &[u8]) -> &mut Self {
        self.0.extend(bytes);
        self
    }

    pub(super) fn bool(&mut self, value: bool) -> &mut Self {
        self.raw(&[u8::from(value)])
    }

    pub(super) fn i8(&mut self, value: i8) -> &mut Self {
        self.raw(&value.to_be_bytes())
    }

    pub(super) fn i16(&mut self, value: i16) -> &mut Self {
        self.raw(&value.to_be_bytes())
    }

    pub(super) fn i32(&mut self, value: i32) -> &mut Self {
        self.raw(&value.to_be_bytes())
    }

    /// A node's number.
    pub(super) fn node(&mut self, node: u32) -> &mut Self {
        self.raw(&node.to_be_bytes())
    }

    /// How many follow.
    pub(super) fn count(&mut self, count: usize) -> &mut Self {
        self.varint(count + 1)
    }

    /// No list at all, which asks for everything.
    pub(super) fn none(&mut self) -> &mut Self {
        self.varint(0)
    }

    pub(super) fn text(&mut self, text: &str) -> &mut Self {
        self.count(text.len()).raw(text.as_bytes())
    }

    /// None.
    pub(super) fn tags(&mut self) -> &mut Self {
        self.varint(0)
    }

    fn varint(&mut self, mut value: usize) -> &mut Self {
        while value > 0x7f {
            self.0.push(u8::try_from(value & 0x7f).unwrap_or_default() | 0x80);
            value >>= 7;
        }
        self.0.push(u8::try_from(value).unwrap_or_default());
        self
    }

    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        let long = "x".repeat(300);
        let mut writer = Writer::default();
        writer.i16(-3).i32(70_000).node(7).count(2).text("a").text(&long).none().bool(true).i8(1).tags();
        let bytes = writer.into_bytes();
        let mut reader = Reader(&bytes);
        assert_eq!((reader.i16(), reader.i32(), reader.node()), (Some(-3), Some(70_000), Some(7)));
        assert_eq!(reader.all(Reader::text), Some(vec![Some("a".to_owned()), Some(long)]));
        assert_eq!((reader.text(), reader.bool(), reader.i8()), (Some(None), Some(true), Some(1)));
        assert_eq!((reader.tags(), reader.0.len()), (Some(()), 0));
    }
}
