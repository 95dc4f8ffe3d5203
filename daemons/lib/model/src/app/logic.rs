//! What an app computes and remembers: queries with what follows them, scripts, transformers, state variables, routes.

use std::collections::{BTreeMap, BTreeSet};

use serde::de::{Error, IgnoredAny};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::Privacy;
use super::action::Step;
use super::check::{Check, check_template, check_value};
use crate::Name;
use crate::query::{QueryMode, ResourceQuery};

/// The longest script or transformer, in bytes.
pub const MAX_CODE_BYTES: usize = 64 * 1024;
/// The most transformers, and the most state variables of an app or of a page.
pub const MAX_VARIABLES: usize = 200;
/// The longest time that a script may take, in milliseconds.
pub const MAX_SCRIPT_MS: u32 = 120_000;
/// The longest time between runs by a timer, in seconds: a day.
const MAX_EVERY_SECONDS: u32 = 86_400;
/// The most segments of a page's path.
const MAX_SEGMENTS: usize = 8;

/// A query of an app.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub struct AppQuery {
    /// The statement and where it runs.
    #[serde(flatten)]
    pub query: ResourceQuery,
    /// When it runs by itself.
    #[serde(default)]
    pub run: RunWhen,
    /// JavaScript that makes the query's `data` of what the resource answered, which it reads as `data`: an expression, or
    /// statements with `return`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transform: Option<String>,
    /// What holds of every run.
    #[serde(flatten)]
    pub flow: Flow,
    /// Who may run it, and what of it is told to nobody.
    #[serde(flatten)]
    pub privacy: Privacy,
}

/// `AppQuery`, and what is no part of it: a flattened struct cannot refuse that itself.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct RawQuery {
    #[serde(flatten)]
    query: ResourceQuery,
    #[serde(default)]
    run: RunWhen,
    #[serde(default)]
    transform: Option<String>,
    #[serde(flatten)]
    flow: Flow,
    #[serde(flatten)]
    privacy: Privacy,
    #[serde(flatten)]
    unknown: BTreeMap<String, IgnoredAny>,
}

impl<'de> Deserialize<'de> for AppQuery {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let RawQuery { query, run, transform, flow, privacy, unknown } = RawQuery::deserialize(deserializer)?;
        refuse_unknown(&unknown)?;
        Ok(Self { query, run, transform, flow, privacy })
    }
}

/// JavaScript that runs in the browser's sandbox, sees what expressions see, and may run queries, control components and set state.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Script {
    /// Statements, with `await`; what they `return` is the script's `data`.
    pub code: String,
    /// When it runs by itself.
    #[serde(default, skip_serializing_if = "ScriptRun::is_manual")]
    pub run: ScriptRun,
    /// Milliseconds that a run may take.
    #[serde(default = "default_timeout", skip_serializing_if = "is_default_timeout")]
    pub timeout_ms: u32,
    /// What holds of every run.
    #[serde(flatten)]
    pub flow: Flow,
}

/// `Script`, and what is no part of it.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct RawScript {
    code: String,
    #[serde(default)]
    run: ScriptRun,
    #[serde(default = "default_timeout")]
    timeout_ms: u32,
    #[serde(flatten)]
    flow: Flow,
    #[serde(flatten)]
    unknown: BTreeMap<String, IgnoredAny>,
}

impl<'de> Deserialize<'de> for Script {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let RawScript { code, run, timeout_ms, flow, unknown } = RawScript::deserialize(deserializer)?;
        refuse_unknown(&unknown)?;
        Ok(Self { code, run, timeout_ms, flow })
    }
}

fn refuse_unknown<E: Error>(unknown: &BTreeMap<String, IgnoredAny>) -> Result<(), E> {
    match unknown.keys().next() {
        None => Ok(()),
        Some(key) => Err(E::custom(format!("unknown field `{key}`"))),
    }
}

/// What queries and scripts have in common: what must hold before a run, and what follows it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Flow {
    /// A question to confirm before it runs, with bindings.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confirm: Option<String>,
    /// It runs only when this is true: a text with bindings.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<String>,
    /// Milliseconds to wait before each run that begins by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delay_ms: Option<u32>,
    /// Runs again each so many seconds, as long as the page can be seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub every_seconds: Option<u32>,
    /// Queries that run again when it has succeeded, all at once and without being waited for.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub refresh: BTreeSet<Name>,
    /// What happens after it succeeded.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub on_success: Vec<Step>,
    /// What happens after it failed; it is not shown as an error then.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub on_failure: Vec<Step>,
}

/// When a query runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RunWhen {
    /// When the page opens and whenever a value that it binds changes.
    #[default]
    Automatic,
    /// When the page opens.
    Load,
    /// Only when an action runs it.
    Manual,
}

/// When a script runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ScriptRun {
    /// Only when an action runs it.
    #[default]
    Manual,
    /// When the page opens.
    Load,
}

impl ScriptRun {
    fn is_manual(&self) -> bool {
        *self == Self::Manual
    }
}

const fn default_timeout() -> u32 {
    30_000
}

fn is_default_timeout(ms: &u32) -> bool {
    *ms == default_timeout()
}

/// A value that is computed of others, and computed anew when one of them changes: expressions read it as `<name>.value`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Transformer {
    /// JavaScript without side effects: an expression, or statements with `return`.
    pub code: String,
}

/// A value that actions and scripts set: expressions read it as `state.<name>.value`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct StateVariable {
    /// Its value until it is set, with bindings; null when absent.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub initial: Value,
}

impl<'a> Check<'a> {
    pub(super) fn queries(&mut self) {
        for (name, query) in &self.document.queries {
            let path = format!("queries.{name}");
            self.name(name, "a query", &path);
            self.faults.extend(query.query.validate(&path));
            if query.query.change.is_some() && query.run != RunWhen::Manual {
                let message = "a change of a table never runs by itself: write `manual`, and have an event run it";
                self.fault(&format!("{path}.run"), message);
            }
            if query.query.library.is_some() && query.query.mode == QueryMode::Write && query.run != RunWhen::Manual {
                let message =
                    "a query of the library that writes never runs by itself: write `manual`, and have an event run it";
                self.fault(&format!("{path}.run"), message);
            }
            query.privacy_faults(&path, self.faults);
            if query.query.effect() == QueryMode::Write && query.flow.every_seconds.is_some() {
                let message = "a query that writes is not run by a timer: leave it out, or set the mode to `read`";
                self.fault(&format!("{path}.every-seconds"), message);
            }
            if let Some(transform) = &query.transform {
                self.code(transform, &format!("{path}.transform"));
            }
            self.flow(&query.flow, &path);
        }
        for (name, script) in &self.document.scripts {
            let path = format!("scripts.{name}");
            self.name(name, "a script", &path);
            self.code(&script.code, &format!("{path}.code"));
            if script.timeout_ms == 0 || script.timeout_ms > MAX_SCRIPT_MS {
                self.fault(&format!("{path}.timeout-ms"), format!("must be between 1 and {MAX_SCRIPT_MS}"));
            }
            self.flow(&script.flow, &path);
        }
        for (name, transformer) in &self.document.transformers {
            let path = format!("transformers.{name}");
            self.name(name, "a transformer", &path);
            self.code(&transformer.code, &format!("{path}.code"));
        }
        if self.document.transformers.len() > MAX_VARIABLES {
            let message = format!("{} transformers; the most is {MAX_VARIABLES}", self.document.transformers.len());
            self.fault("transformers", message);
        }
    }

    fn flow(&mut self, flow: &Flow, path: &str) {
        check_template(flow.confirm.as_deref().unwrap_or_default(), &format!("{path}.confirm"), self.faults);
        self.condition(flow.when.as_deref(), path);
        self.pause(flow.delay_ms, &format!("{path}.delay-ms"));
        if flow.every_seconds.is_some_and(|seconds| seconds == 0 || seconds > MAX_EVERY_SECONDS) {
            self.fault(&format!("{path}.every-seconds"), format!("must be between 1 and {MAX_EVERY_SECONDS}"));
        }
        for query in &flow.refresh {
            self.runnable(query, &format!("{path}.refresh"));
        }
        self.steps(&flow.on_success, &format!("{path}.on-success"));
        self.steps(&flow.on_failure, &format!("{path}.on-failure"));
    }

    /// Whether it is JavaScript is the browser's to say, where it is written and where it runs.
    fn code(&mut self, code: &str, path: &str) {
        if code.trim().is_empty() {
            self.fault(path, "is empty: write an expression, or statements with `return`");
        }
        if code.len() > MAX_CODE_BYTES {
            self.fault(path, format!("is {} bytes long; the most is {MAX_CODE_BYTES}", code.len()));
        }
    }

    /// State variables, of the app or of a page. They have names of their own, since they are read as `state.<name>`.
    pub(super) fn state(
        &mut self,
        state: &'a BTreeMap<Name, StateVariable>,
        path: &str,
        taken: &mut BTreeSet<&'a Name>,
    ) {
        if state.len() > MAX_VARIABLES {
            self.fault(path, format!("{} state variables; the most is {MAX_VARIABLES}", state.len()));
        }
        for (name, variable) in state {
            let path = format!("{path}.{name}");
            if !taken.insert(name) {
                self.fault(&path, "the app or another page has a state variable of this name already");
            }
            check_value(&variable.initial, &format!("{path}.initial"), 0, self.faults);
        }
    }

    /// The path of a page: `orders/{id}`.
    pub(super) fn route(&mut self, page: &Name, route: &str, path: &str) {
        let segments: Vec<&str> = route.split('/').collect();
        let is_sound = segments.len() <= MAX_SEGMENTS
            && segments.iter().all(|segment| match segment.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
                Some(parameter) => parameter.parse::<Name>().is_ok(),
                None => is_segment(segment),
            });
        if !is_sound || segments[0].starts_with('{') {
            let message = format!(
                "`{route}` is no path: write words of lower-case letters, digits and hyphens between `/`, and parameters in braces, such as `orders/{{id}}`"
            );
            self.fault(path, message);
        } else if segments[0] == "edit" {
            self.fault(path, "`edit` is where the app is edited: begin with another word");
        }
        let shape = |route: &str| -> Vec<String> {
            route.split('/').map(|part| if part.starts_with('{') { "{}".to_owned() } else { part.to_owned() }).collect()
        };
        let mine = shape(route);
        let other = self.document.pages.iter().find(|(name, other)| {
            *name < page && other.route.as_deref().map_or_else(|| vec![name.to_string()], shape) == mine
        });
        if let Some((other, _)) = other {
            self.fault(path, format!("page `{other}` has this path already"));
        }
    }
}

fn is_segment(segment: &str) -> bool {
    (1..=63).contains(&segment.len())
        && segment.chars().all(|char| char.is_ascii_lowercase() || char.is_ascii_digit() || char == '-')
}
