//! Values that are strings in JSON.

use std::net::IpAddr;

use crate::json::{write_base64, write_string};

pub(super) fn text(raw: &[u8], out: &mut Vec<u8>) -> Option<()> {
    write_string(&String::from_utf8_lossy(raw), out);
    Some(())
}

pub(super) fn uuid(raw: &[u8], out: &mut Vec<u8>) -> Option<()> {
    let mut buffer = uuid::Uuid::encode_buffer();
    write_string(uuid::Uuid::from_slice(raw).ok()?.hyphenated().encode_lower(&mut buffer), out);
    Some(())
}

pub(super) fn bytea(raw: &[u8], out: &mut Vec<u8>) -> Option<()> {
    write_base64(raw, out);
    Some(())
}

/// Family, prefix length, is-cidr, address length, address.
pub(super) fn inet(raw: &[u8], out: &mut Vec<u8>) -> Option<()> {
    let (head, address) = raw.split_at_checked(4)?;
    let (address, full): (IpAddr, u8) = match address.len() {
        4 => (<[u8; 4]>::try_from(address).ok()?.into(), 32),
        16 => (<[u8; 16]>::try_from(address).ok()?.into(), 128),
        _ => return None,
    };
    let text = if head[1] == full && head[2] == 0 { address.to_string() } else { format!("{address}/{}", head[1]) };
    write_string(&text, out);
    Some(())
}

pub(super) fn macaddr(raw: &[u8], out: &mut Vec<u8>) -> Option<()> {
    let bytes: Vec<String> = raw.iter().map(|byte| format!("{byte:02x}")).collect();
    write_string(&bytes.join(":"), out);
    Some(())
}

/// The number of bits, then the bits from the highest of the first byte on.
pub(super) fn bits(raw: &[u8], out: &mut Vec<u8>) -> Option<()> {
    let (count, bytes) = raw.split_at_checked(4)?;
    let count = usize::try_from(i32::from_be_bytes(count.try_into().ok()?)).ok()?;
    out.push(b'"');
    for index in 0..count {
        let byte = bytes.get(index / 8)?;
        out.push(if byte & (0x80 >> (index % 8)) == 0 { b'0' } else { b'1' });
    }
    out.push(b'"');
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn no_bytes_make_it_panic(raw in proptest::collection::vec(proptest::num::u8::ANY, 0..40)) {
            for write in [text, uuid, bytea, inet, macaddr, bits] {
                let _ = write(&raw, &mut Vec::new());
            }
        }
    }
}
