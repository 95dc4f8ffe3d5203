//! Storage that speaks the protocol of Amazon S3.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{BaseUrl, Server, text_fault};
use crate::{Fault, SshHostId};

/// How to reach a storage of objects. Its secret is the secret access key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct S3Config {
    /// The endpoint, without a bucket: `https://s3.eu-central-1.amazonaws.com`, `https://minio.example.com:9000`.
    pub url: BaseUrl,
    /// The region that requests are signed for. Storage without regions mostly takes `us-east-1`.
    #[serde(default = "default_region")]
    pub region: String,
    /// The access key's id.
    pub access_key_id: String,
    /// Where a request names its bucket.
    #[serde(default)]
    pub addressing: S3Addressing,
    /// The only bucket that operations may name; any, when empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub bucket: String,
    /// PEM of the authority that signed the server's certificate; the system's authorities when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_certificate: Option<String>,
    /// SSH host to tunnel through.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ssh_host: Option<SshHostId>,
}

/// Where a request names its bucket.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum S3Addressing {
    /// In the path: `https://endpoint/bucket/key`. Nearly every storage knows it.
    #[default]
    Path,
    /// In the host: `https://bucket.endpoint/key`. It needs a fixed bucket.
    VirtualHost,
}

fn default_region() -> String {
    "us-east-1".to_owned()
}

impl S3Config {
    /// Where the endpoint is. With the bucket in the host's name, the server's name begins with it.
    pub fn server(&self) -> Server<'_> {
        self.url.server(self.ca_certificate.as_deref(), None, self.ssh_host)
    }

    /// The host that requests are sent to, with the port where the URL has one.
    pub fn authority(&self) -> String {
        let authority = self.url.parts().map_or("", |parts| parts.authority);
        match self.addressing {
            S3Addressing::Path => authority.to_owned(),
            S3Addressing::VirtualHost => format!("{}.{authority}", self.bucket),
        }
    }

    pub(super) fn faults(&self, faults: &mut Vec<Fault>) {
        self.url.faults(faults);
        text_fault("config.access-key-id", &self.access_key_id, 128, faults);
        // Both are parts of a signature's scope, which slashes divide and a header carries.
        let is_word = |text: &str| text.bytes().all(|byte| byte.is_ascii_graphic() && !b"/,=".contains(&byte));
        if !is_word(&self.access_key_id) {
            faults.push(Fault::new("config.access-key-id", "must have no spaces, slashes, commas or equals signs"));
        }
        if self.region.is_empty() || self.region.len() > 64 || !is_word(&self.region) {
            faults.push(Fault::new("config.region", "must be the name of a region, such as eu-central-1"));
        }
        if !self.bucket.is_empty() && !is_bucket(&self.bucket) {
            faults.push(Fault::new("config.bucket", "must be the name of a bucket: letters, digits, dots and hyphens"));
        }
        let is_in_host = self.addressing == S3Addressing::VirtualHost;
        if is_in_host && self.bucket.is_empty() {
            faults.push(Fault::new("config.bucket", "must be given where the bucket is part of the host's name"));
        }
        if is_in_host && self.url.parts().is_some_and(|parts| parts.authority.starts_with('[')) {
            faults.push(Fault::new("config.addressing", "must be path where the endpoint is an address"));
        }
    }
}

/// Whether a text can be the name of a bucket: one that changes no path and no host.
pub fn is_bucket(name: &str) -> bool {
    (1..=255).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_'))
        && !name.starts_with('.')
        && !name.contains("..")
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn faults(changes: Value) -> Vec<String> {
        let mut config = json!({ "url": "https://s3.example.com", "access-key-id": "AKIA1" });
        for (key, value) in changes.as_object().expect("an object") {
            config[key] = value.clone();
        }
        let config: S3Config = serde_json::from_value(config).expect("a configuration");
        let mut faults = Vec::new();
        config.faults(&mut faults);
        faults.into_iter().map(|fault| fault.path).collect()
    }

    #[test]
    fn settings_that_cannot_be_signed_for_are_told() {
        assert_eq!(faults(json!({})), Vec::<String>::new());
        assert_eq!(faults(json!({ "url": "s3.example.com" })), ["config.url"]);
        assert_eq!(faults(json!({ "access-key-id": "a/b" })), ["config.access-key-id"]);
        assert_eq!(faults(json!({ "region": "eu west" })), ["config.region"]);
        assert_eq!(faults(json!({ "bucket": "a/../b" })), ["config.bucket"]);
        assert_eq!(faults(json!({ "addressing": "virtual-host" })), ["config.bucket"]);
        assert_eq!(faults(json!({ "addressing": "virtual-host", "bucket": "files" })), Vec::<String>::new());
    }

    #[test]
    fn a_bucket_is_no_way_out_of_its_place() {
        for name in ["", "..", ".", "a/b", "a b", "a?b", "a#", "a..b", ".a", "a\r\nb", "ä"] {
            assert!(!is_bucket(name), "{name:?}");
        }
        assert!(is_bucket("my-bucket.v2"));
    }
}
