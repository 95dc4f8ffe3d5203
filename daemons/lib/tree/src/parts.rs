//! What the kinds of documents have in common: texts in files of their own, members that say no more than the default, files that are
//! read once each.

use std::cell::RefCell;
use std::collections::BTreeSet;

use bulkhead_model::Name;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::{Files, ReadError, yaml};

/// Values in which nothing is a member of the format.
const FREE: [&str; 6] = ["properties", "initial", "arguments", "variables", "default", "body"];

/// The value of a part of a document.
pub(crate) fn to_map<T: Serialize>(part: &T) -> Map<String, Value> {
    match serde_json::to_value(part) {
        Ok(Value::Object(map)) => map,
        other => unreachable!("a part of a document is an object in JSON: {other:?}"),
    }
}

/// The value of a part without what reading it puts back: a default is whatever the format's own types say it is.
pub(crate) fn spare<T: Serialize + DeserializeOwned>(part: &T) -> Map<String, Value> {
    let whole = Value::Object(to_map(part));
    let says_the_same = |value: &Value| {
        serde_json::from_value::<T>(value.clone()).ok().and_then(|part| serde_json::to_value(part).ok()).as_ref()
            == Some(&whole)
    };
    let mut value = whole.clone();
    let mut paths = Vec::new();
    members(&value, &mut Vec::new(), &mut paths);
    for path in paths {
        let mut lighter = value.clone();
        remove(&mut lighter, &path);
        if says_the_same(&lighter) {
            value = lighter;
        }
    }
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

/// The paths of all members, inner ones behind those around them: what goes as a whole needs no look inside.
fn members(value: &Value, at: &mut Vec<String>, into: &mut Vec<Vec<String>>) {
    match value {
        Value::Object(map) => {
            for (key, inner) in map {
                at.push(key.clone());
                into.push(at.clone());
                if !FREE.contains(&key.as_str()) {
                    members(inner, at, into);
                }
                at.pop();
            }
        }
        Value::Array(items) => {
            for (index, inner) in items.iter().enumerate() {
                at.push(index.to_string());
                members(inner, at, into);
                at.pop();
            }
        }
        _ => {}
    }
}

fn remove(value: &mut Value, path: &[String]) {
    let Some((last, around)) = path.split_last() else { return };
    let around = around.iter().try_fold(value, |value, key| match value {
        Value::Object(map) => map.get_mut(key),
        Value::Array(items) => key.parse::<usize>().ok().and_then(|index| items.get_mut(index)),
        _ => None,
    });
    if let Some(Value::Object(map)) = around {
        map.remove(last);
    }
}

/// Writes files.
#[derive(Default)]
pub(crate) struct Writer {
    pub(crate) files: Files,
}

impl Writer {
    pub(crate) fn yaml(&mut self, path: &str, map: Map<String, Value>) {
        self.files.insert(path.to_owned(), yaml::write(&Value::Object(map)).into_bytes());
    }

    /// The same, unless there is nothing to say.
    pub(crate) fn yaml_if_any(&mut self, path: &str, map: Map<String, Value>) {
        if !map.is_empty() {
            self.yaml(path, map);
        }
    }

    /// Moves a text of a map to a file of its own, which ends with one line end more than the text.
    pub(crate) fn text(&mut self, path: &str, map: &mut Map<String, Value>, key: &str) {
        if let Some(Value::String(text)) = map.remove(key) {
            self.files.insert(path.to_owned(), format!("{text}\n").into_bytes());
        }
    }

    /// The statement of a query, or its statements.
    pub(crate) fn statements(&mut self, stem: &str, map: &mut Map<String, Value>) {
        self.text(&format!("{stem}.sql"), map, "statement");
        if let Some(Value::Array(statements)) = map.remove("statements") {
            for (index, statement) in statements.into_iter().enumerate() {
                let mut one = Map::from_iter([("statement".to_owned(), statement)]);
                self.text(&format!("{stem}.{}.sql", index + 1), &mut one, "statement");
            }
        }
    }
}

/// Reads files, and knows which ones nobody asked for.
pub(crate) struct Reader<'a> {
    files: &'a Files,
    read: RefCell<BTreeSet<&'a str>>,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(files: &'a Files) -> Self {
        Self { files, read: RefCell::default() }
    }

    fn text_of(&self, path: &str) -> Result<Option<&'a str>, ReadError> {
        let Some((path, bytes)) = self.files.get_key_value(path) else { return Ok(None) };
        self.read.borrow_mut().insert(path);
        std::str::from_utf8(bytes).map(Some).map_err(|_| ReadError::NotText(path.clone()))
    }

    pub(crate) fn yaml(&self, path: &str) -> Result<Map<String, Value>, ReadError> {
        self.yaml_if_any(path)?.ok_or_else(|| ReadError::Missing(path.to_owned()))
    }

    pub(crate) fn yaml_if_any(&self, path: &str) -> Result<Option<Map<String, Value>>, ReadError> {
        let Some(text) = self.text_of(path)? else { return Ok(None) };
        match yaml::read(text) {
            Ok(Value::Object(map)) => Ok(Some(map)),
            Ok(_) => Err(shape(path, "must be a map")),
            Err(source) => Err(ReadError::Yaml { path: path.to_owned(), source }),
        }
    }

    /// Puts the text of a file back where it came from.
    pub(crate) fn text(&self, path: &str, map: &mut Map<String, Value>, key: &str) -> Result<bool, ReadError> {
        let Some(text) = self.text_of(path)? else { return Ok(false) };
        if map.contains_key(key) {
            return Err(shape(path, &format!("`{key}` stands in the file beside it too: keep one of them")));
        }
        map.insert(key.to_owned(), text.strip_suffix('\n').unwrap_or(text).into());
        Ok(true)
    }

    pub(crate) fn statements(&self, stem: &str, map: &mut Map<String, Value>) -> Result<(), ReadError> {
        self.text(&format!("{stem}.sql"), map, "statement")?;
        let mut statements = Vec::new();
        loop {
            let mut one = Map::new();
            if !self.text(&format!("{stem}.{}.sql", statements.len() + 1), &mut one, "statement")? {
                break;
            }
            statements.extend(one.remove("statement"));
        }
        if !statements.is_empty() {
            map.insert("statements".to_owned(), statements.into());
        }
        Ok(())
    }

    /// The names of the files `<folder>/<name><suffix>`.
    pub(crate) fn names(&self, folder: &str, suffix: &str) -> Result<Vec<Name>, ReadError> {
        let named = self.files.keys().filter_map(|path| {
            let stem = path.strip_prefix(folder)?.strip_prefix('/')?.strip_suffix(suffix)?;
            // `a.1.sql` and `a.query.yaml` have a stem with a dot: they belong to `a`.
            (!stem.contains('.')).then_some((path, stem))
        });
        named.map(|(path, stem)| stem.parse().map_err(|error| shape(path, &format!("{error}")))).collect()
    }

    /// A document of what was read; a file that nobody read is refused.
    pub(crate) fn finish<T: DeserializeOwned>(self, path: &str, map: Map<String, Value>) -> Result<T, ReadError> {
        let read = self.read.into_inner();
        if let Some(unknown) = self.files.keys().find(|path| !read.contains(path.as_str())) {
            return Err(ReadError::Unknown(unknown.clone()));
        }
        part(path, map)
    }
}

/// A part of a document.
pub(crate) fn part<T: DeserializeOwned>(path: &str, map: Map<String, Value>) -> Result<T, ReadError> {
    serde_json::from_value(Value::Object(map)).map_err(|error| shape(path, &error.to_string()))
}

pub(crate) fn shape(path: &str, message: &str) -> ReadError {
    ReadError::Shape { path: path.to_owned(), message: message.to_owned() }
}

/// A member that is a map, taken out; an empty one where there is none.
pub(crate) fn take_map(map: &mut Map<String, Value>, key: &str) -> Map<String, Value> {
    match map.remove(key) {
        Some(Value::Object(inner)) => inner,
        _ => Map::new(),
    }
}

/// Puts a map in its place, unless it is empty.
pub(crate) fn put_map(map: &mut Map<String, Value>, key: &str, inner: Map<String, Value>) {
    if !inner.is_empty() {
        map.insert(key.to_owned(), Value::Object(inner));
    }
}
