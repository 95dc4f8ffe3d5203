//! A provider of OpenID Connect that people sign in with: its settings, without its secret.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::resource::BaseUrl;
use crate::{Fault, Slug};

const MAX_DOMAINS: usize = 50;
const MAX_GROUPS: usize = 200;

/// How people sign in with an account at a provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct SignInConfig {
    /// What the button says: `Log in with <label>`.
    pub label: String,
    /// The issuer, exactly as its documents and tokens write it.
    pub issuer: BaseUrl,
    /// The client.
    pub client_id: String,
    /// What is asked for beside `openid`: words with spaces between them.
    #[serde(default = "default_scope")]
    pub scope: String,
    /// The domains whose people get an account here with their first log-in; without one, only accounts that people have added to theirs
    /// let them in.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub domains: Vec<String>,
    /// The claim with a person's groups, for the groups below.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub groups_claim: String,
    /// Which group here a value of that claim stands for. With each log-in, people join and leave these groups, and no others.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub groups: BTreeMap<String, Slug>,
    /// Whether id and secret go into the form; by default they are the user and password of the request.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub secret_in_form: bool,
    /// PEM of the authority that signed the provider's certificate; the system's authorities when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_certificate: Option<String>,
}

fn default_scope() -> String {
    "email profile".to_owned()
}

impl SignInConfig {
    /// The part that decides who receives the secret. When it changes, the secret has to be entered again.
    pub fn destination(&self) -> (&BaseUrl, Option<&str>) {
        (&self.issuer, self.ca_certificate.as_deref())
    }

    /// Whether an address is of a domain whose people get an account with their first log-in.
    pub fn admits(&self, email: &str) -> bool {
        let domain = email.rsplit_once('@').map_or("", |(_, domain)| domain);
        self.domains.iter().any(|admitted| admitted.eq_ignore_ascii_case(domain))
    }

    /// The groups here that these values of the claim stand for.
    pub fn groups_of(&self, values: &[String]) -> Vec<&str> {
        self.groups.iter().filter(|(value, _)| values.contains(value)).map(|(_, group)| group.as_str()).collect()
    }

    /// Faults that can be told without asking the provider.
    pub fn validate(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        let mut fault = |path: &str, message: &str| faults.push(Fault::new(format!("config.{path}"), message));
        if self.label.is_empty() || self.label.chars().count() > 60 {
            fault("label", "must have 1 to 60 characters");
        }
        if self.issuer.parts().is_none() {
            fault("issuer", "must be a URL such as https://login.example.com, without query, user name or password");
        }
        if self.client_id.is_empty() || self.client_id.len() > 512 {
            fault("client-id", "must have 1 to 512 characters");
        }
        if self.scope.len() > 2048 || self.scope.chars().any(char::is_control) {
            fault("scope", "must have 2048 characters at most, in one line");
        }
        let is_domain = |domain: &String| {
            domain.contains('.')
                && domain.len() <= 253
                && domain.chars().all(|c| c.is_alphanumeric() || matches!(c, '.' | '-'))
        };
        if self.domains.len() > MAX_DOMAINS || !self.domains.iter().all(is_domain) {
            fault("domains", "must be 50 domains at most, such as example.com");
        }
        if self.groups_claim.len() > 128 || (self.groups_claim.is_empty() && !self.groups.is_empty()) {
            fault("groups-claim", "must name the claim that the groups are read from, in 128 characters at most");
        }
        if self.groups.len() > MAX_GROUPS || self.groups.keys().any(|value| value.len() > 256) {
            fault("groups", "must be 200 at most, each value with 256 characters at most");
        }
        faults
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::json;

    use super::*;

    fn config(more: serde_json::Value) -> SignInConfig {
        let mut config = json!({ "label": "Example", "issuer": "https://login.example.com", "client-id": "bulkhead" });
        for (key, value) in more.as_object().unwrap() {
            config[key] = value.clone();
        }
        serde_json::from_value(config).unwrap()
    }

    #[test]
    fn a_domain_admits_its_own_people_alone() {
        let config = config(json!({ "domains": ["Example.com"] }));
        assert!(config.validate().is_empty() && config.admits("ada@example.COM"));
        for other in ["ada@evil-example.com", "ada@example.com.evil.test", "ada@sub.example.com", "example.com", "ada"]
        {
            assert!(!config.admits(other), "{other}");
        }
    }

    #[test]
    fn faults_name_their_place() {
        let faulty =
            json!({ "label": "", "issuer": "login.example.com", "domains": ["com"], "groups": { "x": "ops" } });
        let places: Vec<_> = config(faulty).validate().into_iter().map(|fault| fault.path).collect();
        assert_eq!(places, ["config.label", "config.issuer", "config.domains", "config.groups-claim"]);
    }
}
