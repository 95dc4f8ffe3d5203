-- The first schema: identity, access, resources, apps, workflows, runs, audit.
--
-- Documents and payloads are `json`, not `jsonb`: a string may hold \u0000, which jsonb refuses, and the order of keys is kept.
--
-- Owned by the role that migrates (bulkhead-jobs-runner). Each daemon's role gets what its queries need and no more; the
-- grants stand at the end, so that "who may touch what" reads as one table.

-- Identity ------------------------------------------------------------------------------------------------------------

CREATE TABLE users (
    id            uuid PRIMARY KEY,
    email         text NOT NULL CHECK (length(email) BETWEEN 3 AND 254),
    name          text NOT NULL CHECK (length(name) BETWEEN 1 AND 120),
    -- argon2id in PHC form; null until the person has used an invitation.
    password_hash text,
    is_admin      boolean NOT NULL DEFAULT false,
    disabled_at   timestamptz,
    created_at    timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX users_email ON users (lower(email));

-- Links that set a password once: the first administrator's, a recovered administrator's, an invitation.
CREATE TABLE one_time_links (
    token_hash bytea PRIMARY KEY,
    purpose    text NOT NULL CHECK (purpose IN ('first-admin', 'recover-admin', 'invitation')),
    user_id    uuid REFERENCES users (id) ON DELETE CASCADE,
    expires_at timestamptz NOT NULL,
    used_at    timestamptz,
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE sessions (
    -- SHA-256 of the cookie, so that a stolen dump opens no session.
    id_hash      bytea PRIMARY KEY,
    user_id      uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    created_at   timestamptz NOT NULL DEFAULT now(),
    last_seen_at timestamptz NOT NULL DEFAULT now(),
    expires_at   timestamptz NOT NULL
);
CREATE INDEX sessions_user ON sessions (user_id);

-- Roles on one app, workflow or resource. An administrator (users.is_admin) needs none.
CREATE TABLE grants (
    object_kind text NOT NULL CHECK (object_kind IN ('app', 'workflow', 'resource')),
    object_id   uuid NOT NULL,
    user_id     uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    role        text NOT NULL CHECK (role IN ('viewer', 'editor', 'admin')),
    granted_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (object_kind, object_id, user_id)
);
CREATE INDEX grants_user ON grants (user_id, object_kind, object_id);

-- Resources -----------------------------------------------------------------------------------------------------------

CREATE TABLE ssh_hosts (
    id            uuid PRIMARY KEY,
    name          text NOT NULL UNIQUE,
    host          text NOT NULL,
    port          integer NOT NULL CHECK (port BETWEEN 1 AND 65535),
    user_name     text NOT NULL,
    -- `ssh-ed25519 AAAA...`: the one key that the host may show.
    host_key      text NOT NULL,
    -- Sealed to ssh-connector: a private key in OpenSSH form.
    sealed_secret text NOT NULL,
    created_at    timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE resources (
    id            uuid PRIMARY KEY,
    name          text NOT NULL UNIQUE,
    config        json NOT NULL,
    -- Sealed to db-connector.
    sealed_secret text,
    -- The built-in tables database: made by setup, cannot be edited or deleted.
    built_in      boolean NOT NULL DEFAULT false,
    -- Grows with every change: connectors drop pools of older revisions.
    revision      bigint NOT NULL DEFAULT 1,
    created_at    timestamptz NOT NULL DEFAULT now(),
    updated_at    timestamptz NOT NULL DEFAULT now()
);

-- Apps and workflows --------------------------------------------------------------------------------------------------

CREATE TABLE apps (
    id               uuid PRIMARY KEY,
    slug             text NOT NULL UNIQUE,
    title            text NOT NULL,
    draft            json NOT NULL,
    -- A save names the revision that it changed, so two editors never overwrite one another silently.
    draft_revision   bigint NOT NULL DEFAULT 1,
    released_version integer,
    created_at       timestamptz NOT NULL DEFAULT now(),
    updated_at       timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE app_releases (
    app_id      uuid NOT NULL REFERENCES apps (id) ON DELETE CASCADE,
    version     integer NOT NULL,
    document    json NOT NULL,
    released_by uuid REFERENCES users (id),
    released_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (app_id, version)
);

CREATE TABLE workflows (
    id               uuid PRIMARY KEY,
    slug             text NOT NULL UNIQUE,
    title            text NOT NULL,
    draft            json NOT NULL,
    draft_revision   bigint NOT NULL DEFAULT 1,
    released_version integer,
    created_at       timestamptz NOT NULL DEFAULT now(),
    updated_at       timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE workflow_releases (
    workflow_id uuid NOT NULL REFERENCES workflows (id) ON DELETE CASCADE,
    version     integer NOT NULL,
    document    json NOT NULL,
    released_by uuid REFERENCES users (id),
    released_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (workflow_id, version)
);

CREATE TABLE webhook_keys (
    workflow_id uuid NOT NULL REFERENCES workflows (id) ON DELETE CASCADE,
    trigger     text NOT NULL,
    key_hash    bytea NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (workflow_id, trigger)
);

-- Runs ----------------------------------------------------------------------------------------------------------------

CREATE TABLE runs (
    id              uuid PRIMARY KEY,
    workflow_id     uuid NOT NULL,
    version         integer NOT NULL,
    status          text NOT NULL CHECK (status IN ('queued', 'running', 'succeeded', 'failed', 'cancelled')),
    -- What code sees as `trigger`: {kind, body, headers, query, ...}.
    trigger         json NOT NULL,
    started_by      uuid REFERENCES users (id),
    idempotency_key text,
    error           json,
    -- {status, body} of the response block.
    response        json,
    created_at      timestamptz NOT NULL DEFAULT now(),
    started_at      timestamptz,
    finished_at     timestamptz,
    FOREIGN KEY (workflow_id, version) REFERENCES workflow_releases (workflow_id, version) ON DELETE CASCADE
);
CREATE UNIQUE INDEX runs_idempotency ON runs (workflow_id, idempotency_key) WHERE idempotency_key IS NOT NULL;
CREATE INDEX runs_by_workflow ON runs (workflow_id, id DESC);
CREATE INDEX runs_unfinished ON runs (id) WHERE status IN ('queued', 'running');

-- Written in the transaction that writes the run; a starter in a worker sends it to Temporal and marks it sent.
CREATE TABLE run_outbox (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    run_id     uuid NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    kind       text NOT NULL CHECK (kind IN ('start', 'cancel')),
    created_at timestamptz NOT NULL DEFAULT now(),
    sent_at    timestamptz
);
CREATE INDEX run_outbox_unsent ON run_outbox (id) WHERE sent_at IS NULL;

-- JSON payloads are text in `json`, or zstd of that text in `packed` where it is longer than 64 KiB: never both.
CREATE TABLE block_runs (
    run_id            uuid NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    block             text NOT NULL,
    iteration         integer NOT NULL DEFAULT 0,
    attempt           integer NOT NULL DEFAULT 1,
    status            text NOT NULL CHECK (status IN ('running', 'succeeded', 'failed', 'outcome-unknown')),
    input_json        text,
    input_packed      bytea,
    result_json       text,
    result_packed     bytea,
    port              text CHECK (port IN ('true', 'false')),
    error             json,
    wall_ms           double precision,
    cpu_ms            double precision,
    peak_memory_bytes bigint,
    started_at        timestamptz NOT NULL,
    finished_at       timestamptz,
    PRIMARY KEY (run_id, block, iteration, attempt)
);

-- The journal of effects: one row for each call that may change something, durable before the call is made.
CREATE TABLE block_calls (
    run_id        uuid NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    block         text NOT NULL,
    iteration     integer NOT NULL DEFAULT 0,
    call          integer NOT NULL,
    -- SHA-256 over query and parameters: a repeat under the same key must ask for the same thing.
    request_hash  bytea NOT NULL,
    status        text NOT NULL CHECK (status IN ('started', 'finished', 'failed', 'outcome-unknown')),
    result_json   text,
    result_packed bytea,
    error         json,
    started_at    timestamptz NOT NULL DEFAULT now(),
    finished_at   timestamptz,
    PRIMARY KEY (run_id, block, iteration, call)
);

CREATE TABLE block_logs (
    run_id    uuid NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    block     text NOT NULL,
    iteration integer NOT NULL DEFAULT 0,
    attempt   integer NOT NULL DEFAULT 1,
    seq       integer NOT NULL,
    level     text NOT NULL CHECK (level IN ('debug', 'info', 'warn', 'error')),
    logged_at timestamptz NOT NULL,
    text      text NOT NULL,
    PRIMARY KEY (run_id, block, iteration, attempt, seq)
);

-- Audit ---------------------------------------------------------------------------------------------------------------

CREATE TABLE audit_log (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at          timestamptz NOT NULL DEFAULT now(),
    -- Null for the system itself and for webhooks.
    user_id     uuid,
    actor       text NOT NULL,
    action      text NOT NULL,
    object_kind text,
    object_id   uuid,
    detail      json NOT NULL DEFAULT '{}',
    request_id  text,
    address     text
);
CREATE INDEX audit_log_object ON audit_log (object_kind, object_id, id DESC);

-- Settings ------------------------------------------------------------------------------------------------------------

CREATE TABLE settings (
    key   text PRIMARY KEY,
    value json NOT NULL
);

-- Who may touch what --------------------------------------------------------------------------------------------------

REVOKE ALL ON ALL TABLES IN SCHEMA public FROM PUBLIC;

GRANT SELECT, INSERT, UPDATE, DELETE ON users, one_time_links, sessions, grants, resources, ssh_hosts, apps, workflows, webhook_keys, settings TO "bulkhead-api";
GRANT SELECT, INSERT ON app_releases, workflow_releases TO "bulkhead-api";
GRANT SELECT, INSERT, UPDATE ON runs TO "bulkhead-api";
GRANT SELECT, INSERT ON run_outbox TO "bulkhead-api";
GRANT SELECT ON block_runs, block_calls, block_logs TO "bulkhead-api";
-- Append-only: no daemon may change or delete a record.
GRANT SELECT, INSERT ON audit_log TO "bulkhead-api";

GRANT SELECT ON resources TO "bulkhead-db-connector";
GRANT SELECT ON ssh_hosts TO "bulkhead-ssh-connector";

GRANT SELECT ON workflows, workflow_releases, runs, resources TO "bulkhead-workflows-backend";
GRANT UPDATE (status, error, response, started_at, finished_at) ON runs TO "bulkhead-workflows-backend";
GRANT SELECT, INSERT, UPDATE ON block_runs, block_calls TO "bulkhead-workflows-backend";
GRANT SELECT, INSERT ON block_logs TO "bulkhead-workflows-backend";
GRANT INSERT ON audit_log TO "bulkhead-workflows-backend";

GRANT SELECT ON runs TO "bulkhead-workflows-worker";
GRANT SELECT, INSERT, UPDATE ON run_outbox TO "bulkhead-workflows-worker";
