//! Roles on folders, apps, workflows, resources and queries of the library: who has one and why, given to people and to groups.

use axum::extract::State;
use bulkhead_model::{FolderId, Role, Slug, UserId};
use bulkhead_store::access::ObjectKind;
use bulkhead_store::sharing;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use uuid::Uuid;

use super::folders::{MoveRequest, move_object};
use super::json::Json;
use super::last::Last;
use crate::auth::{Admin, AppKind, Caller, FolderKind, On, QueryKind, ResourceKind, WorkflowKind};
use crate::http_error::ApiError;
use crate::state::SharedApi;

/// People listed of those who may use a thing.
const MAX_HOLDERS: i64 = 200;

/// A person with a role.
#[derive(Serialize, ToSchema)]
pub(crate) struct Grant {
    /// The person's id.
    user: UserId,
    /// Their address.
    email: String,
    /// Their name.
    name: String,
    /// Whether they are kept out: the role is of no use to them.
    disabled: bool,
    /// What they may do.
    role: Role,
}

/// A group with a role.
#[derive(Serialize, ToSchema)]
pub(crate) struct GroupGrant {
    /// The group's name.
    group: String,
    /// What the group is for.
    description: String,
    /// How many people belong to it.
    members: i64,
    /// What they may do.
    role: Role,
}

/// A role that was given on a folder around the thing: of a person or of a group.
#[derive(Serialize, ToSchema)]
pub(crate) struct InheritedGrant {
    /// The folder's path.
    folder: String,
    /// The person, where it is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    person: Option<Grant>,
    /// The group, where it is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    group: Option<GroupGrant>,
}

/// A way to a role. Neither a group nor a folder: it was given to the person on the thing itself.
#[derive(Serialize, ToSchema)]
pub(crate) struct Way {
    /// The group that has the role.
    #[serde(skip_serializing_if = "Option::is_none")]
    group: Option<String>,
    /// The path of the folder that it was given on.
    #[serde(skip_serializing_if = "Option::is_none")]
    folder: Option<String>,
}

/// A person who may use a thing now.
#[derive(Serialize, ToSchema)]
pub(crate) struct Holder {
    /// The person's id.
    user: UserId,
    /// Their address.
    email: String,
    /// Their name.
    name: String,
    /// The highest of their roles.
    role: Role,
    /// Whether they have it since they are an administrator of the instance.
    is_admin: bool,
    /// The ways that lead to this role.
    by: Vec<Way>,
}

/// Everybody with a role. Administrators of the instance may do everything and are listed among the holders alone.
#[derive(Serialize, ToSchema)]
pub(crate) struct GrantList {
    /// People with a role on the thing itself, by address.
    grants: Vec<Grant>,
    /// Groups with a role on the thing itself, by name.
    groups: Vec<GroupGrant>,
    /// Roles on the folders around it.
    inherited: Vec<InheritedGrant>,
    /// The people who may use it now, by address, the first 200.
    holders: Vec<Holder>,
    /// How many they are in all.
    holder_count: i64,
    /// Whether everybody may use it beside them, as a built-in resource.
    is_for_everybody: bool,
}

/// A role to give.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct GrantRequest {
    /// In place of the one that the person or the group has.
    role: Role,
}

fn person(grant: sharing::Grant) -> (Grant, Option<String>) {
    let sharing::Grant { user, email, name, disabled, role, folder } = grant;
    (Grant { user, email, name, disabled, role }, folder)
}

fn group(grant: sharing::GroupGrant) -> (GroupGrant, Option<String>) {
    let sharing::GroupGrant { group, description, members, role, folder } = grant;
    (GroupGrant { group, description, members, role }, folder)
}

fn holder(holder: sharing::Holder) -> Holder {
    let sharing::Holder { user, email, name, role, is_admin, by } = holder;
    let by = by.into_iter().map(|sharing::Way { group, folder }| Way { group, folder }).collect();
    Holder { user, email, name, role, is_admin, by }
}

async fn list(api: &SharedApi, kind: ObjectKind, id: Uuid) -> Result<Json<GrantList>, ApiError> {
    let (mut grants, mut groups, mut inherited) = (Vec::new(), Vec::new(), Vec::new());
    for (grant, folder) in api.database.grants(kind, id).await?.into_iter().map(person) {
        match folder {
            Some(folder) => inherited.push(InheritedGrant { folder, person: Some(grant), group: None }),
            None => grants.push(grant),
        }
    }
    for (grant, folder) in api.database.group_grants(kind, id).await?.into_iter().map(group) {
        match folder {
            Some(folder) => inherited.push(InheritedGrant { folder, person: None, group: Some(grant) }),
            None => groups.push(grant),
        }
    }
    // The nearest folder first; in each, people before groups, as they came.
    inherited.sort_by(|one, other| other.folder.cmp(&one.folder));
    let (holders, holder_count) = api.database.holders(kind, id, MAX_HOLDERS).await?;
    let is_for_everybody =
        kind == ObjectKind::Resource && api.database.resource(bulkhead_model::ResourceId(id)).await?.built_in;
    let holders = holders.into_iter().map(holder).collect();
    Ok(Json(GrantList { grants, groups, inherited, holders, holder_count, is_for_everybody }))
}

async fn set(
    api: &SharedApi,
    caller: &Caller,
    (kind, id): (ObjectKind, Uuid),
    user: &str,
    role: Role,
) -> Result<StatusCode, ApiError> {
    let user: UserId = user.parse().map_err(|_| ApiError::NotFound)?;
    let record = caller.record("grant.set", Some((kind.as_str(), id)), json!({ "user": user, "role": role }));
    api.audit.around(record, async { Ok(api.database.set_grant(kind, id, user, role).await?) }).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn remove(
    api: &SharedApi,
    caller: &Caller,
    (kind, id): (ObjectKind, Uuid),
    user: &str,
) -> Result<StatusCode, ApiError> {
    let user: UserId = user.parse().map_err(|_| ApiError::NotFound)?;
    let record = caller.record("grant.remove", Some((kind.as_str(), id)), json!({ "user": user }));
    api.audit.around(record, async { Ok(api.database.remove_grant(kind, id, user).await?) }).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn set_group(
    api: &SharedApi,
    caller: &Caller,
    (kind, id): (ObjectKind, Uuid),
    group: &str,
    role: Role,
) -> Result<StatusCode, ApiError> {
    let group = api.database.group(group).await?.name;
    let record = caller.record("grant.set", Some((kind.as_str(), id)), json!({ "group": group, "role": role }));
    api.audit.around(record, async { Ok(api.database.set_group_grant(kind, id, &group, role).await?) }).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn remove_group(
    api: &SharedApi,
    caller: &Caller,
    (kind, id): (ObjectKind, Uuid),
    group: &str,
) -> Result<StatusCode, ApiError> {
    let group = api.database.group(group).await?.name;
    let record = caller.record("grant.remove", Some((kind.as_str(), id)), json!({ "group": group }));
    api.audit.around(record, async { Ok(api.database.remove_group_grant(kind, id, &group).await?) }).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The routes of one kind of thing. They are the same for all: the lines below say where they are and what they are called.
macro_rules! sharing_of {
    ($module:ident, $kind:ident, $tag:tt, $parameter:tt = $type:ident, $list:tt $list_id:tt, $person:tt $set_id:tt $remove_id:tt, $group:tt $set_group_id:tt $remove_group_id:tt) => {
        pub(crate) mod $module {
            use super::*;

            /// Who has a role on it, by what, and who may use it now.
            #[utoipa::path(get, path = $list, tag = $tag, operation_id = $list_id, params(($parameter = $type, Path)), responses((status = 200, description = "Everybody with a role", body = GrantList)))]
            pub(crate) async fn list(
                State(api): State<SharedApi>,
                on: On<$kind, Admin>,
            ) -> Result<Json<GrantList>, ApiError> {
                super::list(&api, on.kind(), on.id.0).await
            }

            /// Gives a person a role on it.
            #[utoipa::path(put, path = $person, tag = $tag, operation_id = $set_id, params(($parameter = $type, Path), ("user" = UserId, Path)), request_body = GrantRequest, responses(
                (status = 204, description = "Given"),
                (status = 409, description = "`last-owner`", body = bulkhead_rpc::Problem, content_type = "application/problem+json"),
            ))]
            pub(crate) async fn set(
                State(api): State<SharedApi>,
                on: On<$kind, Admin>,
                Last(user): Last,
                Json(request): Json<GrantRequest>,
            ) -> Result<StatusCode, ApiError> {
                super::set(&api, &on.caller, (on.kind(), on.id.0), &user, request.role).await
            }

            /// Takes a person's role on it away.
            #[utoipa::path(delete, path = $person, tag = $tag, operation_id = $remove_id, params(($parameter = $type, Path), ("user" = UserId, Path)), responses(
                (status = 204, description = "Taken away"),
                (status = 409, description = "`last-owner`", body = bulkhead_rpc::Problem, content_type = "application/problem+json"),
            ))]
            pub(crate) async fn remove(
                State(api): State<SharedApi>,
                on: On<$kind, Admin>,
                Last(user): Last,
            ) -> Result<StatusCode, ApiError> {
                super::remove(&api, &on.caller, (on.kind(), on.id.0), &user).await
            }

            /// Gives a group a role on it.
            #[utoipa::path(put, path = $group, tag = $tag, operation_id = $set_group_id, params(($parameter = $type, Path), ("group" = Slug, Path)), request_body = GrantRequest, responses(
                (status = 204, description = "Given"),
                (status = 409, description = "`last-owner`", body = bulkhead_rpc::Problem, content_type = "application/problem+json"),
            ))]
            pub(crate) async fn set_group(
                State(api): State<SharedApi>,
                on: On<$kind, Admin>,
                Last(group): Last,
                Json(request): Json<GrantRequest>,
            ) -> Result<StatusCode, ApiError> {
                super::set_group(&api, &on.caller, (on.kind(), on.id.0), &group, request.role).await
            }

            /// Takes a group's role on it away.
            #[utoipa::path(delete, path = $group, tag = $tag, operation_id = $remove_group_id, params(($parameter = $type, Path), ("group" = Slug, Path)), responses(
                (status = 204, description = "Taken away"),
                (status = 409, description = "`last-owner`", body = bulkhead_rpc::Problem, content_type = "application/problem+json"),
            ))]
            pub(crate) async fn remove_group(
                State(api): State<SharedApi>,
                on: On<$kind, Admin>,
                Last(group): Last,
            ) -> Result<StatusCode, ApiError> {
                super::remove_group(&api, &on.caller, (on.kind(), on.id.0), &group).await
            }
        }
    };
}

/// The same for where a thing is.
macro_rules! place_of {
    ($module:ident, $kind:ident, $tag:tt, $parameter:tt, $path:tt $id:tt) => {
        pub(crate) mod $module {
            use super::*;

            /// Puts it into a folder, whose roles count on it from then on, or on the top. Needs the role editor on that folder too.
            #[utoipa::path(put, path = $path, tag = $tag, operation_id = $id, params(($parameter = Slug, Path)), request_body = MoveRequest, responses(
                (status = 204, description = "Moved"),
                (status = 403, description = "`folder-role-too-low`", body = bulkhead_rpc::Problem, content_type = "application/problem+json"),
                (status = 409, description = "`last-owner`", body = bulkhead_rpc::Problem, content_type = "application/problem+json"),
            ))]
            pub(crate) async fn set(
                State(api): State<SharedApi>,
                on: On<$kind, Admin>,
                Json(request): Json<MoveRequest>,
            ) -> Result<StatusCode, ApiError> {
                move_object(&api, &on.caller, (on.kind(), on.id.0), request).await
            }
        }
    };
}

sharing_of!(app, AppKind, "apps", "slug" = Slug, "/apps/{slug}/grants" "listAppGrants", "/apps/{slug}/grants/{user}" "setAppGrant" "removeAppGrant", "/apps/{slug}/grants/groups/{group}" "setAppGroupGrant" "removeAppGroupGrant");
sharing_of!(workflow, WorkflowKind, "workflows", "slug" = Slug, "/workflows/{slug}/grants" "listWorkflowGrants", "/workflows/{slug}/grants/{user}" "setWorkflowGrant" "removeWorkflowGrant", "/workflows/{slug}/grants/groups/{group}" "setWorkflowGroupGrant" "removeWorkflowGroupGrant");
sharing_of!(resource, ResourceKind, "resources", "name" = Slug, "/resources/{name}/grants" "listResourceGrants", "/resources/{name}/grants/{user}" "setResourceGrant" "removeResourceGrant", "/resources/{name}/grants/groups/{group}" "setResourceGroupGrant" "removeResourceGroupGrant");
sharing_of!(query, QueryKind, "queries", "slug" = Slug, "/queries/{slug}/grants" "listLibraryQueryGrants", "/queries/{slug}/grants/{user}" "setLibraryQueryGrant" "removeLibraryQueryGrant", "/queries/{slug}/grants/groups/{group}" "setLibraryQueryGroupGrant" "removeLibraryQueryGroupGrant");
sharing_of!(folder, FolderKind, "folders", "id" = FolderId, "/folders/{id}/grants" "listFolderGrants", "/folders/{id}/grants/{user}" "setFolderGrant" "removeFolderGrant", "/folders/{id}/grants/groups/{group}" "setFolderGroupGrant" "removeFolderGroupGrant");

place_of!(app_place, AppKind, "apps", "slug", "/apps/{slug}/folder" "moveApp");
place_of!(workflow_place, WorkflowKind, "workflows", "slug", "/workflows/{slug}/folder" "moveWorkflow");
place_of!(resource_place, ResourceKind, "resources", "name", "/resources/{name}/folder" "moveResource");
place_of!(query_place, QueryKind, "queries", "slug", "/queries/{slug}/folder" "moveLibraryQuery");
