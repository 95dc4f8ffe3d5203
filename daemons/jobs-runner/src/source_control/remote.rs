//! How git logs in: the server's one key and the private key in files that only this user may read, or a header with the token.

use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use bulkhead_daemon_kit::NetworkPolicy;
use bulkhead_model::source_control::{Remote, SourceControlConfig, SourceControlSecret, Transport};
use sha2::{Digest, Sha256};

use super::fault::JobError;

/// What a command of git needs to know of the remote.
pub(crate) struct Login {
    /// The address, in one form.
    pub(crate) url: String,
    /// The one protocol that git may speak.
    pub(crate) protocol: &'static str,
    /// How it calls ssh.
    pub(crate) ssh_command: String,
    /// More of its configuration; it may hold the token.
    pub(crate) config: Vec<(String, String)>,
    /// The fingerprint of the confirmed key.
    pub(crate) fingerprint: Option<String>,
}

impl Login {
    /// Looks the server up, and lays down in `folder` what ssh reads.
    pub(crate) async fn prepare(
        config: &SourceControlConfig,
        secret: &SourceControlSecret,
        network: &NetworkPolicy,
        folder: &Path,
    ) -> Result<Self, JobError> {
        let remote =
            config.remote().map_err(|message| JobError::new("repository", format!("the address {message}")))?;
        // The address that was found to be permitted is the one that is connected to, whatever the name says a moment later.
        let address = network.resolve(&remote.host, remote.port).await?.ip();
        match (remote.transport, secret) {
            (Transport::Ssh, SourceControlSecret::Key { private_key }) => {
                let pinned = config.host_key.as_deref().unwrap_or_default();
                let (kind, encoded) = pinned.split_once(' ').ok_or_else(|| {
                    JobError::new("host-key", "no key of the server was confirmed: read it and confirm it")
                })?;
                let known_hosts = folder.join("known_hosts");
                write_private(&known_hosts, &format!("bulkhead-remote {kind} {encoded}\n"))?;
                let key = folder.join("key");
                write_private(&key, &format!("{}\n", private_key.trim().replace('\r', "")))?;
                Ok(Self {
                    ssh_command: ssh_command(kind, &key, &known_hosts, &address.to_string())?,
                    fingerprint: STANDARD
                        .decode(encoded)
                        .ok()
                        .map(|bytes| format!("SHA256:{}", STANDARD_NO_PAD.encode(Sha256::digest(bytes)))),
                    ..Self::to(&remote, "ssh")
                })
            }
            (Transport::Https, SourceControlSecret::Token { user, token }) => {
                let basic = STANDARD.encode(format!("{}:{token}", user.as_deref().unwrap_or("git")));
                let literal = if address.is_ipv6() { format!("[{address}]") } else { address.to_string() };
                Ok(Self {
                    config: vec![
                        (
                            format!("http.{}.extraHeader", Self::to(&remote, "https").url),
                            format!("Authorization: Basic {basic}"),
                        ),
                        ("http.curloptResolve".to_owned(), format!("{}:{}:{literal}", remote.host, remote.port)),
                    ],
                    ..Self::to(&remote, "https")
                })
            }
            _ => Err(JobError::new(
                "secret",
                "the stored secret is not of the kind that the address needs: enter it again",
            )),
        }
    }

    fn to(remote: &Remote, protocol: &'static str) -> Self {
        // Git over HTTPS calls no ssh, and must not find one either.
        let ssh_command = "/bin/false".to_owned();
        Self { url: remote.url(), protocol, ssh_command, config: Vec::new(), fingerprint: None }
    }
}

/// A shell reads it: what stands in it is our own, and checked to need no quotes.
fn ssh_command(kind: &str, key: &Path, known_hosts: &Path, address: &str) -> Result<String, JobError> {
    let (key, known_hosts) = (key.to_string_lossy(), known_hosts.to_string_lossy());
    let is_plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/._-:".contains(&byte));
    if ![kind, &key, &known_hosts, address].into_iter().all(is_plain) {
        return Err(JobError::new(
            "files",
            "runtime-directory in jobs-runner.toml must be a path of letters, digits, `/`, `.`, `_` and `-`",
        ));
    }
    let options = [
        "BatchMode=yes".to_owned(),
        "StrictHostKeyChecking=yes".to_owned(),
        "UpdateHostKeys=no".to_owned(),
        "CheckHostIP=no".to_owned(),
        "VerifyHostKeyDNS=no".to_owned(),
        "IdentitiesOnly=yes".to_owned(),
        "IdentityAgent=none".to_owned(),
        "PreferredAuthentications=publickey".to_owned(),
        "ForwardAgent=no".to_owned(),
        "ClearAllForwardings=yes".to_owned(),
        "PermitLocalCommand=no".to_owned(),
        "ProxyCommand=none".to_owned(),
        "ConnectTimeout=20".to_owned(),
        "ServerAliveInterval=10".to_owned(),
        "ServerAliveCountMax=3".to_owned(),
        "GlobalKnownHostsFile=/dev/null".to_owned(),
        format!("UserKnownHostsFile={known_hosts}"),
        format!("HostKeyAlgorithms={kind}"),
        "HostKeyAlias=bulkhead-remote".to_owned(),
        format!("HostName={address}"),
    ];
    let options = options.iter().map(|option| format!(" -o {option}")).collect::<String>();
    Ok(format!("ssh -F /dev/null -T -i {key}{options}"))
}

fn write_private(path: &Path, text: &str) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.create_new(true).write(true).mode(0o600).open(path)?.write_all(text.as_bytes())
}
