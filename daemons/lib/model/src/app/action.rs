//! What an app does: the actions of events, and of queries that have ended.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::check::{Check, check_template, check_value};
use super::module::SELF;
use crate::{Name, Slug};

/// The most handlers of one component or page, and the most actions that follow one query.
pub const MAX_HANDLERS: usize = 50;
/// The longest pause before or between actions, in milliseconds.
pub const MAX_PAUSE_MS: u32 = 60_000;
/// The most arguments of a query, a method or a page.
const MAX_ARGUMENTS: usize = 50;

/// `on` an event, do an action. Handlers of the same event run in their order, each after the one before it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct EventHandler {
    /// `click`, `change`, `submit`, `row-select`, `open` or `close`; a component tells which it has. Of a page: `open`.
    pub on: String,
    /// What happens.
    pub action: Action,
    /// Happens only when this is true: a text with bindings, such as `{{ table.selectedRow }}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<String>,
    /// Milliseconds without the event until it happens, once for all of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub debounce_ms: Option<u32>,
    /// Milliseconds after it happened in which it does not happen again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub throttle_ms: Option<u32>,
}

/// One of the actions that follow each other when a query has ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Step {
    /// What happens.
    #[serde(flatten)]
    pub action: Action,
    /// Happens only when this is true: a text with bindings.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<String>,
}

/// What an event handler or a finished query does. Texts and values may hold bindings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "do", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Action {
    /// Runs a query or a script of the app, and waits for it.
    RunQuery {
        /// Its name.
        query: Name,
        /// What it reads as `args.<name>`.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        arguments: BTreeMap<Name, Value>,
    },
    /// Sets an input's value.
    SetValue {
        /// The input.
        component: Name,
        /// The value.
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
    /// Calls a method of a component: `focus`, `scrollIntoView`, and what its kind has, such as `selectRow`.
    Call {
        /// The component.
        component: Name,
        /// The method.
        method: String,
        /// Its arguments, in their order.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        arguments: Vec<Value>,
    },
    /// Sets a state variable of the app or of the page.
    SetState {
        /// The variable.
        variable: Name,
        /// The value; null when absent.
        #[serde(default)]
        value: Value,
    },
    /// Keeps a value in the browser, for this app and this person.
    SetLocalStorage {
        /// What it is found by: `localStorage.<key>`.
        key: Name,
        /// The value; null forgets it.
        #[serde(default)]
        value: Value,
    },
    /// Changes the address without leaving the page.
    SetUrl {
        /// Parameters to set; null removes one, and others stay.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        parameters: BTreeMap<Name, Value>,
        /// What follows the `#`; stays as it is when absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        hash: Option<String>,
    },
    /// Opens another page of the app.
    Navigate {
        /// The page.
        page: Name,
        /// Its parameters: `url.parameters.<name>`.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        parameters: BTreeMap<Name, Value>,
    },
    /// Opens another app.
    OpenApp {
        /// Its name in addresses.
        app: Slug,
        /// A page of it; its first when absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        page: Option<Name>,
        /// The page's parameters.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        parameters: BTreeMap<Name, Value>,
        /// In another tab of the browser.
        #[serde(default, rename = "new-tab", skip_serializing_if = "std::ops::Not::not")]
        new_tab: bool,
    },
    /// Opens an address of http, https or mailto, in another tab of the browser.
    OpenUrl {
        /// The address.
        url: String,
    },
    /// Shows a short message.
    Notify {
        /// The text.
        message: String,
        /// How it is meant.
        #[serde(default, skip_serializing_if = "NotifyTone::is_info")]
        tone: NotifyTone,
        /// For how long it shows, in milliseconds; as long as it takes to read when absent.
        #[serde(default, rename = "duration-ms", skip_serializing_if = "Option::is_none")]
        duration_ms: Option<u32>,
    },
    /// Copies a value to the clipboard: a text as it is, anything else as JSON.
    Copy {
        /// The value.
        value: Value,
    },
    /// Saves a value as a file.
    Download {
        /// The value: rows for a CSV file.
        value: Value,
        /// The name of the file, with its ending.
        #[serde(rename = "file-name")]
        file_name: String,
        /// What it is written as.
        #[serde(default, skip_serializing_if = "FileFormat::is_text")]
        format: FileFormat,
    },
    /// Starts a run of a workflow's released version, and does not wait for its end.
    RunWorkflow {
        /// The workflow.
        workflow: Slug,
        /// What its blocks see as `trigger.body`; null when absent.
        #[serde(default)]
        body: Value,
    },
    /// Lets some time pass.
    Wait {
        /// Milliseconds.
        ms: u32,
    },
}

/// How a message is meant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum NotifyTone {
    /// Just so.
    #[default]
    Info,
    /// Something worked.
    Success,
    /// Something needs care.
    Warning,
    /// Something failed.
    Error,
}

impl NotifyTone {
    fn is_info(&self) -> bool {
        *self == Self::Info
    }
}

/// What a value is written as.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum FileFormat {
    /// A text as it is, anything else as JSON.
    #[default]
    Text,
    /// Rows, with a line for the names of their columns.
    Csv,
    /// JSON.
    Json,
}

impl FileFormat {
    fn is_text(&self) -> bool {
        *self == Self::Text
    }
}

impl Action {
    /// The workflow that it starts.
    pub fn workflow(&self) -> Option<&Slug> {
        match self {
            Self::RunWorkflow { workflow, .. } => Some(workflow),
            _ => None,
        }
    }
}

impl Check<'_> {
    /// Faults of handlers of a component or page.
    pub(super) fn handlers(&mut self, handlers: &[EventHandler], path: &str) {
        if handlers.len() > MAX_HANDLERS {
            self.fault(path, format!("{} handlers; the most is {MAX_HANDLERS}", handlers.len()));
        }
        for (index, handler) in handlers.iter().enumerate() {
            let path = format!("{path}.{index}");
            self.action(&handler.action, &path);
            self.condition(handler.when.as_deref(), &path);
            for (key, ms) in [("debounce-ms", handler.debounce_ms), ("throttle-ms", handler.throttle_ms)] {
                self.pause(ms, &format!("{path}.{key}"));
            }
        }
    }

    /// Faults of what follows a query.
    pub(super) fn steps(&mut self, steps: &[Step], path: &str) {
        if steps.len() > MAX_HANDLERS {
            self.fault(path, format!("{} actions; the most is {MAX_HANDLERS}", steps.len()));
        }
        for (index, step) in steps.iter().enumerate() {
            let path = format!("{path}.{index}");
            self.action(&step.action, &path);
            self.condition(step.when.as_deref(), &path);
        }
    }

    pub(super) fn condition(&mut self, when: Option<&str>, path: &str) {
        check_template(when.unwrap_or_default(), &format!("{path}.when"), self.faults);
    }

    pub(super) fn pause(&mut self, ms: Option<u32>, path: &str) {
        if ms.is_some_and(|ms| ms == 0 || ms > MAX_PAUSE_MS) {
            self.fault(path, format!("must be between 1 and {MAX_PAUSE_MS}; leave it out for none"));
        }
    }

    fn action(&mut self, action: &Action, path: &str) {
        match action {
            Action::RunQuery { query, arguments } => {
                self.runnable(query, path);
                self.values(arguments, &format!("{path}.arguments"));
            }
            Action::Reset { component } | Action::Open { component } | Action::Close { component } => {
                self.component(component, path);
            }
            Action::SetValue { component, value } => {
                self.component(component, path);
                check_template(value, path, self.faults);
            }
            Action::Call { component, method, arguments } => {
                self.component(component, path);
                if !is_method(method) {
                    self.fault(&format!("{path}.method"), format!("`{method}` cannot be the name of a method"));
                }
                self.count(arguments.len(), &format!("{path}.arguments"));
                check_value(&Value::Array(arguments.clone()), &format!("{path}.arguments"), 0, self.faults);
            }
            Action::SetState { variable, value } => {
                if !self.document.has_state(variable) {
                    self.fault(path, format!("there is no state variable `{variable}`"));
                }
                check_value(value, path, 0, self.faults);
            }
            Action::SetLocalStorage { value, .. } | Action::Copy { value } => check_value(value, path, 0, self.faults),
            Action::SetUrl { parameters, hash } => {
                self.values(parameters, &format!("{path}.parameters"));
                check_template(hash.as_deref().unwrap_or_default(), path, self.faults);
            }
            Action::Navigate { page, parameters } => {
                if !self.document.pages.contains_key(page) {
                    self.fault(path, format!("there is no page `{page}`"));
                }
                self.values(parameters, &format!("{path}.parameters"));
            }
            Action::OpenApp { parameters, .. } => self.values(parameters, &format!("{path}.parameters")),
            Action::OpenUrl { url } => check_template(url, path, self.faults),
            Action::Notify { message, duration_ms, .. } => {
                check_template(message, path, self.faults);
                self.pause(*duration_ms, &format!("{path}.duration-ms"));
            }
            Action::Download { value, file_name, .. } => {
                check_value(value, path, 0, self.faults);
                check_template(file_name, &format!("{path}.file-name"), self.faults);
            }
            Action::RunWorkflow { body, .. } => check_value(body, path, 0, self.faults),
            Action::Wait { ms } => self.pause(Some(*ms), &format!("{path}.ms")),
        }
    }

    fn values(&mut self, values: &BTreeMap<Name, Value>, path: &str) {
        self.count(values.len(), path);
        for (name, value) in values {
            check_value(value, &format!("{path}.{name}"), 0, self.faults);
        }
    }

    fn count(&mut self, count: usize, path: &str) {
        if count > MAX_ARGUMENTS {
            self.fault(path, format!("{count} are given; the most is {MAX_ARGUMENTS}"));
        }
    }

    pub(super) fn runnable(&mut self, query: &Name, path: &str) {
        if !self.document.queries.contains_key(query) && !self.document.scripts.contains_key(query) {
            self.fault(path, format!("there is no query `{query}`"));
        }
    }

    fn component(&mut self, component: &Name, path: &str) {
        let is_itself = self.document.module.is_some() && component.as_str() == SELF;
        if !is_itself && !self.document.pages.values().any(|page| page.components.contains_key(component)) {
            self.fault(path, format!("there is no component `{component}`"));
        }
    }
}

/// Which methods there are is the browser's to know, as are kinds of components; here only that it can be a name.
fn is_method(method: &str) -> bool {
    method.len() <= 63
        && method.starts_with(|first: char| first.is_ascii_lowercase())
        && method.chars().all(|char| char.is_ascii_alphanumeric())
}
