//! An app's document: pages of components on a grid, and the queries and code behind them.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use self::check::{Check, check_value};
use crate::{Fault, Name, Slug};

mod action;
mod check;
mod kind;
mod layout;
mod logic;
mod module;
mod privacy;
mod style;
mod theme;
mod translation;

pub use action::{Action, EventHandler, FileFormat, MAX_HANDLERS, MAX_PAUSE_MS, NotifyTone, Step};
pub use kind::{ComponentKind, NotAKind};
pub use layout::{GRID_COLUMNS, GridRect, MAX_NESTING};
pub use logic::{
    AppQuery, Flow, MAX_CODE_BYTES, MAX_SCRIPT_MS, MAX_VARIABLES, RunWhen, Script, ScriptRun, StateVariable,
    Transformer,
};
pub use module::{InputType, MAX_MODULE_DEPTH, MAX_MODULES, MAX_PORTS, ModuleInput, ModulePorts, ModuleUse};
pub use privacy::Privacy;
pub use style::MAX_STYLE_BYTES;
pub use theme::{Density, Scheme, Theme};
pub use translation::{MAX_LANGUAGES, MAX_MESSAGE, MAX_MESSAGES, MAX_MESSAGES_BYTES, Translations};

/// Components, over all pages, that one app may have.
pub const MAX_COMPONENTS: usize = 1000;
/// Queries, scripts among them, that one app may have.
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
    /// Scripts by name: queries in JavaScript.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub scripts: BTreeMap<Name, Script>,
    /// Transformers by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub transformers: BTreeMap<Name, Transformer>,
    /// State variables that every page sees.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub state: BTreeMap<Name, StateVariable>,
    /// How it looks; as the studio when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub theme: Option<Theme>,
    /// A style sheet, which reaches what is in the app alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub style: Option<String>,
    /// What it says in several languages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub translations: Option<Translations>,
    /// What it takes, gives and tells of, where it is a module: made to stand in apps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub module: Option<ModulePorts>,
    /// The modules that stand in it, by the names of their components. What is of such a module has names that begin with that name and `__`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub modules: BTreeMap<Name, ModuleUse>,
}

/// One page.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Page {
    /// Shown on the page's tab; the name when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Its path below that of the app, such as `orders/{id}`, whose parameters are read as `url.parameters.id`; its name when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub route: Option<String>,
    /// State variables that begin anew whenever the page opens.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub state: BTreeMap<Name, StateVariable>,
    /// What it does on its own event, `open`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<EventHandler>,
    /// Components by name. Names are unique over the whole app, since expressions refer to them.
    #[serde(default)]
    pub components: BTreeMap<Name, Component>,
    /// Where each component stands.
    #[serde(default)]
    pub layout: BTreeMap<Name, GridRect>,
    /// Where components stand on a narrow screen. What is not named here follows below, one under the other; all of it does when
    /// this is empty.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub phone_layout: BTreeMap<Name, GridRect>,
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
    /// Names by which the app's style sheet finds it, with blanks between them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class: Option<String>,
}

impl AppDocument {
    /// The groups that its queries name, each with its place.
    pub fn groups(&self) -> impl Iterator<Item = (String, &Slug)> {
        self.queries.iter().flat_map(|(name, query)| {
            let places = query.privacy.allowed_groups.iter().enumerate();
            places.map(move |(index, group)| (format!("queries.{name}.allowed-groups.{index}"), group))
        })
    }

    /// An app with one empty page.
    pub fn empty(title: &str) -> Self {
        let home: Name = "home".parse().expect("`home` is a name");
        Self {
            format: 1,
            title: title.to_owned(),
            home_page: home.clone(),
            pages: BTreeMap::from([(home, Page::default())]),
            queries: BTreeMap::new(),
            scripts: BTreeMap::new(),
            transformers: BTreeMap::new(),
            state: BTreeMap::new(),
            theme: None,
            style: None,
            translations: None,
            module: None,
            modules: BTreeMap::new(),
        }
    }

    /// The workflows that its actions start.
    pub fn workflows(&self) -> BTreeSet<&Slug> {
        self.actions().into_iter().filter_map(|(_, action)| action.workflow()).collect()
    }

    /// All that it does, each with its place.
    fn actions(&self) -> Vec<(String, &Action)> {
        fn of_handlers<'a>(path: &str, handlers: &'a [EventHandler], into: &mut Vec<(String, &'a Action)>) {
            into.extend(handlers.iter().enumerate().map(|(index, one)| (format!("{path}.{index}"), &one.action)));
        }
        let mut found = Vec::new();
        for (name, page) in &self.pages {
            of_handlers(&format!("pages.{name}.events"), &page.events, &mut found);
            for (component, Component { events, .. }) in &page.components {
                of_handlers(&format!("pages.{name}.components.{component}.events"), events, &mut found);
            }
        }
        let queries = self.queries.iter().map(|(name, query)| (format!("queries.{name}"), &query.flow));
        let scripts = self.scripts.iter().map(|(name, script)| (format!("scripts.{name}"), &script.flow));
        for (path, flow) in queries.chain(scripts) {
            for (part, steps) in [("on-success", &flow.on_success), ("on-failure", &flow.on_failure)] {
                let steps = steps.iter().enumerate();
                found.extend(steps.map(|(index, step)| (format!("{path}.{part}.{index}"), &step.action)));
            }
        }
        found
    }

    /// Whether the app or a page has a state variable of this name.
    fn has_state(&self, name: &Name) -> bool {
        self.state.contains_key(name) || self.pages.values().any(|page| page.state.contains_key(name))
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
        let queries = self.queries.len() + self.scripts.len();
        if queries > MAX_QUERIES {
            faults.push(Fault::new("queries", format!("{queries} queries; the most is {MAX_QUERIES}")));
        }
        if let Some(theme) = &self.theme {
            theme.faults(&mut faults);
        }
        let mut check = Check::new(self, &mut faults);
        check.style(self);
        check.translations();
        check.queries();
        check.modules();
        let mut taken = BTreeSet::new();
        check.state(&self.state, "state", &mut taken);
        for (name, page) in &self.pages {
            check.page(name, page);
            check.state(&page.state, &format!("pages.{name}.state"), &mut taken);
        }
        faults
    }
}

impl<'a> Check<'a> {
    fn page(&mut self, page_name: &'a Name, page: &'a Page) {
        let path = format!("pages.{page_name}");
        if let Some(route) = &page.route {
            self.route(page_name, route, &format!("{path}.route"));
        }
        self.handlers(&page.events, &format!("{path}.events"));
        for (name, component) in &page.components {
            let path = format!("{path}.components.{name}");
            self.name(name, &format!("a component of page `{page_name}`"), &path);
            if !page.layout.contains_key(name) {
                self.fault(&format!("pages.{page_name}.layout.{name}"), "the component has no place");
            }
            for (key, value) in component.properties.iter().filter(|(key, _)| !component.kind.keeps(key)) {
                check_value(value, &format!("{path}.properties.{key}"), 0, self.faults);
            }
            self.handlers(&component.events, &format!("{path}.events"));
            self.class(component, &path);
        }
        layout::validate(page_name, page, self.faults);
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
    fn two_thousand_components_are_refused_with_the_limit() {
        let names: Vec<String> = (0..2 * MAX_COMPONENTS).map(|at| format!("text{at}")).collect();
        let of = |count: usize| {
            let components = names[..count].iter().map(|name| (name.clone(), json!({ "type": "text" }))).collect();
            let layout = names[..count].iter().map(|name| (name.clone(), place(None))).collect();
            faults(&app(Value::Object(components), Value::Object(layout)))
        };
        assert_eq!(of(MAX_COMPONENTS), Vec::<String>::new());
        assert_eq!(of(2 * MAX_COMPONENTS), ["pages: 2000 components; the most is 1000"]);
    }

    #[test]
    fn the_code_of_a_custom_component_is_no_template() {
        let properties =
            json!({ "script": "const text = `{{ not ${closed}`", "style": "a { b: c }} {{", "data": "{{ a" });
        let custom = json!({ "type": "custom", "properties": properties });
        let document = app(json!({ "what": custom }), json!({ "what": place(None) }));
        let found = document.validate().into_iter().map(|fault| fault.path).collect::<Vec<_>>();
        assert_eq!(found, ["pages.home.components.what.properties.data"]);
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
    fn a_narrow_screen_has_places_of_its_own_in_the_same_containers() {
        let components = json!({ "box": { "type": "container" }, "name": { "type": "text" } });
        let mut document = app(components, json!({ "box": place(None), "name": place(Some("box")) }));
        let page = document.pages.values_mut().next().expect("a page");
        let at = |value: Value| serde_json::from_value::<GridRect>(value).expect("a place");
        page.phone_layout = BTreeMap::from([("name".parse().expect("a name"), at(place(Some("box"))))]);
        assert_eq!(faults(&document), Vec::<String>::new());
        let page = document.pages.values_mut().next().expect("a page");
        page.phone_layout = BTreeMap::from([
            ("name".parse().expect("a name"), at(place(None))),
            ("lost".parse().expect("a name"), at(json!({ "column": 20, "row": 0, "width": 8, "height": 1 }))),
        ]);
        assert_eq!(
            faults(&document),
            [
                "pages.home.phone-layout.lost: there is no component of this name",
                "pages.home.phone-layout.lost: must lie within 24 columns and be at least 1 by 1",
                "pages.home.phone-layout.name: stands in another component than on a wide screen: one holds it on both",
            ]
        );
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

    /// A document with every part that there is.
    fn whole() -> Value {
        json!({
            "format": 1, "title": "Whole", "home-page": "home",
            "pages": {
                "detail": { "route": "orders/{id}", "layout": {}, "components": {} },
                "home": {
                    "title": "Home",
                    "state": { "draft": { "initial": { "name": "{{ list.rows[0].name }}" } } },
                    "events": [{ "on": "open", "action": { "do": "run-query", "query": "greet" }, "when": "{{ url.hash }}" }],
                    "components": { "go": { "type": "button", "properties": { "label": "Go" }, "events": [
                        { "on": "click", "action": { "do": "run-query", "query": "list", "arguments": { "id": 3 } }, "when": "{{ state.filter.value }}", "debounce-ms": 200 },
                        { "on": "click", "action": { "do": "call", "component": "go", "method": "focus" }, "throttle-ms": 1000 },
                        { "on": "click", "action": { "do": "set-state", "variable": "filter", "value": "{{ go.label }}" } },
                        { "on": "click", "action": { "do": "set-local-storage", "key": "last", "value": null } },
                        { "on": "click", "action": { "do": "set-url", "parameters": { "page": 2 }, "hash": "top" } },
                        { "on": "click", "action": { "do": "navigate", "page": "detail", "parameters": { "id": "{{ 1 }}" } } },
                        { "on": "click", "action": { "do": "open-app", "app": "orders", "new-tab": true } },
                        { "on": "click", "action": { "do": "open-url", "url": "https://example.org/{{ 1 }}" } },
                        { "on": "click", "action": { "do": "copy", "value": "{{ list.rows }}" } },
                        { "on": "click", "action": { "do": "download", "value": "{{ list.rows }}", "file-name": "list.csv", "format": "csv" } },
                        { "on": "click", "action": { "do": "run-workflow", "workflow": "nightly-sync", "body": { "id": "{{ 1 }}" } } },
                        { "on": "click", "action": { "do": "wait", "ms": 200 } },
                    ] } },
                    "layout": { "go": { "column": 0, "row": 0, "width": 4, "height": 2 } },
                },
            },
            "queries": { "list": {
                "resource": "tables", "statement": "select {{ args.id }}", "mode": "read", "run": "load", "transform": "data.slice(1)",
                "confirm": "Sure?", "when": "{{ state.filter.value }}", "delay-ms": 100, "every-seconds": 30, "refresh": ["greet"],
                "on-success": [{ "do": "notify", "message": "Done.", "tone": "success", "duration-ms": 2000, "when": "{{ list.data }}" }],
                "on-failure": [{ "do": "run-workflow", "workflow": "alarm", "body": null }],
            } },
            "scripts": { "greet": { "code": "return await list.run({ id: 1 })", "run": "load", "timeout-ms": 1000 } },
            "transformers": { "names": { "code": "list.rows.map((row) => row.name)" } },
            "state": { "filter": {} },
        })
    }

    #[test]
    fn a_whole_document_is_written_as_it_was_read() {
        let document: AppDocument = serde_json::from_value(whole()).expect("a document");
        assert_eq!(faults(&document), Vec::<String>::new());
        assert_eq!(serde_json::to_value(&document).expect("JSON"), whole());
        let text = serde_json::to_string(&document).expect("JSON");
        let read: AppDocument = serde_json::from_str(&text).expect("a document");
        assert_eq!(serde_json::to_string(&read).expect("JSON"), text);
        let workflows: Vec<&str> = document.workflows().into_iter().map(Slug::as_str).collect();
        assert_eq!(workflows, ["alarm", "nightly-sync"]);
    }

    #[test]
    fn what_is_no_part_of_the_format_is_refused() {
        for place in [
            "/queries/list",
            "/queries/list/on-success/0",
            "/scripts/greet",
            "/transformers/names",
            "/state/filter",
            "/pages/home",
            "/pages/home/events/0",
            "/pages/home/events/0/action",
            "/pages/home/components/go/events/1/action",
        ] {
            let mut document = whole();
            document.pointer_mut(place).expect(place)["nonsense"] = json!(1);
            let error = serde_json::from_value::<AppDocument>(document).expect_err(place);
            assert!(error.to_string().contains("nonsense"), "{place}: {error}");
        }
    }

    #[test]
    fn faults_of_logic_name_their_place() {
        for (place, value, fault) in [
            ("/pages/home/events/0/query", json!("nosuch"), "pages.home.events.0: there is no query `nosuch`"),
            ("/pages/home/events/0/when", json!("{{ a"), "pages.home.events.0.when: the binding"),
            (
                "/pages/home/components/go/events/0/debounce-ms",
                json!(0),
                "pages.home.components.go.events.0.debounce-ms: must be",
            ),
            (
                "/pages/home/components/go/events/1/method",
                json!("x y"),
                "pages.home.components.go.events.1.method: `x y` cannot",
            ),
            (
                "/pages/home/components/go/events/2/variable",
                json!("no"),
                "pages.home.components.go.events.2: there is no state variable `no`",
            ),
            (
                "/pages/home/components/go/events/5/page",
                json!("no"),
                "pages.home.components.go.events.5: there is no page `no`",
            ),
            ("/pages/detail/route", json!("{id}"), "pages.detail.route: `{id}` is no path"),
            ("/pages/detail/route", json!("edit"), "pages.detail.route: `edit` is where"),
            ("/pages/home/route", json!("orders/{x}"), "pages.home.route: page `detail` has this path"),
            ("/queries/list/every-seconds", json!(0), "queries.list.every-seconds: must be between 1"),
            ("/queries/list/mode", json!("write"), "queries.list.every-seconds: a query that writes"),
            ("/queries/list/refresh", json!(["no"]), "queries.list.refresh: there is no query `no`"),
            (
                "/queries/list/on-failure",
                json!([{ "do": "open", "component": "no" }]),
                "queries.list.on-failure.0: there is no component `no`",
            ),
            ("/scripts/greet/code", json!(" "), "scripts.greet.code: is empty"),
            ("/scripts/greet/timeout-ms", json!(0), "scripts.greet.timeout-ms: must be between 1"),
            (
                "/transformers/names/code",
                json!("x".repeat(MAX_CODE_BYTES + 1)),
                "transformers.names.code: is 65537 bytes long",
            ),
            ("/state/filter/initial", json!("{{ }}"), "state.filter.initial: the binding"),
            ("/state/draft", json!({}), "pages.home.state.draft: the app or another page has"),
            ("/scripts/list", json!({ "code": "1" }), "scripts.list: a query already has this name"),
            ("/scripts/state", json!({ "code": "1" }), "scripts.state: `state` is what every app has"),
        ] {
            let mut document = whole();
            let (parent, key) = place.rsplit_once('/').expect(place);
            let parent = document.pointer_mut(parent).expect(place);
            let parent = if parent.get("action").is_some() && key != "debounce-ms" && key != "when" {
                &mut parent["action"]
            } else {
                parent
            };
            parent[key] = value;
            let document = serde_json::from_value(document).expect(place);
            let found = faults(&document);
            assert!(found.iter().any(|found| found.starts_with(fault)), "{place}: {found:?}");
        }
    }
}
