//! Types as TDS describes them, and where a value of each ends: [MS-TDS] 2.2.5.4 to 2.2.5.6.

use std::borrow::Cow;

use super::wire::Fields;

/// The length that stands for "as long as it gets".
const UNBOUNDED: u16 = 0xFFFF;
const NULL_PARTS: u64 = u64::MAX;

/// The tokens of types that are told apart here.
pub(super) mod token {
    pub(in super::super) const NULL: u8 = 0x1F;
    pub(in super::super) const IMAGE: u8 = 0x22;
    pub(in super::super) const TEXT: u8 = 0x23;
    pub(in super::super) const GUID: u8 = 0x24;
    pub(in super::super) const INT: u8 = 0x26;
    pub(in super::super) const DATE: u8 = 0x28;
    pub(in super::super) const TIME: u8 = 0x29;
    pub(in super::super) const DATETIME2: u8 = 0x2A;
    pub(in super::super) const DATETIMEOFFSET: u8 = 0x2B;
    pub(in super::super) const INT1: u8 = 0x30;
    pub(in super::super) const BIT1: u8 = 0x32;
    pub(in super::super) const INT2: u8 = 0x34;
    pub(in super::super) const INT4: u8 = 0x38;
    pub(in super::super) const SMALLDATETIME4: u8 = 0x3A;
    pub(in super::super) const REAL4: u8 = 0x3B;
    pub(in super::super) const MONEY8: u8 = 0x3C;
    pub(in super::super) const DATETIME8: u8 = 0x3D;
    pub(in super::super) const FLOAT8: u8 = 0x3E;
    pub(in super::super) const VARIANT: u8 = 0x62;
    pub(in super::super) const NTEXT: u8 = 0x63;
    pub(in super::super) const BIT: u8 = 0x68;
    pub(in super::super) const DECIMAL: u8 = 0x6A;
    pub(in super::super) const NUMERIC: u8 = 0x6C;
    pub(in super::super) const FLOAT: u8 = 0x6D;
    pub(in super::super) const MONEY: u8 = 0x6E;
    pub(in super::super) const DATETIME: u8 = 0x6F;
    pub(in super::super) const MONEY4: u8 = 0x7A;
    pub(in super::super) const INT8: u8 = 0x7F;
    pub(in super::super) const VARBINARY: u8 = 0xA5;
    pub(in super::super) const VARCHAR: u8 = 0xA7;
    pub(in super::super) const BINARY: u8 = 0xAD;
    pub(in super::super) const CHAR: u8 = 0xAF;
    pub(in super::super) const NVARCHAR: u8 = 0xE7;
    pub(in super::super) const NCHAR: u8 = 0xEF;
    pub(in super::super) const UDT: u8 = 0xF0;
    pub(in super::super) const XML: u8 = 0xF1;
}

/// A type.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct TypeInfo {
    pub(super) token: u8,
    /// The most bytes of a value.
    pub(super) size: u16,
    /// Digits behind the point, of a number or a second.
    pub(super) scale: u8,
    /// How its texts are written as bytes.
    pub(super) collation: [u8; 5],
    /// The name of a type that was made in the database.
    pub(super) name: Option<String>,
}

/// How the end of a value is told.
#[derive(Clone, Copy)]
enum Extent {
    Fixed(usize),
    /// Its length in one byte; nothing is null.
    Byte,
    /// Its length in two bytes, of which the greatest is null.
    Short,
    /// In parts, each behind its length in four bytes.
    Parts,
    /// Behind a pointer and a moment that nobody asks for.
    Pointed,
    /// Its length in four bytes, then its type.
    Variant,
}

impl TypeInfo {
    /// Reads the description of a type. An error where it is one that is not known here.
    pub(super) fn read(fields: &mut Fields<'_>) -> Option<Result<Self, u8>> {
        let mut info = Self { token: fields.u8()?, ..Self::default() };
        match info.token {
            token::NULL
            | token::INT1
            | token::BIT1
            | token::INT2
            | token::INT4
            | token::SMALLDATETIME4
            | token::REAL4
            | token::MONEY8
            | token::DATETIME8
            | token::FLOAT8
            | token::MONEY4
            | token::INT8
            | token::DATE => {}
            token::GUID | token::INT | token::BIT | token::FLOAT | token::MONEY | token::DATETIME => {
                info.size = fields.u8()?.into();
            }
            token::DECIMAL | token::NUMERIC => {
                let [size, _precision, scale] = fields.array()?;
                (info.size, info.scale) = (size.into(), scale);
            }
            token::TIME | token::DATETIME2 | token::DATETIMEOFFSET => info.scale = fields.u8()?,
            token::VARBINARY | token::BINARY => info.size = fields.u16()?,
            token::VARCHAR | token::CHAR | token::NVARCHAR | token::NCHAR => {
                (info.size, info.collation) = (fields.u16()?, fields.array()?);
            }
            token::TEXT | token::NTEXT => {
                fields.u32()?;
                info.collation = fields.array()?;
            }
            token::IMAGE | token::VARIANT => {
                fields.u32()?;
            }
            token::XML => {
                if fields.u8()? != 0 {
                    fields.short_text()?;
                    fields.short_text()?;
                    fields.text()?;
                }
            }
            token::UDT => {
                info.size = fields.u16()?;
                fields.short_text()?;
                fields.short_text()?;
                info.name = Some(fields.short_text()?);
                fields.text()?;
            }
            other => return Some(Err(other)),
        }
        Some(Ok(info))
    }

    fn extent(&self) -> Extent {
        match self.token {
            token::NULL => Extent::Fixed(0),
            token::INT1 | token::BIT1 => Extent::Fixed(1),
            token::INT2 => Extent::Fixed(2),
            token::INT4 | token::SMALLDATETIME4 | token::REAL4 | token::MONEY4 => Extent::Fixed(4),
            token::MONEY8 | token::DATETIME8 | token::FLOAT8 | token::INT8 => Extent::Fixed(8),
            token::XML | token::UDT => Extent::Parts,
            token::VARBINARY | token::VARCHAR | token::NVARCHAR if self.size == UNBOUNDED => Extent::Parts,
            token::VARBINARY | token::VARCHAR | token::NVARCHAR | token::BINARY | token::CHAR | token::NCHAR => {
                Extent::Short
            }
            token::TEXT | token::NTEXT | token::IMAGE => Extent::Pointed,
            token::VARIANT => Extent::Variant,
            _ => Extent::Byte,
        }
    }

    /// The bytes of a value; `Some(None)` is null.
    pub(super) fn value<'a>(&self, fields: &mut Fields<'a>) -> Option<Option<Cow<'a, [u8]>>> {
        let length = match self.extent() {
            Extent::Fixed(0) => return Some(None),
            Extent::Fixed(length) => length,
            Extent::Byte => match fields.u8()? {
                0 => return Some(None),
                length => length.into(),
            },
            Extent::Short => match fields.u16()? {
                UNBOUNDED => return Some(None),
                length => length.into(),
            },
            Extent::Pointed => match fields.u8()? {
                0 => return Some(None),
                pointer => {
                    fields.take(usize::from(pointer) + 8)?;
                    usize::try_from(fields.u32()?).ok()?
                }
            },
            Extent::Variant => match fields.u32()? {
                0 => return Some(None),
                length => usize::try_from(length).ok()?,
            },
            Extent::Parts => return parts(fields),
        };
        fields.take(length).map(|bytes| Some(Cow::Borrowed(bytes)))
    }

    /// Passes by a value.
    pub(super) fn skip(&self, fields: &mut Fields<'_>) -> Option<()> {
        if !matches!(self.extent(), Extent::Parts) {
            return self.value(fields).map(drop);
        }
        if fields.u64()? != NULL_PARTS {
            while let Some(length) = part(fields)? {
                fields.take(length)?;
            }
        }
        Some(())
    }
}

/// A value in parts: most have one, which is not copied.
fn parts<'a>(fields: &mut Fields<'a>) -> Option<Option<Cow<'a, [u8]>>> {
    if fields.u64()? == NULL_PARTS {
        return Some(None);
    }
    let mut whole = Cow::Borrowed(&[][..]);
    while let Some(length) = part(fields)? {
        let bytes = fields.take(length)?;
        if whole.is_empty() {
            whole = Cow::Borrowed(bytes);
        } else {
            whole.to_mut().extend_from_slice(bytes);
        }
    }
    Some(Some(whole))
}

/// The length of the next part; `Some(None)` behind the last.
fn part(fields: &mut Fields<'_>) -> Option<Option<usize>> {
    let length = usize::try_from(fields.u32()?).ok()?;
    Some((length > 0).then_some(length))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> TypeInfo {
        TypeInfo::read(&mut Fields::new(bytes)).expect("whole").expect("known")
    }

    #[test]
    fn a_value_in_parts_is_put_together_or_passed_by() {
        let info = read(&[token::NVARCHAR, 0xFF, 0xFF, 0, 0, 0, 0, 0]);
        let value = [4, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, b'a', 0, 2, 0, 0, 0, b'b', 0, 0, 0, 0, 0];
        let mut fields = Fields::new(&value);
        assert_eq!(info.value(&mut fields), Some(Some(Cow::Borrowed(&b"a\0b\0"[..]))));
        let mut fields = Fields::new(&value);
        assert_eq!((info.skip(&mut fields), fields.at()), (Some(()), value.len()));
        let mut fields = Fields::new(&value[..20]);
        assert_eq!((info.skip(&mut fields), fields.wanted), (None, 24));
        assert_eq!(info.value(&mut Fields::new(&[0xFF; 8])), Some(None));
    }

    #[test]
    fn what_is_null_is_told_by_the_length() {
        assert_eq!(read(&[token::INT, 4]).value(&mut Fields::new(&[0])), Some(None));
        assert_eq!(read(&[token::VARBINARY, 10, 0]).value(&mut Fields::new(&[0xFF, 0xFF])), Some(None));
        assert_eq!(
            read(&[token::VARBINARY, 10, 0]).value(&mut Fields::new(&[0, 0])),
            Some(Some(Cow::Borrowed(&[][..])))
        );
        assert_eq!(read(&[token::IMAGE, 0, 0, 0, 0]).value(&mut Fields::new(&[0])), Some(None));
        assert_eq!(TypeInfo::read(&mut Fields::new(&[0xF4])), Some(Err(0xF4)));
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_a_value_or_none(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..200)) {
            let mut fields = Fields::new(&bytes);
            if let Some(Ok(info)) = TypeInfo::read(&mut fields) {
                let mut again = Fields::new(&bytes[fields.at()..]);
                let value = info.value(&mut fields).is_some();
                proptest::prop_assert_eq!(value, info.skip(&mut again).is_some());
            }
        }
    }
}
