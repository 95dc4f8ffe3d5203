//! What others ask of this daemon with a capability: calls and secrets of code, by the token of its run; and tokens and signatures, for
//! api.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bulkhead_daemon_kit::{Peer, RequestId};
use bulkhead_rpc::Problem;
use bulkhead_rpc::backend::{
    CALLS_FORGOTTEN, CallAsk, CallRequest, SecretRequest, SecretValue, SignatureAnswer, SignatureRequest, Token,
    TokenRequest,
};
use bulkhead_store::journal;

use crate::calls::{Ask, Call, Caller};
use crate::error::BackendError;
use crate::patience::patiently;
use crate::routes::{API, Backend, EXECUTOR, Shared, only, under_way};
use crate::token::{Scope, TokenKey};

/// How long the token of a single-block run is good.
const DRAFT_TOKEN_LIFETIME: time::Duration = time::Duration::minutes(10);

pub(crate) async fn call(
    State(backend): Shared,
    Extension(peer): Extension<Peer>,
    headers: HeaderMap,
    Json(request): Json<CallRequest>,
) -> Result<Response, BackendError> {
    only(&peer, EXECUTOR)?;
    let scope = bearer_scope(&backend.key, &headers)?;
    patiently(scope, || answer_call(&backend, scope, &request)).await
}

/// What the token of a request lets its bearer do.
fn bearer_scope(key: &TokenKey, headers: &HeaderMap) -> Result<Scope, BackendError> {
    let bearer = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.strip_prefix("Bearer "));
    key.check(bearer.unwrap_or_default()).map_err(BackendError::Token)
}

pub(crate) async fn secret(
    State(backend): Shared,
    Extension(peer): Extension<Peer>,
    Extension(request_id): Extension<RequestId>,
    headers: HeaderMap,
    Json(request): Json<SecretRequest>,
) -> Result<Json<SecretValue>, BackendError> {
    only(&peer, EXECUTOR)?;
    let scope = bearer_scope(&backend.key, &headers)?;
    Ok(Json(backend.secrets.value(scope, &request.name, &request_id.0).await?))
}

async fn answer_call(backend: &Backend, scope: Scope, request: &CallRequest) -> Result<Response, BackendError> {
    let place = journal::BlockPlace {
        block: request.block.clone(),
        iteration: request.iteration.clone(),
        attempt: i32::try_from(request.attempt).unwrap_or(i32::MAX),
    };
    // Before anything that may fail: what is answered with a failure is answered too.
    if let Scope::Run(run) = scope
        && !backend.calls.meet(run, &place, request.execution, request.was_answered)
    {
        let detail = "workflows-backend was restarted while the code ran: it has to run again";
        return Ok(problem(409, CALLS_FORGOTTEN, detail.to_owned()));
    }
    let (run, environment, document) = match scope {
        Scope::Run(run) => {
            let pinned = under_way(&backend.database, run).await?;
            (Some(run), pinned.environment, pinned.document)
        }
        Scope::Draft { workflow, revision, environment, .. } => {
            let draft = backend.database.workflow_draft(workflow).await?;
            // Of what was saved since, nobody has looked whether it is this person's to run.
            if draft.revision != revision {
                let detail = "the draft was saved since this began: run the block again";
                return Ok(problem(409, "draft-changed", detail.to_owned()));
            }
            (None, environment, Arc::new(draft.document))
        }
    };
    let ask = match &request.ask {
        CallAsk::Fetch { request } => Ask::Fetch(request.clone()),
        CallAsk::Query { query: name, parameters } => match document.query_named(name) {
            Some(query) => Ask::Query { query: query.clone(), parameters: parameters.clone() },
            None => {
                let detail = format!("there is no query `{name}` in this workflow: add it to the workflow's queries");
                return Ok(problem(422, "query-unknown", detail));
            }
        },
    };
    let CallRequest { execution, call, in_order, .. } = *request;
    let by = Caller::Code { execution, call, in_order };
    let call = Call { run, place, by, ask, idempotent: false, environment };
    Ok(match backend.calls.make(call).await? {
        Ok(value) => Json(value).into_response(),
        Err(error) => problem(422, &error.kind, error.message),
    })
}

fn problem(status: u16, code: &str, detail: String) -> Response {
    Problem::new(status, code, detail).response().into_response()
}

pub(crate) async fn token(
    State(backend): Shared,
    Extension(peer): Extension<Peer>,
    Json(request): Json<TokenRequest>,
) -> Result<Json<Token>, BackendError> {
    only(&peer, API)?;
    let TokenRequest { workflow, user, revision, environment } = request;
    let scope = Scope::Draft { workflow, user, revision, environment };
    Ok(Json(Token { token: backend.key.sign(scope, DRAFT_TOKEN_LIFETIME) }))
}

/// Whether a webhook's caller has signed. The body passes through, since HMAC needs all of it; the secret goes nowhere.
pub(crate) async fn signature(
    State(backend): Shared,
    Extension(peer): Extension<Peer>,
    Json(request): Json<SignatureRequest>,
) -> Result<Json<SignatureAnswer>, BackendError> {
    only(&peer, API)?;
    let SignatureRequest { workflow, secret, signed, signature } = request;
    let is_right = match (STANDARD.decode(signed), STANDARD.decode(signature)) {
        (Ok(signed), Ok(signature)) => backend.secrets.signs(workflow, secret.as_str(), &signed, &signature).await?,
        _ => false,
    };
    Ok(Json(SignatureAnswer { is_right }))
}
