//! Running a query of an app.
//!
//! A viewer sends names and values, never SQL: the statement is the released one. What db-connector answers is streamed
//! through unread; when the browser goes away, the connection to db-connector closes, and that cancels the statement.

use std::collections::BTreeMap;

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use bulkhead_model::app::AppQuery;
use bulkhead_model::environment::visible;
use bulkhead_model::library_query::{LibraryQuery, UsedBy};
use bulkhead_model::query::{QueryMode, ResourceQuery};
use bulkhead_model::{Fault, Name, ResourceId, Role, Slug};
use bulkhead_rpc::connector::{QueryRequest, QueryResult};
use bulkhead_store::audit::AuditRecord;
use bulkhead_store::environments::EnvironmentUse;
use bulkhead_store::identity::User;
use http::{HeaderValue, Method, header};
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::documents::not_released;
use super::json::Json;
use super::library_use::{check, load, require_environment_for, resolve, role_to_build};
use crate::auth::guard::{check_environment, check_resource, require_resource};
use crate::auth::{AppKind, Caller, Editor, On, OnQuery};
use crate::http_error::ApiError;
use crate::state::SharedApi;

/// Values for a query of an app.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RunQueryRequest {
    /// The value of each expression, by its text.
    #[serde(default)]
    parameters: BTreeMap<String, Value>,
    /// Which version of the app.
    #[serde(default)]
    version: Version,
    /// In which environment; the default one when absent.
    #[serde(default)]
    environment: Option<Slug>,
}

/// Which version of an app.
#[derive(Clone, Copy, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Version {
    /// The released one.
    #[default]
    Released,
    /// The draft; for editors.
    Draft,
}

/// A query that need not be saved yet.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RunUnsavedQueryRequest {
    /// The query.
    query: ResourceQuery,
    /// The value of each expression, by its text.
    #[serde(default)]
    parameters: BTreeMap<String, Value>,
    /// In which environment; the default one when absent.
    #[serde(default)]
    environment: Option<Slug>,
}

/// Runs a query of an app.
#[utoipa::path(post, path = "/apps/{slug}/queries/{query}/run", tag = "apps", operation_id = "runAppQuery", params(("slug" = Slug, Path), ("query" = Name, Path)), request_body = RunQueryRequest, responses(
    (status = 200, description = "The result, as it is read. A body without `end` was cut off", body = QueryResult),
    (status = 403, description = "`query-not-allowed`, `environment-not-allowed`, `resource-role-too-low`", body = bulkhead_rpc::Problem, content_type = "application/problem+json"),
    (status = 422, description = "`environment-not-configured`, `parameter-missing`, `parameter-unknown`, `query-failed` (with `position` and `sqlstate`)", body = bulkhead_rpc::Problem, content_type = "application/problem+json"),
    (status = 502, description = "The database cannot be reached or refuses the log-in", body = bulkhead_rpc::Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn run(
    State(api): State<SharedApi>,
    on: OnQuery,
    Json(request): Json<RunQueryRequest>,
) -> Result<Response, ApiError> {
    let permitted = permit(&api, on, request, "app.query.run").await?;
    run_statement(&api, permitted).await
}

/// Runs a query as it stands in the builder, saved or not. Needs the role editor on its resource too.
#[utoipa::path(post, path = "/apps/{slug}/queries/run", tag = "apps", operation_id = "runUnsavedQuery", params(("slug" = Slug, Path)), request_body = RunUnsavedQueryRequest, responses(
    (status = 200, description = "The result, as it is read. A body without `end` was cut off", body = QueryResult),
    (status = 422, description = "`document-invalid`, `parameter-missing`, `parameter-unknown`, `query-failed`", body = bulkhead_rpc::Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn run_unsaved(
    State(api): State<SharedApi>,
    on: On<AppKind, Editor>,
    Json(request): Json<RunUnsavedQueryRequest>,
) -> Result<Response, ApiError> {
    let permitted = permit_unsaved(&api, on, request, "app.query.run").await?;
    run_statement(&api, permitted).await
}

/// A query that somebody may run, where and as whom.
pub(crate) struct Permitted {
    /// What is recorded of it.
    pub(crate) record: AuditRecord,
    pub(crate) user: User,
    pub(crate) resource: ResourceId,
    pub(crate) environment: EnvironmentUse,
    pub(crate) asked: Asked,
}

/// Finds out whether the caller may run a query of an app.
pub(crate) async fn permit(
    api: &SharedApi,
    on: OnQuery,
    request: RunQueryRequest,
    action: &'static str,
) -> Result<Permitted, ApiError> {
    let draft = request.version == Version::Draft;
    let wanted = request.environment.as_ref().map(Slug::as_str);
    let (caller, user, access, name) = on.load(api, draft, wanted).await?;
    if !draft && access.released_version.is_none() {
        return Err(not_released("app"));
    }
    let AppQuery { query, privacy, .. } = access.query.ok_or(ApiError::NotFound)?;
    if !access.in_groups {
        let detail = json!({ "query": name });
        api.audit.denied(caller.record("access.denied", Some(("app", access.app.0)), detail)).await;
        return Err(ApiError::QueryNotAllowed { query: name });
    }
    let environment = check_environment(api, &caller, wanted, access.environment).await?;
    let library = check(api, &caller, &query, access.library).await?;
    let needed = if draft { role_to_build(&query) } else { Role::Viewer };
    let resource = check_resource(api, &caller, query.resource.as_str(), access.resource, needed).await?;
    let detail = json!({ "query": name, "resource": query.resource.as_str(), "version": access.released_version.filter(|_| !draft), "environment": environment.name });
    let record = caller.record(action, Some(("app", access.app.0)), detail);
    if !draft {
        api.usage.ran_query(access.app);
    }
    let asked = Asked { query, library, sent: request.parameters, hidden: privacy.hidden_parameters, by: UsedBy::App };
    Ok(Permitted { record, user, resource, environment, asked })
}

/// Finds out whether the caller may run a query as it stands in the builder.
pub(crate) async fn permit_unsaved(
    api: &SharedApi,
    on: On<AppKind, Editor>,
    request: RunUnsavedQueryRequest,
    action: &'static str,
) -> Result<Permitted, ApiError> {
    let user = on.caller.user.clone().ok_or(ApiError::PersonsOnly)?;
    super::documents::require_valid(request.query.validate("query"))?;
    let library = load(api, &on.caller, &request.query, Role::Viewer).await?;
    let needed = role_to_build(&request.query);
    let resource = require_resource(api, &on.caller, request.query.resource.as_str(), needed).await?;
    let wanted = request.environment.as_ref().map(Slug::as_str);
    let environment = require_environment_for(api, &on.caller, wanted, on.role, &request.query).await?;
    let detail =
        json!({ "resource": request.query.resource.as_str(), "version": "unsaved", "environment": environment.name });
    let record = on.caller.record(action, Some(("app", on.id.0)), detail);
    // Whoever writes a query wants to see what it does now.
    let query = ResourceQuery { cache_seconds: 0, ..request.query };
    let library = library.map(fresh);
    // Which values the audit trail must not have is said with a saved query: of this one it has none.
    let hidden = request.parameters.keys().cloned().collect();
    let asked = Asked { query, library, sent: request.parameters, hidden, by: UsedBy::App };
    Ok(Permitted { record, user, resource, environment, asked })
}

/// A query, as somebody asks for it.
pub(crate) struct Asked {
    pub(crate) query: ResourceQuery,
    /// The query of the library that it refers to.
    pub(crate) library: Option<LibraryQuery>,
    /// The value of each expression, by its text.
    pub(crate) sent: BTreeMap<String, Value>,
    /// Expressions whose values the audit trail must not have.
    pub(crate) hidden: Vec<String>,
    /// What the query is part of.
    pub(crate) by: UsedBy,
}

/// The same, without results that are kept.
pub(crate) fn fresh(library: LibraryQuery) -> LibraryQuery {
    LibraryQuery { query: ResourceQuery { cache_seconds: 0, ..library.query }, ..library }
}

/// What is recorded of a query, and what is asked of db-connector, with every value.
pub(crate) fn prepared(api: &SharedApi, permitted: Permitted) -> Result<(AuditRecord, QueryRequest), ApiError> {
    let Permitted { mut record, user, resource, environment, asked } = permitted;
    let Asked { query, library, sent, hidden, by } = asked;
    if api.config.audit_parameters {
        let of_library = library.iter().flat_map(|library| library.hidden(&query)).map(str::to_owned);
        let hidden: Vec<String> = hidden.into_iter().chain(of_library).collect();
        record.detail["parameters"] = recorded(&sent, &hidden);
    }
    let (query, parameters) = resolve(query, library, sent, &user, (&environment.name, by))?;
    Ok((record, QueryRequest::of((resource, environment.id), &query, parameters).asked_by(user.id)))
}

/// Binds, records, runs, and streams the answer through.
pub(crate) async fn run_statement(api: &SharedApi, permitted: Permitted) -> Result<Response, ApiError> {
    let (record, request) = prepared(api, permitted)?;
    api.metrics.queries.inc();
    let answer = match request.mode {
        // Nothing changes, so the record and the rows may be on their way together: the answer still waits for both.
        QueryMode::Read => {
            let query = api.connector.stream(Method::POST, "/v1/query", &request);
            let (recorded, answer) = tokio::join!(api.audit.write(record), query);
            recorded?;
            answer?
        }
        QueryMode::Write => {
            api.audit.write(record).await?;
            api.connector.stream(Method::POST, "/v1/query", &request).await?
        }
    };
    let (parts, body) = answer.into_parts();
    let mut response = Response::new(Body::new(body));
    *response.status_mut() = parts.status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(response)
}

/// Whether an expression is bound by this daemon, from the session and its configuration.
pub(crate) fn is_bound_here(expression: &str) -> bool {
    expression == "environment"
        || expression == "environment.name"
        || (expression.starts_with("current_user.") && user_value(expression, None).is_some())
}

/// The value of `current_user.*`; JSON null for nobody. `None` when it is no such expression.
fn user_value(expression: &str, user: Option<&User>) -> Option<Value> {
    let value = match expression {
        "current_user.id" => user.map(|user| json!(user.id)),
        "current_user.email" => user.map(|user| json!(user.email)),
        "current_user.name" => user.map(|user| json!(user.name)),
        "current_user.is_admin" => user.map(|user| json!(user.is_admin)),
        _ => return None,
    };
    Some(value.unwrap_or(Value::Null))
}

/// The value of every expression of a query: what was sent, except that who runs it and where is never taken from the sender.
pub(crate) fn bind(
    query: &ResourceQuery,
    mut sent: BTreeMap<String, Value>,
    user: &User,
    environment: &str,
) -> Result<BTreeMap<String, Value>, ApiError> {
    let expressions = query.expressions().map_err(|error| {
        let fault = Fault::new("statement", error.to_string());
        ApiError::Unprocessable { code: "document-invalid", detail: error.to_string(), faults: vec![fault] }
    })?;
    let mut bound = BTreeMap::new();
    for expression in expressions {
        let expression = expression.as_str();
        let own = match expression {
            "environment" => Some(visible(environment)),
            "environment.name" => Some(json!(environment)),
            _ => user_value(expression, Some(user)),
        };
        let value = match own {
            Some(value) => value,
            None if mentions(expression, "current_user") || mentions(expression, "environment") => {
                return Err(unprocessable(
                    "parameter-not-trusted",
                    format!(
                        "{{{{ {expression} }}}} mixes what the server must know with what the browser computes: bind current_user.id, .email, .name, .is_admin or environment.name alone and do the rest in SQL"
                    ),
                ));
            }
            None => sent.remove(expression).ok_or_else(|| {
                unprocessable(
                    "parameter-missing",
                    format!("{{{{ {expression} }}}} has no value: send one in `parameters`"),
                )
            })?,
        };
        bound.insert(expression.to_owned(), value);
    }
    // A value for what is bound here is ignored; one for what the statement does not hold is a mistake or an attempt.
    match sent.keys().find(|key| !is_bound_here(key) && !bound.contains_key(*key)) {
        None => Ok(bound),
        Some(key) => {
            let key: String = key.chars().take(120).collect();
            Err(unprocessable(
                "parameter-unknown",
                format!("the query holds no {{{{ {key} }}}}: load the app again, it may have changed"),
            ))
        }
    }
}

/// The longest value that is recorded, in characters.
const MAX_RECORDED_CHARS: usize = 200;
/// Values that are recorded of one query at most.
const MAX_RECORDED: usize = 50;

/// What the audit trail has of the values of a query: their beginnings, without those that are hidden and those that tell who runs it
/// and where, which it has anyway.
fn recorded(parameters: &BTreeMap<String, Value>, hidden: &[String]) -> Value {
    let is_hidden = |expression: &str| hidden.iter().any(|hidden| hidden.trim() == expression);
    let shown = parameters.iter().filter(|(expression, _)| !is_bound_here(expression)).take(MAX_RECORDED);
    let shown = shown.map(|(expression, value)| {
        let value = match value {
            _ if is_hidden(expression) => json!({ "hidden": true }),
            Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
            Value::String(text) => json!(beginning(text)),
            other => json!(beginning(&other.to_string())),
        };
        (expression.chars().take(MAX_RECORDED_CHARS).collect(), value)
    });
    Value::Object(shown.collect())
}

fn beginning(text: &str) -> String {
    match text.char_indices().nth(MAX_RECORDED_CHARS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

pub(crate) fn unprocessable(code: &'static str, detail: String) -> ApiError {
    ApiError::Unprocessable { code, detail, faults: Vec::new() }
}

/// Whether `identifier` stands in the expression as a word of its own that is no property (`x.environment` is one).
fn mentions(expression: &str, identifier: &str) -> bool {
    let is_word = |c: char| c.is_alphanumeric() || c == '_' || c == '$';
    expression.match_indices(identifier).any(|(at, _)| {
        let (before, after) = (&expression[..at], &expression[at + identifier.len()..]);
        !before.ends_with(is_word) && !before.trim_end().ends_with('.') && !after.starts_with(is_word)
    })
}

/// A caller that `run_statement` can bind from.
pub(crate) fn person(caller: &Caller) -> Result<&User, ApiError> {
    caller.user.as_ref().ok_or(ApiError::PersonsOnly)
}

#[cfg(test)]
mod tests {
    use bulkhead_model::UserId;

    use super::*;

    fn ada() -> User {
        User {
            id: UserId::new(),
            email: "ada@example.org".into(),
            name: "Ada".into(),
            is_admin: false,
            disabled: false,
            has_password: true,
            created_at: time::OffsetDateTime::UNIX_EPOCH,
        }
    }

    fn bound(statement: &str, sent: Value) -> Result<Value, String> {
        let sent = serde_json::from_value(sent).expect("a map");
        let query = json!({ "resource": "tables", "statement": statement });
        let query = serde_json::from_value(query).expect("a query");
        bind(&query, sent, &ada(), "production").map(|map| json!(map)).map_err(|error| error.problem().code)
    }

    #[test]
    fn values_go_to_their_expressions() {
        let sent = json!({"search.value": "x"});
        assert_eq!(bound("select {{ search.value }}, {{search.value}}", sent.clone()), Ok(sent));
    }

    #[test]
    fn who_runs_it_is_never_taken_from_the_browser() {
        let sent = json!({"current_user.email": "root@example.org", "environment.name": "x"});
        let expected = json!({"current_user.email": "ada@example.org", "environment.name": "production"});
        assert_eq!(bound("select {{ current_user.email }}, {{ environment.name }}", sent.clone()), Ok(expected));
        assert_eq!(bound("select 1", sent), Ok(json!({})));
        for mixed in ["current_user.email.toLowerCase()", "[current_user.id]", "a ? current_user : b", "current_user"] {
            let statement = format!("select {{{{ {mixed} }}}}");
            assert_eq!(bound(&statement, json!({mixed: 1})), Err("parameter-not-trusted".into()), "{mixed}");
        }
        assert!(bound("select {{ form.environment }}", json!({"form.environment": 1})).is_ok());
    }

    #[test]
    fn what_is_hidden_is_not_recorded() {
        let parameters = json!({ "a": "x".repeat(300), "b": [1], "pin.value": "1234", "current_user.id": 7, "n": 5 });
        let parameters = serde_json::from_value(parameters).expect("a map");
        let found = recorded(&parameters, &[" pin.value ".to_owned()]);
        let long = format!("{}…", "x".repeat(200));
        assert_eq!(found, json!({ "a": long, "b": "[1]", "n": 5, "pin.value": { "hidden": true } }));
    }

    #[test]
    fn a_missing_and_an_unknown_value_are_refused_by_name() {
        assert_eq!(bound("select {{ a }}", json!({})), Err("parameter-missing".into()));
        assert_eq!(bound("select {{ a }}", json!({"a": 1, "b": 2})), Err("parameter-unknown".into()));
    }
}
