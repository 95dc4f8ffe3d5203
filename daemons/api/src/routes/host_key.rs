//! The public key of an SSH host in OpenSSH's form (RFC 4253 section 6.6, RFC 5656, RFC 8709), and its fingerprint.

use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use sha2::{Digest, Sha256};

/// The kinds of key that can be confirmed, with the bytes of what follows the name: the key, or a curve's name and a point.
const KINDS: [(&str, Option<&str>, usize); 4] = [
    ("ssh-ed25519", None, 32),
    ("ecdsa-sha2-nistp256", Some("nistp256"), 65),
    ("ecdsa-sha2-nistp384", Some("nistp384"), 97),
    ("ecdsa-sha2-nistp521", Some("nistp521"), 133),
];

/// A key of a kind that ssh-connector accepts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct HostKey {
    kind: &'static str,
    bytes: Vec<u8>,
}

impl HostKey {
    /// `ssh-ed25519 AAAA...`, without a comment.
    pub(crate) fn into_text(self) -> String {
        format!("{} {}", self.kind, STANDARD.encode(&self.bytes))
    }

    /// As `ssh-keygen -l` prints it.
    pub(crate) fn fingerprint(&self) -> String {
        format!("SHA256:{}", STANDARD_NO_PAD.encode(Sha256::digest(&self.bytes)))
    }
}

impl FromStr for HostKey {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut words = text.split_ascii_whitespace();
        let (kind, encoded) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let &(kind, curve, key_bytes) = KINDS.iter().find(|(name, ..)| *name == kind).ok_or_else(|| {
            "must be the host's key of type ed25519 or ecdsa: `ssh-ed25519 AAAA...`; read it from the host first"
                .to_owned()
        })?;
        let cut = || "the key is cut off or damaged: read it from the host again".to_owned();
        let bytes = STANDARD.decode(encoded).map_err(|_| cut())?;
        let rest = field(&bytes).filter(|(name, _)| *name == kind.as_bytes()).ok_or_else(cut)?.1;
        let rest = match curve {
            Some(curve) => field(rest).filter(|(name, _)| *name == curve.as_bytes()).ok_or_else(cut)?.1,
            None => rest,
        };
        let (key, rest) = field(rest).ok_or_else(cut)?;
        if key.len() != key_bytes || !rest.is_empty() {
            return Err(cut());
        }
        Ok(Self { kind, bytes })
    }
}

/// A text with its length before it, and what follows.
fn field(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    rest.split_at_checked(u32::from_be_bytes(*length) as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILM+rvN+ot98qgEN796jTiQfZfG1KaT0PtFDJ/XFSqti";

    #[test]
    fn a_key_is_kept_without_its_comment() {
        let key: HostKey = format!(" {KEY} root@bastion\n").parse().expect("a key");
        assert_eq!(key.fingerprint().len(), "SHA256:".len() + 43);
        assert_eq!(key.into_text(), KEY);
    }

    #[test]
    fn what_is_no_whole_key_is_refused() {
        for text in [
            "",
            "ssh-ed25519",
            "ssh-ed25519 AAAA",
            &KEY[..KEY.len() - 4],
            &format!("{KEY}AAAA"),
            &KEY.replacen("ssh-ed25519", "ecdsa-sha2-nistp256", 1),
            "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAgQ==",
        ] {
            assert!(text.parse::<HostKey>().is_err(), "{text}");
        }
    }
}
