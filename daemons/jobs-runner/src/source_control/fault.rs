//! Why work on the repository failed, in words that name the fix.

use bulkhead_daemon_kit::ResolveError;
use bulkhead_store::StoreError;
use bulkhead_store::source_documents::ApplyError;
use bulkhead_tree::{ReadError, TreeError};
use serde_json::{Value, json};
use thiserror::Error;

/// The most of what git says that is told, in characters.
const MAX_SAID: usize = 600;

/// Why a job failed.
#[derive(Debug, Error)]
#[error("{message}")]
pub(crate) struct JobError {
    /// For programs.
    pub(crate) code: &'static str,
    /// For people.
    pub(crate) message: String,
    /// More about it.
    pub(crate) detail: Value,
}

impl JobError {
    pub(crate) fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), detail: json!({}) }
    }

    pub(crate) fn with(self, detail: Value) -> Self {
        Self { detail, ..self }
    }

    /// Of what git wrote as it failed.
    pub(crate) fn of_git(said: &str, pinned: Option<&str>) -> Self {
        let has = |texts: &[&str]| texts.iter().any(|text| said.contains(text));
        if has(&["REMOTE HOST IDENTIFICATION HAS CHANGED", "Host key verification failed"]) {
            let shown = said.split_whitespace().find(|word| word.starts_with("SHA256:"));
            let shown = shown.map_or("another key", |word| word.trim_end_matches('.'));
            let pinned = pinned.unwrap_or("another one");
            return Self::new(
                "host-key",
                format!(
                    "the server shows {shown}, and {pinned} was confirmed for it: ask whoever runs the server; if its key was \
                     changed on purpose, read and confirm it again"
                ),
            )
            .with(json!({ "shown": shown, "confirmed": pinned }));
        }
        let known = [
            (
                &["no matching host key type"][..],
                "host-key",
                "the server no longer has a key of the confirmed kind: read its key and confirm it again",
            ),
            (
                &["error in libcrypto", "incorrect passphrase", "invalid format"],
                "secret",
                "the private key cannot be read: enter it whole, in OpenSSH form, without a passphrase",
            ),
            (
                &["Permission denied"],
                "log-in",
                "the server refuses the key: add its public half to the repository's deploy keys, with the right to write",
            ),
            (
                &[
                    "Authentication failed",
                    "could not read Username",
                    "could not read Password",
                    "error: 401",
                    "error: 403",
                ],
                "log-in",
                "the server refuses the token: check that it has not expired and may read and write the repository",
            ),
            (
                &["certificate", "SSL"],
                "certificate",
                "the server's certificate is not trusted: install its authority on this machine (update-ca-certificates)",
            ),
            (
                &[
                    "does not appear to be a git repository",
                    "Repository not found",
                    "repository not found",
                    "not found",
                    "error: 404",
                ],
                "repository",
                "there is no such repository, or the log-in may not see it: check the address and its rights",
            ),
            (
                &["hasDot", "hasDotdot", "hasDotgit", "fsck", "fullPathname", "gitmodules"],
                "tree-refused",
                "git refuses the repository's objects: a path or an object in it is one that no checkout should ever make",
            ),
            (
                &["(stale info)", "[rejected]", "non-fast-forward", "fetch first"],
                "moved",
                "somebody pushed meanwhile: pull, then commit again",
            ),
            (
                &["hook declined", "protected branch", "[remote rejected]"],
                "push-refused",
                "the server refuses the commit, by a rule of its own: commit to another branch, or ask for the right to push",
            ),
            (
                &[
                    "Could not resolve",
                    "Connection refused",
                    "timed out",
                    "unreachable",
                    "No route to host",
                    "Connection closed",
                    "Failed to connect",
                    "Could not connect",
                ],
                "unreachable",
                "the server does not answer: check its address, and whether this machine may reach it",
            ),
        ];
        for (texts, code, message) in known {
            if has(texts) {
                return Self::new(code, message).with(json!({ "said": told(said) }));
            }
        }
        Self::new("git-failed", format!("git failed: {}", told(said)))
    }
}

/// The end of what git said, on one line.
fn told(said: &str) -> String {
    let lines: Vec<&str> = said.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let end = lines[lines.len().saturating_sub(4)..].join(" / ");
    end.chars().filter(|c| !c.is_control()).take(MAX_SAID).collect()
}

impl From<StoreError> for JobError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Changed { .. } => {
                Self::new("draft-changed", "a document was saved meanwhile: nothing was applied; try again")
            }
            other => Self::new("database", format!("{other}: nothing was applied; try again")),
        }
    }
}

impl From<ApplyError> for JobError {
    fn from(error: ApplyError) -> Self {
        match error {
            ApplyError::Store(error) => error.into(),
            ApplyError::Refused { .. } => Self::new("document-refused", error.to_string()),
        }
    }
}

impl From<TreeError> for JobError {
    fn from(error: TreeError) -> Self {
        Self::new("tree-refused", error.to_string())
    }
}

impl From<ReadError> for JobError {
    fn from(error: ReadError) -> Self {
        Self::new("document-invalid", error.to_string())
    }
}

impl From<ResolveError> for JobError {
    fn from(error: ResolveError) -> Self {
        Self::new("unreachable", error.to_string())
    }
}

impl From<std::io::Error> for JobError {
    fn from(error: std::io::Error) -> Self {
        Self::new(
            "files",
            format!("the work folder of jobs-runner cannot be used ({error}): check that its disk has space"),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_changed_host_key_is_told_with_both_fingerprints() {
        let said = "@@@\nWARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!\nThe fingerprint for the ED25519 key sent by the remote host is\nSHA256:abc+/.\nHost key verification failed.";
        let error = JobError::of_git(said, Some("SHA256:def"));
        assert_eq!(error.code, "host-key");
        assert!(
            error.message.contains("SHA256:abc+/,") && error.message.contains("SHA256:def was confirmed"),
            "{error}"
        );
    }

    #[test]
    fn what_is_not_known_is_told_in_one_line_without_control_characters() {
        let error = JobError::of_git("fatal: \u{1b}[31msomething\u{1b}[0m\nelse\n", None);
        assert_eq!((error.code, error.message.as_str()), ("git-failed", "git failed: fatal: [31msomething[0m / else"));
    }
}
