//! A server that is asked by HTTP: REST and GraphQL.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{BaseUrl, Oauth2Code, SecretNeed, Server, text_fault};
use crate::{Fault, SshHostId, header};

/// Headers of a resource at most.
const MAX_HEADERS: usize = 50;

/// How to reach a server by HTTP, and who asks.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct HttpApiConfig {
    /// REST: what the paths of all requests begin with. GraphQL: the endpoint.
    pub url: BaseUrl,
    /// Headers of every request. They are no place for a secret: everybody who may look at the resource reads them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
    /// How a request shows who asks; the resource's secret is for this.
    #[serde(default)]
    pub authentication: HttpAuthentication,
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

/// How a request shows who asks.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "type", rename_all = "kebab-case", deny_unknown_fields)]
pub enum HttpAuthentication {
    /// Not at all.
    #[default]
    None,
    /// User and password; the secret is the password.
    Basic {
        /// The user.
        user: String,
    },
    /// `Authorization: Bearer`; the secret is the token.
    Bearer,
    /// A header; the secret is the key.
    ApiKeyHeader {
        /// The header's name.
        header: String,
        /// What stands before the key, such as `ApiKey `.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        prefix: String,
    },
    /// A query parameter; the secret is the key.
    ApiKeyQuery {
        /// The parameter's name.
        parameter: String,
    },
    /// OAuth 2: a token for the client itself; the secret is the client's.
    Oauth2(Box<Oauth2>),
    /// OAuth 2: a token for an account whose owner said yes; the secret is the client's, if it has one.
    #[serde(rename = "oauth2-code")]
    Oauth2Code(Box<Oauth2Code>),
}

/// OAuth 2, client credentials (RFC 6749, section 4.4).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Oauth2 {
    /// Where tokens are given. It gets the secret; it is reached through the SSH host too, if there is one.
    pub token_url: BaseUrl,
    /// The client.
    pub client_id: String,
    /// What the token is for, as the server names it: words with spaces between them.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub scope: String,
    /// Whom the token is for; some servers want it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub audience: String,
    /// Whether id and secret go into the form; by default they are the user and password of the request.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub secret_in_form: bool,
    /// PEM of the authority that signed the token server's certificate; the system's authorities when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_certificate: Option<String>,
}

impl HttpApiConfig {
    /// Where the server is.
    pub fn server(&self) -> Server<'_> {
        self.url.server(self.ca_certificate.as_deref(), self.client_certificate.as_deref(), self.ssh_host)
    }

    pub(super) fn secret(&self) -> SecretNeed {
        match self.authentication {
            HttpAuthentication::None => SecretNeed::None,
            HttpAuthentication::Oauth2Code(_) => SecretNeed::Optional,
            _ => SecretNeed::Required,
        }
    }

    /// Who besides the server gets the secret: its URL, and the authority whose word counts for it. Where people are sent belongs to it:
    /// what they answer with is worth a token.
    pub(super) fn token_receiver(&self) -> Option<(String, Option<&str>)> {
        match &self.authentication {
            HttpAuthentication::Oauth2(oauth2) => Some((oauth2.token_url.0.clone(), oauth2.ca_certificate.as_deref())),
            HttpAuthentication::Oauth2Code(code) => {
                let urls = format!("{} {}", code.authorization_url.0, code.token_url.0);
                Some((urls, code.ca_certificate.as_deref()))
            }
            _ => None,
        }
    }

    pub(super) fn faults(&self, faults: &mut Vec<Fault>) {
        self.url.faults(faults);
        if self.headers.len() > MAX_HEADERS {
            faults.push(Fault::new("config.headers", format!("has more than {MAX_HEADERS} headers")));
        }
        for (name, value) in &self.headers {
            let path = format!("config.headers.{name}");
            if let Some(fault) = header::name_fault(name) {
                faults.push(Fault::new(&path, fault));
            }
            if !header::is_value(value) {
                faults.push(Fault::new(&path, "must be one line of 8192 characters at most"));
            }
            if self.authentication.header().is_some_and(|own| own.eq_ignore_ascii_case(name)) {
                faults.push(Fault::new(path, "is the header that the authentication sets: remove it"));
            }
        }
        self.authentication.faults(faults);
    }
}

impl HttpAuthentication {
    /// The header that it sets.
    pub fn header(&self) -> Option<&str> {
        match self {
            Self::None | Self::ApiKeyQuery { .. } => None,
            Self::Basic { .. } | Self::Bearer | Self::Oauth2(_) | Self::Oauth2Code(_) => Some("authorization"),
            Self::ApiKeyHeader { header, .. } => Some(header),
        }
    }

    fn faults(&self, faults: &mut Vec<Fault>) {
        let place = |key: &str| format!("config.authentication.{key}");
        match self {
            Self::None | Self::Bearer => {}
            Self::Basic { user } => {
                if user.len() > 255 || user.contains(':') || user.chars().any(char::is_control) {
                    faults.push(Fault::new(place("user"), "must have 255 characters at most, and no colon"));
                }
            }
            Self::ApiKeyHeader { header, prefix } => {
                if let Some(fault) = header::name_fault(header) {
                    faults.push(Fault::new(place("header"), fault));
                }
                if prefix.len() > 64 || !header::is_value(prefix) {
                    faults.push(Fault::new(place("prefix"), "must have 64 characters at most, in one line"));
                }
            }
            Self::ApiKeyQuery { parameter } => text_fault(&place("parameter"), parameter, 128, faults),
            Self::Oauth2Code(code) => code.faults(place, faults),
            Self::Oauth2(oauth2) => {
                if oauth2.token_url.parts().is_none() {
                    let message = "must be a URL such as https://login.example.com/oauth/token, without query, user \
                                   name or password";
                    faults.push(Fault::new(place("token-url"), message));
                }
                text_fault(&place("client-id"), &oauth2.client_id, 512, faults);
                for (key, value) in [("scope", &oauth2.scope), ("audience", &oauth2.audience)] {
                    if value.len() > 2048 || value.chars().any(char::is_control) {
                        faults.push(Fault::new(place(key), "must have 2048 characters at most, in one line"));
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::{Value, json};

    use super::*;
    use crate::resource::ResourceConfig;

    fn config(authentication: &Value) -> ResourceConfig {
        let config = json!({ "kind": "rest", "url": "https://api.example.com/v1", "authentication": authentication });
        serde_json::from_value(config).unwrap()
    }

    fn oauth2(token_url: &str) -> Value {
        json!({ "type": "oauth2", "token-url": token_url, "client-id": "bulkhead" })
    }

    #[test]
    fn another_receiver_of_the_secret_is_another_destination() {
        let bearer = config(&json!({ "type": "bearer" }));
        let basic = config(&json!({ "type": "basic", "user": "u" }));
        let token = config(&oauth2("https://login.example.com/token"));
        let other = config(&oauth2("https://login.example.org/token"));
        assert_eq!(bearer.destination(), basic.destination());
        // A client's secret was never meant for the server itself.
        assert_ne!(bearer.destination(), token.destination());
        assert_ne!(token.destination(), other.destination());
        assert_eq!(
            (bearer.secret(), config(&json!({ "type": "none" })).secret()),
            (SecretNeed::Required, SecretNeed::None)
        );
    }

    #[test]
    fn faults_name_their_place() {
        let places =
            |config: ResourceConfig| -> Vec<String> { config.validate().into_iter().map(|fault| fault.path).collect() };
        assert!(places(config(&oauth2("https://login.example.com/token"))).is_empty());
        assert_eq!(places(config(&oauth2("login.example.com"))), ["config.authentication.token-url"]);
        let host = config(&json!({ "type": "api-key-header", "header": "Host" }));
        assert_eq!(places(host), ["config.authentication.header"]);
        let headers = json!({ "kind": "rest", "url": "nowhere", "headers": { "a b": "x", "ok": "a\nb", "Authorization": "x" },
            "authentication": { "type": "bearer" } });
        let faults = places(serde_json::from_value(headers).unwrap());
        assert_eq!(faults, ["config.url", "config.headers.Authorization", "config.headers.a b", "config.headers.ok"]);
    }
}
