//! Where a resource is that is reached by HTTP.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Server, TlsMode};
use crate::{Fault, SshHostId};

/// The longest one, in bytes.
const MAX_BYTES: usize = 2048;

/// `https://api.example.com/v1`: scheme, host, port and the path that all requests begin with. No query, no name, no password.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
pub struct BaseUrl(pub String);

/// A [`BaseUrl`] cut at its joints.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UrlParts<'a> {
    /// Whether it is `https`.
    pub is_encrypted: bool,
    /// Host name or address, an address of version 6 without its brackets.
    pub host: &'a str,
    /// TCP port.
    pub port: u16,
    /// What the `Host` header says.
    pub authority: &'a str,
    /// Empty, or beginning with `/` and not ending so.
    pub path: &'a str,
    /// The path as it was written, with a `/` at its end if it has one.
    pub full_path: &'a str,
}

impl BaseUrl {
    /// Its parts; none if it is no such URL.
    pub fn parts(&self) -> Option<UrlParts<'_>> {
        let (is_encrypted, rest) = match self.0.split_once("://")? {
            ("https", rest) => (true, rest),
            ("http", rest) => (false, rest),
            _ => return None,
        };
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let plain =
            path.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'?' | b'#' | b'"' | b'<' | b'>'));
        let (host, port) = match authority.strip_prefix('[') {
            Some(rest) => {
                let (host, port) = rest.split_once(']')?;
                (host, port)
            }
            None => authority.split_at(authority.find(':').unwrap_or(authority.len())),
        };
        let port = match port.strip_prefix(':') {
            Some(port) => port.parse().ok()?,
            None if port.is_empty() => {
                if is_encrypted {
                    443
                } else {
                    80
                }
            }
            None => return None,
        };
        let is_host = !host.is_empty()
            && host.len() <= 253
            && host.chars().all(|c| {
                c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_') || (c == ':' && authority.starts_with('['))
            });
        (plain && is_host && port > 0 && self.0.len() <= MAX_BYTES).then_some(UrlParts {
            is_encrypted,
            host,
            port,
            authority,
            path: path.trim_end_matches('/'),
            full_path: path,
        })
    }

    /// The server that it names. One without a host, if it is no URL: validation has refused it.
    pub fn server<'a>(
        &'a self,
        ca_certificate: Option<&'a str>,
        client_certificate: Option<&'a str>,
        ssh_host: Option<SshHostId>,
    ) -> Server<'a> {
        let (host, port, is_encrypted) =
            self.parts().map_or(("", 0, true), |parts| (parts.host, parts.port, parts.is_encrypted));
        let tls = if is_encrypted { TlsMode::VerifyFull } else { TlsMode::Disabled };
        Server { host, port, tls, ca_certificate, client_certificate, ssh_host }
    }

    pub(super) fn faults(&self, faults: &mut Vec<Fault>) {
        if self.parts().is_none() {
            faults.push(Fault::new(
                "config.url",
                "must be a URL such as https://api.example.com/v1, without query, user name or password",
            ));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(text: &str) -> Option<(bool, String, u16, String)> {
        let url = BaseUrl(text.to_owned());
        let parts = url.parts()?;
        Some((parts.is_encrypted, parts.host.to_owned(), parts.port, parts.path.to_owned()))
    }

    #[test]
    fn a_url_is_cut_at_its_joints() {
        assert_eq!(parts("https://api.example.com/v1/"), Some((true, "api.example.com".into(), 443, "/v1".into())));
        assert_eq!(parts("http://10.0.0.5:8080"), Some((false, "10.0.0.5".into(), 8080, String::new())));
        assert_eq!(parts("http://[::1]:9200/x"), Some((false, "::1".into(), 9200, "/x".into())));
    }

    #[test]
    fn what_is_more_than_a_place_is_refused() {
        for text in [
            "api.example.com",
            "ftp://a",
            "https://",
            "https://u:p@a/",
            "https://a?x=1",
            "https://a/#x",
            "https://a:0",
            "https://a:99999",
            "https://a b/",
            "https://a/\r\nHost: b",
            "https://[::1",
            "https://a:b",
        ] {
            assert_eq!(parts(text), None, "{text}");
        }
    }
}
