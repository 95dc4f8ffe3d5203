//! Values of a directory as JSON: one is a text, several are a list, and bytes are `{"base64": ...}`.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

/// Attributes whose values are bytes, even where they happen to be text.
const BYTES: &[&str] = &[
    "audio",
    "authorityrevocationlist",
    "cacertificate",
    "certificaterevocationlist",
    "jpegphoto",
    "krbprincipalkey",
    "msexchmailboxguid",
    "ntsecuritydescriptor",
    "objectguid",
    "objectsid",
    "photo",
    "sidhistory",
    "thumbnailphoto",
    "usercertificate",
    "usersmimecertificate",
];

/// The values of an attribute.
pub(super) fn json(attribute: &str, mut values: Vec<Vec<u8>>) -> Value {
    let (name, options) = attribute.split_once(';').unwrap_or((attribute, ""));
    let is_bytes = BYTES.contains(&name.to_ascii_lowercase().as_str())
        || options.split(';').any(|option| option.eq_ignore_ascii_case("binary"));
    match (values.len(), values.pop()) {
        (1, Some(value)) => one(value, is_bytes),
        (_, last) => Value::Array(values.into_iter().chain(last).map(|value| one(value, is_bytes)).collect()),
    }
}

fn one(value: Vec<u8>, is_bytes: bool) -> Value {
    let is_shown = |text: &str| !text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t'));
    match String::from_utf8(value) {
        Ok(text) if !is_bytes && is_shown(&text) => Value::String(text),
        Ok(text) => json!({ "base64": STANDARD.encode(text) }),
        Err(error) => json!({ "base64": STANDARD.encode(error.as_bytes()) }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_value_is_a_text_and_several_are_a_list() {
        assert_eq!(json("cn", vec!["Jürgen\n".into()]), json!("Jürgen\n"));
        assert_eq!(json("cn", vec!["a".into(), "b".into()]), json!(["a", "b"]));
        assert_eq!(json("cn", Vec::new()), json!([]));
    }

    #[test]
    fn bytes_are_base64() {
        assert_eq!(json("x", vec![vec![0xff]]), json!({ "base64": "/w==" }));
        assert_eq!(json("x", vec![b"a\0".to_vec(), b"b".to_vec()]), json!([{ "base64": "YQA=" }, "b"]));
        assert_eq!(json("objectGUID", vec!["text".into()]), json!({ "base64": "dGV4dA==" }));
        assert_eq!(json("cert;binary", vec!["a".into()]), json!({ "base64": "YQ==" }));
    }
}
