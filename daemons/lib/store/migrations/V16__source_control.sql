-- Source Control: the repository, what it has of each document, the work that people ask for, and apps that change by pulls alone.

CREATE TABLE source_control (
    -- There is one repository.
    is_only    boolean PRIMARY KEY DEFAULT true CHECK (is_only),
    -- What the secret is sealed to, new with every connection.
    id         uuid NOT NULL,
    config     json NOT NULL,
    -- Sealed to jobs-runner.
    sealed     text NOT NULL,
    -- The commit at the end of the branch when it was fetched last.
    head       text,
    fetched_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE source_control_documents (
    -- The folder: `apps/refunds`.
    key      text PRIMARY KEY,
    -- Fingerprints of the files: of those that both sides had last, and of those that the repository has.
    base     text,
    upstream text,
    -- What the repository has, in canonical form, texts by path; null where it is no document.
    files    json,
    -- Why it is none.
    fault    text
);

CREATE TABLE source_control_jobs (
    id           uuid PRIMARY KEY,
    kind         text NOT NULL CHECK (kind IN ('fetch', 'pull', 'commit', 'branches')),
    request      json NOT NULL,
    status       text NOT NULL DEFAULT 'waiting' CHECK (status IN ('waiting', 'running', 'done', 'failed')),
    requested_by uuid REFERENCES users (id),
    requested_at timestamptz NOT NULL DEFAULT now(),
    finished_at  timestamptz,
    -- What it does at the moment, in words.
    progress     text NOT NULL DEFAULT '',
    result       json,
    error_code   text,
    error        text
);
CREATE INDEX source_control_jobs_open ON source_control_jobs (requested_at) WHERE status IN ('waiting', 'running');
CREATE INDEX source_control_jobs_newest ON source_control_jobs (requested_at DESC);

-- Its draft changes by pulls alone.
ALTER TABLE apps ADD COLUMN is_protected boolean NOT NULL DEFAULT false;

-- Who may touch what ------------------------------------------------------------------------------------------------------

-- api writes the sealed secret and cannot read it back.
GRANT SELECT (is_only, id, config, head, fetched_at, created_at, updated_at), INSERT, DELETE ON source_control TO "bulkhead-api";
GRANT UPDATE (config, head, fetched_at, updated_at) ON source_control TO "bulkhead-api";
GRANT SELECT, DELETE ON source_control_documents TO "bulkhead-api";
GRANT SELECT, INSERT ON source_control_jobs TO "bulkhead-api";
