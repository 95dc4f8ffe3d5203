//! MongoDB.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::server::{host_faults, server_config};
use super::{SecretNeed, Server, text_fault};
use crate::Fault;

/// Members of a replica set at most: MongoDB's own limit.
const MAX_MEMBERS: usize = 50;

server_config! {
    /// How to reach a database of MongoDB.
    MongodbConfig {
        /// The other members of the replica set, or other routers of the cluster, as `host:port`. Whichever is the primary is asked.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        members: Vec<String>,
        /// The replica set that the members must belong to; any when empty.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        replica_set: String,
        /// The database.
        database: String,
        /// The user; nobody logs in when empty.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        user: String,
        /// The database that knows the user.
        #[serde(default = "default_auth_database")]
        auth_database: String,
        /// How the user shows the password.
        #[serde(default, skip_serializing_if = "MongodbMechanism::is_default")]
        mechanism: MongodbMechanism,
    }
}

fn default_port() -> u16 {
    27_017
}

fn default_auth_database() -> String {
    "admin".to_owned()
}

/// How a user of MongoDB shows the password. Neither sends it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum MongodbMechanism {
    /// The better one of those that the server has for the user.
    #[default]
    Any,
    /// SCRAM with SHA-256.
    ScramSha256,
    /// SCRAM with SHA-1, for users of old servers.
    ScramSha1,
}

impl MongodbMechanism {
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

impl MongodbConfig {
    /// All members, the first first. What is no member was refused when the settings were saved.
    pub fn servers(&self) -> Vec<Server<'_>> {
        let first = self.server();
        let others = self.members.iter().filter_map(|member| member_parts(member));
        std::iter::once(first).chain(others.map(|(host, port)| Server { host, port, ..first })).collect()
    }

    pub(super) fn secret(&self) -> SecretNeed {
        if self.user.is_empty() { SecretNeed::None } else { SecretNeed::Required }
    }

    /// Who gets the log-in besides the first host.
    pub(super) fn other_members(&self) -> String {
        self.members.join(",")
    }

    pub(super) fn faults(&self, faults: &mut Vec<Fault>) {
        if self.members.len() >= MAX_MEMBERS {
            faults.push(Fault::new("config.members", format!("has more than {MAX_MEMBERS} members")));
        }
        for (index, member) in self.members.iter().enumerate() {
            let mut own = Vec::new();
            match member_parts(member) {
                Some((host, port)) => host_faults(host, port, &mut own),
                None => own.push(Fault::new("", "")),
            }
            if !own.is_empty() {
                faults.push(Fault::new(
                    format!("config.members[{index}]"),
                    "must be host:port, such as db2.example.com:27017",
                ));
            }
        }
        let is_database = |name: &str| !name.chars().any(|c| c.is_control() || "/\\. \"$*<>:|?".contains(c));
        for (path, name) in [("config.database", &self.database), ("config.auth-database", &self.auth_database)] {
            // The pseudo-database of users that another system knows has a `$`.
            if name.is_empty() || name.len() > 63 || !is_database(name) {
                faults.push(Fault::new(
                    path,
                    "must be the name of a database: 1 to 63 characters, none of /\\. \"$*<>:|?",
                ));
            }
        }
        if !self.user.is_empty() {
            text_fault("config.user", &self.user, 255, faults);
        }
        if self.replica_set.len() > 255 || self.replica_set.chars().any(char::is_control) {
            faults.push(Fault::new("config.replica-set", "must have 255 characters at most"));
        }
    }
}

/// Host and port of `host:port` or `[address]:port`.
fn member_parts(member: &str) -> Option<(&str, u16)> {
    let (host, port) = member.rsplit_once(':')?;
    let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    Some((host, port.parse().ok()?))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::{Value, json};

    use crate::resource::ResourceConfig;

    fn config(changes: Value) -> ResourceConfig {
        let mut config = json!({ "kind": "mongodb", "host": "db1.example.com", "database": "shop" });
        config.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        serde_json::from_value(config).unwrap()
    }

    #[test]
    fn members_are_hosts_and_ports_and_receive_the_log_in() {
        let ResourceConfig::Mongodb(set) = config(json!({ "members": ["db2:27018", "[::1]:27019"] })) else { panic!() };
        let servers: Vec<_> = set.servers().into_iter().map(|server| (server.host.to_owned(), server.port)).collect();
        assert_eq!(servers, [("db1.example.com".into(), 27_017), ("db2".into(), 27_018), ("::1".into(), 27_019)]);
        assert_ne!(config(json!({})).destination(), config(json!({ "members": ["db2:1"] })).destination());
        let places =
            |changes: Value| config(changes).validate().into_iter().map(|fault| fault.path).collect::<Vec<_>>();
        assert!(places(json!({ "members": ["db2:27017"], "user": "tools" })).is_empty());
        assert_eq!(
            places(json!({ "members": ["db2", "db 3:1", "a:0"] })),
            ["config.members[0]", "config.members[1]", "config.members[2]"]
        );
        assert_eq!(
            places(json!({ "database": "a.b", "auth-database": "" })),
            ["config.database", "config.auth-database"]
        );
    }
}
