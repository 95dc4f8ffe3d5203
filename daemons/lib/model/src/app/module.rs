//! Modules: apps that are made to stand in other apps, and what an app keeps of each that stands in it.
//!
//! The browser puts a module's release into the app's document, under names that begin with the component's: `card__title` is `title` of
//! the module at the component `card`. So whatever runs an app, here or in the browser, needs to know nothing of modules.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::action::Action;
use super::check::{Check, check_template, check_value};
use super::{AppDocument, Page};
use crate::{Fault, Name, Slug};

/// The most inputs, outputs, and events of a module, of each.
pub const MAX_PORTS: usize = 50;
/// How deep modules may stand in each other.
pub const MAX_MODULE_DEPTH: usize = 4;
/// The most modules in one app, those in others included.
pub const MAX_MODULES: usize = 100;
/// The kind of the component that a module is in an app.
const KIND: &str = "module";
/// What a module calls itself in its own expressions: `module.customer` is its input `customer`.
pub(super) const SELF: &str = "module";
/// What every component is given, and so is no input of a module's own.
const TAKEN: &str = "hidden";
/// Characters of a label, and of what an event means.
const MAX_LABEL: usize = 120;

/// What a module takes, gives and tells of.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ModulePorts {
    /// What it is given, by name: it reads `module.<name>`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub inputs: BTreeMap<Name, ModuleInput>,
    /// What an app reads of it, by name: texts with bindings.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub outputs: BTreeMap<Name, String>,
    /// What it tells of, each with what it means: it calls `module.raise(<name>)`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub events: BTreeMap<Name, String>,
}

/// What a module is given.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ModuleInput {
    /// What it is meant to be.
    #[serde(rename = "type")]
    pub kind: InputType,
    /// Its value where an app gives none, with bindings; null when absent.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub default: Value,
    /// What it is called where an app is built; its name when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
}

/// What an input is meant to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum InputType {
    /// Whatever it is.
    Any,
    /// A text.
    Text,
    /// A number.
    Number,
    /// True or false.
    Flag,
    /// A list, such as rows.
    List,
    /// An object, such as a row.
    Object,
}

impl InputType {
    /// Whether a value is of the type. What a binding gives is known only where it runs.
    fn fits(self, value: &Value) -> bool {
        let is_bound = value.as_str().is_some_and(|text| text.contains("{{"));
        let is_of_type = match self {
            Self::Any => true,
            Self::Text => value.is_string(),
            Self::Number => value.is_number(),
            Self::Flag => value.is_boolean(),
            Self::List => value.is_array(),
            Self::Object => value.is_object(),
        };
        value.is_null() || is_bound || is_of_type
    }
}

/// A module in an app: which, and which of its releases.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ModuleUse {
    /// Its name in addresses.
    pub module: Slug,
    /// The release that stands here.
    pub version: i32,
    /// What that release takes, gives and tells of.
    #[serde(default)]
    pub ports: ModulePorts,
}

impl AppDocument {
    /// Faults of it as the document of the app or module `slug`: one that stands in itself would never end.
    pub fn faults_as(&self, slug: &str) -> Vec<Fault> {
        let own = self.modules.iter().filter(|(_, used)| used.module.as_str() == slug);
        own.map(|(name, _)| Fault::new(format!("modules.{name}"), self.circle(name, slug))).collect()
    }

    /// Why `name` closes a circle: the modules on the way from the document to it.
    fn circle(&self, name: &Name, first: &str) -> String {
        let page = self.pages.values().find(|page| page.components.contains_key(name));
        let mut way: Vec<&str> = page.map(|page| self.modules_around(page, name)).unwrap_or_default();
        way.reverse();
        let way: Vec<&str> = std::iter::once(first).chain(way.into_iter().skip_while(|slug| *slug == first)).collect();
        let way = way.join(" › ");
        let way = if way.ends_with(first) && way != first { way } else { format!("{way} › {first}") };
        format!("`{first}` would stand in itself ({way}): take this module out")
    }

    /// The modules that a component stands in, itself first.
    fn modules_around<'a>(&'a self, page: &'a Page, name: &'a Name) -> Vec<&'a str> {
        let mut found = Vec::new();
        let mut at = Some(name);
        for _ in 0..=page.layout.len() {
            let Some(here) = at else { break };
            found.extend(self.modules.get(here).map(|used| used.module.as_str()));
            at = page.layout.get(here).and_then(|rect| rect.parent.as_ref());
        }
        found
    }
}

impl Check<'_> {
    /// Faults of what the document is as a module, and of the modules in it.
    pub(super) fn modules(&mut self) {
        if let Some(ports) = &self.document.module {
            self.ports(ports, "module");
            self.module_alone();
        }
        let modules = &self.document.modules;
        if modules.len() > MAX_MODULES {
            self.fault("modules", format!("{} modules; the most is {MAX_MODULES}", modules.len()));
        }
        for (name, used) in modules {
            let path = format!("modules.{name}");
            if used.version < 1 {
                self.fault(&format!("{path}.version"), "must be the number of a release, from 1");
            }
            self.ports(&used.ports, &format!("{path}.ports"));
            let page = self.document.pages.values().find(|page| page.components.contains_key(name));
            match page.filter(|page| page.components.get(name).is_some_and(|found| found.kind.as_str() == KIND)) {
                None => self.fault(&path, format!("there is no component `{name}` of the kind `{KIND}`")),
                Some(page) => {
                    let around = self.document.modules_around(page, name);
                    if around.len() > MAX_MODULE_DEPTH {
                        self.fault(&path, format!("stands deeper than {MAX_MODULE_DEPTH} modules in each other"));
                    }
                    if let Some(first) = around.iter().skip(1).find(|slug| **slug == used.module.as_str()) {
                        let message = self.document.circle(name, first);
                        self.fault(&path, message);
                    }
                }
            }
        }
    }

    fn ports(&mut self, ports: &ModulePorts, path: &str) {
        let ModulePorts { inputs, outputs, events } = ports;
        for (what, count) in [("inputs", inputs.len()), ("outputs", outputs.len()), ("events", events.len())] {
            if count > MAX_PORTS {
                self.fault(&format!("{path}.{what}"), format!("{count} {what}; the most is {MAX_PORTS}"));
            }
        }
        for name in inputs.keys().chain(outputs.keys()).filter(|name| name.as_str() == TAKEN) {
            self.fault(path, format!("`{name}` is what every module has already: choose another name"));
        }
        for (name, input) in inputs {
            let path = format!("{path}.inputs.{name}");
            if !input.kind.fits(&input.default) {
                self.fault(&format!("{path}.default"), "is not of the type that the input has");
            }
            check_value(&input.default, &format!("{path}.default"), 0, self.faults);
            self.label(input.label.as_deref().unwrap_or_default(), &format!("{path}.label"));
        }
        for (name, output) in outputs {
            let path = format!("{path}.outputs.{name}");
            if inputs.contains_key(name) {
                self.fault(&path, "an input has this name already");
            }
            check_template(output, &path, self.faults);
        }
        for (name, meaning) in events {
            self.label(meaning, &format!("{path}.events.{name}"));
        }
    }

    fn label(&mut self, text: &str, path: &str) {
        if text.chars().count() > MAX_LABEL {
            self.fault(path, format!("must have at most {MAX_LABEL} characters"));
        }
    }

    /// What an app has and a module cannot: it stands on a page of the app that it is in.
    fn module_alone(&mut self) {
        let document = self.document;
        if document.pages.len() != 1 {
            self.fault("pages", "a module has one page: it stands on a page of the app that it is in");
        }
        for (part, is_there) in [("theme", document.theme.is_some()), ("style", document.style.is_some())] {
            if is_there {
                self.fault(part, "a module looks as the app that it is in: remove it");
            }
        }
        for (name, page) in &document.pages {
            let path = format!("pages.{name}");
            for (part, is_there) in [("route", page.route.is_some()), ("events", !page.events.is_empty())] {
                if is_there {
                    self.fault(&format!("{path}.{part}"), "the page of a module has none: the app opens it");
                }
            }
            if !page.state.is_empty() {
                self.fault(&format!("{path}.state"), "is for pages of apps: make these state variables of the module");
            }
        }
        let mut raised = BTreeSet::new();
        for (path, action) in document.actions() {
            match action {
                Action::Navigate { .. } => {
                    self.fault(&path, "a module has no pages to go to: raise an event, and let the app go there");
                }
                Action::Call { component, method, arguments } if component.as_str() == SELF && method == "raise" => {
                    raised.extend(arguments.first().and_then(Value::as_str).map(|event| (path, event)));
                }
                _ => {}
            }
        }
        let events = document.module.as_ref().map(|ports| &ports.events);
        for (path, event) in raised {
            let is_known = event.contains("{{") || events.is_some_and(|events| events.contains_key(event));
            if !is_known {
                self.fault(&path, format!("the module has no event `{event}`: add it, or raise another"));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn faults(document: Value) -> Vec<String> {
        let document: AppDocument = serde_json::from_value(document).expect("a document");
        document.validate().into_iter().map(|fault| format!("{}: {}", fault.path, fault.message)).collect()
    }

    fn module(part: Value) -> Value {
        let mut document = json!({
            "format": 1, "title": "Card", "home-page": "home",
            "pages": { "home": { "components": {}, "layout": {} } },
            "module": {
                "inputs": { "customer": { "type": "object" }, "most": { "type": "number", "default": 10 } },
                "outputs": { "chosen": "{{ list.selectedRow }}" },
                "events": { "saved": "When it was saved" },
            },
        });
        for (key, value) in part.as_object().expect("parts") {
            document[key] = value.clone();
        }
        document
    }

    /// An app in which modules stand in each other, the first on the page: each with its slug.
    fn nested(slugs: &[&str]) -> Value {
        let (mut components, mut layout, mut modules) = (json!({}), json!({}), json!({}));
        let mut around: Option<String> = None;
        for slug in slugs {
            let name = around.as_ref().map_or("one".to_owned(), |around| format!("{around}__one"));
            components[&name] = json!({ "type": "module" });
            layout[&name] = json!({ "column": 0, "row": 0, "width": 4, "height": 2 });
            if let Some(around) = &around {
                layout[&name]["parent"] = json!(around);
            }
            modules[&name] = json!({ "module": slug, "version": 1 });
            around = Some(name);
        }
        json!({
            "format": 1, "title": "App", "home-page": "home", "modules": modules,
            "pages": { "home": { "components": components, "layout": layout } },
        })
    }

    #[test]
    fn a_module_has_ports_and_one_plain_page() {
        assert_eq!(faults(module(json!({}))), [""; 0]);
        let found = faults(module(json!({
            "theme": { "radius": 3 }, "style": "",
            "pages": { "home": { "route": "x", "events": [{ "on": "open", "action": { "do": "wait", "ms": 1 } }], "state": { "a": {} } }, "other": {} },
            "module": {
                "inputs": { "hidden": { "type": "any" }, "most": { "type": "number", "default": "ten" }, "both": { "type": "list", "default": "{{ [] }}" } },
                "outputs": { "both": "{{ a" },
            },
        })));
        let paths: Vec<&str> = found.iter().filter_map(|fault| fault.split(": ").next()).collect();
        assert_eq!(
            paths,
            [
                "module",
                "module.inputs.most.default",
                "module.outputs.both",
                "module.outputs.both",
                "pages",
                "theme",
                "style",
                "pages.home.route",
                "pages.home.events",
                "pages.home.state",
            ],
            "{found:?}"
        );
    }

    #[test]
    fn a_module_raises_its_own_events_and_goes_nowhere() {
        let click = |action: Value| {
            json!({ "home": {
            "components": { "go": { "type": "button", "events": [{ "on": "click", "action": action }] } },
            "layout": { "go": { "column": 0, "row": 0, "width": 4, "height": 1 } },
        } })
        };
        let raise =
            |event: &str| json!({ "do": "call", "component": "module", "method": "raise", "arguments": [event] });
        assert_eq!(faults(module(json!({ "pages": click(raise("saved")) }))), [""; 0]);
        let found = faults(module(json!({ "pages": click(raise("sold")) })));
        assert_eq!(
            found,
            ["pages.home.components.go.events.0: the module has no event `sold`: add it, or raise another"]
        );
        let found = faults(module(json!({ "pages": click(json!({ "do": "navigate", "page": "home" })) })));
        assert_eq!(found.len(), 1, "{found:?}");
        let mut app = module(json!({ "pages": click(raise("saved")) }));
        app.as_object_mut().expect("an object").remove("module");
        assert_eq!(faults(app), ["pages.home.components.go.events.0: there is no component `module`"]);
    }

    #[test]
    fn no_part_of_a_module_takes_the_name_that_it_has_for_itself() {
        let found =
            faults(module(json!({ "queries": { "module": { "resource": "tables", "statement": "select 1" } } })));
        assert_eq!(found, ["queries.module: `module` is what every module has already: choose another name"]);
    }

    #[test]
    fn modules_stand_in_each_other_but_never_in_themselves() {
        assert_eq!(faults(nested(&["a", "b", "c", "d"])), [""; 0]);
        assert_eq!(
            faults(nested(&["a", "b", "a"])),
            ["modules.one__one__one: `a` would stand in itself (a › b › a): take this module out"]
        );
        assert_eq!(
            faults(nested(&["a", "b", "c", "d", "e"])),
            ["modules.one__one__one__one__one: stands deeper than 4 modules in each other"]
        );
        let document: AppDocument = serde_json::from_value(nested(&["b", "c"])).expect("a document");
        assert_eq!(document.faults_as("a"), []);
        let messages: Vec<String> = document.faults_as("c").into_iter().map(|fault| fault.to_string()).collect();
        assert_eq!(messages, ["modules.one__one: `c` would stand in itself (c › b › c): take this module out"]);
    }

    #[test]
    fn a_use_names_a_component_and_a_release() {
        let mut app = nested(&["a"]);
        app["modules"]["one"]["version"] = json!(0);
        app["modules"]["two"] = json!({ "module": "b", "version": 1 });
        assert_eq!(
            faults(app),
            [
                "modules.one.version: must be the number of a release, from 1",
                "modules.two: there is no component `two` of the kind `module`",
            ]
        );
    }
}
