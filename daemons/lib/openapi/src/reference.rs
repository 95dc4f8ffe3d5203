//! References within a document.

use percent_encoding::percent_decode_str;
use serde_json::Value;

/// References that lead to references, at most.
const MAX_STEPS: usize = 16;

/// A document that references lead into.
#[derive(Clone, Copy)]
pub(crate) struct Document<'a>(pub(crate) &'a Value);

impl<'a> Document<'a> {
    /// What `value` is, or what it refers to; else why there is nothing.
    pub(crate) fn resolve(self, value: &'a Value) -> Result<&'a Value, String> {
        let mut found = value;
        for _ in 0..MAX_STEPS {
            let Some(reference) = reference(found) else { return Ok(found) };
            found = self.target(reference)?;
        }
        let reference = reference(value).unwrap_or_default();
        Err(format!("{reference} leads round in a circle, or over more than {MAX_STEPS} references"))
    }

    fn target(self, reference: &str) -> Result<&'a Value, String> {
        let Some(fragment) = reference.strip_prefix('#') else {
            return Err(format!("{reference} is outside of the document"));
        };
        let pointer = percent_decode_str(fragment).decode_utf8_lossy();
        self.0.pointer(&pointer).ok_or_else(|| format!("{reference} is not in the document"))
    }
}

/// Where a value refers to.
pub(crate) fn reference(value: &Value) -> Option<&str> {
    value.get("$ref")?.as_str()
}
