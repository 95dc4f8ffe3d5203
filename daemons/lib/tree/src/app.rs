//! An app's files:
//!
//! ```text
//! app.yaml                       title, home page, theme, state, module
//! style.css                      its style sheet
//! pages/orders.page.yaml         components with properties and event handlers
//! pages/orders.layout.yaml       desktop: ordersTable: [column, row, width, height]
//! queries/listOrders.query.yaml  and listOrders.sql, listOrders.js for what makes its data of the answer
//! scripts/greet.js               and greet.script.yaml where there is more to say
//! transformers/names.js
//! ```

use std::collections::BTreeMap;

use bulkhead_model::Name;
use bulkhead_model::app::{AppDocument, GridRect, Page};
use serde_json::{Map, Value};

use crate::parts::{Reader, Writer, part, put_map, shape, spare, take_map, to_map};
use crate::{Files, ReadError};

pub(crate) fn write(app: &AppDocument) -> Files {
    let mut writer = Writer::default();
    for (name, page) in &app.pages {
        write_page(name, page, &mut writer);
    }
    for (name, query) in &app.queries {
        let mut map = spare(query);
        let stem = format!("queries/{name}");
        writer.statements(&stem, &mut map);
        writer.text(&format!("{stem}.js"), &mut map, "transform");
        writer.yaml(&format!("{stem}.query.yaml"), map);
    }
    for (name, script) in &app.scripts {
        let mut map = spare(script);
        writer.text(&format!("scripts/{name}.js"), &mut map, "code");
        writer.yaml_if_any(&format!("scripts/{name}.script.yaml"), map);
    }
    for (name, transformer) in &app.transformers {
        writer.text(&format!("transformers/{name}.js"), &mut to_map(transformer), "code");
    }
    let rest = AppDocument {
        pages: BTreeMap::new(),
        queries: BTreeMap::new(),
        scripts: BTreeMap::new(),
        transformers: BTreeMap::new(),
        ..app.clone()
    };
    let mut map = spare(&rest);
    map.remove("pages");
    writer.text("style.css", &mut map, "style");
    writer.yaml("app.yaml", map);
    writer.files
}

fn write_page(name: &Name, page: &Page, writer: &mut Writer) {
    let bare =
        Page { components: BTreeMap::new(), layout: BTreeMap::new(), phone_layout: BTreeMap::new(), ..page.clone() };
    let mut map = spare(&bare);
    let components =
        page.components.iter().map(|(name, component)| (name.to_string(), Value::Object(spare(component))));
    put_map(&mut map, "components", components.collect());
    writer.yaml(&format!("pages/{name}.page.yaml"), map);
    let mut layout = Map::new();
    put_map(&mut layout, "desktop", write_places(&page.layout));
    put_map(&mut layout, "phone", write_places(&page.phone_layout));
    writer.yaml_if_any(&format!("pages/{name}.layout.yaml"), layout);
}

/// `[column, row, width, height]`; below a component around it, `at` is that and `in` says where.
fn write_places(places: &BTreeMap<Name, GridRect>) -> Map<String, Value> {
    let place = |rect: &GridRect| {
        let at = Value::from(vec![rect.column, rect.row, rect.width, rect.height]);
        if rect.parent.is_none() && rect.slot.is_none() {
            return at;
        }
        let mut map = Map::from_iter([("at".to_owned(), at)]);
        let around = [("in", rect.parent.as_ref().map(Name::to_string)), ("slot", rect.slot.clone())];
        map.extend(around.into_iter().filter_map(|(key, value)| Some((key.to_owned(), Value::from(value?)))));
        Value::Object(map)
    };
    places.iter().map(|(name, rect)| (name.to_string(), place(rect))).collect()
}

pub(crate) fn read(files: &Files) -> Result<AppDocument, ReadError> {
    let reader = Reader::new(files);
    let mut map = reader.yaml("app.yaml")?;
    for key in ["pages", "queries", "scripts", "transformers"] {
        if map.contains_key(key) {
            return Err(shape("app.yaml", &format!("`{key}` have files of their own")));
        }
    }
    reader.text("style.css", &mut map, "style")?;
    let mut pages = Map::new();
    for name in reader.names("pages", ".page.yaml")? {
        pages.insert(name.to_string(), read_page(&reader, &name)?);
    }
    map.insert("pages".to_owned(), Value::Object(pages));
    let mut queries = Map::new();
    for name in reader.names("queries", ".query.yaml")? {
        let stem = format!("queries/{name}");
        let mut query = reader.yaml(&format!("{stem}.query.yaml"))?;
        reader.statements(&stem, &mut query)?;
        reader.text(&format!("{stem}.js"), &mut query, "transform")?;
        queries.insert(name.to_string(), Value::Object(query));
    }
    put_map(&mut map, "queries", queries);
    let mut scripts = Map::new();
    for name in reader.names("scripts", ".js")? {
        let mut script = reader.yaml_if_any(&format!("scripts/{name}.script.yaml"))?.unwrap_or_default();
        reader.text(&format!("scripts/{name}.js"), &mut script, "code")?;
        scripts.insert(name.to_string(), Value::Object(script));
    }
    put_map(&mut map, "scripts", scripts);
    let mut transformers = Map::new();
    for name in reader.names("transformers", ".js")? {
        let mut transformer = Map::new();
        reader.text(&format!("transformers/{name}.js"), &mut transformer, "code")?;
        transformers.insert(name.to_string(), Value::Object(transformer));
    }
    put_map(&mut map, "transformers", transformers);
    reader.finish("app.yaml", map)
}

/// Read as a page at once, so that what is wrong with it is said with the name of its file.
fn read_page(reader: &Reader<'_>, name: &Name) -> Result<Value, ReadError> {
    let path = format!("pages/{name}.page.yaml");
    let mut map = reader.yaml(&path)?;
    for key in ["layout", "phone-layout"] {
        if map.contains_key(key) {
            return Err(shape(&path, "places stand in the file `.layout.yaml` beside this one"));
        }
    }
    let places = format!("pages/{name}.layout.yaml");
    let mut layout = reader.yaml_if_any(&places)?.unwrap_or_default();
    for (key, member) in [("desktop", "layout"), ("phone", "phone-layout")] {
        let read = read_places(&places, take_map(&mut layout, key))?;
        put_map(&mut map, member, read);
    }
    if let Some(key) = layout.keys().next() {
        return Err(shape(&places, &format!("`{}` is no layout: there are desktop and phone", crate::shortened(key))));
    }
    let page: Page = part(&path, map)?;
    Ok(Value::Object(to_map(&page)))
}

fn read_places(path: &str, places: Map<String, Value>) -> Result<Map<String, Value>, ReadError> {
    let place = |name: &str, value: Value| {
        let (at, mut rest) = match value {
            Value::Object(mut map) => (map.remove("at").unwrap_or_default(), map),
            at => (at, Map::new()),
        };
        let numbers: Option<[u16; 4]> = serde_json::from_value(at).ok();
        let Some([column, row, width, height]) = numbers else {
            let name = crate::shortened(name);
            return Err(shape(path, &format!("{name}: a place is [column, row, width, height]")));
        };
        let mut map = Map::new();
        for (key, number) in [("column", column), ("row", row), ("width", width), ("height", height)] {
            map.insert(key.to_owned(), number.into());
        }
        for (key, member) in [("in", "parent"), ("slot", "slot")] {
            map.extend(rest.remove(key).map(|value| (member.to_owned(), value)));
        }
        match rest.keys().next() {
            None => Ok(Value::Object(map)),
            Some(key) => Err(shape(path, &format!("`{}` is no part of a place", crate::shortened(key)))),
        }
    };
    places.into_iter().map(|(name, value)| Ok((name.clone(), place(&name, value)?))).collect()
}
