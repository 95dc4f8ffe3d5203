//! Elasticsearch and OpenSearch.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{BaseUrl, SecretNeed, Server};
use crate::{Fault, SshHostId};

/// How to reach an Elasticsearch or OpenSearch cluster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ElasticsearchConfig {
    /// Where it is: `https://search.example.com:9200`.
    pub url: BaseUrl,
    /// Who asks.
    #[serde(default)]
    pub log_in: ElasticsearchLogIn,
    /// PEM of the authority that signed the server's certificate; the system's authorities when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_certificate: Option<String>,
    /// PEM of the certificate by which this side is known to the server, its authorities behind it; none when absent. Its private key is sealed with the secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_certificate: Option<String>,
    /// SSH host to tunnel through.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ssh_host: Option<SshHostId>,
}

/// Who asks an Elasticsearch cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "type", rename_all = "kebab-case", deny_unknown_fields)]
pub enum ElasticsearchLogIn {
    /// Nobody in particular.
    #[default]
    None,
    /// A user; the secret is the password.
    Basic {
        /// The user.
        user: String,
    },
    /// An API key in its encoded form, which is the secret.
    ApiKey,
}

impl ElasticsearchConfig {
    /// Where the server is.
    pub fn server(&self) -> Server<'_> {
        self.url.server(self.ca_certificate.as_deref(), self.client_certificate.as_deref(), self.ssh_host)
    }

    pub(super) fn secret(&self) -> SecretNeed {
        match self.log_in {
            ElasticsearchLogIn::None => SecretNeed::None,
            _ => SecretNeed::Required,
        }
    }

    pub(super) fn faults(&self, faults: &mut Vec<Fault>) {
        self.url.faults(faults);
        if let ElasticsearchLogIn::Basic { user } = &self.log_in
            && (user.is_empty() || user.len() > 255 || user.contains(':') || user.chars().any(char::is_control))
        {
            faults.push(Fault::new("config.log-in.user", "must have 1 to 255 characters, and no colon"));
        }
    }
}
