//! Groups of people, which approvals name. Everybody sees which there are; administrators make them and see who belongs to them.

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use bulkhead_model::{Fault, Slug, UserId};
use bulkhead_store::groups;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::json;
use time::OffsetDateTime;
use utoipa::ToSchema;
use uuid::Uuid;

use super::documents::require_valid;
use super::json::Json;
use super::last::Last;
use crate::auth::{Administrator, Caller};
use crate::http_error::ApiError;
use crate::state::SharedApi;

/// Groups of one instance at most.
const MAX_GROUPS: i64 = 1000;
/// The longest description, in characters.
const MAX_DESCRIPTION: usize = 500;

/// A group.
#[derive(Serialize, ToSchema)]
pub(crate) struct Group {
    /// The name that documents use.
    name: String,
    /// What it is for.
    description: String,
    /// How many people belong to it.
    members: i64,
    /// When it was made.
    #[serde(with = "time::serde::rfc3339")]
    created_at: OffsetDateTime,
}

impl From<groups::Group> for Group {
    fn from(group: groups::Group) -> Self {
        Self { name: group.name, description: group.description, members: group.members, created_at: group.created_at }
    }
}

/// All groups.
#[derive(Serialize, ToSchema)]
pub(crate) struct GroupList {
    /// By name.
    groups: Vec<Group>,
}

/// A person who belongs to a group.
#[derive(Serialize, ToSchema)]
pub(crate) struct GroupMember {
    /// The id.
    id: UserId,
    /// The address that they log in with.
    email: String,
    /// The name.
    name: String,
    /// Whether they are kept out: they decide nothing.
    disabled: bool,
}

/// A group with the people who belong to it.
#[derive(Serialize, ToSchema)]
pub(crate) struct GroupDetail {
    /// The group.
    group: Group,
    /// By address.
    members: Vec<GroupMember>,
}

/// A new group.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CreateGroupRequest {
    /// The name that documents use. It stays.
    name: Slug,
    /// What it is for; at most 500 characters.
    #[serde(default)]
    description: String,
}

/// What to change of a group.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct UpdateGroupRequest {
    /// What it is for; at most 500 characters.
    description: String,
}

/// All groups, without the people who belong to them.
#[utoipa::path(get, path = "/groups", tag = "users", operation_id = "listGroups", responses((status = 200, description = "By name", body = GroupList)))]
pub(crate) async fn list(State(api): State<SharedApi>, _: Caller) -> Result<Json<GroupList>, ApiError> {
    Ok(Json(GroupList { groups: api.database.groups().await?.into_iter().map(Group::from).collect() }))
}

/// Adds a group without members.
#[utoipa::path(post, path = "/groups", tag = "users", operation_id = "createGroup", request_body = CreateGroupRequest, responses(
    (status = 201, description = "Added", body = Group),
    (status = 409, description = "`exists`; `too-many-groups`", body = bulkhead_rpc::Problem, content_type = "application/problem+json"),
    (status = 422, description = "`invalid`", body = bulkhead_rpc::Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn create(
    State(api): State<SharedApi>,
    Administrator(caller): Administrator,
    Json(request): Json<CreateGroupRequest>,
) -> Result<Response, ApiError> {
    let (id, name) = (Uuid::now_v7(), request.name.as_str());
    let description = check_description(&request.description)?;
    let record = caller.record("group.create", Some(("group", id)), json!({ "name": name }));
    let created = async {
        if !api.database.create_group(id, name, &description, MAX_GROUPS).await? {
            let detail = format!("there are {MAX_GROUPS} groups, which is the most: delete one that is not needed");
            return Err(ApiError::Conflict { code: "too-many-groups", detail });
        }
        Ok(api.database.group(name).await?)
    };
    let group = api.audit.around(record, created).await?;
    Ok((StatusCode::CREATED, Json(Group::from(group))).into_response())
}

/// A group with the people who belong to it.
#[utoipa::path(get, path = "/groups/{name}", tag = "users", operation_id = "getGroup", params(("name" = Slug, Path)), responses((status = 200, description = "The group", body = GroupDetail)))]
pub(crate) async fn show(
    State(api): State<SharedApi>,
    _: Administrator,
    Last(name): Last,
) -> Result<Json<GroupDetail>, ApiError> {
    let group = api.database.group(&name).await?;
    let member = |member: groups::Member| GroupMember {
        id: member.user,
        email: member.email,
        name: member.name,
        disabled: member.disabled,
    };
    let members = api.database.group_members(group.id).await?.into_iter().map(member).collect();
    Ok(Json(GroupDetail { group: group.into(), members }))
}

/// Says anew what a group is for.
#[utoipa::path(patch, path = "/groups/{name}", tag = "users", operation_id = "updateGroup", params(("name" = Slug, Path)), request_body = UpdateGroupRequest, responses(
    (status = 200, description = "Changed", body = Group),
    (status = 422, description = "`invalid`", body = bulkhead_rpc::Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn update(
    State(api): State<SharedApi>,
    Administrator(caller): Administrator,
    Last(name): Last,
    Json(request): Json<UpdateGroupRequest>,
) -> Result<Json<Group>, ApiError> {
    let group = api.database.group(&name).await?;
    let description = check_description(&request.description)?;
    let record = caller.record("group.update", Some(("group", group.id)), json!({ "name": name }));
    api.audit.around(record, async { Ok(api.database.describe_group(group.id, &description).await?) }).await?;
    Ok(Json(api.database.group(&name).await?.into()))
}

/// Deletes a group. Open questions that name it are decided by whoever else they name.
#[utoipa::path(delete, path = "/groups/{name}", tag = "users", operation_id = "deleteGroup", params(("name" = Slug, Path)), responses((status = 204, description = "Deleted")))]
pub(crate) async fn delete(
    State(api): State<SharedApi>,
    Administrator(caller): Administrator,
    Last(name): Last,
) -> Result<StatusCode, ApiError> {
    let group = api.database.group(&name).await?;
    let record = caller.record("group.delete", Some(("group", group.id)), json!({ "name": name }));
    api.audit.around(record, async { Ok(api.database.delete_group(group.id).await?) }).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Makes a person a member of a group.
#[utoipa::path(put, path = "/groups/{name}/members/{user}", tag = "users", operation_id = "addGroupMember", params(("name" = Slug, Path), ("user" = UserId, Path)), responses((status = 204, description = "They belong to it")))]
pub(crate) async fn add_member(
    State(api): State<SharedApi>,
    Administrator(caller): Administrator,
    Path((name, user)): Path<(String, String)>,
) -> Result<StatusCode, ApiError> {
    let user: UserId = user.parse().map_err(|_| ApiError::NotFound)?;
    let group = api.database.group(&name).await?;
    let detail = json!({ "name": name, "user": user });
    let record = caller.record("group.member.add", Some(("group", group.id)), detail);
    api.audit.around(record, async { Ok(api.database.add_group_member(group.id, user).await?) }).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Takes a person out of a group: from then on they decide nothing by it.
#[utoipa::path(delete, path = "/groups/{name}/members/{user}", tag = "users", operation_id = "removeGroupMember", params(("name" = Slug, Path), ("user" = UserId, Path)), responses((status = 204, description = "They do not belong to it any more")))]
pub(crate) async fn remove_member(
    State(api): State<SharedApi>,
    Administrator(caller): Administrator,
    Path((name, user)): Path<(String, String)>,
) -> Result<StatusCode, ApiError> {
    let user: UserId = user.parse().map_err(|_| ApiError::NotFound)?;
    let group = api.database.group(&name).await?;
    let detail = json!({ "name": name, "user": user });
    let record = caller.record("group.member.remove", Some(("group", group.id)), detail);
    api.audit.around(record, async { Ok(api.database.remove_group_member(group.id, user).await?) }).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Refuses a document that names groups which do not exist, each with its place.
pub(crate) async fn require_groups<'a>(
    api: &SharedApi,
    named: impl Iterator<Item = (String, &'a Slug)>,
) -> Result<(), ApiError> {
    let named: Vec<(String, &Slug)> = named.collect();
    if named.is_empty() {
        return Ok(());
    }
    let names: Vec<&str> = named.iter().map(|(_, group)| group.as_str()).collect();
    let unknown = api.database.unknown_groups(&names).await?;
    let faults = named.into_iter().filter(|(_, group)| unknown.iter().any(|name| name == group.as_str()));
    let message = |group: &Slug| format!("there is no group `{group}`: an administrator adds it under Groups");
    require_valid(faults.map(|(path, group)| Fault::new(path, message(group))).collect())
}

fn check_description(description: &str) -> Result<String, ApiError> {
    let description = description.trim();
    if description.chars().count() <= MAX_DESCRIPTION && !description.contains('\0') {
        return Ok(description.to_owned());
    }
    let fault = Fault::new("description", format!("must have at most {MAX_DESCRIPTION} characters"));
    Err(ApiError::invalid(fault.to_string(), vec![fault]))
}
