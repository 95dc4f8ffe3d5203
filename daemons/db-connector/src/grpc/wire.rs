//! Messages in their wire form, looked at before they are decoded: two bytes of it can be a message that takes several hundred in memory.

use std::ops::Range;

use bytes::Bytes;
use prost_reflect::{FieldDescriptor, Kind, MessageDescriptor};

/// What a message takes in memory, about: its fields are a tree.
const MESSAGE_BYTES: usize = 768;
/// What a value takes, without the characters of a text.
const VALUE_BYTES: usize = 64;
/// How deep messages are read; the decoder refuses what lies deeper.
const MAX_DEPTH: usize = 100;

/// Why a message was not read to its end.
enum Unread {
    /// It takes more than there is.
    Large,
    /// It is none. The decoder says why.
    Malformed,
}

/// Takes what a message will need in memory from `left`; whether there was as much.
pub(super) fn fits(descriptor: &MessageDescriptor, message: &[u8], left: &mut usize) -> bool {
    !matches!(fields(Some(descriptor), message, MAX_DEPTH, left), Err(Unread::Large))
}

/// The members of a list of messages or texts, by the number of its field.
pub(super) fn members(message: Bytes, number: u32) -> impl Iterator<Item = Bytes> {
    let mut at = 0;
    std::iter::from_fn(move || member(&message, number, &mut at).map(|found| message.slice(found)))
}

/// Where the next member of a list is, from `at` on, which moves behind it.
fn member(message: &[u8], number: u32, at: &mut usize) -> Option<Range<usize>> {
    loop {
        let mut rest = message.get(*at..).filter(|rest| !rest.is_empty())?;
        let key = varint(&mut rest).ok()?;
        let found = value(key, &mut rest).ok()?;
        *at = message.len() - rest.len();
        if let (true, Some(found)) = (key >> 3 == u64::from(number), found) {
            return Some(*at - found.len()..*at);
        }
    }
}

fn fields(
    descriptor: Option<&MessageDescriptor>,
    mut message: &[u8],
    depth: usize,
    left: &mut usize,
) -> Result<(), Unread> {
    take(left, MESSAGE_BYTES)?;
    let whole = message;
    while !message.is_empty() {
        field(descriptor, &mut message, depth, left)?;
    }
    match descriptor.and_then(|descriptor| within_any(descriptor, whole)) {
        Some((inner, value)) => fields(Some(&inner), value, depth.saturating_sub(1), left),
        None => Ok(()),
    }
}

/// What an `Any` holds, which is decoded when it is written as JSON.
fn within_any<'a>(descriptor: &MessageDescriptor, message: &'a [u8]) -> Option<(MessageDescriptor, &'a [u8])> {
    if descriptor.full_name() != "google.protobuf.Any" {
        return None;
    }
    let last = |number: u32| {
        let mut at = 0;
        std::iter::from_fn(|| member(message, number, &mut at)).last().map(|found| &message[found])
    };
    let name = std::str::from_utf8(last(1)?).ok()?.rsplit('/').next()?;
    Some((descriptor.parent_pool().get_message_by_name(name)?, last(2)?))
}

/// Reads a field; false at the end of a group.
fn field(
    descriptor: Option<&MessageDescriptor>,
    message: &mut &[u8],
    depth: usize,
    left: &mut usize,
) -> Result<bool, Unread> {
    let depth = depth.checked_sub(1).ok_or(Unread::Malformed)?;
    let key = varint(message)?;
    let known = u32::try_from(key >> 3).ok().and_then(|number| descriptor?.get_field(number));
    let kind = known.as_ref().map(FieldDescriptor::kind);
    let inner = if let Some(Kind::Message(inner)) = &kind { Some(inner) } else { None };
    take(left, VALUE_BYTES)?;
    match key & 7 {
        3 => {
            take(left, MESSAGE_BYTES)?;
            while field(inner, message, depth, left)? {}
        }
        4 => return Ok(false),
        _ => match (value(key, message)?, inner, &kind) {
            (Some(found), Some(inner), _) => fields(Some(inner), found, depth, left)?,
            (Some(found), None, Some(kind)) if known.is_some_and(|known| known.is_list()) => {
                take(left, packed(kind, found).saturating_mul(VALUE_BYTES))?;
            }
            _ => {}
        },
    }
    Ok(true)
}

/// Passes by the value of a field that is no group. What has a length is told.
fn value<'a>(key: u64, message: &mut &'a [u8]) -> Result<Option<&'a [u8]>, Unread> {
    let length = match key & 7 {
        0 => return varint(message).map(|_| None),
        1 => 8,
        2 => usize::try_from(varint(message)?).map_err(|_| Unread::Malformed)?,
        5 => 4,
        _ => return Err(Unread::Malformed),
    };
    let (found, rest) = message.split_at_checked(length).ok_or(Unread::Malformed)?;
    *message = rest;
    Ok((key & 7 == 2).then_some(found))
}

/// How many values stand in a list of numbers.
fn packed(kind: &Kind, list: &[u8]) -> usize {
    match kind {
        Kind::String | Kind::Bytes | Kind::Message(_) => 0,
        Kind::Fixed32 | Kind::Sfixed32 | Kind::Float => list.len() / 4,
        Kind::Fixed64 | Kind::Sfixed64 | Kind::Double => list.len() / 8,
        _ => list.iter().filter(|byte| **byte < 0x80).count(),
    }
}

fn take(left: &mut usize, bytes: usize) -> Result<(), Unread> {
    *left = left.checked_sub(bytes).ok_or(Unread::Large)?;
    Ok(())
}

fn varint(message: &mut &[u8]) -> Result<u64, Unread> {
    let mut number = 0_u64;
    for (index, byte) in message.iter().take(10).enumerate() {
        number |= u64::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            *message = &message[index + 1..];
            return Ok(number);
        }
    }
    Err(Unread::Malformed)
}

#[cfg(test)]
mod tests {
    use prost_reflect::DescriptorPool;

    use super::*;

    fn left(name: &str, message: &[u8], most: usize) -> Option<usize> {
        let descriptor = DescriptorPool::global().get_message_by_name(name).expect("known");
        let mut left = most;
        fits(&descriptor, message, &mut left).then_some(left)
    }

    #[test]
    fn what_a_message_takes_is_reckoned_before_it_is_decoded() {
        // A million empty values of a list, in two bytes each.
        let values = [0x0a, 0x00].repeat(1_000_000);
        assert_eq!(left("google.protobuf.ListValue", &values, 100 << 20), None);
        assert!(left("google.protobuf.ListValue", &values[..20_000], 100 << 20).is_some());
        // A long text is a value; numbers that are packed (a path of SourceCodeInfo.Location) are many.
        let mut text = vec![0x0a, 0xff, 0xff, 0x03];
        text.extend_from_slice(&[b'x'; 0xffff]);
        assert_eq!(left("google.protobuf.StringValue", &text, 2000), Some(2000 - 768 - 64));
        assert_eq!(left("google.protobuf.SourceCodeInfo.Location", &text, 2000), None);
        // What is within an Any counts as well.
        let any = [b"\x0a\x1bx/google.protobuf.ListValue\x12\xe8\x07".to_vec(), [0x0a, 0x00].repeat(500)].concat();
        assert_eq!(left("google.protobuf.Any", &any, 100_000), None);
        assert!(left("google.protobuf.Any", &any, 1_000_000).is_some());
        // Groups that nobody knows are walked.
        let group = [[0x2b].repeat(20), [0x2c].repeat(20)].concat();
        assert_eq!(left("google.protobuf.Empty", &group, 5000), None);
    }

    #[test]
    fn what_is_no_message_is_left_to_the_decoder() {
        for broken in [&[0x0a, 0x05][..], &[0xff; 12], &[0x0f], &[0x0b]] {
            assert!(left("google.protobuf.ListValue", broken, 10_000).is_some());
        }
        assert!(left("google.protobuf.Empty", &[0x2b].repeat(5000), usize::MAX).is_some());
    }

    #[test]
    fn members_are_found_among_other_fields() {
        let message =
            [&[0x08, 0x07][..], &[0x0a, 0x01, b'a'], &[0x12, 0x01, b'b'], &[0x0a, 0x00], &[0x0a, 0x09]].concat();
        let found: Vec<Bytes> = members(message.into(), 1).collect();
        assert_eq!(found, ["a", ""]);
    }
}
