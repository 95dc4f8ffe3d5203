//! Arrays and composite values.

use super::Encoder;

/// Dimensions, flags, element type; each dimension's length and lower bound; then each element with its length.
pub(super) fn array(raw: &[u8], element: &Encoder, out: &mut Vec<u8>) -> Option<()> {
    /// PostgreSQL's own limit.
    const MAX_DIMENSIONS: usize = 6;
    let mut reader = Reader(raw);
    let dimensions = usize::try_from(reader.int()?).ok()?;
    reader.int()?;
    reader.int()?;
    if dimensions > MAX_DIMENSIONS {
        return None;
    }
    let mut lengths = Vec::with_capacity(dimensions);
    for _ in 0..dimensions {
        lengths.push(usize::try_from(reader.int()?).ok()?);
        reader.int()?;
    }
    dimension(&mut reader, &lengths, element, out)
}

fn dimension(reader: &mut Reader<'_>, lengths: &[usize], element: &Encoder, out: &mut Vec<u8>) -> Option<()> {
    out.push(b'[');
    let (length, inner) = lengths.split_first().map_or((0, &[][..]), |(length, inner)| (*length, inner));
    for index in 0..length {
        if index > 0 {
            out.push(b',');
        }
        if inner.is_empty() {
            value(reader, element, out)?;
        } else {
            dimension(reader, inner, element, out)?;
        }
    }
    out.push(b']');
    Some(())
}

/// The number of fields, then of each its type and its length and bytes.
pub(super) fn composite(raw: &[u8], fields: &[(Vec<u8>, Encoder)], out: &mut Vec<u8>) -> Option<()> {
    let mut reader = Reader(raw);
    if usize::try_from(reader.int()?).ok()? != fields.len() {
        return None;
    }
    out.push(b'{');
    for (index, (key, encoder)) in fields.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        out.extend_from_slice(key);
        reader.int()?;
        value(&mut reader, encoder, out)?;
    }
    out.push(b'}');
    Some(())
}

/// A value behind its length; a length below 0 is NULL.
fn value(reader: &mut Reader<'_>, encoder: &Encoder, out: &mut Vec<u8>) -> Option<()> {
    match usize::try_from(reader.int()?) {
        Ok(bytes) => encoder.write(reader.take(bytes)?, out),
        Err(_) => {
            out.extend_from_slice(b"null");
            Some(())
        }
    }
}

/// Reads big-endian fields.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, bytes: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(bytes)?;
        self.0 = rest;
        Some(taken)
    }

    fn int(&mut self) -> Option<i32> {
        Some(i32::from_be_bytes(self.take(4)?.try_into().ok()?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn no_bytes_make_it_panic(raw in proptest::collection::vec(proptest::num::u8::ANY, 0..80)) {
            let text = Encoder::Value(super::super::text::text);
            let _ = array(&raw, &text, &mut Vec::new());
            let _ = composite(&raw, &[(b"\"a\":".to_vec(), text)], &mut Vec::new());
        }
    }
}
