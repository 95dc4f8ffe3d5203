//! OAuth 2 with a person who says yes once: the authorisation code (RFC 6749, section 4.1), always with PKCE (RFC 7636).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{BaseUrl, text_fault};
use crate::Fault;

/// Further parameters at most.
const MAX_PARAMETERS: usize = 20;

/// Parameters that the flow itself sets.
const OWN_PARAMETERS: [&str; 9] = [
    "client_id",
    "client_secret",
    "code_challenge",
    "code_challenge_method",
    "redirect_uri",
    "request",
    "response_type",
    "scope",
    "state",
];

/// Tokens that a person's consent brings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Oauth2Code {
    /// Where people are sent to say yes.
    pub authorization_url: BaseUrl,
    /// Where tokens are given and renewed. It gets the secret; it is reached through the SSH host too, if there is one.
    pub token_url: BaseUrl,
    /// The client.
    pub client_id: String,
    /// What the tokens are for, as the server names it: words with spaces between them. Many servers give a refresh token only for
    /// `offline_access`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub scope: String,
    /// Further parameters of the authorisation URL, such as `access_type` and `prompt`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub parameters: BTreeMap<String, String>,
    /// Whose account requests are made with.
    #[serde(default)]
    pub account: Oauth2Account,
    /// Whether id and secret go into the form; by default they are the user and password of the request. A client without a secret
    /// sends its id in the form anyway.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub secret_in_form: bool,
    /// PEM of the authority that signed the token server's certificate; the system's authorities when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_certificate: Option<String>,
}

/// Whose account requests are made with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Oauth2Account {
    /// One that an administrator of the resource connected, for everybody.
    #[default]
    Shared,
    /// That of whoever asks: each person connects their own.
    Own,
}

impl Oauth2Code {
    pub(super) fn faults(&self, place: impl Fn(&str) -> String, faults: &mut Vec<Fault>) {
        for (key, url) in [("authorization-url", &self.authorization_url), ("token-url", &self.token_url)] {
            if url.parts().is_none() {
                let message = "must be a URL such as https://login.example.com/oauth/token, without query, user name or \
                               password";
                faults.push(Fault::new(place(key), message));
            }
        }
        text_fault(&place("client-id"), &self.client_id, 512, faults);
        if self.scope.len() > 2048 || self.scope.chars().any(char::is_control) {
            faults.push(Fault::new(place("scope"), "must have 2048 characters at most, in one line"));
        }
        if self.parameters.len() > MAX_PARAMETERS {
            faults.push(Fault::new(place("parameters"), format!("has more than {MAX_PARAMETERS} parameters")));
        }
        for (name, value) in &self.parameters {
            let place = place(&format!("parameters.{name}"));
            if OWN_PARAMETERS.contains(&name.as_str()) {
                faults.push(Fault::new(place, "is a parameter that Bulkhead sets: remove it"));
            } else if name.is_empty() || name.len() > 128 || value.len() > 2048 {
                faults.push(Fault::new(place, "must have a name of 1 to 128 characters and a value of 2048 at most"));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::{Value, json};

    use super::*;
    use crate::resource::{ResourceConfig, SecretNeed};

    fn config(more: &Value) -> ResourceConfig {
        let mut authentication = json!({
            "type": "oauth2-code", "authorization-url": "https://login.example.com/authorize",
            "token-url": "https://login.example.com/token", "client-id": "bulkhead",
        });
        for (key, value) in more.as_object().unwrap() {
            authentication[key] = value.clone();
        }
        let config = json!({ "kind": "rest", "url": "https://api.example.com", "authentication": authentication });
        serde_json::from_value(config).unwrap()
    }

    #[test]
    fn a_client_may_have_no_secret_and_its_account_is_shared_unless_it_says_otherwise() {
        let shared = config(&json!({}));
        assert!(shared.validate().is_empty());
        assert_eq!(
            (shared.secret(), shared.oauth2_code().unwrap().account),
            (SecretNeed::Optional, Oauth2Account::Shared)
        );
        let own = config(&json!({ "account": "own" }));
        assert_eq!(own.oauth2_code().unwrap().account, Oauth2Account::Own);
    }

    #[test]
    fn where_people_are_sent_is_part_of_who_receives_the_secret() {
        let here = config(&json!({}));
        for key in ["authorization-url", "token-url"] {
            assert_ne!(here.destination(), config(&json!({ key: "https://evil.example/" })).destination(), "{key}");
        }
    }

    #[test]
    fn what_the_flow_sets_itself_is_no_further_parameter() {
        let places =
            |config: ResourceConfig| -> Vec<String> { config.validate().into_iter().map(|fault| fault.path).collect() };
        let own = config(&json!({ "parameters": { "state": "x", "prompt": "consent" } }));
        assert_eq!(places(own), ["config.authentication.parameters.state"]);
        let urls = config(&json!({ "authorization-url": "javascript:alert(1)", "token-url": "x", "client-id": "" }));
        assert_eq!(
            places(urls),
            ["authorization-url", "token-url", "client-id"].map(|key| format!("config.authentication.{key}"))
        );
    }
}
