//! A request to a server that is asked by HTTP.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::pages::{Paging, pointer_fault};
use super::{JsonTemplate, TextTemplate};
use crate::binding::{Part, Template};
use crate::query::QueryMode;
use crate::{Fault, header};

/// Query parameters, headers and fields of a form at most, each.
const MAX_NAMED: usize = 200;

/// A request. Values never change where it goes: in the path each is one segment, in the query one parameter.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct HttpRequest {
    /// The method.
    #[serde(default)]
    pub method: HttpMethod,
    /// What follows the resource's URL: `/users/{{ id }}`. Values are encoded.
    #[serde(default, skip_serializing_if = "TextTemplate::is_empty")]
    pub path: TextTemplate,
    /// Query parameters.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub query: Vec<NamedText>,
    /// Headers beside the resource's.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<NamedText>,
    /// What is sent.
    #[serde(default, skip_serializing_if = "RequestBody::is_none")]
    pub body: RequestBody,
    /// Declares that a POST changes nothing: a search, say.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub reads: bool,
    /// The part of a JSON answer that is wanted, as a JSON pointer: `/data/users`. All of it when empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub items: String,
    /// Asks for page after page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paging: Option<Paging>,
}

/// The method of a request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "UPPERCASE")]
#[expect(missing_docs, reason = "their names are their meaning")]
pub enum HttpMethod {
    #[default]
    Get,
    Head,
    Options,
    Post,
    Put,
    Patch,
    Delete,
}

/// A name and its value. A value that is a single binding may be null, which leaves it out, or a list, which repeats it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NamedText {
    /// The name, as it is written.
    pub name: String,
    /// The value.
    pub value: TextTemplate,
}

/// What a request sends.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "as", rename_all = "kebab-case", deny_unknown_fields)]
pub enum RequestBody {
    /// Nothing.
    #[default]
    None,
    /// A JSON document.
    Json {
        /// The document.
        json: JsonTemplate,
    },
    /// The fields of a form, URL-encoded.
    Form {
        /// Its fields.
        fields: Vec<NamedText>,
    },
    /// A text.
    Text {
        /// The text.
        text: TextTemplate,
        /// Its type; `text/plain; charset=utf-8` when empty.
        #[serde(default, rename = "content-type", skip_serializing_if = "String::is_empty")]
        content_type: String,
    },
    /// Bytes as they are.
    Bytes {
        /// The bytes as base64.
        base64: TextTemplate,
        /// Their type; `application/octet-stream` when empty.
        #[serde(default, rename = "content-type", skip_serializing_if = "String::is_empty")]
        content_type: String,
    },
    /// A form with a file (`multipart/form-data`).
    File {
        /// The name of the file's field.
        field: String,
        /// The file's name.
        #[serde(rename = "file-name")]
        file_name: TextTemplate,
        /// The file as base64.
        base64: TextTemplate,
        /// Its type; `application/octet-stream` when empty.
        #[serde(default, rename = "content-type", skip_serializing_if = "String::is_empty")]
        content_type: String,
        /// Other fields.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        fields: Vec<NamedText>,
    },
}

impl RequestBody {
    fn is_none(&self) -> bool {
        matches!(self, Self::None)
    }
}

impl HttpMethod {
    /// As HTTP writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Head => "HEAD",
            Self::Options => "OPTIONS",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }
}

impl HttpRequest {
    pub(super) fn effect(&self) -> QueryMode {
        match self.method {
            HttpMethod::Get | HttpMethod::Head | HttpMethod::Options => QueryMode::Read,
            HttpMethod::Post if self.reads => QueryMode::Read,
            _ => QueryMode::Write,
        }
    }

    pub(super) fn faults(&self, path: &str, faults: &mut Vec<Fault>) {
        let mut fault = |key: &str, message: String| faults.push(Fault::new(format!("{path}.{key}"), message));
        let written = &self.path.0;
        if !written.is_empty() && !written.starts_with('/') {
            fault("path", "must begin with /: it follows the resource's URL".to_owned());
        }
        let is_cut = |part: &Part<'_>| matches!(part, Part::Text(text) if text.contains(['?', '#']));
        if Template::parse(written).is_ok_and(|template| template.parts.iter().any(is_cut)) {
            fault("path", "ends before ? and #: write query parameters into `query`".to_owned());
        }
        if self.reads && self.method != HttpMethod::Post {
            fault("reads", "is for POST: other methods say themselves whether they change anything".to_owned());
        }
        if !self.body.is_none() && matches!(self.method, HttpMethod::Get | HttpMethod::Head | HttpMethod::Options) {
            fault("body", format!("is not sent with {}: choose another method", self.method.as_str()));
        }
        for (index, named) in self.headers.iter().enumerate() {
            if let Some(message) = header::name_fault(&named.name) {
                fault(&format!("headers[{index}].name"), message.to_owned());
            }
        }
        let (form, key) = match &self.body {
            RequestBody::Form { fields } => (fields.as_slice(), "body.fields"),
            RequestBody::File { fields, field, .. } => {
                if is_no_name(field) {
                    fault("body.field", NO_NAME.to_owned());
                }
                (fields.as_slice(), "body.fields")
            }
            _ => (&[][..], "body"),
        };
        for (key, list) in [("query", self.query.as_slice()), ("headers", &self.headers), (key, form)] {
            if list.len() > MAX_NAMED {
                fault(key, format!("has more than {MAX_NAMED} members"));
            }
        }
        for (key, list) in [("query", self.query.as_slice()), (key, form)] {
            for (index, _) in list.iter().enumerate().filter(|(_, named)| is_no_name(&named.name)) {
                fault(&format!("{key}[{index}].name"), NO_NAME.to_owned());
            }
        }
        if let RequestBody::Text { content_type, .. }
        | RequestBody::Bytes { content_type, .. }
        | RequestBody::File { content_type, .. } = &self.body
            && (!header::is_value(content_type) || content_type.contains("{{"))
        {
            fault("body.content-type", "must be a type such as text/csv, without a binding".to_owned());
        }
        if let Some(message) = pointer_fault(&self.items) {
            fault("items", message.to_owned());
        }
        if let Some(paging) = &self.paging {
            if self.effect() == QueryMode::Write {
                fault("paging", "asks several times, which only what changes nothing may do".to_owned());
            }
            paging.faults(&format!("{path}.paging"), faults);
        }
    }
}

const NO_NAME: &str = "must have 1 to 256 characters, without line breaks and without a binding";

fn is_no_name(name: &str) -> bool {
    name.is_empty() || name.len() > 256 || name.contains("{{") || name.chars().any(char::is_control)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::{Value, json};

    use super::*;
    use crate::operation::Operation;

    fn operation(mut document: Value) -> Operation {
        document["do"] = json!("request");
        serde_json::from_value(document).unwrap()
    }

    fn places(document: Value) -> Vec<String> {
        let mut faults = Vec::new();
        operation(document).faults("q", &mut faults);
        faults.into_iter().map(|fault| fault.path).collect()
    }

    #[test]
    fn the_method_tells_the_effect() {
        let effect = |document: Value| operation(document).effect();
        assert_eq!(effect(json!({})), QueryMode::Read);
        assert_eq!(effect(json!({ "method": "POST" })), QueryMode::Write);
        assert_eq!(effect(json!({ "method": "POST", "reads": true })), QueryMode::Read);
        // Nothing declares that a deletion changes nothing.
        assert_eq!(effect(json!({ "method": "DELETE", "reads": true })), QueryMode::Write);
    }

    #[test]
    fn values_are_found_wherever_they_stand() {
        let request = operation(json!({
            "method": "POST", "path": "/a/{{ p }}", "query": [{ "name": "q", "value": "{{ q }}" }],
            "headers": [{ "name": "X-H", "value": "{{ h }}" }],
            "body": { "as": "file", "field": "f", "file-name": "{{ n }}.csv", "base64": "{{ b }}",
                "fields": [{ "name": "x", "value": "{{ x }}" }] },
        }));
        let found: Vec<String> = request.expressions().unwrap().into_iter().collect();
        assert_eq!(found, ["b", "h", "n", "p", "q", "x"]);
    }

    #[test]
    fn what_cannot_be_sent_is_refused_by_its_place() {
        assert_eq!(places(json!({ "path": "users" })), ["q.path"]);
        assert_eq!(places(json!({ "path": "/users?x={{ a ? b : c }}" })), ["q.path"]);
        assert!(places(json!({ "path": "/users/{{ a ? b : c }}" })).is_empty());
        assert_eq!(places(json!({ "headers": [{ "name": "Host", "value": "x" }] })), ["q.headers[0].name"]);
        assert_eq!(places(json!({ "query": [{ "name": "a{{ b }}", "value": "" }] })), ["q.query[0].name"]);
        assert_eq!(places(json!({ "method": "PUT", "reads": true })), ["q.reads"]);
        assert_eq!(places(json!({ "body": { "as": "json", "json": 1 } })), ["q.body"]);
        assert_eq!(places(json!({ "items": "data" })), ["q.items"]);
        let paging = json!({ "by": "page", "parameter": "page" });
        assert_eq!(places(json!({ "method": "DELETE", "paging": { "pages": paging } })), ["q.paging"]);
        let body = json!({ "as": "text", "text": "x", "content-type": "text/csv\r\nX: y" });
        assert_eq!(places(json!({ "method": "POST", "body": body })), ["q.body.content-type"]);
    }
}
