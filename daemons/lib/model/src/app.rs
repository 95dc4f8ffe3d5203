//! An app's document: pages of components on a grid, and the queries behind them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::binding::Template;
use crate::query::ResourceQuery;
use crate::{Fault, Name};

mod kind;
mod layout;

pub use kind::{ComponentKind, NotAKind};
pub use layout::{GRID_COLUMNS, GridRect, MAX_NESTING};

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

/// `on` an event, do an action.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct EventHandler {
    /// `click`, `change`, `submit`, `row-select`, `open` or `close`; a component tells which it has.
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
    /// Puts an input, or all inputs in a form, back to the default.
    Reset {
        /// The input or form.
        component: Name,
    },
    /// Opens a modal.
    Open {
        /// The modal.
        component: Name,
    },
    /// Closes a modal.
    Close {
        /// The modal.
        component: Name,
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
            layout::validate(page_name, page, faults);
        }
    }

    fn validate_action(&self, action: &Action, path: &str, faults: &mut Vec<Fault>) {
        match action {
            Action::RunQuery { query } if !self.queries.contains_key(query) => {
                faults.push(Fault::new(path, format!("there is no query `{query}`")));
            }
            Action::SetValue { component, .. }
            | Action::Reset { component }
            | Action::Open { component }
            | Action::Close { component }
                if !self.pages.values().any(|page| page.components.contains_key(component)) =>
            {
                faults.push(Fault::new(path, format!("there is no component `{component}`")));
            }
            Action::RunQuery { .. } | Action::Reset { .. } | Action::Open { .. } | Action::Close { .. } => {}
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn app(components: Value, layout: Value) -> AppDocument {
        let page = json!({ "components": components, "layout": layout });
        let document = json!({ "format": 1, "title": "Test", "home-page": "home", "pages": { "home": page } });
        serde_json::from_value(document).expect("a document")
    }

    fn place(parent: Option<&str>) -> Value {
        let mut place = json!({ "column": 0, "row": 0, "width": 4, "height": 2 });
        if let Some(parent) = parent {
            place["parent"] = json!(parent);
        }
        place
    }

    fn faults(document: &AppDocument) -> Vec<String> {
        document.validate().into_iter().map(|fault| format!("{}: {}", fault.path, fault.message)).collect()
    }

    #[test]
    fn a_component_of_a_later_version_is_kept_as_it_is() {
        let component = json!({ "type": "hologram-view", "properties": { "depth": 3, "of": ["{{ a.b }}"] } });
        let document = app(json!({ "what": component }), json!({ "what": place(None) }));
        assert_eq!(faults(&document), Vec::<String>::new());
        let kept = serde_json::to_value(&document).expect("JSON");
        assert_eq!(kept.pointer("/pages/home/components/what"), Some(&component));
    }

    #[test]
    fn a_text_that_cannot_be_a_kind_is_refused() {
        for text in ["", "Text", "text_input", "-text", "text-", "text--input", "3d", "a b", &"a".repeat(41)] {
            let error = serde_json::from_value::<ComponentKind>(json!(text)).expect_err(text);
            assert!(error.to_string().contains("no kind of a component"), "{error}");
        }
    }

    #[test]
    fn components_stand_in_containers() {
        let components =
            json!({ "box": { "type": "tabs" }, "inner": { "type": "container" }, "name": { "type": "text" } });
        let mut in_tab = place(Some("box"));
        in_tab["slot"] = json!("details");
        let document = app(components, json!({ "box": place(None), "inner": in_tab, "name": place(Some("inner")) }));
        assert_eq!(faults(&document), Vec::<String>::new());
    }

    #[test]
    fn no_component_stands_in_what_holds_none() {
        let components = json!({ "title": { "type": "text" }, "name": { "type": "text" }, "lost": { "type": "text" } });
        let layout = json!({ "title": place(None), "name": place(Some("title")), "lost": place(Some("nowhere")) });
        let found = faults(&app(components, layout));
        assert_eq!(
            found,
            [
                "pages.home.layout.lost.parent: there is no component `nowhere` on this page",
                "pages.home.layout.name.parent: `title` is of the kind `text`, which holds no components",
            ]
        );
    }

    #[test]
    fn no_component_stands_in_itself() {
        let components = json!({
            "a": { "type": "container" }, "b": { "type": "container" }, "c": { "type": "container" }, "d": { "type": "text" },
        });
        let layout =
            json!({ "a": place(Some("b")), "b": place(Some("a")), "c": place(Some("c")), "d": place(Some("a")) });
        let found = faults(&app(components, layout));
        assert_eq!(found.len(), 4, "{found:?}");
        assert!(found.iter().all(|fault| fault.contains("stands in itself")), "{found:?}");
    }

    #[test]
    fn nesting_has_an_end() {
        let names: Vec<String> = (0..=MAX_NESTING + 1).map(|number| format!("box{number}")).collect();
        let mut components = json!({});
        let mut layout = json!({});
        for (number, name) in names.iter().enumerate() {
            components[name] = json!({ "type": "container" });
            layout[name] = place(number.checked_sub(1).map(|around| names[around].as_str()));
        }
        let found = faults(&app(components, layout));
        assert_eq!(found, ["pages.home.layout.box9.parent: stands deeper than 8 components in each other"]);
    }

    #[test]
    fn an_action_names_a_component_that_exists() {
        let components = json!({ "go": { "type": "button", "events": [
            { "on": "click", "action": { "do": "open", "component": "dialog" } },
            { "on": "click", "action": { "do": "reset", "component": "go" } },
        ] } });
        let found = faults(&app(components, json!({ "go": place(None) })));
        assert_eq!(found, ["pages.home.components.go.events.0: there is no component `dialog`"]);
    }
}
