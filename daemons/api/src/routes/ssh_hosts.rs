//! SSH hosts that resources are reached through. For administrators.
//!
//! A secret can be written here and never read: it is sealed to ssh-connector before it is stored, and this daemon's role in the
//! database may not even select what is sealed. A host is stored with the one key that somebody has confirmed for it.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use bulkhead_model::ssh::{MAX_SSH_HOSTS_IN_A_ROW, SshAuthentication, SshHostConfig, SshSecret, where_faults};
use bulkhead_model::{Fault, Slug, SshHostId};
use bulkhead_rpc::ssh;
use bulkhead_store::ssh_hosts::{SshHost as StoredSshHost, SshHostChange, SshHostSaved, SshHostUses};
use http::{Method, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::json;
use time::OffsetDateTime;
use utoipa::ToSchema;

use super::documents::require_valid;
use super::host_key::HostKey;
use super::json::Json;
use super::last::Last;
use crate::auth::Administrator;
use crate::http_error::ApiError;
use crate::state::SharedApi;

/// An SSH host, without its secret.
#[derive(Serialize, ToSchema)]
pub(crate) struct SshHost {
    /// The id, which resources name in `ssh-host`.
    id: SshHostId,
    /// The name.
    name: String,
    /// The settings.
    config: SshHostConfig,
    /// The fingerprint of the confirmed key, as `ssh-keygen -l` prints it.
    fingerprint: String,
    /// What its secret is.
    authentication: SshAuthentication,
    /// The names of the resources that are reached through it.
    resources: Vec<String>,
    /// The names of the SSH hosts that are reached through it.
    ssh_hosts: Vec<String>,
    /// When it changed last.
    #[serde(with = "time::serde::rfc3339")]
    updated_at: OffsetDateTime,
}

impl From<StoredSshHost> for SshHost {
    fn from(stored: StoredSshHost) -> Self {
        // A stored key was parsed before it was stored.
        let fingerprint = stored.config.host_key.parse().map(|key: HostKey| key.fingerprint()).unwrap_or_default();
        Self {
            id: stored.id,
            name: stored.name,
            config: stored.config,
            fingerprint,
            authentication: stored.authentication,
            resources: stored.uses.resources,
            ssh_hosts: stored.uses.ssh_hosts,
            updated_at: stored.updated_at,
        }
    }
}

/// All SSH hosts.
#[derive(Serialize, ToSchema)]
pub(crate) struct SshHostList {
    /// By name.
    ssh_hosts: Vec<SshHost>,
}

/// A new SSH host.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CreateSshHostRequest {
    /// The name.
    name: Slug,
    /// The settings, with the key that was confirmed.
    config: SshHostConfig,
    /// What logs in. It is sealed at once and never shown again.
    secret: SshSecret,
}

/// New settings of an SSH host.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct UpdateSshHostRequest {
    /// The settings. Another key than the stored one means that it was confirmed again; that is audited with both fingerprints.
    config: SshHostConfig,
    /// What logs in; the stored one stays when absent, which is refused when host, port, user or jump host change.
    #[serde(default)]
    secret: Option<SshSecret>,
}

/// Settings to try.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TestSshHostRequest {
    /// The SSH host whose stored secret to use when none is given.
    #[serde(default)]
    name: Option<Slug>,
    /// The settings.
    config: SshHostConfig,
    /// What logs in.
    #[serde(default)]
    secret: Option<SshSecret>,
}

/// The log-in works.
#[derive(Serialize, ToSchema)]
pub(crate) struct SshHostWorks {
    /// Whether the host forwards to its own loopback. One that does not may still forward to what its `PermitOpen` lists.
    forwards: bool,
}

/// Where to read a key.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReadHostKeyRequest {
    /// Host name or address.
    host: String,
    /// TCP port.
    port: u16,
    /// The SSH host that it is reached through.
    #[serde(default)]
    jump_host: Option<SshHostId>,
}

/// The key that a host shows now. Nobody has confirmed it.
#[derive(Serialize, ToSchema)]
pub(crate) struct ShownHostKey {
    /// `ssh-ed25519 AAAA...`
    host_key: String,
    /// As `ssh-keygen -l` prints it: `SHA256:...`
    fingerprint: String,
}

/// All SSH hosts, without their secrets.
#[utoipa::path(get, path = "/ssh-hosts", tag = "ssh-hosts", operation_id = "listSshHosts", responses((status = 200, description = "By name", body = SshHostList)))]
pub(crate) async fn list(State(api): State<SharedApi>, _: Administrator) -> Result<Json<SshHostList>, ApiError> {
    let ssh_hosts = api.database.ssh_hosts().await?.into_iter().map(SshHost::from).collect();
    Ok(Json(SshHostList { ssh_hosts }))
}

/// Adds an SSH host.
#[utoipa::path(post, path = "/ssh-hosts", tag = "ssh-hosts", operation_id = "createSshHost", request_body = CreateSshHostRequest, responses(
    (status = 201, description = "Added", body = SshHost),
    (status = 409, description = "`exists`", body = bulkhead_rpc::Problem, content_type = "application/problem+json"),
    (status = 422, description = "`document-invalid`", body = bulkhead_rpc::Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn create(
    State(api): State<SharedApi>,
    Administrator(caller): Administrator,
    Json(request): Json<CreateSshHostRequest>,
) -> Result<Response, ApiError> {
    let CreateSshHostRequest { name, config, secret } = request;
    let (config, key) = checked(config, Some(&secret))?;
    let id = SshHostId::new();
    let sealed = api.seal_ssh_secret(id, &secret)?;
    let detail = json!({ "name": name, "host_key": key.fingerprint() });
    let record = caller.record("ssh-host.create", Some(("ssh-host", id.0)), detail);
    let created = async {
        let secret = (secret.authentication(), sealed.as_str());
        saved(api.database.create_ssh_host(id, name.as_str(), &config, secret).await?)
    };
    api.audit.around(record, created).await?;
    let stored = api.database.ssh_host(name.as_str()).await?;
    Ok((StatusCode::CREATED, Json(SshHost::from(stored))).into_response())
}

/// An SSH host.
#[utoipa::path(get, path = "/ssh-hosts/{name}", tag = "ssh-hosts", operation_id = "getSshHost", params(("name" = Slug, Path)), responses((status = 200, description = "The SSH host", body = SshHost)))]
pub(crate) async fn show(
    State(api): State<SharedApi>,
    _: Administrator,
    Last(name): Last,
) -> Result<Json<SshHost>, ApiError> {
    Ok(Json(api.database.ssh_host(&name).await?.into()))
}

/// Changes an SSH host. It counts from the next tunnel on.
#[utoipa::path(put, path = "/ssh-hosts/{name}", tag = "ssh-hosts", operation_id = "updateSshHost", params(("name" = Slug, Path)), request_body = UpdateSshHostRequest, responses(
    (status = 200, description = "Changed", body = SshHost),
    (status = 422, description = "`secret-needed`, `document-invalid`", body = bulkhead_rpc::Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn update(
    State(api): State<SharedApi>,
    Administrator(caller): Administrator,
    Last(name): Last,
    Json(request): Json<UpdateSshHostRequest>,
) -> Result<Json<SshHost>, ApiError> {
    let UpdateSshHostRequest { config, secret } = request;
    let (config, key) = checked(config, secret.as_ref())?;
    let stored = api.database.ssh_host(&name).await?;
    if secret.is_none() {
        require_same_destination(&stored, &config)?;
    }
    let sealed = secret.as_ref().map(|secret| api.seal_ssh_secret(stored.id, secret)).transpose()?;
    let mut detail = json!({ "name": name, "secret": sealed.is_some() });
    if stored.config.host_key != config.host_key {
        let before = SshHost::from(stored.clone()).fingerprint;
        detail["host_key"] = json!({ "before": before, "confirmed": key.fingerprint() });
    }
    let record = caller.record("ssh-host.update", Some(("ssh-host", stored.id.0)), detail);
    let updated = async {
        let secret = secret.as_ref().map(SshSecret::authentication).zip(sealed.as_deref());
        saved(api.database.update_ssh_host(stored.id, SshHostChange { config: &config, secret }).await?)
    };
    api.audit.around(record, updated).await?;
    Ok(Json(api.database.ssh_host(&name).await?.into()))
}

/// Deletes an SSH host that nothing is reached through.
#[utoipa::path(delete, path = "/ssh-hosts/{name}", tag = "ssh-hosts", operation_id = "deleteSshHost", params(("name" = Slug, Path)), responses(
    (status = 204, description = "Deleted"),
    (status = 409, description = "`in-use`, with what is reached through it", body = bulkhead_rpc::Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn delete(
    State(api): State<SharedApi>,
    Administrator(caller): Administrator,
    Last(name): Last,
) -> Result<StatusCode, ApiError> {
    let StoredSshHost { id, .. } = api.database.ssh_host(&name).await?;
    let record = caller.record("ssh-host.delete", Some(("ssh-host", id.0)), json!({ "name": name }));
    let deleted = async {
        let uses = api.database.delete_ssh_host(id).await?;
        if uses.is_empty() { Ok(()) } else { Err(in_use(&name, &uses)) }
    };
    api.audit.around(record, deleted).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Tries settings: connects, compares the key, logs in, and asks whether the host forwards.
#[utoipa::path(post, path = "/ssh-hosts/test", tag = "ssh-hosts", operation_id = "testSshHost", request_body = TestSshHostRequest, responses(
    (status = 200, description = "They work", body = SshHostWorks),
    (status = 422, description = "`secret-needed`, `document-invalid`, `ssh-secret`", body = bulkhead_rpc::Problem, content_type = "application/problem+json"),
    (status = 502, description = "`ssh-host-unknown-name`, `ssh-host-unreachable`, `ssh-host-key`, `ssh-log-in`", body = bulkhead_rpc::Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn test(
    State(api): State<SharedApi>,
    Administrator(caller): Administrator,
    Json(request): Json<TestSshHostRequest>,
) -> Result<Json<SshHostWorks>, ApiError> {
    let TestSshHostRequest { name, config, secret } = request;
    let (config, _) = checked(config, secret.as_ref())?;
    let id = match &name {
        Some(name) => {
            let stored = api.database.ssh_host(name.as_str()).await?;
            if secret.is_none() {
                require_same_destination(&stored, &config)?;
            }
            stored.id
        }
        None if secret.is_some() => SshHostId::new(),
        None => return Err(secret_needed("enter the key or password to test with")),
    };
    let secret = secret.map(|secret| api.seal_ssh_secret(id, &secret)).transpose()?;
    let detail = json!({ "name": name, "host": config.host, "port": config.port });
    api.audit.write(caller.record("ssh-host.test", Some(("ssh-host", id.0)), detail)).await?;
    let request = ssh::TestRequest { ssh_host: id, config, secret };
    let ssh::TestAnswer { forwards } = api.ssh_connector.call(Method::POST, ssh::TEST, &request).await?;
    Ok(Json(SshHostWorks { forwards }))
}

/// Reads the key that a host shows now, for somebody to compare and confirm. Logs in to the hosts on the way, and not there.
#[utoipa::path(post, path = "/ssh-hosts/host-key", tag = "ssh-hosts", operation_id = "readSshHostKey", request_body = ReadHostKeyRequest, responses(
    (status = 200, description = "The key", body = ShownHostKey),
    (status = 422, description = "`document-invalid`, `ssh-host-refused`", body = bulkhead_rpc::Problem, content_type = "application/problem+json"),
    (status = 502, description = "`ssh-host-unknown-name`, `ssh-host-unreachable`; of a host on the way also `ssh-host-key`, `ssh-log-in`", body = bulkhead_rpc::Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn host_key(
    State(api): State<SharedApi>,
    Administrator(caller): Administrator,
    Json(request): Json<ReadHostKeyRequest>,
) -> Result<Json<ShownHostKey>, ApiError> {
    let ReadHostKeyRequest { host, port, jump_host } = request;
    require_valid(where_faults(&host, port))?;
    api.audit.write(caller.record("ssh-host.read-key", None, json!({ "host": host, "port": port }))).await?;
    let request = ssh::HostKeyRequest { host, port, jump_host };
    let answer: ssh::HostKeyAnswer = api.ssh_connector.call(Method::POST, ssh::HOST_KEY, &request).await?;
    let key: HostKey = answer.host_key.parse().map_err(ApiError::internal::<String>("reading a host key"))?;
    Ok(Json(ShownHostKey { fingerprint: key.fingerprint(), host_key: key.into_text() }))
}

/// The settings with the key in its plain form.
fn checked(config: SshHostConfig, secret: Option<&SshSecret>) -> Result<(SshHostConfig, HostKey), ApiError> {
    let mut faults = config.validate();
    faults.extend(secret.map(SshSecret::validate).unwrap_or_default());
    match config.host_key.parse::<HostKey>() {
        Ok(key) if faults.is_empty() => Ok((SshHostConfig { host_key: key.clone().into_text(), ..config }, key)),
        Ok(_) => Err(invalid(faults)),
        Err(message) => {
            faults.push(Fault::new("config.host-key", message));
            Err(invalid(faults))
        }
    }
}

fn invalid(faults: Vec<Fault>) -> ApiError {
    require_valid(faults).err().unwrap_or_else(|| ApiError::Malformed("the settings do not fit".to_owned()))
}

fn saved(outcome: SshHostSaved) -> Result<(), ApiError> {
    let message = match outcome {
        SshHostSaved::Yes => return Ok(()),
        SshHostSaved::NoJumpHost => "there is no such SSH host: choose one that exists".to_owned(),
        SshHostSaved::RowTooLong => format!(
            "a host would be reached through itself, or more than {MAX_SSH_HOSTS_IN_A_ROW} would stand in a row: choose another"
        ),
    };
    Err(invalid(vec![Fault::new("config.jump-host", message)]))
}

/// A secret follows no new destination: whoever changes a host must not be able to collect a password there.
fn require_same_destination(stored: &StoredSshHost, config: &SshHostConfig) -> Result<(), ApiError> {
    if stored.config.keeps_secret(config, stored.authentication) {
        return Ok(());
    }
    Err(secret_needed(
        "host, port, user, jump host or, for a password, the host's key changed: enter the key or password again",
    ))
}

fn secret_needed(detail: &str) -> ApiError {
    let faults = vec![Fault::new("secret", detail)];
    ApiError::Unprocessable { code: "secret-needed", detail: detail.to_owned(), faults }
}

fn in_use(name: &str, uses: &SshHostUses) -> ApiError {
    let list = |what: &str, names: &[String]| {
        let names = names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
        (!names.is_empty()).then(|| format!("{what} {names}"))
    };
    let resources = list("resources", &uses.resources);
    let hosts = list("SSH hosts", &uses.ssh_hosts);
    let used_by = resources.into_iter().chain(hosts).collect::<Vec<_>>().join(" and ");
    let detail = format!("`{name}` is used by {used_by}: let them go another way first");
    ApiError::Conflict { code: "in-use", detail }
}
