//! What a machine with all packages runs.

/// A daemon.
#[derive(Debug)]
pub(crate) struct Daemon {
    /// As its configuration and its sockets are named.
    pub(crate) name: &'static str,
    /// Its service unit.
    pub(crate) service: &'static str,
    /// Its socket units.
    pub(crate) sockets: &'static [&'static str],
    /// Its control socket, for the one that has instances: of instance 1.
    pub(crate) control: &'static str,
}

/// The daemons, in the order in which they come to be ready.
pub(crate) const DAEMONS: [Daemon; 8] = [
    Daemon {
        name: "jobs-runner",
        service: "bulkhead-jobs-runner.service",
        sockets: &["bulkhead-jobs-runner-control.socket"],
        control: "/run/bulkhead/jobs-runner-control.sock",
    },
    Daemon {
        name: "ssh-connector",
        service: "bulkhead-ssh-connector.service",
        sockets: &["bulkhead-ssh-connector.socket", "bulkhead-ssh-connector-control.socket"],
        control: "/run/bulkhead/ssh-connector-control.sock",
    },
    Daemon {
        name: "db-connector",
        service: "bulkhead-db-connector.service",
        sockets: &["bulkhead-db-connector.socket", "bulkhead-db-connector-control.socket"],
        control: "/run/bulkhead/db-connector-control.sock",
    },
    Daemon {
        name: "workflows-backend",
        service: "bulkhead-workflows-backend.service",
        sockets: &["bulkhead-workflows-backend.socket", "bulkhead-workflows-backend-control.socket"],
        control: "/run/bulkhead/workflows-backend-control.sock",
    },
    Daemon {
        name: "code-executor",
        service: "bulkhead-code-executor.service",
        sockets: &["bulkhead-code-executor.socket", "bulkhead-code-executor-control.socket"],
        control: "/run/bulkhead/code-executor-control.sock",
    },
    Daemon {
        name: "library-builder",
        service: "bulkhead-library-builder.service",
        sockets: &[
            "bulkhead-library-builder.socket",
            "bulkhead-library-builder-control.socket",
            "bulkhead-library-builder-unpacker.socket",
        ],
        control: "/run/bulkhead/library-builder-control.sock",
    },
    Daemon {
        name: "workflows-worker",
        service: "bulkhead-workflows-worker@1.service",
        sockets: &["bulkhead-workflows-worker-control@1.socket"],
        control: "/run/bulkhead/workflows-worker-1-control.sock",
    },
    Daemon {
        name: "api",
        service: "bulkhead-api.service",
        sockets: &[
            "bulkhead-api.socket",
            "bulkhead-api-http.socket",
            "bulkhead-api-https.socket",
            "bulkhead-api-control.socket",
        ],
        control: "/run/bulkhead/api-control.sock",
    },
];

/// Units without a control socket.
pub(crate) const OTHER_UNITS: [&str; 2] = ["bulkhead-temporal-guard.service", "bulkhead-temporal.service"];

/// What starts and stops with all of them.
pub(crate) const TARGET: &str = "bulkhead.target";
