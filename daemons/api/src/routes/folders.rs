//! Folders, which hold apps, workflows, resources and queries of the library and hand their roles on to them.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use bulkhead_model::{Fault, FolderId, Role};
use bulkhead_store::access::ObjectKind;
use bulkhead_store::folders::{self, FolderRefusal, MAX_DEPTH, MAX_FOLDERS, MAX_PATH};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use uuid::Uuid;

use super::json::Json;
use crate::auth::{Admin, Caller, FolderKind, On};
use crate::http_error::ApiError;
use crate::state::SharedApi;

/// Characters of a folder's own name.
const MAX_NAME: usize = 60;

/// A folder.
#[derive(Serialize, ToSchema)]
pub(crate) struct Folder {
    /// The id.
    id: FolderId,
    /// The folder around it; absent on the top.
    #[serde(skip_serializing_if = "Option::is_none")]
    parent: Option<FolderId>,
    /// Its name behind those of the folders around it, with / between them.
    path: String,
    /// What you may do with it, and at least with all in it.
    role: Role,
    /// Apps and modules right in it.
    apps: i64,
    /// Workflows right in it.
    workflows: i64,
    /// Resources right in it.
    resources: i64,
    /// Queries of the library right in it.
    queries: i64,
}

impl From<folders::Folder> for Folder {
    fn from(folder: folders::Folder) -> Self {
        let folders::Folder { id, parent, path, role, apps, workflows, resources, queries } = folder;
        Self { id, parent, path, role, apps, workflows, resources, queries }
    }
}

/// The folders that you have a role on.
#[derive(Serialize, ToSchema)]
pub(crate) struct FolderList {
    /// By path.
    folders: Vec<Folder>,
}

/// A new folder.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CreateFolderRequest {
    /// Its name: 1 to 60 characters and no /.
    name: String,
    /// The folder to make it in; absent for the top. Needs the role editor on it.
    #[serde(default)]
    parent: Option<FolderId>,
}

/// Another name of a folder.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RenameFolderRequest {
    /// Its name: 1 to 60 characters and no /.
    name: String,
}

/// Where a folder is.
#[derive(Serialize, ToSchema)]
pub(crate) struct FolderPlace {
    /// The id.
    id: FolderId,
    /// Its name behind those of the folders around it, with / between them.
    path: String,
}

/// Where to put a thing.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct MoveRequest {
    /// The folder; null for the top.
    #[serde(deserialize_with = "Option::deserialize")]
    #[schema(required)]
    folder: Option<FolderId>,
}

/// The folders that you have a role on.
#[utoipa::path(get, path = "/folders", tag = "folders", operation_id = "listFolders", responses((status = 200, description = "By path", body = FolderList)))]
pub(crate) async fn list(State(api): State<SharedApi>, caller: Caller) -> Result<Json<FolderList>, ApiError> {
    let (user, is_admin) = caller.viewer();
    let found = api.database.folders(user, is_admin).await?;
    Ok(Json(FolderList { folders: found.into_iter().map(Folder::from).collect() }))
}

/// Makes a folder. You get the role admin on it.
#[utoipa::path(post, path = "/folders", tag = "folders", operation_id = "createFolder", request_body = CreateFolderRequest, responses(
    (status = 201, description = "Made", body = FolderPlace),
    (status = 403, description = "`folder-role-too-low`", body = bulkhead_rpc::Problem, content_type = "application/problem+json"),
    (status = 409, description = "`exists`; `too-many-folders`", body = bulkhead_rpc::Problem, content_type = "application/problem+json"),
    (status = 422, description = "`invalid`", body = bulkhead_rpc::Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn create(
    State(api): State<SharedApi>,
    caller: Caller,
    Json(request): Json<CreateFolderRequest>,
) -> Result<Response, ApiError> {
    let name = check_name(&request.name)?;
    if let Some(parent) = request.parent {
        require_folder(&api, &caller, parent).await?;
    }
    let id = FolderId::new();
    let detail = json!({ "name": name, "parent": request.parent });
    let record = caller.record("folder.create", Some(("folder", id.0)), detail);
    let made = async {
        let made = api.database.create_folder(id, (request.parent, name), caller.user_id()).await?;
        made.map_err(refused)
    };
    let path = api.audit.around(record, made).await?;
    Ok((StatusCode::CREATED, Json(FolderPlace { id, path })).into_response())
}

/// Gives a folder another name.
#[utoipa::path(patch, path = "/folders/{id}", tag = "folders", operation_id = "renameFolder", params(("id" = FolderId, Path)), request_body = RenameFolderRequest, responses(
    (status = 200, description = "Renamed", body = FolderPlace),
    (status = 409, description = "`exists`", body = bulkhead_rpc::Problem, content_type = "application/problem+json"),
    (status = 422, description = "`invalid`", body = bulkhead_rpc::Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn rename(
    State(api): State<SharedApi>,
    on: On<FolderKind, Admin>,
    Json(request): Json<RenameFolderRequest>,
) -> Result<Json<FolderPlace>, ApiError> {
    let name = check_name(&request.name)?;
    let from = api.database.folder_path(on.id).await?;
    let record = on.caller.record("folder.rename", Some(("folder", on.id.0)), json!({ "from": from, "name": name }));
    let renamed = async { api.database.rename_folder(on.id, name).await?.map_err(refused) };
    let path = api.audit.around(record, renamed).await?;
    Ok(Json(FolderPlace { id: on.id, path }))
}

/// Deletes a folder that nothing is in.
#[utoipa::path(delete, path = "/folders/{id}", tag = "folders", operation_id = "deleteFolder", params(("id" = FolderId, Path)), responses(
    (status = 204, description = "Deleted"),
    (status = 409, description = "`folder-not-empty`", body = bulkhead_rpc::Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn delete(State(api): State<SharedApi>, on: On<FolderKind, Admin>) -> Result<StatusCode, ApiError> {
    let path = api.database.folder_path(on.id).await?;
    let record = on.caller.record("folder.delete", Some(("folder", on.id.0)), json!({ "path": path }));
    let deleted = async {
        if api.database.delete_folder(on.id).await? {
            return Ok(());
        }
        let detail = "something is in this folder, perhaps what you may not see: move or delete it first".to_owned();
        Err(ApiError::Conflict { code: "folder-not-empty", detail })
    };
    api.audit.around(record, deleted).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Puts a thing into a folder, or on the top, for a caller who owns the thing.
pub(crate) async fn move_object(
    api: &SharedApi,
    caller: &Caller,
    (kind, id): (ObjectKind, Uuid),
    MoveRequest { folder }: MoveRequest,
) -> Result<StatusCode, ApiError> {
    let path = match folder {
        Some(folder) => {
            require_folder(api, caller, folder).await?;
            Some(api.database.folder_path(folder).await?)
        }
        None => None,
    };
    let detail = json!({ "folder": folder, "path": path });
    let record = caller.record("folder.move", Some((kind.as_str(), id)), detail);
    api.audit.around(record, async { Ok(api.database.move_object(kind, id, folder).await?) }).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Requires the role editor on a folder: to put something into it. Missing and invisible look alike.
async fn require_folder(api: &SharedApi, caller: &Caller, id: FolderId) -> Result<(), ApiError> {
    let (user, is_admin) = caller.viewer();
    let access = api.database.access(ObjectKind::Folder, &id.to_string(), user, is_admin).await?;
    if access.is_some_and(|access| access.role >= Role::Editor) {
        return Ok(());
    }
    api.audit.denied(caller.record("access.denied", None, json!({ "folder": id, "needed": "editor" }))).await;
    Err(ApiError::FolderRoleTooLow)
}

fn check_name(name: &str) -> Result<&str, ApiError> {
    let name = name.trim();
    if (1..=MAX_NAME).contains(&name.chars().count()) && !name.contains('/') && !name.chars().any(char::is_control) {
        return Ok(name);
    }
    Err(wrong_name(format!("must have 1 to {MAX_NAME} characters and no /")))
}

fn wrong_name(message: String) -> ApiError {
    let fault = Fault::new("name", message);
    ApiError::invalid(fault.to_string(), vec![fault])
}

fn refused(refusal: FolderRefusal) -> ApiError {
    match refusal {
        FolderRefusal::TooMany => {
            let detail = format!("there are {MAX_FOLDERS} folders, which is the most: delete one that is not needed");
            ApiError::Conflict { code: "too-many-folders", detail }
        }
        FolderRefusal::TooDeep => wrong_name(format!("at most {MAX_DEPTH} folders stand in each other")),
        FolderRefusal::TooLong => {
            wrong_name(format!("the whole path of a folder has at most {MAX_PATH} characters: choose a shorter name"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_a_plain_word() {
        for name in ["Sales", " Orders 2026 ", "Éclair", &"x".repeat(60)] {
            assert_eq!(check_name(name).expect("sound"), name.trim());
        }
        for name in ["", " ", "a/b", "a\nb", &"x".repeat(61)] {
            assert!(check_name(name).is_err(), "{name:?}");
        }
    }
}
