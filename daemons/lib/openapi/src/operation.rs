//! One operation as a request.

use bulkhead_model::header;
use bulkhead_model::operation::{HttpMethod, HttpRequest, JsonTemplate, NamedText, RequestBody, TextTemplate};
use serde_json::Value;

use crate::reference::Document;
use crate::skeleton::{Reader, fixed};

/// Parameters of an operation at most.
const MAX_PARAMETERS: usize = 100;

/// Where an operation is in its document.
#[derive(Clone, Copy)]
pub(crate) struct Place<'a> {
    pub(crate) path: &'a str,
    pub(crate) item: &'a Value,
    pub(crate) operation: &'a Value,
    pub(crate) method: HttpMethod,
}

/// The request, and what was left out of it.
pub(crate) fn request<'a>(document: Document<'a>, place: Place<'a>) -> (HttpRequest, Vec<String>) {
    let mut reader = Reader::new(document);
    let mut request = HttpRequest { method: place.method, ..HttpRequest::default() };
    request.path = path(&mut reader, place.path);
    for parameter in parameters(&mut reader, place) {
        let (name, place) = (parameter["name"].as_str().unwrap_or_default(), parameter["in"].as_str());
        match place {
            // The path itself has told it.
            Some("path") => {}
            Some("query") if is_name(name) => request.query.push(named(&mut reader, name, parameter)),
            // The specification leaves these to other members.
            Some("header") if ["accept", "content-type", "authorization"].contains(&&*name.to_ascii_lowercase()) => {}
            Some("header") if header::name_fault(name).is_none() => {
                request.headers.push(named(&mut reader, name, parameter));
            }
            place => {
                let place = place.unwrap_or("nowhere");
                reader.problem(format!(
                    "parameter `{}` is in {}, where none is sent",
                    crate::short(name),
                    crate::short(place)
                ));
            }
        }
    }
    if let Some(body) = place.operation.get("requestBody") {
        request.body = match place.method {
            HttpMethod::Get | HttpMethod::Head | HttpMethod::Options => {
                reader.problem(format!("{} sends no body", place.method.as_str()));
                RequestBody::None
            }
            _ => body_of(&mut reader, body),
        };
    }
    (request, reader.problems)
}

/// `/pets/{petId}` with bindings.
fn path(reader: &mut Reader<'_>, written: &str) -> TextTemplate {
    let kept = written.split(['?', '#']).next().unwrap_or_default();
    if kept.len() < written.len() {
        reader.problem("its path has a query, which was left out".to_owned());
    }
    let mut path = String::new();
    if !kept.starts_with('/') {
        path.push('/');
    }
    let mut rest = kept;
    while let Some((before, (name, after))) =
        rest.split_once('{').and_then(|(before, rest)| Some((before, rest.split_once('}')?)))
    {
        path.push_str(before);
        path.push_str(&reader.binding(name));
        rest = after;
    }
    // A brace that is left would open a binding.
    path.push_str(&rest.replace('{', "%7B"));
    TextTemplate(path)
}

/// The parameters of the operation, and those of its path that it does not have itself.
fn parameters<'a>(reader: &mut Reader<'a>, place: Place<'a>) -> Vec<&'a Value> {
    let mut found: Vec<&Value> = Vec::new();
    for list in [&place.operation["parameters"], &place.item["parameters"]] {
        for parameter in list.as_array().into_iter().flatten() {
            if found.len() == MAX_PARAMETERS {
                reader.problem(format!("it has more than {MAX_PARAMETERS} parameters: the others were left out"));
                return found;
            }
            match reader.document.resolve(parameter) {
                Ok(parameter) => {
                    let same = |known: &&Value| known["name"] == parameter["name"] && known["in"] == parameter["in"];
                    if !found.iter().any(same) {
                        found.push(parameter);
                    }
                }
                Err(problem) => reader.problem(problem),
            }
        }
    }
    found
}

fn named<'a>(reader: &mut Reader<'a>, name: &str, parameter: &'a Value) -> NamedText {
    let schema = parameter.get("schema").map(|schema| reader.schema(schema));
    let value = match schema.and_then(fixed) {
        Some(Value::String(text)) => text,
        Some(plain) => plain.to_string(),
        None => reader.binding(name),
    };
    NamedText { name: name.to_owned(), value: TextTemplate(value) }
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && name.len() <= 256 && !name.contains("{{") && !name.chars().any(char::is_control)
}

/// What is sent, in the first of the forms that the connector knows.
fn body_of<'a>(reader: &mut Reader<'a>, body: &'a Value) -> RequestBody {
    let body = match reader.document.resolve(body) {
        Ok(body) => body,
        Err(problem) => {
            reader.problem(problem);
            return RequestBody::None;
        }
    };
    let content: Vec<(&str, &Value)> = body["content"]
        .as_object()
        .into_iter()
        .flatten()
        .map(|(kind, content)| (kind.split(';').next().unwrap_or_default().trim(), &content["schema"]))
        .collect();
    let of = |wanted: fn(&str) -> bool| content.iter().find(|(kind, _)| wanted(kind)).copied();
    if let Some((_, schema)) = of(|kind| kind == "application/json" || kind.ends_with("+json")) {
        RequestBody::Json { json: JsonTemplate(reader.body(schema, "body")) }
    } else if let Some((_, schema)) = of(|kind| kind == "application/x-www-form-urlencoded") {
        RequestBody::Form { fields: fields(reader, schema).into_iter().map(|(field, _)| field).collect() }
    } else if let Some((_, schema)) = of(|kind| kind == "multipart/form-data") {
        multipart(reader, schema)
    } else if let Some((kind, _)) = of(|kind| kind.starts_with("text/") || kind.ends_with("xml")) {
        RequestBody::Text { text: TextTemplate(reader.binding("text")), content_type: plain_type(kind) }
    } else if let Some((kind, _)) = content.first() {
        RequestBody::Bytes { base64: TextTemplate(reader.binding("base64")), content_type: plain_type(kind) }
    } else {
        reader.problem("its body has no content".to_owned());
        RequestBody::None
    }
}

/// A type that names one, and no range of types.
fn plain_type(kind: &str) -> String {
    let is_one = kind.split_once('/').is_some_and(|(of, what)| {
        let is_word =
            |word: &str| !word.is_empty() && word.bytes().all(|b| b.is_ascii_alphanumeric() || b"+-._".contains(&b));
        is_word(of) && is_word(what)
    });
    if is_one { kind.to_owned() } else { String::new() }
}

/// The members of a form, and whether each is a file.
fn fields<'a>(reader: &mut Reader<'a>, schema: &'a Value) -> Vec<(NamedText, bool)> {
    let schema = reader.schema(schema);
    let mut fields = Vec::new();
    for (name, member) in schema["properties"].as_object().into_iter().flatten().take(MAX_PARAMETERS) {
        if !is_name(name) {
            continue;
        }
        let member = reader.schema(member);
        let is_file = member["format"] == "binary" || member.get("contentMediaType").is_some();
        let value = match fixed(member) {
            Some(Value::String(text)) => text,
            Some(plain) => plain.to_string(),
            None => reader.binding(name),
        };
        fields.push((NamedText { name: name.clone(), value: TextTemplate(value) }, is_file));
    }
    fields
}

/// A form with the one file that it can have.
fn multipart<'a>(reader: &mut Reader<'a>, schema: &'a Value) -> RequestBody {
    let (files, fields): (Vec<_>, Vec<_>) = fields(reader, schema).into_iter().partition(|(_, is_file)| *is_file);
    let fields = fields.into_iter().map(|(field, _)| field).collect();
    let mut files = files.into_iter().map(|(file, _)| file);
    let Some(NamedText { name, value }) = files.next() else {
        reader.problem("its form of several parts has no file, and is sent URL-encoded".to_owned());
        return RequestBody::Form { fields };
    };
    for other in files {
        reader.problem(format!("one file is sent, and `{}` is another", crate::short(&other.name)));
    }
    let file_name = TextTemplate(reader.binding("fileName"));
    RequestBody::File { field: name, file_name, base64: value, content_type: String::new(), fields }
}
