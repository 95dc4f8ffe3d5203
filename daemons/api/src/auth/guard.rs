//! The one place where roles on objects are enforced.
//!
//! A handler names the object's kind and the least role in its argument's type: `On<AppKind, Editor>`. Whoever has no role on
//! the object is told that there is none; whoever has too low a one is told which they need.

use std::marker::PhantomData;

use axum::extract::{FromRequestParts, RawPathParams};
use bulkhead_model::{AppId, FolderId, LibraryQueryId, ResourceId, Role, RunId, WorkflowId};
use bulkhead_store::StoreError;
use bulkhead_store::access::{Access, ObjectKind};
use bulkhead_store::environments::EnvironmentUse;
use bulkhead_store::identity::User;
use bulkhead_store::session_access::{QueryAccess, RunAccess, SessionAccess};
use http::request::Parts;
use serde_json::json;
use uuid::Uuid;

use super::caller::{Caller, Origin, Shown};
use crate::http_error::ApiError;
use crate::state::SharedApi;

/// A kind of object that stands in a path.
pub(crate) trait Kind: Send + Sync + 'static {
    /// Its id.
    type Id: Copy + Send + Sync;
    /// As the store calls it.
    const KIND: ObjectKind;
    /// Its parameter in the path.
    const PARAMETER: &'static str;
    /// The typed id.
    fn id(id: Uuid) -> Self::Id;
}

/// Declares the kinds.
macro_rules! kind {
    ($(#[$doc:meta])* $name:ident, $id:ident, $kind:ident, $parameter:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug)]
        pub(crate) struct $name;

        impl Kind for $name {
            type Id = $id;
            const KIND: ObjectKind = ObjectKind::$kind;
            const PARAMETER: &'static str = $parameter;
            fn id(id: Uuid) -> $id {
                $id(id)
            }
        }
    };
}

kind!(
    /// `/apps/{slug}`.
    AppKind,
    AppId,
    App,
    "slug"
);
kind!(
    /// `/workflows/{slug}`.
    WorkflowKind,
    WorkflowId,
    Workflow,
    "slug"
);
kind!(
    /// `/resources/{name}`.
    ResourceKind,
    ResourceId,
    Resource,
    "name"
);
kind!(
    /// `/queries/{slug}`: of the library.
    QueryKind,
    LibraryQueryId,
    Query,
    "slug"
);

kind!(
    /// `/folders/{id}`: by its id, since its path has slashes.
    FolderKind,
    FolderId,
    Folder,
    "id"
);

/// The least role that a handler asks for.
pub(crate) trait AtLeast: Send + Sync + 'static {
    /// That role.
    const ROLE: Role;
}

/// Asks for [`Role::Viewer`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct Viewer;
/// Asks for [`Role::Editor`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct Editor;
/// Asks for [`Role::Admin`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct Admin;

impl AtLeast for Viewer {
    const ROLE: Role = Role::Viewer;
}
impl AtLeast for Editor {
    const ROLE: Role = Role::Editor;
}
impl AtLeast for Admin {
    const ROLE: Role = Role::Admin;
}

/// A caller with at least role `R` on the object of kind `K` that the path names.
#[derive(Debug)]
pub(crate) struct On<K: Kind, R: AtLeast> {
    pub(crate) caller: Caller,
    /// The object.
    pub(crate) id: K::Id,
    /// Its slug or name.
    pub(crate) name: String,
    /// What the caller may do with it, `R` or more.
    pub(crate) role: Role,
    least: PhantomData<R>,
}

impl<K: Kind, R: AtLeast> On<K, R> {
    /// What the object is.
    pub(crate) fn kind(&self) -> ObjectKind {
        K::KIND
    }
}

impl<K: Kind, R: AtLeast> FromRequestParts<SharedApi> for On<K, R> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, api: &SharedApi) -> Result<Self, ApiError> {
        let name = parameter(parts, api, K::PARAMETER).await?;
        let origin = Origin::of(parts);
        let (caller, access) = if origin.local {
            let caller = Caller::root(origin);
            let (user, is_admin) = caller.viewer();
            (caller, api.database.access(K::KIND, &name, user, is_admin).await?)
        } else {
            let shown = Shown::of(parts)?;
            let found = api.database.session_access(shown.credential, K::KIND, &name).await?;
            split(shown, found, origin)?
        };
        let Access { id, role } = granted(api, &caller, access, R::ROLE, |access| access.role, &name).await?;
        Ok(Self { caller, id: K::id(id), name, role, least: PhantomData })
    }
}

/// A caller who may edit the workflow of the run that the path names.
#[derive(Debug)]
pub(crate) struct OnRun {
    pub(crate) caller: Caller,
    pub(crate) run: RunId,
    pub(crate) workflow: WorkflowId,
    /// What the caller may do with the workflow.
    pub(crate) role: Role,
    /// What the request showed; `None` is root.
    shown: Option<Shown>,
}

impl OnRun {
    /// Whether the caller still may, for an answer that goes on: the session or token lives and the role is there.
    pub(crate) async fn is_still(&self, api: &SharedApi) -> Result<bool, StoreError> {
        let Some(shown) = self.shown else { return Ok(true) };
        let found = api.database.session_run_access(shown.credential, self.run).await?;
        Ok(found.and_then(|found| found.object).is_some_and(|access| access.role >= Role::Editor))
    }
}

impl FromRequestParts<SharedApi> for OnRun {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, api: &SharedApi) -> Result<Self, ApiError> {
        let text = parameter(parts, api, "id").await?;
        let origin = Origin::of(parts);
        let run = text.parse::<RunId>();
        if origin.local {
            let run = run.map_err(|_| ApiError::NotFound)?;
            let workflow = api.database.run(run).await?.workflow;
            let caller = Caller::root(origin);
            return Ok(Self { caller, run, workflow, role: Role::Admin, shown: None });
        }
        let shown = Shown::of(parts)?;
        // The session counts before the id does: without one, a malformed id and a well formed one look alike.
        let id = run.as_ref().copied().unwrap_or(RunId(Uuid::nil()));
        let (caller, access) = split(shown, api.database.session_run_access(shown.credential, id).await?, origin)?;
        let RunAccess { workflow, role } =
            granted(api, &caller, access, Role::Editor, |access| access.role, &text).await?;
        Ok(Self { caller, run: id, workflow, role, shown: Some(shown) })
    }
}

/// A person with a role on the app that the path names, and the query that it names. Which role it takes depends on the version
/// that the body asks for, so the handler calls [`OnQuery::load`].
#[derive(Debug)]
pub(crate) struct OnQuery {
    shown: Shown,
    origin: Origin,
    app: String,
    query: String,
}

impl FromRequestParts<SharedApi> for OnQuery {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, api: &SharedApi) -> Result<Self, ApiError> {
        let origin = Origin::of(parts);
        if origin.local {
            return Err(ApiError::PersonsOnly);
        }
        let shown = Shown::of(parts)?;
        let app = parameter(parts, api, AppKind::PARAMETER).await?;
        let query = parameter(parts, api, "query").await?;
        Ok(Self { shown, origin, app, query })
    }
}

impl OnQuery {
    /// The person and the query as they may run it: by the released version from viewers on, by the draft from editors on.
    pub(crate) async fn load(
        self,
        api: &SharedApi,
        draft: bool,
        environment: Option<&str>,
    ) -> Result<(Caller, User, QueryAccess, String), ApiError> {
        let named = (self.app.as_str(), self.query.as_str());
        let found = api.database.session_query_access(self.shown.credential, named, draft, environment).await?;
        let (caller, access) = split(self.shown, found, self.origin)?;
        let user = caller.user.clone().ok_or(ApiError::PersonsOnly)?;
        let least = if draft { Role::Editor } else { Role::Viewer };
        let access = granted(api, &caller, access, least, |access| access.role, &self.app).await?;
        Ok((caller, user, access, self.query))
    }
}

/// Requires `needed` on a resource: to run, save or release a statement against it.
pub(crate) async fn require_resource(
    api: &SharedApi,
    caller: &Caller,
    name: &str,
    needed: Role,
) -> Result<ResourceId, ApiError> {
    let (user, is_admin) = caller.viewer();
    let access = api.database.access(ObjectKind::Resource, name, user, is_admin).await?;
    check_resource(api, caller, name, access.map(|access| (ResourceId(access.id), Some(access.role))), needed).await
}

/// Requires the right to use an environment, the default one where none is named, with `role` on the app or workflow.
pub(crate) async fn require_environment(
    api: &SharedApi,
    caller: &Caller,
    name: Option<&str>,
    role: Role,
) -> Result<EnvironmentUse, ApiError> {
    let found = api.database.environment_use(name, caller.viewer(), role).await?;
    check_environment(api, caller, name, found).await
}

/// The same as [`require_environment`], for what was looked up already.
pub(crate) async fn check_environment(
    api: &SharedApi,
    caller: &Caller,
    name: Option<&str>,
    found: Option<EnvironmentUse>,
) -> Result<EnvironmentUse, ApiError> {
    if let Some(environment) = found.filter(|environment| environment.is_allowed) {
        return Ok(environment);
    }
    let environment: String = name.unwrap_or_default().chars().take(80).collect();
    api.audit.denied(caller.record("access.denied", None, json!({ "environment": environment }))).await;
    Err(ApiError::EnvironmentNotAllowed { environment })
}

/// Requires a role on the workflow `name`; its id.
pub(crate) async fn require_workflow(
    api: &SharedApi,
    caller: &Caller,
    name: &str,
    needed: Role,
) -> Result<WorkflowId, ApiError> {
    let (user, is_admin) = caller.viewer();
    match api.database.access(ObjectKind::Workflow, name, user, is_admin).await? {
        Some(access) if access.role >= needed => Ok(WorkflowId(access.id)),
        _ => {
            let detail = json!({ "workflow": name, "needed": needed.as_str() });
            api.audit.denied(caller.record("access.denied", None, detail)).await;
            Err(ApiError::WorkflowRoleTooLow { workflow: name.to_owned(), needed })
        }
    }
}

/// The same as [`require_resource`], for what was looked up already.
pub(crate) async fn check_resource(
    api: &SharedApi,
    caller: &Caller,
    name: &str,
    found: Option<(ResourceId, Option<Role>)>,
    needed: Role,
) -> Result<ResourceId, ApiError> {
    // Missing and invisible look alike, so the names of others' resources cannot be guessed.
    match found {
        Some((id, Some(role))) if role >= needed => Ok(id),
        _ => {
            let detail = json!({ "resource": name, "needed": needed.as_str() });
            api.audit.denied(caller.record("access.denied", None, detail)).await;
            Err(ApiError::ResourceRoleTooLow { resource: name.to_owned(), needed })
        }
    }
}

fn split<T>(shown: Shown, found: Option<SessionAccess<T>>, origin: Origin) -> Result<(Caller, Option<T>), ApiError> {
    let (who, object) = found.map(|found| (found.who, found.object)).unzip();
    Ok((shown.caller(who, origin)?, object.flatten()))
}

async fn granted<T>(
    api: &SharedApi,
    caller: &Caller,
    access: Option<T>,
    needed: Role,
    role: impl Fn(&T) -> Role,
    name: &str,
) -> Result<T, ApiError> {
    let error = match access {
        Some(access) if role(&access) >= needed => return Ok(access),
        Some(_) => ApiError::RoleTooLow { needed },
        None => ApiError::NotFound,
    };
    let name: String = name.chars().take(80).collect();
    api.audit.denied(caller.record("access.denied", None, json!({ "name": name, "needed": needed.as_str() }))).await;
    Err(error)
}

/// A parameter of the path, decoded.
async fn parameter(parts: &mut Parts, api: &SharedApi, name: &str) -> Result<String, ApiError> {
    let parameters = RawPathParams::from_request_parts(parts, api).await;
    let parameters = parameters.map_err(|_| ApiError::NotFound)?;
    let value = parameters.iter().find(|(key, _)| *key == name).map(|(_, value)| value.to_owned());
    value.ok_or_else(|| ApiError::internal::<String>("reading the path")(format!("no parameter {name}")))
}
