//! Operations of storage that speaks the protocol of Amazon S3.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{JsonTemplate, TextTemplate};
use crate::Fault;

/// The longest time that a presigned address may serve: seven days, in seconds.
const MAX_EXPIRY_S: u32 = 7 * 24 * 60 * 60;
/// The most objects of one answer.
const MAX_OBJECTS: u16 = 1000;

/// The objects of a bucket, by their keys.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ListObjects {
    /// The bucket; the resource's own when empty.
    #[serde(default, skip_serializing_if = "TextTemplate::is_empty")]
    pub bucket: TextTemplate,
    /// What all keys begin with.
    #[serde(default, skip_serializing_if = "TextTemplate::is_empty")]
    pub prefix: TextTemplate,
    /// Keys that go on behind this one after the prefix are told as one prefix: `/` lists as a folder does.
    #[serde(default, skip_serializing_if = "TextTemplate::is_empty")]
    pub delimiter: TextTemplate,
    /// Objects and prefixes at most, 1 to 1000.
    #[serde(default = "max_objects")]
    pub max: u16,
    /// Where the answer before has ended: its `continuation`.
    #[serde(default, skip_serializing_if = "TextTemplate::is_empty")]
    pub continuation: TextTemplate,
}

/// The content of an object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ReadObject {
    /// The bucket; the resource's own when empty.
    #[serde(default, skip_serializing_if = "TextTemplate::is_empty")]
    pub bucket: TextTemplate,
    /// The object's key.
    pub key: TextTemplate,
    /// How its content is told.
    #[serde(default, rename = "as")]
    pub form: ObjectForm,
    /// The part that is read; the whole when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub range: Option<ByteRange>,
}

/// Bytes of an object, counted from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ByteRange {
    /// The first one.
    pub first: u64,
    /// The last one; that of the object when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<u64>,
}

/// How the content of an object is told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ObjectForm {
    /// As text, which must be UTF-8.
    #[default]
    Text,
    /// As the JSON that it is.
    Json,
    /// As base64, for bytes of any kind.
    Base64,
}

/// Makes an object, or replaces one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct WriteObject {
    /// The bucket; the resource's own when empty.
    #[serde(default, skip_serializing_if = "TextTemplate::is_empty")]
    pub bucket: TextTemplate,
    /// The object's key.
    pub key: TextTemplate,
    /// Its content as text. One of `text`, `json` and `base64` is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<TextTemplate>,
    /// Its content as a document.
    #[serde(default, skip_serializing_if = "JsonTemplate::is_null")]
    pub json: JsonTemplate,
    /// Its content as base64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base64: Option<TextTemplate>,
    /// Its media type; by default that of the form in which its content is given.
    #[serde(default, skip_serializing_if = "TextTemplate::is_empty")]
    pub content_type: TextTemplate,
    /// Whether an object that is there already is left as it is, which is an error then.
    #[serde(default)]
    pub if_none_match: bool,
}

/// Removes an object. One that is not there is none to remove, and no error.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct DeleteObject {
    /// The bucket; the resource's own when empty.
    #[serde(default, skip_serializing_if = "TextTemplate::is_empty")]
    pub bucket: TextTemplate,
    /// The object's key.
    pub key: TextTemplate,
}

/// What is known of an object: its size, type and age, or that there is none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct HeadObject {
    /// The bucket; the resource's own when empty.
    #[serde(default, skip_serializing_if = "TextTemplate::is_empty")]
    pub bucket: TextTemplate,
    /// The object's key.
    pub key: TextTemplate,
}

/// An address by which anybody who has it reads or writes one object for a while. Nothing is sent for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct PresignObject {
    /// The bucket; the resource's own when empty.
    #[serde(default, skip_serializing_if = "TextTemplate::is_empty")]
    pub bucket: TextTemplate,
    /// The object's key.
    pub key: TextTemplate,
    /// What it is for.
    #[serde(default)]
    pub method: PresignMethod,
    /// Seconds that it serves, 1 to 604800; an hour by default.
    #[serde(default = "an_hour")]
    pub expires_s: u32,
}

/// What a presigned address is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum PresignMethod {
    /// Reading.
    #[default]
    Get,
    /// Writing.
    Put,
}

fn max_objects() -> u16 {
    MAX_OBJECTS
}

fn an_hour() -> u32 {
    60 * 60
}

impl ListObjects {
    pub(super) fn faults(&self, path: &str, faults: &mut Vec<Fault>) {
        if self.max == 0 || self.max > MAX_OBJECTS {
            faults.push(Fault::new(format!("{path}.max"), format!("must be between 1 and {MAX_OBJECTS}")));
        }
    }
}

impl ReadObject {
    pub(super) fn faults(&self, path: &str, faults: &mut Vec<Fault>) {
        key_fault(path, &self.key, faults);
        if self.range.is_some_and(|range| range.last.is_some_and(|last| last < range.first)) {
            faults.push(Fault::new(format!("{path}.range"), "must end behind its start"));
        }
    }
}

impl WriteObject {
    pub(super) fn faults(&self, path: &str, faults: &mut Vec<Fault>) {
        key_fault(path, &self.key, faults);
        let given = [self.text.is_some(), !self.json.is_null(), self.base64.is_some()];
        if given.into_iter().filter(|is_given| *is_given).count() != 1 {
            faults.push(Fault::new(path, "must have one of text, json and base64: the object's content"));
        }
    }
}

impl DeleteObject {
    pub(super) fn faults(&self, path: &str, faults: &mut Vec<Fault>) {
        key_fault(path, &self.key, faults);
    }
}

impl HeadObject {
    pub(super) fn faults(&self, path: &str, faults: &mut Vec<Fault>) {
        key_fault(path, &self.key, faults);
    }
}

impl PresignObject {
    pub(super) fn faults(&self, path: &str, faults: &mut Vec<Fault>) {
        key_fault(path, &self.key, faults);
        if self.expires_s == 0 || self.expires_s > MAX_EXPIRY_S {
            faults.push(Fault::new(format!("{path}.expires-s"), format!("must be between 1 and {MAX_EXPIRY_S}")));
        }
    }
}

fn key_fault(path: &str, key: &TextTemplate, faults: &mut Vec<Fault>) {
    if key.is_empty() {
        faults.push(Fault::new(format!("{path}.key"), "must be the key of an object"));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::Fault;
    use crate::operation::Operation;
    use crate::query::QueryMode;

    fn faults(document: Value) -> Vec<String> {
        let operation: Operation = serde_json::from_value(document).expect("an operation");
        let mut faults = Vec::new();
        operation.faults("q", &mut faults);
        faults.into_iter().map(|fault: Fault| fault.path).collect()
    }

    #[test]
    fn only_what_changes_no_object_is_a_read() {
        let effect = |document: Value| serde_json::from_value::<Operation>(document).expect("an operation").effect();
        for read in ["read-object", "head-object", "presign-object"] {
            assert_eq!(effect(json!({ "do": read, "key": "a" })), QueryMode::Read, "{read}");
        }
        assert_eq!(effect(json!({ "do": "list-objects" })), QueryMode::Read);
        for write in ["write-object", "delete-object"] {
            assert_eq!(effect(json!({ "do": write, "key": "a" })), QueryMode::Write, "{write}");
        }
    }

    #[test]
    fn what_cannot_be_asked_is_told_at_its_place() {
        assert_eq!(faults(json!({ "do": "list-objects", "max": 1001 })), ["q.max"]);
        assert_eq!(faults(json!({ "do": "read-object", "key": "" })), ["q.key"]);
        assert_eq!(faults(json!({ "do": "read-object", "key": "a", "range": { "first": 9, "last": 3 } })), ["q.range"]);
        assert_eq!(faults(json!({ "do": "write-object", "key": "a" })), ["q"]);
        assert_eq!(faults(json!({ "do": "write-object", "key": "a", "text": "", "base64": "" })), ["q"]);
        assert_eq!(faults(json!({ "do": "write-object", "key": "a", "text": "" })), Vec::<String>::new());
        assert_eq!(faults(json!({ "do": "presign-object", "key": "a", "expires-s": 604_801 })), ["q.expires-s"]);
        assert_eq!(faults(json!({ "do": "head-object", "key": "{{ x" })), ["q.key"]);
    }
}
