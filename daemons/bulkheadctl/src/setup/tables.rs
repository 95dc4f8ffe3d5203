//! The built-in tables database as a resource: its role's password, known to PostgreSQL as a verifier and to db-connector sealed.

use anyhow::{Context, Result};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bulkhead_model::resource::{PostgresqlConfig, ResourceConfig, TlsMode};
use hyper::Method;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::database::TABLES_ROLE;
use super::step;
use crate::api::Api;
use crate::psql::Psql;

/// The resource's name.
const RESOURCE: &str = "tables";

/// Where the tables database is.
#[derive(Debug)]
pub(super) struct Tables<'a> {
    /// A superuser of its cluster.
    pub(super) psql: &'a Psql,
    /// Its name.
    pub(super) database: &'a str,
    /// Its address, for db-connector.
    pub(super) host: &'a str,
    /// Its port.
    pub(super) port: u16,
    /// Whether a resource that leads to another machine stays: `database move` has led it there.
    pub(super) keep: bool,
}

/// Splits `HOST:PORT`.
pub(super) fn host_and_port(text: &str) -> Result<(&str, u16)> {
    let parts = text.rsplit_once(':').and_then(|(host, port)| Some((host, port.parse().ok()?)));
    parts.with_context(|| format!("`{text}` is not HOST:PORT"))
}

impl Tables<'_> {
    /// Makes sure that the resource is there and works. Its password changes only when it does not.
    pub(super) async fn connect(&self, api: &Api) -> Result<()> {
        let config = ResourceConfig::Postgresql(PostgresqlConfig {
            host: self.host.to_owned(),
            port: self.port,
            database: self.database.to_owned(),
            user: TABLES_ROLE.to_owned(),
            tls: TlsMode::Disabled,
            ca_certificate: None,
            client_certificate: None,
            ssh_host: None,
        });
        if self.keep && leads_elsewhere(api).await? {
            step(&format!("the resource `{RESOURCE}` stays: its database is on another machine"));
            return Ok(());
        }
        if self.works(api, &config).await? {
            step(&format!("the resource `{RESOURCE}` stays"));
            return Ok(());
        }
        let password = password()?;
        // A verifier instead of the password: no log of statements can hold what would let somebody in.
        let verifier = postgres_protocol::password::scram_sha_256(password.as_bytes());
        self.psql
            .run("postgres", &format!("ALTER ROLE \"{TABLES_ROLE}\" PASSWORD '{verifier}';"))
            .context("set the password of the tables database")?;
        let body = json!({ "name": RESOURCE, "config": config, "secret": password.as_str() });
        api.send::<Value>(Method::PUT, "/system/built-in-resource", &body).await?;
        step(&format!("the resource `{RESOURCE}`: database {} at {}:{}", self.database, self.host, self.port));
        Ok(())
    }

    async fn works(&self, api: &Api, config: &ResourceConfig) -> Result<bool> {
        let stored: Option<Value> = api.find(&format!("/resources/{RESOURCE}")).await?;
        if stored.is_none_or(|stored| stored["config"] != json!(config)) {
            return Ok(false);
        }
        let body = json!({ "name": RESOURCE, "config": config });
        Ok(api.send::<Value>(Method::POST, "/resources/test", &body).await.is_ok())
    }
}

/// Whether the resource that there is leads to another machine.
async fn leads_elsewhere(api: &Api) -> Result<bool> {
    let stored: Option<Value> = api.find(&format!("/resources/{RESOURCE}")).await?;
    let host = stored.as_ref().and_then(|stored| stored["config"]["host"].as_str());
    let is_here = |host: &str| host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback());
    Ok(host.is_some_and(|host| host != "localhost" && !is_here(host)))
}

/// Makes sure that it is there, where its database is not this machine's to make.
pub(super) async fn require(api: &Api) -> Result<()> {
    let stored: Option<Value> = api.find(&format!("/resources/{RESOURCE}")).await?;
    stored.map(drop).with_context(|| {
        format!("there is no resource `{RESOURCE}`: `bulkheadctl setup instance --admin CONNINFO --tables HOST:PORT` makes it")
    })?;
    step(&format!("the resource `{RESOURCE}` stays"));
    Ok(())
}

/// A password that nobody has to type.
pub(crate) fn password() -> Result<Zeroizing<String>> {
    let mut bytes = Zeroizing::new([0; 32]);
    getrandom::fill(bytes.as_mut()).context("ask the system for randomness")?;
    Ok(Zeroizing::new(URL_SAFE_NO_PAD.encode(bytes.as_ref())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_a_port() {
        assert_eq!(host_and_port("127.0.0.1:5432").expect("sound"), ("127.0.0.1", 5432));
        assert!(host_and_port("localhost").is_err());
    }
}
