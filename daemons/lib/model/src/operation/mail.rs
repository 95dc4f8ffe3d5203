//! A message to send by mail.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::{FillError, TextTemplate, Values};
use crate::Fault;

/// Recipients of a message at most, of all three sorts together.
pub const MAX_RECIPIENTS: usize = 100;
/// Attachments of a message at most.
const MAX_ATTACHMENTS: usize = 20;

/// A message. Its sender is the resource's.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct SendMail {
    /// Recipients. Each text is one address without a name; one that is a single binding may be a list of addresses.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub to: Vec<TextTemplate>,
    /// Recipients of a copy.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cc: Vec<TextTemplate>,
    /// Recipients of a copy of whom the others do not learn.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub bcc: Vec<TextTemplate>,
    /// Address that answers go to, where that is not the sender's.
    #[serde(default, skip_serializing_if = "TextTemplate::is_empty")]
    pub reply_to: TextTemplate,
    /// Name beside the sender's address; the resource's when empty.
    #[serde(default, skip_serializing_if = "TextTemplate::is_empty")]
    pub from_name: TextTemplate,
    /// Subject, one line.
    #[serde(default)]
    pub subject: TextTemplate,
    /// The message as plain text.
    #[serde(default, skip_serializing_if = "TextTemplate::is_empty")]
    pub text: TextTemplate,
    /// The message as HTML; beside a `text`, who reads chooses. Values are escaped for HTML, unless it is a single binding: then its
    /// value is the HTML.
    #[serde(default, skip_serializing_if = "TextTemplate::is_empty")]
    pub html: TextTemplate,
    /// Files that go with it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attachments: Vec<MailAttachment>,
}

/// A file that goes with a message: bytes or a text.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct MailAttachment {
    /// The file's name.
    pub name: TextTemplate,
    /// Its media type; `application/octet-stream` or `text/plain; charset=utf-8` when empty.
    #[serde(rename = "type", default, skip_serializing_if = "TextTemplate::is_empty")]
    pub media_type: TextTemplate,
    /// Its bytes as base64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base64: Option<TextTemplate>,
    /// Its text, in the place of bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<TextTemplate>,
}

/// A message with its values.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FilledMail {
    /// Recipients.
    pub to: Vec<String>,
    /// Recipients of a copy.
    pub cc: Vec<String>,
    /// Recipients of a copy that stays unseen.
    pub bcc: Vec<String>,
    /// Where answers go; empty for the sender.
    pub reply_to: String,
    /// Name of the sender; empty for the resource's.
    pub from_name: String,
    /// Subject.
    pub subject: String,
    /// Plain text, if there is one.
    pub text: String,
    /// HTML, if there is some.
    pub html: String,
    /// Files.
    pub attachments: Vec<FilledAttachment>,
}

/// A file with its values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilledAttachment {
    /// Its name.
    pub name: String,
    /// Its media type; empty for the usual one.
    pub media_type: String,
    /// What is in it.
    pub content: AttachmentContent,
}

/// What is in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AttachmentContent {
    /// Bytes as base64.
    Base64(String),
    /// A text.
    Text(String),
}

impl SendMail {
    /// The message with its values.
    pub fn fill(&self, values: &Values) -> Result<FilledMail, FillError> {
        Ok(FilledMail {
            to: addresses(&self.to, values)?,
            cc: addresses(&self.cc, values)?,
            bcc: addresses(&self.bcc, values)?,
            reply_to: self.reply_to.fill(values)?,
            from_name: self.from_name.fill(values)?,
            subject: self.subject.fill(values)?,
            text: self.text.fill(values)?,
            html: self.html.fill_parts(values, in_html)?,
            attachments: self.attachments.iter().map(|file| file.fill(values)).collect::<Result<_, _>>()?,
        })
    }

    pub(super) fn faults(&self, path: &str, faults: &mut Vec<Fault>) {
        let recipients = self.to.len() + self.cc.len() + self.bcc.len();
        if recipients == 0 || recipients > MAX_RECIPIENTS {
            faults.push(Fault::new(format!("{path}.to"), format!("must have 1 to {MAX_RECIPIENTS} recipients in all")));
        }
        if self.text.is_empty() && self.html.is_empty() {
            faults.push(Fault::new(format!("{path}.text"), "is empty and so is html: write one of them, or both"));
        }
        if self.attachments.len() > MAX_ATTACHMENTS {
            let message = format!("has more than {MAX_ATTACHMENTS} files");
            faults.push(Fault::new(format!("{path}.attachments"), message));
        }
        for (index, file) in self.attachments.iter().enumerate() {
            let place = format!("{path}.attachments[{index}]");
            if file.name.is_empty() {
                faults.push(Fault::new(format!("{place}.name"), "must name the file"));
            }
            if file.base64.is_some() == file.text.is_some() {
                faults.push(Fault::new(place, "must have either base64 or text"));
            }
        }
    }
}

impl MailAttachment {
    fn fill(&self, values: &Values) -> Result<FilledAttachment, FillError> {
        Ok(FilledAttachment {
            name: self.name.fill(values)?,
            media_type: self.media_type.fill(values)?,
            content: match (&self.base64, &self.text) {
                (Some(base64), _) => AttachmentContent::Base64(base64.fill(values)?),
                (None, text) => AttachmentContent::Text(text.clone().unwrap_or_default().fill(values)?),
            },
        })
    }
}

/// The addresses of a list. Null and nothing are no recipient.
fn addresses(templates: &[TextTemplate], values: &Values) -> Result<Vec<String>, FillError> {
    let mut found = Vec::new();
    for template in templates {
        match template.fill_value(values)? {
            Value::Array(items) if items.iter().all(Value::is_string) => {
                found.extend(items.into_iter().filter_map(|item| item.as_str().map(str::to_owned)));
            }
            // Whatever else it is, it is a text or an error that names the expression.
            _ => found.push(template.fill(values)?),
        }
    }
    found.retain(|address| !address.is_empty());
    Ok(found)
}

/// A value as HTML shows it, be it between tags or in an attribute's quotes.
fn in_html(value: &str) -> String {
    let mut escaped = String::with_capacity(value.len());
    for character in value.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            plain => escaped.push(plain),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn filled(mail: Value, values: Value) -> Result<FilledMail, FillError> {
        let mail: SendMail = serde_json::from_value(mail).unwrap();
        mail.fill(&serde_json::from_value(values).unwrap())
    }

    #[test]
    fn recipients_may_come_as_a_list_and_a_text_is_never_cut() {
        let mail = json!({ "to": ["{{ all }}", "{{ one }}"], "cc": ["{{ nobody }}"], "subject": "", "text": "x" });
        let values = json!({ "all": ["a@example.com", "b@example.com"], "one": "c@x.org, d@x.org", "nobody": null });
        let mail = filled(mail, values).unwrap();
        assert_eq!(mail.to, ["a@example.com", "b@example.com", "c@x.org, d@x.org"]);
        assert!(mail.cc.is_empty());
        let object = filled(json!({ "to": ["{{ o }}"], "subject": "" }), json!({ "o": [{ "x": 1 }] }));
        assert_eq!(object, Err(FillError::NoText("o".to_owned())));
    }

    #[test]
    fn values_are_escaped_in_html_and_what_is_written_is_not() {
        let mail = json!({ "to": [], "subject": "{{ x }}", "text": "{{ x }}", "html": "<b title='{{ x }}'>" });
        let mail = filled(mail, json!({ "x": "<i> & 'q' \"r\"" })).unwrap();
        assert_eq!(mail.html, "<b title='&lt;i&gt; &amp; &#39;q&#39; &quot;r&quot;'>");
        let whole = filled(json!({ "html": "{{ x }}" }), json!({ "x": "<p>" })).unwrap();
        assert_eq!(whole.html, "<p>");
        assert_eq!((mail.subject.as_str(), mail.text.as_str()), ("<i> & 'q' \"r\"", "<i> & 'q' \"r\""));
    }

    #[test]
    fn a_message_to_nobody_or_of_nothing_is_a_fault() {
        let faults = |mail: Value| {
            let mail: SendMail = serde_json::from_value(mail).unwrap();
            let mut faults = Vec::new();
            mail.faults("m", &mut faults);
            faults.into_iter().map(|fault| fault.path).collect::<Vec<_>>()
        };
        assert_eq!(faults(json!({ "subject": "s" })), ["m.to", "m.text"]);
        let files =
            json!([{ "name": "", "text": "x" }, { "name": "a", "text": "x", "base64": "eA==" }, { "name": "b" }]);
        let mail = json!({ "to": ["a@x.org"], "subject": "s", "html": "x", "attachments": files });
        assert_eq!(faults(mail), ["m.attachments[0].name", "m.attachments[1]", "m.attachments[2]"]);
        assert_eq!(faults(json!({ "bcc": ["a@x.org"], "subject": "s", "text": "x" })), [""; 0]);
    }
}
