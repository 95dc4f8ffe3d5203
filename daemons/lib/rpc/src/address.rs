//! Where a service listens, as a daemon's configuration writes it: a path, or the replicas on other machines.

use std::fmt;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use thiserror::Error;

/// More than anybody runs of one service.
const MAX_REPLICAS: usize = 64;

/// Where a service listens: `/run/…` or `unix:/run/…` on this machine, `https://host:port[,host:port…]` on others.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum Address {
    /// A socket of this machine.
    Unix(PathBuf),
    /// On other machines, each of which can answer.
    Replicas(Vec<Replica>),
}

/// One of several.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Replica {
    /// A name or an address, which its certificate must be for.
    pub host: String,
    /// Its port.
    pub port: u16,
}

/// A text that is no address of a service.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error(
    "`{text}` {fault}: write an absolute path such as /run/bulkhead/db-connector.sock, or https://host:port[,host:port...]"
)]
pub struct AddressError {
    text: String,
    fault: &'static str,
}

impl Address {
    /// Each of its places by itself, for what has to happen on all of them.
    pub fn each(&self) -> Vec<Self> {
        match self {
            Self::Unix(_) => vec![self.clone()],
            Self::Replicas(replicas) => replicas.iter().map(|replica| Self::Replicas(vec![replica.clone()])).collect(),
        }
    }

    /// Whether it is on another machine, so that a certificate is needed.
    pub fn is_elsewhere(&self) -> bool {
        matches!(self, Self::Replicas(_))
    }
}

impl std::str::FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = |fault| AddressError { text: text.to_owned(), fault };
        let Some(replicas) = text.strip_prefix("https://") else {
            let path = Path::new(text.strip_prefix("unix:").unwrap_or(text));
            return match path.is_absolute() {
                true => Ok(Self::Unix(path.to_owned())),
                false => Err(wrong("is no absolute path")),
            };
        };
        let mut found = Vec::new();
        for one in replicas.split(',') {
            let one = one.trim();
            let one = one.strip_prefix("https://").unwrap_or(one);
            let replica = replica(one).ok_or_else(|| wrong("has a part that is not host:port"))?;
            if found.contains(&replica) {
                return Err(wrong("names a replica twice"));
            }
            found.push(replica);
        }
        if found.len() > MAX_REPLICAS {
            return Err(wrong("names more than 64 replicas"));
        }
        Ok(Self::Replicas(found))
    }
}

fn replica(text: &str) -> Option<Replica> {
    let (host, port) = text.strip_suffix('/').unwrap_or(text).rsplit_once(':')?;
    let port = port.parse().ok().filter(|port| *port > 0)?;
    let host = match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        Some(address) => address.parse::<std::net::Ipv6Addr>().ok()?.to_string(),
        None => {
            let sound = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.');
            let is_sound = !host.is_empty() && host.len() <= 253 && host.chars().all(sound);
            is_sound.then(|| host.to_ascii_lowercase())?
        }
    };
    Some(Replica { host, port })
}

impl TryFrom<String> for Address {
    type Error = AddressError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<&Path> for Address {
    fn from(path: &Path) -> Self {
        Self::Unix(path.to_owned())
    }
}

/// A socket of this machine by its path, for what a program knows without reading a configuration.
impl From<&'static str> for Address {
    fn from(path: &'static str) -> Self {
        Self::Unix(path.into())
    }
}

impl fmt::Display for Address {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => write!(formatter, "{}", path.display()),
            Self::Replicas(replicas) => {
                formatter.write_str("https://")?;
                for (index, replica) in replicas.iter().enumerate() {
                    write!(formatter, "{}{replica}", if index == 0 { "" } else { "," })?;
                }
                Ok(())
            }
        }
    }
}

impl fmt::Display for Replica {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            return write!(formatter, "[{}]:{}", self.host, self.port);
        }
        write!(formatter, "{}:{}", self.host, self.port)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_reads_back_and_a_mistake_names_what_would_be_right() {
        for (text, shown) in [
            ("/run/bulkhead/x.sock", "/run/bulkhead/x.sock"),
            ("unix:/run/bulkhead/x.sock", "/run/bulkhead/x.sock"),
            ("https://App1.example.org:8453", "https://app1.example.org:8453"),
            ("https://a:1, b:2,https://[fd00::7]:3/", "https://a:1,b:2,[fd00::7]:3"),
        ] {
            let address: Address = text.parse().expect(text);
            assert_eq!(address.to_string(), shown);
            assert_eq!(shown.parse(), Ok(address));
        }
        for text in [
            "",
            "run/x.sock",
            "unix:x",
            "http://a:1",
            "https://",
            "https://a",
            "https://a:0",
            "https://a:1,a:1",
            "https://a/b:1",
            "https://user@a:1",
        ] {
            let error = text.parse::<Address>().expect_err(text).to_string();
            assert!(error.contains("https://host:port[,host:port...]"), "{error}");
        }
    }
}
