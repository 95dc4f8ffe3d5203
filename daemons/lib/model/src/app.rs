//! An app's document: pages of components on a grid, and the queries behind them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::binding::Template;
use crate::query::ResourceQuery;
use crate::{Fault, Name};

/// Columns of the canvas grid.
pub const GRID_COLUMNS: u16 = 24;
/// Components, over all pages, that one app may have.
pub const MAX_COMPONENTS: usize = 1000;
/// Queries that one app may have.
pub const MAX_QUERIES: usize = 500;

/// A whole app, as saved, exported and released.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct AppDocument {
    /// Version of this format: 1.
    pub format: u32,
    /// Shown in lists and on the app's bar.
    pub title: String,
    /// The page that opens first.
    pub home_page: Name,
    /// Pages by name.
    pub pages: BTreeMap<Name, Page>,
    /// Queries by name; every page sees all of them.
    #[serde(default)]
    pub queries: BTreeMap<Name, AppQuery>,
}

/// One page.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Page {
    /// Shown on the page's tab; the name when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Components by name. Names are unique over the whole app, since expressions refer to them.
    #[serde(default)]
    pub components: BTreeMap<Name, Component>,
    /// Where each component stands.
    #[serde(default)]
    pub layout: BTreeMap<Name, GridRect>,
}

/// A place on the grid, in grid units.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GridRect {
    /// First column, from 0.
    pub column: u16,
    /// First row, from 0.
    pub row: u16,
    /// Columns covered.
    pub width: u16,
    /// Rows covered.
    pub height: u16,
}

/// A component on a page.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Component {
    /// What it is.
    #[serde(rename = "type")]
    pub kind: ComponentKind,
    /// Its properties: JSON values, in which any string may hold `{{ }}`.
    #[serde(default)]
    pub properties: BTreeMap<String, Value>,
    /// What it does on events.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<EventHandler>,
}

/// The kinds of components.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ComponentKind {
    /// Text, with bindings: `value`, `style` (`heading` | `body` | `muted`).
    Text,
    /// A one-line input: `label`, `placeholder`, `default-value`; exposes `value`.
    TextInput,
    /// A button: `label`, `variant` (`primary` | `secondary` | `danger`), `disabled`; event `click`.
    Button,
    /// A table: `data` (rows), `columns` (optional list of `{key, label, format}`), `empty-text`; exposes `selectedRow`,
    /// `selectedIndex`; event `row-select`.
    Table,
}

/// `on` an event, do an action.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct EventHandler {
    /// `click`, `change`, `submit` or `row-select`.
    pub on: String,
    /// What happens.
    pub action: Action,
}

/// What an event handler or a finished query does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "do", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Action {
    /// Runs a query of the app.
    RunQuery {
        /// Its name.
        query: Name,
    },
    /// Sets an input's value.
    SetValue {
        /// The input.
        component: Name,
        /// The value, with bindings.
        value: String,
    },
    /// Shows a short message.
    Notify {
        /// The text, with bindings.
        message: String,
    },
}

/// A query of an app.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub struct AppQuery {
    /// The statement and where it runs.
    #[serde(flatten)]
    pub query: ResourceQuery,
    /// When it runs by itself.
    #[serde(default)]
    pub run: RunWhen,
    /// A question to confirm before it runs, with bindings.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confirm: Option<String>,
    /// What happens after it succeeded.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub on_success: Vec<Action>,
}

/// When a query runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RunWhen {
    /// When the page opens and whenever a value that it binds changes.
    #[default]
    Automatic,
    /// Only when an action runs it.
    Manual,
}

impl AppDocument {
    /// An app with one empty page.
    pub fn empty(title: &str) -> Self {
        let home: Name = "home".parse().expect("`home` is a name");
        Self {
            format: 1,
            title: title.to_owned(),
            home_page: home.clone(),
            pages: BTreeMap::from([(home, Page::default())]),
            queries: BTreeMap::new(),
        }
    }

    /// All faults, each with its place. An empty list means that the document may be saved and released.
    pub fn validate(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        if self.format != 1 {
            faults.push(Fault::new("format", "must be 1; a newer Bulkhead wrote this document"));
        }
        if self.title.trim().is_empty() || self.title.chars().count() > 120 {
            faults.push(Fault::new("title", "must have 1 to 120 characters"));
        }
        if !self.pages.contains_key(&self.home_page) {
            faults.push(Fault::new("home-page", format!("there is no page `{}`", self.home_page)));
        }
        let components = self.pages.values().map(|page| page.components.len()).sum::<usize>();
        if components > MAX_COMPONENTS {
            faults.push(Fault::new("pages", format!("{components} components; the most is {MAX_COMPONENTS}")));
        }
        if self.queries.len() > MAX_QUERIES {
            faults.push(Fault::new("queries", format!("{} queries; the most is {MAX_QUERIES}", self.queries.len())));
        }
        self.validate_pages(&mut faults);
        for (name, query) in &self.queries {
            let path = format!("queries.{name}");
            faults.extend(query.query.validate(&path));
            if query.query.change.is_some() && query.run == RunWhen::Automatic {
                let message = "a change of a table never runs by itself: write `manual`, and have an event run it";
                faults.push(Fault::new(format!("{path}.run"), message));
            }
            check_template(query.confirm.as_deref().unwrap_or_default(), &format!("{path}.confirm"), &mut faults);
            for (index, action) in query.on_success.iter().enumerate() {
                self.validate_action(action, &format!("{path}.on-success.{index}"), &mut faults);
            }
        }
        faults
    }

    fn validate_pages(&self, faults: &mut Vec<Fault>) {
        let mut owner: BTreeMap<&Name, &Name> = BTreeMap::new();
        for (page_name, page) in &self.pages {
            for (name, component) in &page.components {
                let path = format!("pages.{page_name}.components.{name}");
                if let Some(other) = owner.insert(name, page_name) {
                    faults.push(Fault::new(&path, format!("page `{other}` already has a component of this name")));
                }
                if self.queries.contains_key(name) {
                    faults.push(Fault::new(&path, "a query has this name already"));
                }
                if !page.layout.contains_key(name) {
                    faults.push(Fault::new(format!("pages.{page_name}.layout.{name}"), "the component has no place"));
                }
                for (key, value) in &component.properties {
                    check_value(value, &format!("{path}.properties.{key}"), 0, faults);
                }
                for (index, handler) in component.events.iter().enumerate() {
                    self.validate_action(&handler.action, &format!("{path}.events.{index}"), faults);
                }
            }
            for (name, rect) in &page.layout {
                let path = format!("pages.{page_name}.layout.{name}");
                if !page.components.contains_key(name) {
                    faults.push(Fault::new(&path, "there is no component of this name"));
                }
                let right = u32::from(rect.column) + u32::from(rect.width);
                if rect.width == 0
                    || rect.height == 0
                    || right > u32::from(GRID_COLUMNS)
                    || rect.height > 500
                    || rect.row > 10_000
                {
                    faults.push(Fault::new(
                        &path,
                        format!("must lie within {GRID_COLUMNS} columns and be at least 1 by 1"),
                    ));
                }
            }
        }
    }

    fn validate_action(&self, action: &Action, path: &str, faults: &mut Vec<Fault>) {
        match action {
            Action::RunQuery { query } if !self.queries.contains_key(query) => {
                faults.push(Fault::new(path, format!("there is no query `{query}`")));
            }
            Action::SetValue { component, .. }
                if !self.pages.values().any(|page| page.components.contains_key(component)) =>
            {
                faults.push(Fault::new(path, format!("there is no component `{component}`")));
            }
            Action::RunQuery { .. } => {}
            Action::SetValue { value: text, .. } | Action::Notify { message: text } => {
                check_template(text, path, faults)
            }
        }
    }
}

fn check_template(text: &str, path: &str, faults: &mut Vec<Fault>) {
    if let Err(error) = Template::parse(text) {
        faults.push(Fault::new(path, error.to_string()));
    }
}

fn check_value(value: &Value, path: &str, depth: usize, faults: &mut Vec<Fault>) {
    if depth > 16 {
        faults.push(Fault::new(path, "is nested deeper than 16 levels"));
        return;
    }
    match value {
        Value::String(text) => check_template(text, path, faults),
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                check_value(item, &format!("{path}.{index}"), depth + 1, faults);
            }
        }
        Value::Object(map) => {
            for (key, item) in map {
                check_value(item, &format!("{path}.{key}"), depth + 1, faults);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
