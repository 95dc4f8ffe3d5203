//! Servers of gRPC.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::SecretNeed;
use super::server::server_config;
use crate::{Fault, header};

/// The largest set of descriptors, in characters of base64: 1 MiB of bytes.
const MAX_SET: usize = 1_398_104;
/// Metadata of a resource at most.
const MAX_METADATA: usize = 50;

server_config! {
    /// How to reach a server of gRPC.
    GrpcConfig {
        /// How its methods and messages are known.
        #[serde(default)]
        schema: GrpcSchema,
        /// How a call shows who asks; the resource's secret is for this.
        #[serde(default)]
        authentication: GrpcAuthentication,
        /// Metadata of every call. It is no place for a secret: everybody who may look at the resource reads it.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        metadata: BTreeMap<String, String>,
    }
}

fn default_port() -> u16 {
    443
}

/// How the methods and messages of a server are known.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "from", rename_all = "kebab-case", deny_unknown_fields)]
pub enum GrpcSchema {
    /// The server tells them: `grpc.reflection.v1`, or `v1alpha` where that is all it knows.
    #[default]
    Reflection,
    /// By a file that a compiler of `.proto` files has written.
    Descriptors {
        /// A `FileDescriptorSet` with all that its files import, as base64: 1 MiB and 1,000 files at most.
        set: String,
    },
}

/// How a call shows who asks.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "type", rename_all = "kebab-case", deny_unknown_fields)]
pub enum GrpcAuthentication {
    /// Not at all.
    #[default]
    None,
    /// `authorization: Bearer`; the secret is the token.
    Bearer,
    /// Metadata of a name; the secret is its value.
    Metadata {
        /// The name.
        name: String,
    },
}

impl GrpcAuthentication {
    /// The metadata that it sets.
    pub fn metadata(&self) -> Option<&str> {
        match self {
            Self::None => None,
            Self::Bearer => Some("authorization"),
            Self::Metadata { name } => Some(name),
        }
    }
}

impl GrpcConfig {
    pub(super) fn secret(&self) -> SecretNeed {
        match self.authentication {
            GrpcAuthentication::None => SecretNeed::None,
            _ => SecretNeed::Required,
        }
    }

    pub(super) fn faults(&self, faults: &mut Vec<Fault>) {
        if let GrpcSchema::Descriptors { set } = &self.schema {
            let is_base64 = set.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+/=".contains(&byte));
            if set.is_empty() || set.len() > MAX_SET || !is_base64 {
                let message = "must be a FileDescriptorSet as base64, of 1 MiB at most: protoc --include_imports \
                               --descriptor_set_out=api.pb, or buf build -o api.pb";
                faults.push(Fault::new("config.schema.set", message));
            }
        }
        if self.metadata.len() > MAX_METADATA {
            faults.push(Fault::new("config.metadata", format!("has more than {MAX_METADATA} names")));
        }
        for (name, value) in &self.metadata {
            let path = format!("config.metadata.{name}");
            if let Some(fault) = header::metadata_fault(name) {
                faults.push(Fault::new(&path, fault));
            }
            if !header::is_metadata(value) {
                faults.push(Fault::new(&path, "must be one line of 8192 characters of ASCII at most"));
            }
            if self.authentication.metadata() == Some(name) {
                faults.push(Fault::new(path, "is what the authentication sets: remove it"));
            }
        }
        if let GrpcAuthentication::Metadata { name } = &self.authentication
            && let Some(fault) = header::metadata_fault(name)
        {
            faults.push(Fault::new("config.authentication.name", fault));
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::{Value, json};

    use super::*;
    use crate::resource::ResourceConfig;

    fn places(mut config: Value) -> Vec<String> {
        config["kind"] = json!("grpc");
        config["host"] = json!("grpc.example.com");
        let config: ResourceConfig = serde_json::from_value(config).unwrap();
        config.validate().into_iter().map(|fault| fault.path).collect()
    }

    #[test]
    fn faults_name_their_place() {
        assert!(places(json!({ "metadata": { "x-tenant": "a" }, "authentication": { "type": "bearer" } })).is_empty());
        let set = |set: &str| json!({ "schema": { "from": "descriptors", "set": set } });
        assert!(places(set("CgA=")).is_empty());
        assert_eq!(places(set("")), ["config.schema.set"]);
        assert_eq!(places(set("{}")), ["config.schema.set"]);
        assert_eq!(places(set(&"A".repeat(MAX_SET + 1))), ["config.schema.set"]);
        let metadata = json!({ "metadata": { "grpc-timeout": "1S", "X": "a", "ok": "ü", "authorization": "x" },
            "authentication": { "type": "bearer" } });
        assert_eq!(
            places(metadata),
            [
                "config.metadata.X",
                "config.metadata.authorization",
                "config.metadata.grpc-timeout",
                "config.metadata.ok"
            ]
        );
        let name = json!({ "authentication": { "type": "metadata", "name": "te" } });
        assert_eq!(places(name), ["config.authentication.name"]);
    }
}
