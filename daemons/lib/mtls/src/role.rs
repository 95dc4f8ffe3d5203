//! The daemons as callers and called, and the table of who may call whom.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// What a role's name begins with in a certificate.
const URI: &str = "bulkhead://role/";

/// A daemon.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// bulkhead-api
    Api,
    /// bulkhead-db-connector
    DbConnector,
    /// bulkhead-ssh-connector
    SshConnector,
    /// bulkhead-jobs-runner
    JobsRunner,
    /// bulkhead-workflows-worker
    WorkflowsWorker,
    /// bulkhead-workflows-backend
    WorkflowsBackend,
    /// bulkhead-code-executor
    CodeExecutor,
    /// bulkhead-library-builder
    LibraryBuilder,
}

/// No daemon has this name.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("`{0}` is no daemon: write one of {names}", names = Role::ALL.map(Role::name).join(", "))]
pub struct UnknownRole(pub String);

impl Role {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Api,
        Self::DbConnector,
        Self::SshConnector,
        Self::JobsRunner,
        Self::WorkflowsWorker,
        Self::WorkflowsBackend,
        Self::CodeExecutor,
        Self::LibraryBuilder,
    ];

    /// As its configuration is named.
    pub fn name(self) -> &'static str {
        self.unit().strip_prefix("bulkhead-").unwrap_or_default()
    }

    /// Its unit, which is its user too.
    pub fn unit(self) -> &'static str {
        match self {
            Self::Api => "bulkhead-api",
            Self::DbConnector => "bulkhead-db-connector",
            Self::SshConnector => "bulkhead-ssh-connector",
            Self::JobsRunner => "bulkhead-jobs-runner",
            Self::WorkflowsWorker => "bulkhead-workflows-worker",
            Self::WorkflowsBackend => "bulkhead-workflows-backend",
            Self::CodeExecutor => "bulkhead-code-executor",
            Self::LibraryBuilder => "bulkhead-library-builder",
        }
    }

    /// As it stands in a certificate.
    pub fn uri(self) -> String {
        format!("{URI}{}", self.name())
    }

    /// What a certificate's URI name says, where it is about a role at all.
    pub fn of_uri(uri: &str) -> Option<Result<Self, UnknownRole>> {
        uri.strip_prefix(URI).map(str::parse)
    }

    /// Who may call its internal socket: the table of the whole system. A route may narrow it.
    pub fn callers(self) -> &'static [Self] {
        match self {
            Self::DbConnector => &[Self::Api, Self::WorkflowsBackend],
            Self::SshConnector => &[Self::Api, Self::DbConnector],
            Self::WorkflowsBackend => &[Self::Api, Self::WorkflowsWorker, Self::CodeExecutor],
            Self::CodeExecutor => &[Self::Api, Self::WorkflowsWorker],
            Self::LibraryBuilder => &[Self::JobsRunner],
            // api's own socket is for people and root; nothing calls the other two.
            Self::Api | Self::JobsRunner | Self::WorkflowsWorker => &[],
        }
    }

    /// Whether it calls another daemon's internal socket.
    pub fn calls(self) -> bool {
        Self::ALL.iter().any(|server| server.callers().contains(&self))
    }

    /// The TCP port of its internal socket, where it has one.
    pub fn port(self) -> Option<u16> {
        match self {
            Self::DbConnector => Some(8451),
            Self::SshConnector => Some(8452),
            Self::WorkflowsBackend => Some(8453),
            Self::CodeExecutor => Some(8454),
            Self::LibraryBuilder => Some(8455),
            Self::Api | Self::JobsRunner | Self::WorkflowsWorker => None,
        }
    }
}

impl FromStr for Role {
    type Err = UnknownRole;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|role| role.name() == text).ok_or_else(|| UnknownRole(text.to_owned()))
    }
}

impl fmt::Display for Role {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_may_call_whom() {
        let table = Role::ALL.into_iter().filter(|role| !role.callers().is_empty()).map(|role| {
            let callers: Vec<_> = role.callers().iter().map(|caller| caller.name()).collect();
            format!("{} {} <- {}\n", role.name(), role.port().unwrap_or_default(), callers.join(", "))
        });
        let expected = "db-connector 8451 <- api, workflows-backend\n\
                        ssh-connector 8452 <- api, db-connector\n\
                        workflows-backend 8453 <- api, workflows-worker, code-executor\n\
                        code-executor 8454 <- api, workflows-worker\n\
                        library-builder 8455 <- jobs-runner\n";
        assert_eq!(table.collect::<String>(), expected);
    }

    #[test]
    fn a_role_reads_back_from_its_name_and_nothing_else_does() {
        for role in Role::ALL {
            assert_eq!(Role::of_uri(&role.uri()), Some(Ok(role)));
            assert_eq!(role.port().is_some(), !role.callers().is_empty(), "{role}");
        }
        assert_eq!(Role::of_uri("https://tools.example.org/"), None);
        let unknown = Role::of_uri("bulkhead://role/root").expect("about a role").expect_err("no daemon");
        assert!(unknown.to_string().starts_with("`root` is no daemon: write one of api, db-connector"), "{unknown}");
    }
}
