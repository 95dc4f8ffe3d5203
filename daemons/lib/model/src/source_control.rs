//! Source Control: where the repository is, which branch, and how Bulkhead proves who it is.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Fault;
use crate::ssh::where_faults;

/// The longest address of a repository, in bytes.
const MAX_URL_BYTES: usize = 1000;
/// The longest name of a branch, in bytes.
const MAX_BRANCH_BYTES: usize = 200;
/// The longest message of a commit, in characters.
pub const MAX_MESSAGE: usize = 4000;
/// The longest private key or token, in bytes.
const MAX_SECRET_BYTES: usize = 16 * 1024;

/// The repository that documents are committed to and pulled from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct SourceControlConfig {
    /// `ssh://git@git.example/team/apps.git`, `git@git.example:team/apps.git` or `https://git.example/team/apps.git`.
    pub url: String,
    /// The branch that is pulled, and committed to where no other one is named.
    pub branch: String,
    /// The one key that the server may show, for SSH: `ssh-ed25519 AAAA...`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host_key: Option<String>,
}

/// What lets Bulkhead in. It is sealed to jobs-runner as this JSON, whole.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "authentication", rename_all = "kebab-case", deny_unknown_fields)]
pub enum SourceControlSecret {
    /// A key pair, for SSH.
    Key {
        /// The private key in OpenSSH form, without a passphrase.
        #[serde(rename = "private-key")]
        private_key: String,
    },
    /// A token or a password, for HTTPS.
    Token {
        /// The name that goes with it; `git` when absent, which most servers take for any.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        user: Option<String>,
        /// The token.
        token: String,
    },
}

impl fmt::Debug for SourceControlSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Key { .. } => "SourceControlSecret(key)",
            Self::Token { .. } => "SourceControlSecret(token)",
        })
    }
}

/// How a repository is reached. There are no other ways: no files, no `ext::`, nothing without encryption.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// SSH.
    Ssh,
    /// HTTPS.
    Https,
}

/// The parts of a repository's address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remote {
    /// How it is reached.
    pub transport: Transport,
    /// Who to log in as, for SSH.
    pub user: Option<String>,
    /// Host name or address, without brackets.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// The path, from its first slash.
    pub path: String,
}

impl Remote {
    /// The address as it is given to git, in one form.
    pub fn url(&self) -> String {
        let host = if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        match self.transport {
            Transport::Ssh => {
                format!("ssh://{}@{host}:{}{}", self.user.as_deref().unwrap_or("git"), self.port, self.path)
            }
            Transport::Https => format!("https://{host}:{}{}", self.port, self.path),
        }
    }
}

impl FromStr for Remote {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const FORMS: &str = "must be ssh://git@HOST/PATH, git@HOST:PATH or https://HOST/PATH";
        if text.is_empty() || text.len() > MAX_URL_BYTES || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(FORMS);
        }
        let (transport, rest) = match text.split_once("://") {
            Some(("ssh", rest)) => (Transport::Ssh, rest.to_owned()),
            Some(("https", rest)) => (Transport::Https, rest.to_owned()),
            Some(_) => return Err(FORMS),
            // The short form of SSH: what follows the colon is a path below the user's home.
            None => {
                let (at, path) = text.split_once(':').filter(|(at, _)| at.contains('@')).ok_or(FORMS)?;
                let slash = if path.starts_with('/') { "" } else { "/" };
                (Transport::Ssh, format!("{at}{slash}{path}"))
            }
        };
        let (authority, path) = rest.split_at(rest.find('/').ok_or("names no path: the repository's own")?);
        let (user, place) = match authority.rsplit_once('@') {
            Some((user, place)) => (Some(user), place),
            None => (None, authority),
        };
        if user.is_some_and(|user| user.contains(':')) || transport == Transport::Https && user.is_some() {
            return Err("holds a user or a password: enter them as the secret, the address is no place for them");
        }
        let is_word = |text: &str| {
            !text.is_empty()
                && !text.starts_with('-')
                && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-+~".contains(&byte))
        };
        if user.is_some_and(|user| !is_word(user)) {
            return Err("names a user with characters that no user has");
        }
        let (host, port) = match place.strip_prefix('[').and_then(|inner| inner.split_once(']')) {
            Some((host, port)) => (host, port.strip_prefix(':')),
            None => place.split_once(':').map_or((place, None), |(host, port)| (host, Some(port))),
        };
        let default = if transport == Transport::Ssh { 22 } else { 443 };
        let port = port.map_or(Ok(default), str::parse).map_err(|_| "has a port that is none")?;
        let is_path = path.len() > 1
            && path[1..].trim_end_matches('/').split('/').all(|part| is_word(part) && part != ".." && part != ".");
        if !is_path {
            return Err("has a path with characters or parts that no repository has");
        }
        Ok(Self { transport, user: user.map(str::to_owned), host: host.to_owned(), port, path: path.to_owned() })
    }
}

/// Whether git takes a text for the name of a branch; stricter than git is.
pub fn is_branch(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= MAX_BRANCH_BYTES
        && name != "HEAD"
        && name.split('/').all(|part| {
            part.starts_with(|c: char| c.is_ascii_alphanumeric())
                && part.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-'))
                && !part.contains("..")
                && !part.ends_with('.')
                && !part.ends_with(".lock")
        })
}

impl SourceControlConfig {
    /// Where it is; a config that was validated has it.
    pub fn remote(&self) -> Result<Remote, &'static str> {
        self.url.parse()
    }

    /// Whether a stored secret may be used with the settings of the other: it follows to no new server.
    pub fn keeps_secret(&self, other: &Self) -> bool {
        let place = |config: &Self| {
            config.remote().ok().map(|remote| (remote.transport, remote.user, remote.host, remote.port))
        };
        place(self).is_some() && place(self) == place(other) && self.host_key == other.host_key
    }

    /// Faults that can be told without connecting.
    pub fn validate(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        match self.remote() {
            Err(message) => faults.push(Fault::new("config.url", message)),
            Ok(remote) => {
                let of_place = where_faults(&remote.host, remote.port).into_iter();
                faults.extend(of_place.map(|fault| Fault::new("config.url", fault.message)));
                match (remote.transport, &self.host_key) {
                    (Transport::Ssh, None) => {
                        faults.push(Fault::new("config.host-key", "read the server's key and confirm it first"));
                    }
                    (Transport::Https, Some(_)) => {
                        faults.push(Fault::new("config.host-key", "is for SSH: leave it out"));
                    }
                    _ => {}
                }
            }
        }
        if !is_branch(&self.branch) {
            faults.push(Fault::new(
                "config.branch",
                "is no name of a branch: use letters, digits, `.`, `_`, `-` and `/`",
            ));
        }
        faults
    }
}

impl SourceControlSecret {
    /// Faults of the secret beside the settings.
    pub fn validate(&self, config: &SourceControlConfig) -> Vec<Fault> {
        let transport = config.remote().map(|remote| remote.transport);
        let message = match (self, transport) {
            (Self::Token { .. }, Ok(Transport::Ssh)) => Some("SSH logs in by a key: enter a private key"),
            (Self::Key { .. }, Ok(Transport::Https)) => Some("HTTPS logs in by a token: enter one"),
            (Self::Key { private_key }, _) if private_key.len() > MAX_SECRET_BYTES || !is_private_key(private_key) => {
                Some("must be a private key: `-----BEGIN OPENSSH PRIVATE KEY-----` and what follows")
            }
            (Self::Token { user, token }, _)
                if !is_visible(token) || !user.iter().all(|user| is_visible(user) && !user.contains(':')) =>
            {
                Some("a token and its user have visible characters alone, and the user no colon")
            }
            _ => None,
        };
        message.map(|message| Fault::new("secret", message)).into_iter().collect()
    }
}

fn is_private_key(text: &str) -> bool {
    let text = text.trim();
    text.starts_with("-----BEGIN ") && text.ends_with("PRIVATE KEY-----") && !text.contains('\0')
}

fn is_visible(text: &str) -> bool {
    !text.is_empty() && text.len() <= MAX_SECRET_BYTES && text.bytes().all(|byte| byte.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_three_forms_of_an_address_are_read() {
        for (text, url) in [
            ("ssh://git@git.example/team/apps.git", "ssh://git@git.example:22/team/apps.git"),
            ("git@git.example:team/apps.git", "ssh://git@git.example:22/team/apps.git"),
            ("ssh://deploy@[fd12::5]:2222/srv/apps", "ssh://deploy@[fd12::5]:2222/srv/apps"),
            ("https://git.example/team/apps.git", "https://git.example:443/team/apps.git"),
            ("https://git.example:8443/~me/apps", "https://git.example:8443/~me/apps"),
        ] {
            assert_eq!(text.parse::<Remote>().map(|remote| remote.url()).as_deref(), Ok(url), "{text}");
        }
    }

    #[test]
    fn other_ways_to_a_repository_are_refused() {
        for text in [
            "",
            "/srv/apps.git",
            "file:///srv/apps.git",
            "http://git.example/apps",
            "git://git.example/apps",
            "ext::sh -c touch% /tmp/x",
            "ext::ssh@host:x",
            "fd::17@x:y",
            "-oProxyCommand=x@host:path",
            "ssh://-oProxyCommand=x/path",
            "ssh://git@-oProxyCommand=x/path",
            "ssh://git:secret@git.example/apps",
            "https://user:secret@git.example/apps",
            "https://git.example/apps?x=1",
            "https://git.example/apps#x",
            "https://git.example/../apps",
            "https://git.example/",
            "https://git.example",
            "ssh://git@git.example:99999/apps",
            "ssh://git@git.example/-upload-pack=x",
            "ssh://git@git.example/a b",
            "git@git.example:a;b",
        ] {
            let config =
                SourceControlConfig { url: text.to_owned(), branch: "main".to_owned(), host_key: Some("x".to_owned()) };
            assert!(!config.validate().is_empty(), "{text}");
        }
    }

    #[test]
    fn branches_are_plain_words() {
        for good in ["main", "release/1.2", "feature/x_y-z"] {
            assert!(is_branch(good), "{good}");
        }
        for bad in [
            "", "-x", "a..b", "a//b", "/a", "a/", "a.lock", "x/.git", "a b", "a~1", "a^", "a:b", "@{u}", "HEAD",
            "+main",
        ] {
            assert!(!is_branch(bad), "{bad}");
        }
    }

    #[test]
    fn a_secret_follows_to_no_new_server() {
        let config = |url: &str, key: Option<&str>| SourceControlConfig {
            url: url.to_owned(),
            branch: "main".to_owned(),
            host_key: key.map(str::to_owned),
        };
        let stored = config("git@git.example:team/apps.git", Some("a"));
        assert!(stored.keeps_secret(&config("ssh://git@git.example/team/other.git", Some("a"))));
        for other in [
            config("git@git.example:team/apps.git", Some("b")),
            config("git@evil.example:team/apps.git", Some("a")),
            config("git@git.example:team/apps.git", None),
            config("https://git.example/team/apps.git", Some("a")),
        ] {
            assert!(!stored.keeps_secret(&other), "{other:?}");
        }
    }
}
