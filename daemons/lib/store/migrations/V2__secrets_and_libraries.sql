-- Secrets that code may use, and sets of libraries for code.

-- Secrets -------------------------------------------------------------------------------------------------------------

CREATE TABLE secrets (
    id         uuid PRIMARY KEY,
    name       text NOT NULL UNIQUE,
    -- Sealed to workflows-backend.
    sealed     text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    -- Null for root on the machine.
    updated_by uuid REFERENCES users (id) ON DELETE SET NULL
);

-- The workflows whose code may use a secret.
CREATE TABLE secret_grants (
    secret_id   uuid NOT NULL REFERENCES secrets (id) ON DELETE CASCADE,
    workflow_id uuid NOT NULL REFERENCES workflows (id) ON DELETE CASCADE,
    granted_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (secret_id, workflow_id)
);
CREATE INDEX secret_grants_workflow ON secret_grants (workflow_id);

-- Sets of libraries ---------------------------------------------------------------------------------------------------

CREATE TABLE library_sets (
    id           uuid PRIMARY KEY,
    name         text NOT NULL UNIQUE,
    language     text NOT NULL CHECK (language IN ('javascript', 'python')),
    -- package-lock.json, or requirements.txt with hashes.
    lock         text NOT NULL,
    -- Modules that are imported once, ahead of all runs.
    preload      text[] NOT NULL DEFAULT '{}',
    -- Grows with every change and every wish to build again: the result for an older one is dropped.
    generation   bigint NOT NULL DEFAULT 1,
    -- Where the build of this generation stands.
    status       text NOT NULL DEFAULT 'waiting' CHECK (status IN ('waiting', 'building', 'ready', 'failed')),
    -- What the newest build that worked gave: runs use it until another one works.
    image        text,
    packages     json NOT NULL DEFAULT '[]',
    bytes        bigint,
    -- Of the newest build, whether it worked or not.
    log          text NOT NULL DEFAULT '',
    error        text,
    requested_at timestamptz NOT NULL DEFAULT now(),
    started_at   timestamptz,
    finished_at  timestamptz,
    created_at   timestamptz NOT NULL DEFAULT now(),
    updated_at   timestamptz NOT NULL DEFAULT now(),
    updated_by   uuid REFERENCES users (id) ON DELETE SET NULL,
    CHECK (status <> 'ready' OR image IS NOT NULL)
);
CREATE INDEX library_sets_to_build ON library_sets (requested_at) WHERE status IN ('waiting', 'building');

-- Who may touch what --------------------------------------------------------------------------------------------------

-- api stores what is sealed and cannot read even that back.
GRANT SELECT (id, name, created_at, updated_at, updated_by), INSERT, DELETE ON secrets TO "bulkhead-api";
GRANT UPDATE (sealed, updated_at, updated_by) ON secrets TO "bulkhead-api";
GRANT SELECT, INSERT, DELETE ON secret_grants TO "bulkhead-api";
GRANT SELECT ON secrets, secret_grants TO "bulkhead-workflows-backend";

GRANT SELECT, INSERT, UPDATE, DELETE ON library_sets TO "bulkhead-api";
GRANT SELECT ON library_sets TO "bulkhead-jobs-runner";
GRANT UPDATE (status, image, packages, bytes, log, error, started_at, finished_at) ON library_sets TO "bulkhead-jobs-runner";
GRANT SELECT (name, language, image) ON library_sets TO "bulkhead-workflows-backend";
