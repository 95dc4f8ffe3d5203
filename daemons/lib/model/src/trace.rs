//! The trace that a request is part of: `traceparent` of W3C Trace Context (https://www.w3.org/TR/trace-context/).

use std::str::FromStr;

/// Who asks, in the words of tracing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceParent {
    /// The trace.
    pub trace: [u8; 16],
    /// The span that the request was made in.
    pub span: [u8; 8],
    /// Whether its caller keeps the trace.
    pub is_sampled: bool,
}

impl FromStr for TraceParent {
    type Err = ();

    /// `00-<32 hex>-<16 hex>-<2 hex>`; a later version may have more after that.
    fn from_str(text: &str) -> Result<Self, ()> {
        let mut parts = text.split('-');
        let version = hex::<1>(parts.next())?;
        let (trace, span, flags) = (hex(parts.next())?, hex(parts.next())?, hex::<1>(parts.next())?);
        let has_more = parts.next().is_some();
        if version == [0xff] || version == [0] && has_more || trace == [0; 16] || span == [0; 8] {
            return Err(());
        }
        Ok(Self { trace, span, is_sampled: flags[0] & 1 == 1 })
    }
}

impl std::fmt::Display for TraceParent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("00-")?;
        self.trace.iter().try_for_each(|byte| write!(f, "{byte:02x}"))?;
        f.write_str("-")?;
        self.span.iter().try_for_each(|byte| write!(f, "{byte:02x}"))?;
        write!(f, "-{:02x}", u8::from(self.is_sampled))
    }
}

/// `N` bytes in lower-case hexadecimal digits.
fn hex<const N: usize>(text: Option<&str>) -> Result<[u8; N], ()> {
    let digits = text.ok_or(())?.as_bytes();
    if digits.len() != 2 * N {
        return Err(());
    }
    let digit = |digit: u8| match digit {
        b'0'..=b'9' => Ok(digit - b'0'),
        b'a'..=b'f' => Ok(digit - b'a' + 10),
        _ => Err(()),
    };
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn a_trace_parent_reads_as_it_was_written() {
        let parent: TraceParent = GOOD.parse().expect("one");
        assert_eq!((parent.to_string().as_str(), parent.is_sampled), (GOOD, true));
        assert!(!GOOD.replace("-01", "-00").parse::<TraceParent>().expect("one").is_sampled);
        let later = format!("cc{}-more", &GOOD[2..]).parse::<TraceParent>().expect("a later version");
        assert_eq!(later, parent);
    }

    #[test]
    fn what_is_none_is_refused() {
        let zeros = "00-00000000000000000000000000000000-00f067aa0ba902b7-01";
        let no_span = "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01";
        let (more, upper) = (format!("{GOOD}-more"), GOOD.to_uppercase());
        for bad in ["", "00", &GOOD[1..], &more, &upper, &GOOD.replacen("00", "ff", 1), zeros, no_span, &GOOD[..54]] {
            assert!(bad.parse::<TraceParent>().is_err(), "{bad}");
        }
    }
}
